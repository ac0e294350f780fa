"""PersistentVolumes, claims and StorageClasses (`pkg/apis/core/validation`, `pkg/apis/storage/validation`)."""

from __future__ import annotations

from k8slab.api.core_v1 import (
    CSIPersistentVolumeSource,
    PersistentVolume,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpec,
    PersistentVolumeSpec,
    TopologySelectorLabelRequirement,
    TopologySelectorTerm,
)
from k8slab.api.quantity import compare, nano, value
from k8slab.api.storage_v1 import StorageClass
from k8slab.api.validation import names
from k8slab.api.validation.claims import VOLUME_MODES, access_modes, claim_spec
from k8slab.api.validation.gostruct import difference, rows_of
from k8slab.api.validation.metadata import Errors, immutable, label_key, object_meta, object_meta_update
from k8slab.api.validation.resources import positive_quantity
from k8slab.api.validation.selectors import node_selector
from k8slab.api.validation.volumes import driver_name, host_path, path_no_backsteps
from k8slab.errors import FieldError

CSI_SECRETS = ("controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef")
RECLAIM = ("Delete", "Recycle", "Retain")
MAX_PARAMETERS = 512
PARAMETERS_BYTES = 256 * 1024
BINDING = ("Immediate", "WaitForFirstConsumer")
CLAIM_FIXED = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
)
NO_CLAIM = PersistentVolumeClaimSpec()
NO_VOLUME = PersistentVolumeSpec()


def create_claim(obj: PersistentVolumeClaim, errors: Errors) -> None:
    """A new claim."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    claim_spec(obj.spec, "spec", errors)


def update_claim(new: PersistentVolumeClaim, old: PersistentVolumeClaim, errors: Errors) -> None:
    """A changed claim: class and volume may be set once, and a bound claim may grow."""
    object_meta_update(new.metadata, old.metadata, errors)
    create_claim(new, errors)
    spec, before = new.spec or NO_CLAIM, old.spec or NO_CLAIM
    allowed = before
    for name in ("volumeName", "storageClassName"):
        if getattr(before, name) in (None, "") and (name == "volumeName" or before.storageClassName is None):
            allowed = allowed.replace(**{name: getattr(spec, name)})
    if _phase(old) == "Bound":
        allowed = _grown(allowed, spec, old, errors)
    if spec != allowed:
        errors.append(FieldError.forbidden("spec", f"{CLAIM_FIXED}\n{difference(allowed, spec)}"))
    immutable(spec.volumeMode, before.volumeMode, "volumeMode", errors)


def _phase(obj: PersistentVolumeClaim) -> str:
    return obj.status.phase if obj.status else ""


def _grown(
    allowed: PersistentVolumeClaimSpec, spec: PersistentVolumeClaimSpec, old: PersistentVolumeClaim, errors: Errors
) -> PersistentVolumeClaimSpec:
    wanted = (spec.resources.requests if spec.resources else None) or {}
    size, capacity = wanted.get("storage"), (old.status.capacity or {}).get("storage")
    before = (allowed.resources.requests or {}).get("storage") if allowed.resources else None
    if size is None:
        return allowed
    if before is not None and compare(size, before) < 0 and (capacity is None or compare(size, capacity) <= 0):
        text = "field can not be less than status.capacity"
        errors.append(FieldError.forbidden("spec.resources.requests.storage", text))
    return allowed.replace(resources=spec.resources, volumeAttributesClassName=spec.volumeAttributesClassName)


def create_volume(obj: PersistentVolume, errors: Errors) -> None:
    """A new volume."""
    object_meta(obj.metadata, False, names.subdomain_name, errors)
    spec = obj.spec or NO_VOLUME
    if not spec.accessModes:
        errors.append(FieldError.required("spec.accessModes"))
    access_modes(spec.accessModes, "spec.accessModes", errors)
    if not spec.capacity:
        errors.append(FieldError.required("spec.capacity"))
    if set(spec.capacity or {}) != {"storage"}:
        errors.append(FieldError.not_supported("spec.capacity", spec.capacity, ("storage",)))
    for name, amount in (spec.capacity or {}).items():
        if nano(amount) < 0:
            text = "must be a valid resource quantity"
            errors.append(FieldError.invalid(f"spec.capacity[{name}]", value(amount), text))
        positive_quantity(amount, f"spec.capacity[{name}]", errors)
    policy = spec.persistentVolumeReclaimPolicy
    if policy and policy not in RECLAIM:
        errors.append(FieldError.not_supported("spec.persistentVolumeReclaimPolicy", policy, RECLAIM))
    if spec.nodeAffinity is not None and spec.nodeAffinity.required is not None:
        node_selector(spec.nodeAffinity.required, "spec.nodeAffinity.required", errors)
    elif spec.nodeAffinity is not None:
        text = "must specify required node constraints"
        errors.append(FieldError.required("spec.nodeAffinity.required", text))
    _volume_source(spec, errors)
    if spec.storageClassName:
        for message in names.subdomain_name(spec.storageClassName):
            errors.append(FieldError.invalid("spec.storageClassName", spec.storageClassName, message))
    if spec.volumeMode is not None and spec.volumeMode not in VOLUME_MODES:
        errors.append(FieldError.not_supported("spec.volumeMode", spec.volumeMode, VOLUME_MODES))
    _attributes_class(spec, errors)


def _attributes_class(spec: PersistentVolumeSpec, errors: Errors) -> None:
    name, path = spec.volumeAttributesClassName, "spec.volumeAttributesClassName"
    if name is None:
        return
    if not name:
        errors.append(FieldError.required(path, "an empty string is disallowed"))
    for message in names.subdomain_name(name) if name else ():
        errors.append(FieldError.invalid(path, name, message))
    if spec.csi is None:
        text = "has to be specified when using volumeAttributesClassName"
        errors.append(FieldError.required("spec.csi", text))


def _volume_source(spec: PersistentVolumeSpec, errors: Errors) -> None:
    found = [row[1] for row in rows_of("PersistentVolumeSource") if getattr(spec, row[1]) is not None]
    for name in found[1:]:
        errors.append(FieldError.forbidden(f"spec.{name}", "may not specify more than 1 volume type"))
    if not found:
        errors.append(FieldError.required("spec", "must specify a volume type"))
    if spec.hostPath is not None:
        host_path(spec.hostPath, "spec.hostPath", errors)
    if spec.local is not None:
        if not spec.local.path:
            errors.append(FieldError.required("spec.local.path"))
        else:
            path_no_backsteps(spec.local.path, "spec.local.path", errors)
        if spec.nodeAffinity is None:
            errors.append(FieldError.required("spec.nodeAffinity", "Local volume requires node affinity"))
    if spec.csi is not None:
        _csi(spec.csi, "spec.csi", errors)
    if spec.hostPath is not None and spec.hostPath.path == "/" and spec.persistentVolumeReclaimPolicy == "Recycle":
        text = "may not be 'recycle' for a hostPath mount of '/'"
        errors.append(FieldError.forbidden("spec.persistentVolumeReclaimPolicy", text))


def _csi(source: CSIPersistentVolumeSource, path: str, errors: Errors) -> None:
    driver_name(source.driver, f"{path}.driver", errors)
    if not source.volumeHandle:
        errors.append(FieldError.required(f"{path}.volumeHandle"))
    for name in (
        "controllerPublishSecretRef",
        "controllerExpandSecretRef",
        "nodePublishSecretRef",
        "nodeExpandSecretRef",
    ):
        secret = getattr(source, name)
        if secret is None:
            continue
        for field, check in (("name", names.dns_subdomain), ("namespace", names.dns_label)):
            text = getattr(secret, field)
            if not text:
                errors.append(FieldError.required(f"{path}.{name}.{field}"))
            for message in check(text) if text else ():
                errors.append(FieldError.invalid(f"{path}.{name}.{field}", text, message))


def update_volume(new: PersistentVolume, old: PersistentVolume, errors: Errors) -> None:
    """A changed volume: where it lies stays."""
    create_volume(new, errors)
    object_meta_update(new.metadata, old.metadata, errors)
    spec, before = new.spec or NO_VOLUME, old.spec or NO_VOLUME
    rows = rows_of("PersistentVolumeSource")
    if any(getattr(spec, row[1]) != getattr(before, row[1]) for row in rows):
        path = "spec.persistentvolumesource"
        shown = difference(before, spec, "PersistentVolumeSource")
        errors.append(FieldError.forbidden(path, f"{path} is immutable after creation\n{shown}"))
    immutable(spec.volumeMode, before.volumeMode, "volumeMode", errors)
    if before.nodeAffinity is not None:
        immutable(spec.nodeAffinity, before.nodeAffinity, "nodeAffinity", errors)


def create_class(obj: StorageClass, errors: Errors) -> None:
    """A new StorageClass."""
    object_meta(obj.metadata, False, names.subdomain_name, errors)
    provisioner(obj.provisioner, "provisioner", errors)
    parameters(obj.parameters, errors)
    if obj.reclaimPolicy and obj.reclaimPolicy not in ("Delete", "Retain"):
        errors.append(FieldError.not_supported("reclaimPolicy", obj.reclaimPolicy, ("Delete", "Retain")))
    if obj.volumeBindingMode is None:
        errors.append(FieldError.required("volumeBindingMode"))
    elif obj.volumeBindingMode not in BINDING:
        errors.append(FieldError.not_supported("volumeBindingMode", obj.volumeBindingMode, BINDING))
    _topologies(obj.allowedTopologies or (), errors)


def provisioner(name: str | None, path: str, errors: Errors) -> None:
    """The name of a provisioner or driver."""
    if not name:
        errors.append(FieldError.required(path))
    for message in names.qualified_name(name.lower()) if name else ():
        errors.append(FieldError.invalid(path, name.lower(), message))


def parameters(given: dict[str, str] | None, errors: Errors) -> None:
    """A class's parameters: at most 512, together at most 256 KiB."""
    if len(given or {}) > MAX_PARAMETERS:
        errors.append(FieldError.too_long("parameters", MAX_PARAMETERS))
        return
    for key in given or {}:
        if not key:
            errors.append(FieldError.invalid("parameters", key, "field can not be empty."))
    if sum(len(key.encode()) + len(text.encode()) for key, text in (given or {}).items()) > PARAMETERS_BYTES:
        errors.append(FieldError.too_long("parameters", PARAMETERS_BYTES))


def _topologies(terms: tuple[TopologySelectorTerm, ...], errors: Errors) -> None:
    seen: list[dict[str, frozenset[str]]] = []
    for index, term in enumerate(terms):
        path = f"allowedTopologies[{index}].matchLabelExpressions"
        chosen: dict[str, frozenset[str]] = {}
        for place, item in enumerate(term.matchLabelExpressions or ()):
            _topology(item, f"{path}[{place}]", errors)
            if item.key in chosen:
                errors.append(FieldError.duplicate(f"{path}[{place}].key", item.key))
            chosen[item.key] = frozenset(item.values or ())
        if chosen in seen:
            errors.append(FieldError.duplicate(path, ""))
        seen.append(chosen)


def _topology(item: TopologySelectorLabelRequirement, path: str, errors: Errors) -> None:
    values = item.values or ()
    if not values:
        errors.append(FieldError.required(f"{path}.values"))
    for index, text in enumerate(values):
        if text in values[:index]:
            errors.append(FieldError.duplicate(f"{path}.values[{index}]", text))
    label_key(item.key, f"{path}.key", errors)


def update_class(new: StorageClass, old: StorageClass, errors: Errors) -> None:
    """A changed StorageClass: only expansion, mount options and metadata may change."""
    create_class(new, errors)
    object_meta_update(new.metadata, old.metadata, errors)
    for name in ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"):
        immutable(getattr(new, name), getattr(old, name), name, errors)
