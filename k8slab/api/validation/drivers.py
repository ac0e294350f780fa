"""What storage drivers and attachments say (`pkg/apis/storage/validation`).

CSIDrivers, CSINodes, VolumeAttachments, VolumeAttributesClasses and CSIStorageCapacities.
"""

from __future__ import annotations

from k8slab.api import storage_v1
from k8slab.api.validation import names
from k8slab.api.validation.gostruct import quoted
from k8slab.api.validation.metadata import Errors, immutable, label_key, nonnegative, object_meta, object_meta_update
from k8slab.api.validation.resources import nonnegative_quantity
from k8slab.api.validation.selectors import label_selector
from k8slab.api.validation.storage import parameters, provisioner
from k8slab.api.validation.volumes import driver_name
from k8slab.errors import FieldError

FS_GROUP = ("File", "None", "ReadWriteOnceWithFSType")
LIFECYCLES = ("Persistent", "Ephemeral")
MAX_NODE_ID = 256
MAX_MESSAGE = 1024
ONE_SOURCE = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"


def csi_driver(obj: storage_v1.CSIDriver, errors: Errors) -> None:
    """A new CSIDriver."""
    object_meta(obj.metadata, False, names.subdomain_name, errors)
    _driver_spec(obj.spec or storage_v1.CSIDriverSpec(), errors)


def _driver_spec(spec: storage_v1.CSIDriverSpec, errors: Errors) -> None:
    for name, shown in (("attachRequired", "attachedRequired"), ("podInfoOnMount",) * 2, ("storageCapacity",) * 2):
        if getattr(spec, name) is None:
            errors.append(FieldError.required(f"spec.{shown}"))
    if spec.fsGroupPolicy is not None and spec.fsGroupPolicy not in FS_GROUP:
        errors.append(FieldError.not_supported("spec.fsGroupPolicy", spec.fsGroupPolicy, FS_GROUP))
    _token_requests(spec, errors)
    for mode in spec.volumeLifecycleModes or ():
        if mode not in LIFECYCLES:
            errors.append(FieldError.not_supported("spec.volumeLifecycleModes", mode, LIFECYCLES))
    if spec.seLinuxMount is None:
        errors.append(FieldError.required("spec.seLinuxMount"))
    period = spec.nodeAllocatableUpdatePeriodSeconds
    if period is not None and period < 10:
        text = "must be greater than or equal to 10 seconds"
        errors.append(FieldError.invalid("spec.nodeAllocatableUpdatePeriodSeconds", period, text))


def _token_requests(spec: storage_v1.CSIDriverSpec, errors: Errors) -> None:
    seen: set[str] = set()
    for index, request in enumerate(spec.tokenRequests or ()):
        path, audience = f"spec.tokenRequests[{index}]", request.audience or ""
        if audience in seen:
            errors.append(FieldError.duplicate(f"{path}.audience", audience))
            continue
        seen.add(audience)
        seconds = request.expirationSeconds
        if seconds is not None and seconds < 600:
            text = "may not specify a duration less than 10 minutes"
            errors.append(FieldError.invalid(f"{path}.expirationSeconds", seconds, text))
        if seconds is not None and seconds > 1 << 32:
            text = "may not specify a duration larger than 2^32 seconds"
            errors.append(FieldError.invalid(f"{path}.expirationSeconds", seconds, text))


def update_csi_driver(new: storage_v1.CSIDriver, old: storage_v1.CSIDriver, errors: Errors) -> None:
    """A changed CSIDriver: whether it attaches, and for which volumes it is, stays."""
    object_meta_update(new.metadata, old.metadata, errors)
    spec, before = new.spec or storage_v1.CSIDriverSpec(), old.spec or storage_v1.CSIDriverSpec()
    _driver_spec(spec, errors)
    immutable(spec.attachRequired, before.attachRequired, "spec.attachedRequired", errors)
    immutable(spec.volumeLifecycleModes, before.volumeLifecycleModes, "spec.volumeLifecycleModes", errors)


def csi_node(obj: storage_v1.CSINode, errors: Errors) -> None:
    """A new CSINode."""
    object_meta(obj.metadata, False, names.subdomain_name, errors)
    seen: set[str] = set()
    for index, driver in enumerate(_drivers(obj)):
        path = f"spec.drivers[{index}]"
        driver_name(driver.name, f"{path}.name", errors)
        _node_id(driver.nodeID or "", f"{path}.nodeID", errors)
        if driver.allocatable is not None:
            nonnegative(driver.allocatable.count, f"{path}.allocatable.count", errors)
        if driver.name in seen:
            errors.append(FieldError.duplicate(f"{path}.name", driver.name))
        seen.add(driver.name)
        _topology_keys(driver.topologyKeys or (), path, errors)


def _drivers(obj: storage_v1.CSINode) -> tuple[storage_v1.CSINodeDriver, ...]:
    return (obj.spec.drivers if obj.spec else None) or ()


def _node_id(text: str, path: str, errors: Errors) -> None:
    if not text:
        errors.append(FieldError.required(path))
    if len(text) > MAX_NODE_ID:
        errors.append(FieldError.invalid(path, text, f"must be {MAX_NODE_ID} characters or less"))


def _topology_keys(keys: tuple[str, ...], path: str, errors: Errors) -> None:
    for index, key in enumerate(keys):
        if not key:
            errors.append(FieldError.required(path))
        if key in keys[:index]:
            errors.append(FieldError.duplicate(path, key))
        label_key(key, path, errors)


def update_csi_node(new: storage_v1.CSINode, old: storage_v1.CSINode, errors: Errors) -> None:
    """A changed CSINode: of a known driver only the number of volumes changes."""
    csi_node(new, errors)
    known = {driver.name: driver for driver in _drivers(old)}
    for driver in _drivers(new):
        before = known.get(driver.name)
        if before is not None and driver.replace(allocatable=None) != before.replace(allocatable=None):
            shown = quoted(driver.replace(allocatable=None))
            errors.append(FieldError.invalid("spec.drivers", shown, "field is immutable"))


def volume_attachment(obj: storage_v1.VolumeAttachment, errors: Errors) -> None:
    """A new VolumeAttachment."""
    _attachment(obj, errors)
    spec = obj.spec or storage_v1.VolumeAttachmentSpec()
    driver_name(spec.attacher, "spec.attacher", errors)
    volume = spec.source.persistentVolumeName if spec.source else None
    for message in names.subdomain_name(volume) if volume is not None else ():
        errors.append(FieldError.invalid("spec.source.persistentVolumeName", volume, message))


def _attachment(obj: storage_v1.VolumeAttachment, errors: Errors) -> None:
    object_meta(obj.metadata, False, names.subdomain_name, errors)
    spec = obj.spec or storage_v1.VolumeAttachmentSpec()
    if not spec.attacher:
        errors.append(FieldError.required("spec.attacher"))
    source = spec.source or storage_v1.VolumeAttachmentSource()
    if source.inlineVolumeSpec is None and source.persistentVolumeName is None:
        errors.append(FieldError.required("spec.source", ONE_SOURCE))
    elif source.inlineVolumeSpec is not None and source.persistentVolumeName is not None:
        errors.append(FieldError.forbidden("spec.source", ONE_SOURCE))
    elif source.persistentVolumeName == "":
        text = "must specify non empty persistentVolumeName"
        errors.append(FieldError.required("spec.source.persistentVolumeName", text))
    for message in names.subdomain_name(spec.nodeName or ""):
        errors.append(FieldError.invalid("spec.nodeName", spec.nodeName or "", message))
    for name in ("attachError", "detachError"):
        problem = getattr(obj.status, name) if obj.status else None
        if problem is not None and len(problem.message or "") > MAX_MESSAGE:
            errors.append(FieldError.too_long(f"status.{name}.message", 256))


def update_volume_attachment(
    new: storage_v1.VolumeAttachment, old: storage_v1.VolumeAttachment, errors: Errors
) -> None:
    """A changed VolumeAttachment: only its metadata and status change."""
    _attachment(new, errors)
    if new.spec != old.spec:
        errors.append(FieldError.invalid("spec", quoted(new.spec), "field is immutable"))


def attributes_class(obj: storage_v1.VolumeAttributesClass, errors: Errors) -> None:
    """A new VolumeAttributesClass."""
    object_meta(obj.metadata, False, names.subdomain_name, errors)
    provisioner(obj.driverName, "driverName", errors)
    parameters(obj.parameters, errors)
    if not obj.parameters:
        errors.append(FieldError.required("parameters", "must contain at least one key/value pair"))


def update_attributes_class(
    new: storage_v1.VolumeAttributesClass, old: storage_v1.VolumeAttributesClass, errors: Errors
) -> None:
    """A changed VolumeAttributesClass: driver and parameters stay."""
    object_meta_update(new.metadata, old.metadata, errors)
    for name in ("driverName", "parameters"):
        if getattr(new, name) != getattr(old, name):
            errors.append(FieldError.forbidden(name, f"updates to {name} are forbidden."))
    attributes_class(new, errors)


def storage_capacity(obj: storage_v1.CSIStorageCapacity, errors: Errors) -> None:
    """A new CSIStorageCapacity."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    label_selector(obj.nodeTopology, "nodeTopology", errors)
    for message in names.subdomain_name(obj.storageClassName or ""):
        errors.append(FieldError.invalid("storageClassName", obj.storageClassName or "", message))
    if obj.capacity is not None:
        nonnegative_quantity(obj.capacity, "capacity", errors)


def update_storage_capacity(
    new: storage_v1.CSIStorageCapacity, old: storage_v1.CSIStorageCapacity, errors: Errors
) -> None:
    """A changed CSIStorageCapacity: which storage it is about stays."""
    object_meta_update(new.metadata, old.metadata, errors)
    immutable(new.nodeTopology, old.nodeTopology, "nodeTopology", errors)
    immutable(new.storageClassName, old.storageClassName, "storageClassName", errors)
