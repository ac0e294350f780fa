"""Resource requirements and amounts (`pkg/apis/core/validation`, `ValidateContainerResourceRequirements`)."""

from __future__ import annotations

from k8slab.api.base import Quantity
from k8slab.api.core_v1 import ResourceRequirements
from k8slab.api.quantity import canonical, compare, nano
from k8slab.api.validation import names
from k8slab.api.validation.metadata import NEGATIVE, Errors
from k8slab.errors import FieldError

STANDARD = ("cpu", "memory", "ephemeral-storage")
STANDARD_POD = ("cpu", "memory")
STANDARD_RESOURCES = frozenset(
    [
        "cpu",
        "memory",
        "ephemeral-storage",
        "requests.cpu",
        "requests.memory",
        "requests.ephemeral-storage",
        "limits.cpu",
        "limits.memory",
        "limits.ephemeral-storage",
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "storage",
        "requests.storage",
        "services.nodeports",
        "services.loadbalancers",
    ]
)
INTEGER = frozenset(
    [
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "services.nodeports",
        "services.loadbalancers",
    ]
)
NOT_INTEGER = "must be an integer"


def is_extended(name: str) -> bool:
    """A resource outside of `kubernetes.io` such as `example.com/gpu`."""
    return not is_native(name) and not name.startswith("requests.")


def is_native(name: str) -> bool:
    """Without a domain, or in `kubernetes.io`."""
    return "/" not in name or "kubernetes.io/" in name


def is_huge_page(name: str) -> bool:
    """`hugepages-2Mi` and the like."""
    return name.startswith("hugepages-")


def overcommit_allowed(name: str) -> bool:
    """Whether limits may exceed requests."""
    return is_native(name) and not is_huge_page(name)


def requirements(item: ResourceRequirements | None, path: str, errors: Errors, pod_level: bool = False) -> None:
    """Requests and limits of a container, or of a Pod: known names, amounts, requests within limits."""
    if item is None or not (item.limits or item.requests or item.claims):
        return
    limits, requests = item.limits or {}, item.requests or {}
    huge = standard = False
    for name, amount in limits.items():
        _amount(name, amount, f"{path}.limits", errors, pod_level)
        huge, standard = huge or is_huge_page(name), standard or name in ("cpu", "memory")
    for name, amount in requests.items():
        _amount(name, amount, f"{path}.requests", errors, pod_level)
        _request_within_limit(name, amount, limits, path, errors)
        huge, standard = huge or is_huge_page(name), standard or name in ("cpu", "memory")
    if huge and not standard:
        errors.append(FieldError.forbidden(path, "HugePages require cpu or memory"))


def _request_within_limit(name: str, amount: Quantity, limits: dict[str, Quantity], path: str, errors: Errors) -> None:
    limit = limits.get(name)
    if limit is not None:
        if compare(amount, limit) != 0 and not overcommit_allowed(name):
            text = f"must be equal to {name} limit of {canonical(limit)}"
            errors.append(FieldError.invalid(f"{path}.requests", canonical(amount), text))
        elif compare(amount, limit) > 0:
            text = f"must be less than or equal to {name} limit of {canonical(limit)}"
            errors.append(FieldError.invalid(f"{path}.requests", canonical(amount), text))
    elif not overcommit_allowed(name):
        errors.append(FieldError.required(f"{path}.limits", "Limit must be set for non overcommitable resources"))


def _amount(name: str, amount: Quantity, path: str, errors: Errors, pod_level: bool) -> None:
    path = f"{path}[{name}]"
    if name not in STANDARD:
        _name(name, path, errors, pod_level)
    elif pod_level and name not in STANDARD_POD:
        errors.append(FieldError.not_supported(path, name, ("cpu", "hugepages-", "memory")))
    quantity_value(name, amount, path, errors)
    if is_huge_page(name):
        _whole_pages(name, amount, path, errors)


def _whole_pages(name: str, amount: Quantity, path: str, errors: Errors) -> None:
    try:
        page = nano(name.removeprefix("hugepages-"))
    except ValueError:
        return
    if page > 0 and nano(amount) % page:
        text = f"{canonical(amount)} is not positive integer multiple of {name}"
        errors.append(FieldError.invalid(path, canonical(amount), text))


def resource_name(name: str, path: str, errors: Errors) -> bool:
    """The name of a resource: qualified, and known where it has no domain; whether it is well formed."""
    wrong = names.qualified_name(name)
    for message in wrong:
        errors.append(FieldError.invalid(path, name, message))
    if not wrong and "/" not in name and name not in STANDARD_RESOURCES and not is_huge_page(name):
        errors.append(FieldError.invalid(path, name, "must be a standard resource type or fully qualified"))
    return not wrong


def container_resource_name(name: str, path: str, errors: Errors) -> None:
    """The name of a resource that a container can ask for."""
    resource_name(name, path, errors)
    if "/" not in name:
        if name not in STANDARD and not is_huge_page(name):
            errors.append(FieldError.invalid(path, name, "must be a standard resource for containers"))
    elif not is_native(name) and not is_extended(name):
        errors.append(FieldError.invalid(path, name, "doesn't follow extended resource name standard"))


def _name(name: str, path: str, errors: Errors, pod_level: bool) -> None:
    container_resource_name(name, path, errors)
    if is_native(name) and "/" in name and not name.startswith("attachable-volumes-"):
        errors.append(FieldError.invalid(path, name, "must be a standard resource for containers"))
    elif "/" in name and pod_level:
        errors.append(FieldError.not_supported(path, name, ("cpu", "hugepages-", "memory")))


def quantity_value(name: str, amount: Quantity, path: str, errors: Errors) -> None:
    """An amount: not negative, whole where things are counted."""
    nonnegative_quantity(amount, path, errors)
    if (name in INTEGER or is_extended(name)) and nano(amount) % 10**9:
        errors.append(FieldError.invalid(path, canonical(amount), NOT_INTEGER))


def nonnegative_quantity(amount: Quantity, path: str, errors: Errors) -> None:
    """An amount of at least 0."""
    if nano(amount) < 0:
        errors.append(FieldError.invalid(path, canonical(amount), NEGATIVE))


def positive_quantity(amount: Quantity, path: str, errors: Errors) -> None:
    """An amount above 0."""
    if nano(amount) <= 0:
        errors.append(FieldError.invalid(path, canonical(amount), "must be greater than zero"))
