"""Nobody gives away rights that they do not have.

Follows `pkg/registry/rbac/escalation_check.go` and the `policybased` storages beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.apiserver.authorization import Attributes
from k8slab.apiserver.rbac.authorizer import GROUP, MASTERS
from k8slab.apiserver.rbac.rules import EVERYTHING, compact, missing, quoted, rule_text
from k8slab.apiserver.registry.small import CreatedByUpdateStrategy
from k8slab.errors import forbidden, not_found, quote

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call

NEEDS_EVERYTHING = "must have cluster-admin privileges to use the aggregationRule"


class RoleStrategy(CreatedByUpdateStrategy):
    """Rules of roles and clusterroles: a role holds what its author may do, unless they may `escalate`."""

    def prepare_create(self, obj: Any, call: Call) -> Any:
        """Check a new role."""
        _check_role(call, obj, None)
        return obj

    def prepare_update(self, obj: Any, old: Any, call: Call) -> Any:
        """Check a changed role."""
        _check_role(call, obj, old)
        return obj


class BindingStrategy(CreatedByUpdateStrategy):
    """Rules of bindings: a role is given by who may do all of it, or may `bind` it."""

    def prepare_create(self, obj: Any, call: Call) -> Any:
        """Check a new binding."""
        _check_binding(call, obj)
        return obj

    def prepare_update(self, obj: Any, old: Any, call: Call) -> Any:
        """Check a changed binding."""
        if obj.subjects != old.subjects or obj.roleRef != old.roleRef:
            _check_binding(call, obj)
        return obj


def _is_exempt(call: Call) -> bool:
    return call.server.authorizer.allows_everything or MASTERS in call.user.groups


def _may(call: Call, verb: str, resource: str, name: str, namespace: str) -> bool:
    attributes = Attributes(user=call.user, verb=verb, group=GROUP, resource=resource, name=name, namespace=namespace)
    return call.server.authorizer.authorize(attributes).allowed


def _check_role(call: Call, role: Any, old: Any) -> None:
    if _is_exempt(call):
        return
    aggregation = getattr(role, "aggregationRule", None)
    unchanged = old is not None and old.rules == role.rules
    if unchanged and (old is None or getattr(old, "aggregationRule", None) == aggregation):
        return
    metadata = role.metadata
    if _may(call, "escalate", call.endpoint.plural, metadata.name or "", metadata.namespace or ""):
        return
    _confirm(call, role, role.rules or ())
    if aggregation is not None and missing(_own_rules(call, ""), EVERYTHING):
        raise forbidden(call.endpoint.group_resource, metadata.name or "", NEEDS_EVERYTHING)


def _check_binding(call: Call, binding: Any) -> None:
    if _is_exempt(call) or binding.roleRef is None:
        return
    role, namespace = binding.roleRef, binding.metadata.namespace or ""
    plural = "clusterroles" if role.kind == "ClusterRole" else "roles"
    if _may(call, "bind", plural, role.name or "", namespace):
        return
    rules = call.server.authorizer.role_rules(role, namespace)
    if rules is None:
        raise not_found(f"{plural}.{GROUP}", role.name)
    _confirm(call, binding, rules)


def _own_rules(call: Call, namespace: str) -> list[Any]:
    return list(call.server.authorizer.rules_of(call.user, namespace))


def _confirm(call: Call, obj: Any, rules: Any) -> None:
    """Raises Forbidden with the rules that the user does not have."""
    lacking = missing(_own_rules(call, obj.metadata.namespace or ""), rules)
    if not lacking:
        return
    texts = "\n".join(sorted({rule_text(rule) for rule in compact(lacking)}))
    who = f"user {quote(call.user.name)} (groups={quoted(call.user.groups)})"
    why = f"{who} is attempting to grant RBAC permissions not currently held:\n{texts}"
    raise forbidden(call.endpoint.group_resource, obj.metadata.name or "", why)
