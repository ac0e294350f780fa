"""Roles and bindings (`pkg/apis/rbac/validation`)."""

from __future__ import annotations

from typing import Any

from k8slab.api import rbac_v1
from k8slab.api.validation import names
from k8slab.api.validation.gostruct import quoted
from k8slab.api.validation.metadata import Errors, object_meta, object_meta_update
from k8slab.api.validation.selectors import label_selector
from k8slab.errors import FieldError

RBAC = "rbac.authorization.k8s.io"


def role(obj: rbac_v1.Role | rbac_v1.ClusterRole, errors: Errors) -> None:
    """A new Role or ClusterRole."""
    namespaced = isinstance(obj, rbac_v1.Role)
    object_meta(obj.metadata, namespaced, names.segment_name, errors)
    for index, rule in enumerate(obj.rules or ()):
        _rule(rule, namespaced, f"rules[{index}]", errors)
    aggregation = getattr(obj, "aggregationRule", None)
    if aggregation is not None and not aggregation.clusterRoleSelectors:
        text = "at least one clusterRoleSelector required if aggregationRule is non-nil"
        errors.append(FieldError.required("aggregationRule.clusterRoleSelectors", text))
    for index, selector in enumerate((aggregation.clusterRoleSelectors or ()) if aggregation else ()):
        label_selector(selector, f"aggregationRule.clusterRoleSelectors[{index}]", errors)


def _rule(rule: rbac_v1.PolicyRule, namespaced: bool, path: str, errors: Errors) -> None:
    if not rule.verbs:
        errors.append(FieldError.required(f"{path}.verbs", "verbs must contain at least one value"))
    urls = rule.nonResourceURLs
    if urls:
        if namespaced:
            text = "namespaced rules cannot apply to non-resource URLs"
            errors.append(FieldError.invalid(f"{path}.nonResourceURLs", urls, text))
        if rule.apiGroups or rule.resources or rule.resourceNames:
            text = "rules cannot apply to both regular resources and non-resource URLs"
            errors.append(FieldError.invalid(f"{path}.nonResourceURLs", urls, text))
        return
    if not rule.apiGroups:
        errors.append(FieldError.required(f"{path}.apiGroups", "resource rules must supply at least one api group"))
    if not rule.resources:
        errors.append(FieldError.required(f"{path}.resources", "resource rules must supply at least one resource"))


def update_role(new: Any, old: Any, errors: Errors) -> None:
    """A changed Role or ClusterRole."""
    role(new, errors)
    object_meta_update(new.metadata, old.metadata, errors)


def binding(obj: rbac_v1.RoleBinding | rbac_v1.ClusterRoleBinding, errors: Errors) -> None:
    """A new RoleBinding or ClusterRoleBinding."""
    namespaced = isinstance(obj, rbac_v1.RoleBinding)
    object_meta(obj.metadata, namespaced, names.segment_name, errors)
    ref = obj.roleRef or rbac_v1.RoleRef()
    if ref.apiGroup != RBAC:
        errors.append(FieldError.not_supported("roleRef.apiGroup", ref.apiGroup or "", (RBAC,)))
    kinds = ("Role", "ClusterRole") if namespaced else ("ClusterRole",)
    if ref.kind not in kinds:
        errors.append(FieldError.not_supported("roleRef.kind", ref.kind or "", kinds))
    if not ref.name:
        errors.append(FieldError.required("roleRef.name"))
    for message in names.path_segment(ref.name or ""):
        errors.append(FieldError.invalid("roleRef.name", ref.name, message))
    for index, subject in enumerate(obj.subjects or ()):
        _subject(subject, namespaced, f"subjects[{index}]", errors)


def _subject(item: rbac_v1.Subject, namespaced: bool, path: str, errors: Errors) -> None:
    if not item.name:
        errors.append(FieldError.required(f"{path}.name"))
    if item.kind == "ServiceAccount":
        for message in names.subdomain_name(item.name) if item.name else ():
            errors.append(FieldError.invalid(f"{path}.name", item.name, message))
        if item.apiGroup:
            errors.append(FieldError.not_supported(f"{path}.apiGroup", item.apiGroup, ("",)))
        if not item.namespace and not namespaced:
            errors.append(FieldError.required(f"{path}.namespace"))
    elif item.kind in ("User", "Group"):
        if item.apiGroup != RBAC:
            errors.append(FieldError.not_supported(f"{path}.apiGroup", item.apiGroup or "", (RBAC,)))
    else:
        kinds = ("ServiceAccount", "User", "Group")
        errors.append(FieldError.not_supported(f"{path}.kind", item.kind or "", kinds))


def update_binding(new: Any, old: Any, errors: Errors) -> None:
    """A changed binding: its role stays."""
    binding(new, errors)
    object_meta_update(new.metadata, old.metadata, errors)
    if new.roleRef != old.roleRef:
        errors.append(FieldError.invalid("roleRef", quoted(new.roleRef), "cannot change roleRef"))
