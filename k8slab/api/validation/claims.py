"""What a volume claim asks for (`pkg/apis/core/validation`, `ValidatePersistentVolumeClaimSpec`)."""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import PersistentVolumeClaimSpec
from k8slab.api.validation import names
from k8slab.api.validation.metadata import Errors
from k8slab.api.validation.resources import positive_quantity
from k8slab.api.validation.selectors import label_selector
from k8slab.errors import FieldError

ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
VOLUME_MODES = ("Block", "Filesystem")


def claim_spec(spec: PersistentVolumeClaimSpec | None, path: str, errors: Errors) -> None:
    """The spec of a claim, or of a template of one."""
    spec = spec or PersistentVolumeClaimSpec()
    if not spec.accessModes:
        errors.append(FieldError.required(f"{path}.accessModes", "at least 1 access mode is required"))
    label_selector(spec.selector, f"{path}.selector", errors)
    access_modes(spec.accessModes, f"{path}.accessModes", errors)
    requests = (spec.resources.requests if spec.resources else None) or {}
    if "storage" not in requests:
        errors.append(FieldError.required(f"{path}.resources[storage]"))
    else:
        positive_quantity(requests["storage"], f"{path}.resources[storage]", errors)
    if spec.storageClassName:
        for message in names.subdomain_name(spec.storageClassName):
            errors.append(FieldError.invalid(f"{path}.storageClassName", spec.storageClassName, message))
    if spec.volumeMode is not None and spec.volumeMode not in VOLUME_MODES:
        errors.append(FieldError.not_supported(f"{path}.volumeMode", spec.volumeMode, VOLUME_MODES))
    _data_source(spec, path, errors)
    if spec.volumeAttributesClassName:
        for message in names.subdomain_name(spec.volumeAttributesClassName):
            field = f"{path}.volumeAttributesClassName"
            errors.append(FieldError.invalid(field, spec.volumeAttributesClassName, message))


def _data_source(spec: PersistentVolumeClaimSpec, path: str, errors: Errors) -> None:
    for name in ("dataSource", "dataSourceRef"):
        source = getattr(spec, name)
        if source is not None:
            _reference(source, f"{path}.{name}", errors)
    one, other = spec.dataSource, spec.dataSourceRef
    if one is None or other is None:
        return
    if other.namespace:
        text = "may not be specified when dataSourceRef.namespace is specified"
        errors.append(FieldError.invalid(path, f"{path}.dataSource", text))
    elif (one.apiGroup, one.kind, one.name) != (other.apiGroup, other.kind, other.name):
        errors.append(FieldError.invalid(path, f"{path}.dataSource", "must match dataSourceRef"))


def _reference(source: Any, path: str, errors: Errors) -> None:
    for name in ("name", "kind"):
        if not getattr(source, name):
            errors.append(FieldError.required(f"{path}.{name}"))
    if not source.apiGroup and source.kind != "PersistentVolumeClaim":
        text = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
        errors.append(FieldError.invalid(path, source.kind or "", text))
    for message in names.dns_subdomain(source.apiGroup) if source.apiGroup else ():
        errors.append(FieldError.invalid(f"{path}.apiGroup", source.apiGroup, message))
    namespace = getattr(source, "namespace", None)
    for message in names.label_name(namespace) if namespace else ():
        errors.append(FieldError.invalid(f"{path}.namespace", namespace, message))


def access_modes(modes: tuple[str, ...] | None, path: str, errors: Errors) -> None:
    """How many may mount a volume, and for what."""
    for mode in modes or ():
        if mode not in ACCESS_MODES:
            errors.append(FieldError.not_supported(path, mode, ACCESS_MODES))
    if modes and "ReadWriteOncePod" in modes and len(modes) > 1:
        text = "may not use ReadWriteOncePod with other access modes"
        errors.append(FieldError.forbidden(path, text))
