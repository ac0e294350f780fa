"""Default roles and bindings that are there already: what they lack is added when the server starts.

What was added to them stays, and those with `rbac.authorization.kubernetes.io/autoupdate: "false"` are left alone.
Follows `component-helpers/auth/rbac/reconciliation` as `pkg/registry/rbac/rest/storage_rbac.go` uses it.
"""

from __future__ import annotations

from typing import Any

from k8slab.apiserver.rbac.rules import missing

AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"


def reconciled(stored: Any, wanted: Any) -> Any:
    """The stored role or binding, with what it lacks of the default one."""
    if (stored.metadata.annotations or {}).get(AUTOUPDATE) == "false":
        return stored
    metadata = stored.metadata.replace(
        labels={**(wanted.metadata.labels or {}), **(stored.metadata.labels or {})} or None,
        annotations={**(wanted.metadata.annotations or {}), **(stored.metadata.annotations or {})} or None,
    )
    changed = stored.replace(metadata=metadata)
    if hasattr(wanted, "roleRef"):
        return changed.replace(subjects=_subjects(stored, wanted))
    lacking = tuple(missing(stored.rules or (), wanted.rules or ()))
    if lacking:
        changed = changed.replace(rules=(*(stored.rules or ()), *lacking))
    if getattr(wanted, "aggregationRule", None) is not None:
        changed = changed.replace(aggregationRule=_aggregation(stored, wanted))
    return changed


def must_be_replaced(stored: Any, wanted: Any) -> bool:
    """Whether a binding gives another role than it should: what it gives cannot be changed."""
    is_kept = (stored.metadata.annotations or {}).get(AUTOUPDATE) == "false"
    return hasattr(wanted, "roleRef") and stored.roleRef != wanted.roleRef and not is_kept


def _subjects(stored: Any, wanted: Any) -> Any:
    known = stored.subjects or ()
    return (*known, *(each for each in wanted.subjects or () if each not in known)) or None


def _aggregation(stored: Any, wanted: Any) -> Any:
    """The selectors of both."""
    if stored.aggregationRule is None:
        return wanted.aggregationRule
    known = stored.aggregationRule.clusterRoleSelectors or ()
    more = tuple(each for each in wanted.aggregationRule.clusterRoleSelectors or () if each not in known)
    return stored.aggregationRule.replace(clusterRoleSelectors=(*known, *more))
