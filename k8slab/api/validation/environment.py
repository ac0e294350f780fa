"""Environment variables and the downward API (`pkg/apis/core/validation`, `ValidateEnv`)."""

from __future__ import annotations

from k8slab.api.core_v1 import EnvFromSource, EnvVar, EnvVarSource, ObjectFieldSelector, ResourceFieldSelector
from k8slab.api.quantity import canonical, is_zero
from k8slab.api.validation import names
from k8slab.api.validation.metadata import Errors
from k8slab.errors import FieldError

ENV_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
VOLUME_RESOURCES = (
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
)
SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_ONE_OF = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
_SCALES = "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei"


def variables(items: tuple[EnvVar, ...], path: str, errors: Errors) -> None:
    """The list `env`."""
    for index, item in enumerate(items):
        if not item.name:
            errors.append(FieldError.required(f"{path}[{index}].name"))
        else:
            for message in names.env_name(item.name):
                errors.append(FieldError.invalid(f"{path}[{index}].name", item.name, message))
        if item.valueFrom is not None:
            _value_from(item, item.valueFrom, f"{path}[{index}].valueFrom", errors)


def _value_from(item: EnvVar, source: EnvVarSource, path: str, errors: Errors) -> None:
    if source.fieldRef is not None:
        field_ref(source.fieldRef, ENV_FIELDS, f"{path}.fieldRef", errors)
    if source.resourceFieldRef is not None:
        resource_field_ref(source.resourceFieldRef, VOLUME_RESOURCES, f"{path}.resourceFieldRef", errors)
    for name in ("configMapKeyRef", "secretKeyRef"):
        reference = getattr(source, name)
        if reference is not None:
            _key_ref(reference.name, reference.key, f"{path}.{name}", errors)
    count = sum(getattr(source, name) is not None for name in SOURCES)
    if not count:
        errors.append(FieldError.invalid(path, "", _ONE_OF))
    elif item.value:
        errors.append(FieldError.invalid(path, "", "may not be specified when `value` is not empty"))
    elif count > 1:
        errors.append(FieldError.invalid(path, "", "may not have more than one field specified at a time"))


def _key_ref(name: str | None, key: str | None, path: str, errors: Errors) -> None:
    for message in names.subdomain_name(name or ""):
        errors.append(FieldError.invalid(f"{path}.name", name or "", message))
    if not key:
        errors.append(FieldError.required(f"{path}.key"))
    else:
        for message in names.config_key(key):
            errors.append(FieldError.invalid(f"{path}.key", key, message))


def env_from(items: tuple[EnvFromSource, ...], path: str, errors: Errors) -> None:
    """The list `envFrom`: all keys of a ConfigMap or Secret."""
    for index, item in enumerate(items):
        place = f"{path}[{index}]"
        if item.prefix:
            for message in names.env_name(item.prefix):
                errors.append(FieldError.invalid(f"{place}.prefix", item.prefix, message))
        count = 0
        for name in ("configMapRef", "secretRef"):
            reference = getattr(item, name)
            if reference is None:
                continue
            count += 1
            if not reference.name:
                errors.append(FieldError.required(f"{place}.{name}.name"))
            else:
                for message in names.subdomain_name(reference.name, True):
                    errors.append(FieldError.invalid(f"{place}.{name}.name", reference.name, message))
        if not count:
            errors.append(FieldError.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`"))
        elif count > 1:
            errors.append(FieldError.invalid(path, "", "may not have more than one field specified at a time"))


def field_ref(item: ObjectFieldSelector, allowed: tuple[str, ...], path: str, errors: Errors) -> None:
    """A field of the Pod itself."""
    if not item.apiVersion:
        errors.append(FieldError.required(f"{path}.apiVersion"))
        return
    if not item.fieldPath:
        errors.append(FieldError.required(f"{path}.fieldPath"))
        return
    field, subscript = _split(item.fieldPath)
    if subscript is not None:
        _subscript(field, subscript, path, errors)
    elif field not in _KNOWN:
        text = f"error converting fieldPath: field label not supported: {field}"
        errors.append(FieldError.invalid(f"{path}.fieldPath", field, text))
    elif field not in allowed:
        errors.append(FieldError.not_supported(f"{path}.fieldPath", field, sorted(allowed)))


_KNOWN = {*ENV_FIELDS, "metadata.labels", "metadata.annotations", "spec.restartPolicy", "spec.schedulerName"}


def _split(path: str) -> tuple[str, str | None]:
    """`metadata.labels['app']` as `metadata.labels` and `app`."""
    head, bracket, tail = path.partition("['")
    return (head, tail[:-2]) if bracket and tail.endswith("']") else (path, None)


def _subscript(field: str, key: str, path: str, errors: Errors) -> None:
    if field == "metadata.annotations":
        messages = names.qualified_name(key.lower())
    elif field == "metadata.labels":
        messages = names.qualified_name(key)
    else:
        errors.append(FieldError.invalid(path, field, "does not support subscript"))
        return
    for message in messages:
        errors.append(FieldError.invalid(path, key, message))


def resource_field_ref(
    item: ResourceFieldSelector, allowed: tuple[str, ...], path: str, errors: Errors, volume: bool = False
) -> None:
    """A request or limit of a container."""
    resource = item.resource or ""
    if volume and not item.containerName:
        errors.append(FieldError.required(f"{path}.containerName"))
    elif not resource:
        errors.append(FieldError.required(f"{path}.resource"))
    elif resource not in allowed and ".hugepages-" not in resource:
        errors.append(FieldError.not_supported(f"{path}.resource", resource, sorted(allowed)))
    _divisor(resource, item, path, errors)


def _divisor(resource: str, item: ResourceFieldSelector, path: str, errors: Errors) -> None:
    if item.divisor is None or is_zero(item.divisor):
        return
    text = canonical(item.divisor)
    what = resource.partition(".")[2]
    if what == "cpu" and text not in ("1m", "1"):
        message = "only divisor's values 1m and 1 are supported with the cpu resource"
    elif what in ("memory", "ephemeral-storage") and text not in _SCALES.split(", "):
        kind = "memory" if what == "memory" else "local ephemeral storage"
        message = f"only divisor's values {_SCALES} are supported with the {kind} resource"
    else:
        return
    errors.append(FieldError.invalid(f"{path}.divisor", resource, message))
