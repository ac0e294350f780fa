"""The cells of nodes, namespaces, storage, configuration and access."""

from __future__ import annotations

from typing import Any

from k8slab.api import quantity
from k8slab.api.core_v1 import ObjectReference
from k8slab.api.timestamps import human_duration
from k8slab.apiserver.printing.cells import NONE, UNKNOWN, UNSET, Now, number, text
from k8slab.sim.clock import SECOND

ROLE_PREFIX, OLD_ROLE = "node-role.kubernetes.io/", "kubernetes.io/role"
MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def node(obj: Any, now: Now) -> list[Any]:
    """A Node."""
    info = obj.status.nodeInfo if obj.status is not None else None
    os_image, kernel, runtime, version = UNKNOWN, UNKNOWN, UNKNOWN, ""
    if info is not None:
        os_image, version = text(info.osImage, UNKNOWN), text(info.kubeletVersion, "")
        kernel, runtime = text(info.kernelVersion, UNKNOWN), text(info.containerRuntimeVersion, UNKNOWN)
        if kernel != UNKNOWN and info.architecture:
            kernel = f"{kernel} ({info.architecture})"
    return [
        obj.metadata.name,
        _node_status(obj),
        _roles(obj),
        now.age(obj),
        version,
        _address(obj, "InternalIP"),
        _address(obj, "ExternalIP"),
        os_image,
        kernel,
        runtime,
    ]


def _node_status(obj: Any) -> str:
    conditions = (obj.status.conditions if obj.status is not None else None) or ()
    status = next((each.status for each in conditions if each.type == "Ready"), None)
    texts = ["Unknown" if status is None else "Ready" if status == "True" else "NotReady"]
    if obj.spec is not None and obj.spec.unschedulable:
        texts.append("SchedulingDisabled")
    return ",".join(texts)


def _roles(obj: Any) -> str:
    labels = obj.metadata.labels or {}
    roles = {key.removeprefix(ROLE_PREFIX) for key in labels if key.startswith(ROLE_PREFIX)}
    roles |= {value for key, value in labels.items() if key == OLD_ROLE}
    return ",".join(sorted(role for role in roles if role)) or NONE


def _address(obj: Any, kind: str) -> str:
    addresses = (obj.status.addresses if obj.status is not None else None) or ()
    return next((each.address for each in addresses if each.type == kind), NONE)


def namespace(obj: Any, now: Now) -> list[Any]:
    """A Namespace."""
    return [obj.metadata.name, text(obj.status.phase if obj.status is not None else None, ""), now.age(obj)]


def config_map(obj: Any, now: Now) -> list[Any]:
    """A ConfigMap."""
    return [obj.metadata.name, len(obj.data or ()) + len(obj.binaryData or ()), now.age(obj)]


def secret(obj: Any, now: Now) -> list[Any]:
    """A Secret."""
    return [obj.metadata.name, obj.type, len(obj.data or ()), now.age(obj)]


def created(obj: Any, now: Now) -> list[Any]:
    """A kind that shows when it was created."""
    return [obj.metadata.name, obj.metadata.creationTimestamp]


def aged(obj: Any, now: Now) -> list[Any]:
    """A kind that shows its age."""
    return [obj.metadata.name, now.age(obj)]


def quota(obj: Any, now: Now) -> list[Any]:
    """A ResourceQuota."""
    hard = (obj.status.hard if obj.status is not None else None) or {}
    used = (obj.status.used if obj.status is not None else None) or {}
    requests: list[str] = []
    limits: list[str] = []
    for name in sorted(hard):
        entry = f"{name}: {used.get(name, 0)}/{hard[name]}"
        (limits if name.startswith("limits") else requests).append(entry)
    return [obj.metadata.name, ", ".join(requests), ", ".join(limits), now.age(obj)]


def _class_of(obj: Any) -> str:
    """A claim's or volume's class: the annotation of old counts more than the field."""
    beta = (obj.metadata.annotations or {}).get("volume.beta.kubernetes.io/storage-class")
    return beta if beta is not None else text(obj.spec.storageClassName, "")


def persistent_volume(obj: Any, now: Now) -> list[Any]:
    """A PersistentVolume."""
    spec, status = obj.spec, obj.status
    phase = "Terminating" if obj.metadata.deletionTimestamp else text(status.phase if status is not None else None, "")
    claim = spec.claimRef
    return [
        obj.metadata.name,
        text((spec.capacity or {}).get("storage"), "0"),
        modes_text(spec.accessModes),
        text(spec.persistentVolumeReclaimPolicy, ""),
        phase,
        f"{claim.namespace}/{claim.name}" if claim is not None else "",
        _class_of(obj),
        text(spec.volumeAttributesClassName, UNSET),
        text(status.reason if status is not None else None, ""),
        now.age(obj),
        text(spec.volumeMode, UNSET),
    ]


def persistent_volume_claim(obj: Any, now: Now) -> list[Any]:
    """A PersistentVolumeClaim."""
    spec, status = obj.spec, obj.status
    phase = "Terminating" if obj.metadata.deletionTimestamp else text(status.phase if status is not None else None, "")
    capacity = modes = ""
    if spec.volumeName:
        capacity = text(((status.capacity if status is not None else None) or {}).get("storage"), "0")
        modes = modes_text(status.accessModes if status is not None else None)
    return [
        obj.metadata.name,
        phase,
        text(spec.volumeName, ""),
        capacity,
        modes,
        _class_of(obj),
        text(spec.volumeAttributesClassName, UNSET),
        now.age(obj),
        text(spec.volumeMode, UNSET),
    ]


def modes_text(modes: tuple[str, ...] | None) -> str:
    """Access modes in their short form, in the order that Kubernetes has them."""
    return ",".join(short for mode, short in MODES.items() if mode in (modes or ()))


def storage_class(obj: Any, now: Now) -> list[Any]:
    """A StorageClass."""
    annotations = obj.metadata.annotations or {}
    keys = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
    is_default = any(annotations.get(key) == "true" for key in keys)
    return [
        f"{obj.metadata.name} (default)" if is_default else obj.metadata.name,
        obj.provisioner,
        text(obj.reclaimPolicy, "Delete"),
        text(obj.volumeBindingMode, "Immediate"),
        bool(obj.allowVolumeExpansion),
        now.age(obj),
    ]


def volume_attachment(obj: Any, now: Now) -> list[Any]:
    """A VolumeAttachment."""
    if obj.spec is None:
        return [obj.metadata.name, "", "", "", False, now.age(obj)]
    source = obj.spec.source
    attached = bool(obj.status.attached) if obj.status is not None else False
    volume = text(source.persistentVolumeName if source is not None else None, "")
    return [obj.metadata.name, obj.spec.attacher, volume, obj.spec.nodeName, attached, now.age(obj)]


def csi_node(obj: Any, now: Now) -> list[Any]:
    """A CSINode."""
    return [obj.metadata.name, len((obj.spec.drivers if obj.spec is not None else None) or ()), now.age(obj)]


def csi_driver(obj: Any, now: Now) -> list[Any]:
    """A CSIDriver."""
    spec = obj.spec
    tokens = ",".join(each.audience or "" for each in spec.tokenRequests or ()) or UNSET
    return [
        obj.metadata.name,
        spec.attachRequired is not False,
        bool(spec.podInfoOnMount),
        bool(spec.storageCapacity),
        tokens,
        bool(spec.requiresRepublish),
        ",".join(spec.volumeLifecycleModes or ()) or NONE,
        now.age(obj),
    ]


def role_binding(obj: Any, now: Now) -> list[Any]:
    """A RoleBinding or ClusterRoleBinding."""
    subjects = obj.subjects or ()
    users = [each.name for each in subjects if each.kind == "User"]
    groups = [each.name for each in subjects if each.kind == "Group"]
    accounts = [f"{each.namespace}/{each.name}" for each in subjects if each.kind == "ServiceAccount"]
    role = f"{obj.roleRef.kind}/{obj.roleRef.name}"
    return [obj.metadata.name, role, now.age(obj), ", ".join(users), ", ".join(groups), ", ".join(accounts)]


def priority_class(obj: Any, now: Now) -> list[Any]:
    """A PriorityClass."""
    policy = obj.preemptionPolicy or "PreemptLowerPriority"
    return [obj.metadata.name, number(obj.value), bool(obj.globalDefault), now.age(obj), policy]


def certificate_signing_request(obj: Any, now: Now) -> list[Any]:
    """A CertificateSigningRequest."""
    spec, seconds = obj.spec, obj.spec.expirationSeconds
    wanted = "<none>" if seconds is None else human_duration(seconds * SECOND)
    who = spec.username or ""
    return [obj.metadata.name, now.age(obj), spec.signerName or "<none>", who, wanted, _csr_condition(obj.status)]


def _csr_condition(status: Any) -> str:
    kinds = [each.type for each in status.conditions or ()] if status is not None else []
    decided = "Denied" if "Denied" in kinds else "Approved" if "Approved" in kinds else "Pending"
    failed = ",Failed" if "Failed" in kinds else ""
    return decided + failed + (",Issued" if status is not None and status.certificate else "")


def runtime_class(obj: Any, now: Now) -> list[Any]:
    """A RuntimeClass."""
    return [obj.metadata.name, obj.handler, now.age(obj)]


def lease(obj: Any, now: Now) -> list[Any]:
    """A Lease."""
    return [obj.metadata.name, text(obj.spec.holderIdentity if obj.spec is not None else None, ""), now.age(obj)]


def event(obj: Any, now: Now) -> list[Any]:
    """An Event."""
    first, last = obj.firstTimestamp, obj.lastTimestamp
    first_seen = now.since(first) if first else now.since(obj.eventTime) if obj.eventTime else UNKNOWN
    last_seen = now.since(last) if last else first_seen
    count = obj.count or 0
    if obj.series is not None:
        last_seen = now.since(obj.series.lastObservedTime)
        count = obj.series.count or 0
    elif not count:
        count = 1
    regarding = obj.involvedObject or ObjectReference()
    target = regarding.kind.lower() if regarding.kind else ""
    if regarding.name:
        target = f"{target}/{regarding.name}"
    return [
        last_seen,
        text(obj.type, ""),
        text(obj.reason, ""),
        target,
        text(regarding.fieldPath, ""),
        _event_source(obj),
        (obj.message or "").strip(),
        first_seen,
        count,
        obj.metadata.name,
    ]


def _event_source(obj: Any) -> str:
    source = obj.source
    component = (source.component if source is not None else None) or obj.reportingComponent or ""
    host = (source.host if source is not None else None) or obj.reportingInstance or ""
    return f"{component}, {host}" if host else component


def api_service(obj: Any, now: Now) -> list[Any]:
    """An APIService."""
    service, available = obj.spec.service if obj.spec else None, "Unknown"
    for condition in (obj.status.conditions if obj.status else None) or ():
        if condition.type == "Available":
            reason = "" if condition.status == "True" else f" ({condition.reason})"
            available = condition.status + reason
    where = f"{service.namespace}/{service.name}" if service is not None else "Local"
    return [obj.metadata.name, where, available, now.age(obj)]


def node_metrics(obj: Any, now: Now) -> list[Any]:
    """What metrics-server says of a node."""
    return [obj.metadata.name, str(obj.usage["cpu"]), str(obj.usage["memory"]), obj.window]


def pod_metrics(obj: Any, now: Now) -> list[Any]:
    """What metrics-server says of a Pod."""
    sums = [quantity.total([each.usage[name] for each in obj.containers]) for name in ("cpu", "memory")]
    return [obj.metadata.name, *sums, obj.window]
