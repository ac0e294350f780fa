"""The two ways to change what runs in a Pod: ephemeral containers are added, resources are resized.

Follows `ValidatePodEphemeralContainersUpdate` and `ValidatePodResize` in `pkg/apis/core/validation/validation.go`.
"""

from __future__ import annotations

from typing import Any

from k8slab.api.resources import qos_class
from k8slab.api.validation import validate_create
from k8slab.errors import FieldError

RESIZABLE = frozenset({"cpu", "memory"})


def with_ephemeral(obj: Any, old: Any) -> Any:
    """The stored Pod with the request's ephemeral containers."""
    return obj.replace(spec=old.spec.replace(ephemeralContainers=obj.spec.ephemeralContainers), status=old.status)


def ephemeral_errors(obj: Any, old: Any) -> list[FieldError]:
    """Ephemeral containers are only ever added."""
    field = "spec.ephemeralContainers"
    new = {each.name: each for each in obj.spec.ephemeralContainers or ()}
    errors = []
    for each in old.spec.ephemeralContainers or ():
        if each.name not in new:
            why = f'existing ephemeral containers "{each.name}" may not be removed\n'
            errors.append(FieldError.forbidden(field, why))
        elif new[each.name] != each:
            why = f'existing ephemeral containers "{each.name}" may not be changed\n'
            errors.append(FieldError.forbidden(field, why))
    return errors + _new_container_errors(obj)


def _new_container_errors(obj: Any) -> list[FieldError]:
    spec, errors = obj.spec, []
    taken = {each.name for each in (*(spec.containers or ()), *(spec.initContainers or ()))}
    for index, each in enumerate(spec.ephemeralContainers or ()):
        place = f"spec.ephemeralContainers[{index}]"
        if not each.name:
            errors.append(FieldError.required(f"{place}.name"))
        elif each.name in taken:
            errors.append(FieldError.duplicate(f"{place}.name", each.name))
        taken.add(each.name)
        if not each.image:
            errors.append(FieldError.required(f"{place}.image"))
        for name in ("ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"):
            if getattr(each, name) is not None:
                errors.append(FieldError.forbidden(f"{place}.{name}", "cannot be set for an Ephemeral Container"))
    return errors


def with_resources(obj: Any, old: Any) -> Any:
    """The stored Pod with the request's resources."""
    changes = {
        name: _resized(getattr(obj.spec, name), getattr(old.spec, name)) for name in ("containers", "initContainers")
    }
    return obj.replace(spec=old.spec.replace(**changes, resources=obj.spec.resources), status=old.status)


def _resized(new: Any, old: Any) -> Any:
    wanted = {each.name: each for each in new or ()}
    if old is None:
        return None
    return tuple(
        each.replace(resources=wanted[each.name].resources, resizePolicy=wanted[each.name].resizePolicy)
        if each.name in wanted
        else each
        for each in old
    )


def resize_errors(obj: Any, old: Any) -> list[FieldError]:
    """Only processor and memory change, and the QoS class stays what it is."""
    errors = [error for error in validate_create(obj) if "resources" in error.field]
    if qos_class(obj) != qos_class(old):
        errors.append(
            FieldError.invalid("spec", qos_class(obj), "Pod QOS Class may not change as a result of resizing")
        )
    for field in ("containers", "initContainers"):
        pairs = zip(getattr(obj.spec, field) or (), getattr(old.spec, field) or (), strict=True)
        for index, (new, was) in enumerate(pairs):
            if _others(new) != _others(was):
                place = f"spec.{field}[{index}].resources"
                errors.append(FieldError.forbidden(place, "only cpu and memory resources are mutable"))
    return errors


def _others(container: Any) -> list[dict[str, Any]]:
    resources = container.resources
    lists = (resources.limits, resources.requests) if resources is not None else ()
    return [{key: value for key, value in (each or {}).items() if key not in RESIZABLE} for each in lists]
