"""Resource quotas and limit ranges (`pkg/apis/core/validation`)."""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import (
    LimitRange,
    LimitRangeItem,
    ResourceQuota,
    ResourceQuotaSpec,
    ScopedResourceSelectorRequirement,
)
from k8slab.api.quantity import canonical, compare, milli
from k8slab.api.validation import names
from k8slab.api.validation.gostruct import quoted
from k8slab.api.validation.metadata import Errors, object_meta, object_meta_update
from k8slab.api.validation.resources import (
    STANDARD_RESOURCES,
    container_resource_name,
    is_huge_page,
    overcommit_allowed,
    quantity_value,
    resource_name,
)
from k8slab.errors import FieldError

SCOPES = (
    "BestEffort",
    "CrossNamespacePodAffinity",
    "NotBestEffort",
    "NotTerminating",
    "PriorityClass",
    "Terminating",
    "VolumeAttributesClass",
)
OF_PODS = ("pods", "cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory")
FIT = {
    **dict.fromkeys(SCOPES, OF_PODS),
    "BestEffort": ("pods",),
    "VolumeAttributesClass": ("persistentvolumeclaims", "requests.storage"),
}
"""Which resources a scope can be applied to."""
EXISTS_ONLY = ("BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity")
EXISTS_TEXT = (
    "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
    "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
)
LIMIT_TYPES = ("Pod", "Container", "PersistentVolumeClaim")


def resource_quota(obj: ResourceQuota, errors: Errors) -> None:
    """A new ResourceQuota."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    _quota_spec(obj.spec or ResourceQuotaSpec(), errors)
    _quota_status(obj, errors)


def _quota_spec(spec: ResourceQuotaSpec, errors: Errors) -> None:
    _hard(spec.hard, "spec.hard", errors)
    if spec.scopes:
        _scopes(spec, errors)
    if spec.scopeSelector is not None:
        _scope_selector(spec, errors)


def _quota_status(obj: ResourceQuota, errors: Errors) -> None:
    for name in ("hard", "used"):
        _hard(getattr(obj.status, name) if obj.status else None, f"status.{name}", errors)


def _hard(amounts: dict[str, Any] | None, path: str, errors: Errors) -> None:
    for name, amount in (amounts or {}).items():
        _quota_name(name, f"{path}[{name}]", errors)
        quantity_value(name, amount, f"{path}[{name}]", errors)


def _scopes(spec: ResourceQuotaSpec, errors: Errors) -> None:
    path, shown = "spec.scopes", spec.scopes
    for scope in spec.scopes or ():
        if scope not in SCOPES:
            errors.append(FieldError.invalid(path, shown, "unsupported scope"))
        for _ in _unfit(scope, spec):
            errors.append(FieldError.invalid(path, shown, "unsupported scope applied to resource"))
    _conflicting(set(spec.scopes or ()), path, shown, errors)


def _unfit(scope: str | None, spec: ResourceQuotaSpec) -> list[str]:
    """The resources of the quota that do not go with a scope."""
    fit = FIT.get(scope or "", ())
    return [name for name in sorted(spec.hard or {}) if _is_standard(name) and name not in fit]


def _conflicting(scopes: set[str], path: str, shown: Any, errors: Errors) -> None:
    for pair in ({"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"}):
        if pair <= scopes:
            errors.append(FieldError.invalid(path, shown, "conflicting scopes"))


def _scope_selector(spec: ResourceQuotaSpec, errors: Errors) -> None:
    path = "spec.scopeSelector.matchExpressions"
    wanted = spec.scopeSelector.matchExpressions or ()
    for item in wanted:
        if item.scopeName not in SCOPES:
            errors.append(FieldError.invalid(f"{path}.scopeName", item.scopeName or "", "unsupported scope"))
        for _ in _unfit(item.scopeName, spec):
            text = "unsupported scope applied to resource"
            errors.append(FieldError.invalid(path, quoted(spec.scopeSelector), text))
        _scope_operator(item, path, errors)
    _conflicting({item.scopeName or "" for item in wanted}, "spec.scopeSelector.matchExpressions", spec.scopes, errors)


def _scope_operator(item: ScopedResourceSelectorRequirement, path: str, errors: Errors) -> None:
    if item.scopeName in EXISTS_ONLY and item.operator != "Exists":
        errors.append(FieldError.invalid(f"{path}.operator", item.operator or "", EXISTS_TEXT))
    if item.operator in ("In", "NotIn"):
        if not item.values:
            text = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
            errors.append(FieldError.required(f"{path}.values", text))
    elif item.operator in ("Exists", "DoesNotExist"):
        if item.values:
            text = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
            errors.append(FieldError.invalid(f"{path}.values", item.values, text))
    else:
        errors.append(FieldError.invalid(f"{path}.operator", item.operator or "", "not a valid selector operator"))


def _is_standard(name: str) -> bool:
    return name in STANDARD_RESOURCES or is_huge_page(name.removeprefix("requests."))


def _quota_name(name: str, path: str, errors: Errors) -> None:
    for message in names.qualified_name(name):
        errors.append(FieldError.invalid(path, name, message))
    if "/" in name or _is_standard(name):
        return
    errors.append(FieldError.invalid(path, name, "must be a standard resource type or fully qualified"))
    errors.append(FieldError.invalid(path, name, "must be a standard resource for quota"))


def update_resource_quota(new: ResourceQuota, old: ResourceQuota, errors: Errors) -> None:
    """A changed ResourceQuota: what it counts stays."""
    object_meta_update(new.metadata, old.metadata, errors)
    _quota_spec(new.spec or ResourceQuotaSpec(), errors)
    scopes, before = ((obj.spec.scopes if obj.spec else None) or () for obj in (new, old))
    if sorted(scopes) != sorted(before):
        errors.append(FieldError.invalid("spec.scopes", scopes, "field is immutable"))


def quota_status(new: ResourceQuota, old: ResourceQuota, errors: Errors) -> None:
    """A changed status of a ResourceQuota."""
    object_meta_update(new.metadata, old.metadata, errors)
    _quota_status(new, errors)


def limit_range(obj: LimitRange, errors: Errors) -> None:
    """A new LimitRange."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    seen: set[str] = set()
    for index, item in enumerate((obj.spec.limits or ()) if obj.spec else ()):
        path = f"spec.limits[{index}]"
        _limit_type(item.type or "", f"{path}.type", errors)
        if item.type in seen:
            errors.append(FieldError.duplicate(f"{path}.type", item.type))
        seen.add(item.type)
        _limits(item, path, errors)


def _limit_type(name: str, path: str, errors: Errors) -> None:
    wrong = names.qualified_name(name)
    for message in wrong:
        errors.append(FieldError.invalid(path, name, message))
    if not wrong and "/" not in name and name not in LIMIT_TYPES:
        errors.append(FieldError.invalid(path, name, "must be a standard limit type or fully qualified"))


def _limits(item: LimitRangeItem, path: str, errors: Errors) -> None:
    columns = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"]
    for column in columns:
        if item.type == "Pod" and column.startswith("default"):
            if getattr(item, column):
                errors.append(FieldError.forbidden(f"{path}.{column}", "may not be specified when `type` is 'Pod'"))
            continue
        if column == "maxLimitRequestRatio" and item.type == "PersistentVolumeClaim":
            _storage_bounds(item, path, errors)
        for name in getattr(item, column) or {}:
            _limit_name(item.type, name, f"{path}.{column}[{name}]", errors)
    resources = dict.fromkeys(name for column in columns for name in getattr(item, column) or {})
    for name in resources:
        _bounds(item, name, path, errors)


def _storage_bounds(item: LimitRangeItem, path: str, errors: Errors) -> None:
    if "storage" not in (item.min or {}) and "storage" not in (item.max or {}):
        text = "either minimum or maximum storage value is required, but neither was provided"
        errors.append(FieldError.required(f"{path}.limits", text))


def _limit_name(kind: str | None, name: str, path: str, errors: Errors) -> None:
    if kind in ("Pod", "Container"):
        container_resource_name(name, path, errors)
    else:
        resource_name(name, path, errors)


def _bounds(item: LimitRangeItem, name: str, path: str, errors: Errors) -> None:
    low, high = (item.min or {}).get(name), (item.max or {}).get(name)
    limit = (item.default or {}).get(name) if item.type != "Pod" else None
    request = (item.defaultRequest or {}).get(name) if item.type != "Pod" else None
    for small, large, field, value, text in (
        (low, high, "min", low, "min value {} is greater than max value {}"),
        (low, request, "defaultRequest", request, "min value {} is greater than default request value {}"),
        (request, high, "defaultRequest", request, "default request value {} is greater than max value {}"),
        (request, limit, "defaultRequest", request, "default request value {} is greater than default limit value {}"),
        (low, limit, "default", low, "min value {} is greater than default value {}"),
        (limit, high, "default", high, "default value {} is greater than max value {}"),
    ):
        if small is not None and large is not None and compare(small, large) > 0:
            message = text.format(canonical(small), canonical(large))
            errors.append(FieldError.invalid(f"{path}.{field}[{name}]", canonical(value), message))
    ratio = (item.maxLimitRequestRatio or {}).get(name)
    if ratio is not None:
        _ratio(ratio, low, high, f"{path}.maxLimitRequestRatio[{name}]", errors)
    if not overcommit_allowed(name) and limit is not None and request is not None and compare(limit, request):
        text = f"default value {canonical(limit)} must equal to defaultRequest value {canonical(request)} in {name}"
        errors.append(FieldError.invalid(f"{path}.defaultRequest[{name}]", canonical(request), text))


def _ratio(ratio: Any, low: Any, high: Any, path: str, errors: Errors) -> None:
    if milli(ratio) < 1000:
        text = f"ratio {canonical(ratio)} is less than 1"
        errors.append(FieldError.invalid(path, canonical(ratio), text))
    if low is not None and high is not None and milli(low):
        limit = milli(high) / milli(low)
        if milli(ratio) / 1000 > limit:
            text = f"ratio {canonical(ratio)} is greater than max/min = {limit:f}"
            errors.append(FieldError.invalid(path, canonical(ratio), text))


def update_limit_range(new: LimitRange, old: LimitRange, errors: Errors) -> None:
    """A changed LimitRange."""
    limit_range(new, errors)
    object_meta_update(new.metadata, old.metadata, errors)
