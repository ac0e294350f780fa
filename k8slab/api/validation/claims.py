"""What a volume claim asks for (`pkg/apis/core/validation`, `ValidatePersistentVolumeClaimSpec`)."""

from __future__ import annotations

from k8slab.api.core_v1 import PersistentVolumeClaimSpec
from k8slab.api.validation import names
from k8slab.api.validation.metadata import Errors
from k8slab.api.validation.resources import nonnegative_quantity, positive_quantity
from k8slab.api.validation.selectors import label_selector
from k8slab.errors import FieldError

ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
VOLUME_MODES = ("Block", "Filesystem")


def claim_spec(spec: PersistentVolumeClaimSpec | None, path: str, errors: Errors) -> None:
    """The spec of a claim, or of a template of one."""
    spec = spec or PersistentVolumeClaimSpec()
    access_modes(spec.accessModes, f"{path}.accessModes", errors, "at least 1 access mode is required")
    label_selector(spec.selector, f"{path}.selector", errors)
    requests = (spec.resources.requests if spec.resources else None) or {}
    if "storage" not in requests:
        errors.append(FieldError.required(f"{path}.resources[storage]"))
    else:
        nonnegative_quantity(requests["storage"], f"{path}.resources[storage]", errors)
        positive_quantity(requests["storage"], f"{path}.resources[storage]", errors)
    if spec.storageClassName:
        for message in names.subdomain_name(spec.storageClassName):
            errors.append(FieldError.invalid(f"{path}.storageClassName", spec.storageClassName, message))
    if spec.volumeMode is not None and spec.volumeMode not in VOLUME_MODES:
        errors.append(FieldError.not_supported(f"{path}.volumeMode", spec.volumeMode, VOLUME_MODES))


def access_modes(modes: tuple[str, ...] | None, path: str, errors: Errors, missing: str) -> None:
    """How many may mount a volume, and for what."""
    if not modes:
        errors.append(FieldError.required(path, missing))
    for mode in modes or ():
        if mode not in ACCESS_MODES:
            errors.append(FieldError.not_supported(path, mode, ACCESS_MODES))
    if modes and "ReadWriteOncePod" in modes and len(modes) > 1:
        text = "may not use ReadWriteOncePod with other access modes"
        errors.append(FieldError.forbidden(path, text))
