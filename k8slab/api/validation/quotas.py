"""Resource quotas and limit ranges (`pkg/apis/core/validation`)."""

from __future__ import annotations

from k8slab.api.core_v1 import LimitRange, LimitRangeItem, ResourceQuota
from k8slab.api.quantity import canonical, compare, milli
from k8slab.api.validation import names
from k8slab.api.validation.metadata import Errors, object_meta, object_meta_update
from k8slab.api.validation.resources import STANDARD_RESOURCES, is_huge_page, quantity_value
from k8slab.errors import FieldError

SCOPES = ("BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "PriorityClass", "Terminating")


def resource_quota(obj: ResourceQuota, errors: Errors) -> None:
    """A new ResourceQuota."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    spec = obj.spec
    for name, amount in (spec.hard or {}).items() if spec else ():
        path = f"spec.hard[{name}]"
        _quota_name(name, path, errors)
        quantity_value(name, amount, path, errors)
    for scope in (spec.scopes or ()) if spec else ():
        if scope not in SCOPES:
            errors.append(FieldError.invalid("spec.scopes", spec.scopes, "unsupported scope"))


def _quota_name(name: str, path: str, errors: Errors) -> None:
    for message in names.qualified_name(name):
        errors.append(FieldError.invalid(path, name, message))
    if "/" in name or name in STANDARD_RESOURCES or is_huge_page(name.removeprefix("requests.")):
        return
    errors.append(FieldError.invalid(path, name, "must be a standard resource type or fully qualified"))
    errors.append(FieldError.invalid(path, name, "must be a standard resource for quota"))


def update_resource_quota(new: ResourceQuota, old: ResourceQuota, errors: Errors) -> None:
    """A changed ResourceQuota: what it counts stays."""
    object_meta_update(new.metadata, old.metadata, errors)
    resource_quota(new, errors)
    scopes, before = ((obj.spec.scopes if obj.spec else None) or () for obj in (new, old))
    if sorted(scopes) != sorted(before):
        errors.append(FieldError.invalid("spec.scopes", scopes, "field is immutable"))


def limit_range(obj: LimitRange, errors: Errors) -> None:
    """A new LimitRange."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    seen: set[str] = set()
    for index, item in enumerate((obj.spec.limits or ()) if obj.spec else ()):
        path = f"spec.limits[{index}]"
        for message in names.qualified_name(item.type or ""):
            errors.append(FieldError.invalid(f"{path}.type", item.type or "", message))
        if item.type in seen:
            errors.append(FieldError.duplicate(f"{path}.type", item.type))
        seen.add(item.type)
        for name in ("default", "defaultRequest") if item.type == "Pod" else ():
            if getattr(item, name):
                errors.append(FieldError.forbidden(f"{path}.{name}", "may not be specified when `type` is 'Pod'"))
        _limits(item, path, errors)


def _limits(item: LimitRangeItem, path: str, errors: Errors) -> None:
    columns = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")
    resources = dict.fromkeys(name for column in columns for name in getattr(item, column) or {})
    for name in resources:
        _bounds(item, name, path, errors)


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
    if ratio is not None and milli(ratio) < 1000:
        text = f"ratio {canonical(ratio)} is less than 1"
        errors.append(FieldError.invalid(f"{path}.maxLimitRequestRatio[{name}]", canonical(ratio), text))


def update_limit_range(new: LimitRange, old: LimitRange, errors: Errors) -> None:
    """A changed LimitRange."""
    limit_range(new, errors)
    object_meta_update(new.metadata, old.metadata, errors)
