"""Pods and nodes."""

from __future__ import annotations

from typing import Any

from k8slab.api import codec, quantity
from k8slab.api import resources as amounts
from k8slab.errors import ApiError
from k8slab.kubectl import duration
from k8slab.kubectl.describe.template import (
    describe_containers,
    describe_tolerations,
    describe_topology,
    describe_volumes,
)
from k8slab.kubectl.describe.writer import (
    Object,
    Writer,
    controlled_by,
    date,
    events,
    go_bool,
    labels,
    notes,
)
from k8slab.sim.timestamps import parse_rfc3339


def describe_pod(inv: Any, obj: Object) -> str:
    """A Pod."""
    writer, metadata, spec, status = Writer(), obj["metadata"], obj.get("spec") or {}, obj.get("status") or {}
    _placement(writer, obj, spec, status)
    labels(writer, metadata.get("labels"))
    notes(writer, metadata.get("annotations"))
    _phase(writer, inv, metadata, status)
    _seccomp(writer, spec)
    _addresses(writer, status)
    if controlled_by(obj):
        writer.field("Controlled By", controlled_by(obj))
    if status.get("nominatedNodeName"):
        writer.field("NominatedNodeName", status["nominatedNodeName"])
    resolve = _FieldResolver(obj)
    if spec.get("initContainers"):
        statuses = status.get("initContainerStatuses")
        describe_containers(writer, "Init Containers", spec["initContainers"], statuses, resolve)
    describe_containers(writer, "Containers", spec.get("containers") or [], status.get("containerStatuses"), resolve)
    if spec.get("ephemeralContainers"):
        statuses = status.get("ephemeralContainerStatuses")
        describe_containers(writer, "Ephemeral Containers", spec["ephemeralContainers"], statuses, resolve)
    _conditions(writer, spec, status)
    describe_volumes(writer, spec.get("volumes") or [])
    writer.field("QoS Class", status.get("qosClass") or amounts.qos_class(codec.from_dict(obj, strict=False)))
    labels(writer, spec.get("nodeSelector"), "Node-Selectors")
    describe_tolerations(writer, spec.get("tolerations") or [])
    describe_topology(writer, spec)
    events(writer, inv, obj)
    return writer.text()


def _placement(writer: Writer, obj: Object, spec: Object, status: Object) -> None:
    writer.field("Name", obj["metadata"]["name"])
    writer.field("Namespace", obj["metadata"].get("namespace", ""))
    if spec.get("priority") is not None:
        writer.field("Priority", spec["priority"])
    if spec.get("priorityClassName"):
        writer.field("Priority Class Name", spec["priorityClassName"])
    if spec.get("runtimeClassName"):
        writer.field("Runtime Class Name", spec["runtimeClassName"])
    if spec.get("serviceAccountName"):
        writer.field("Service Account", spec["serviceAccountName"])
    if spec.get("nodeName"):
        writer.field("Node", f"{spec['nodeName']}/{status.get('hostIP', '')}")
    else:
        writer.field("Node", "<none>")
    if status.get("startTime"):
        writer.field("Start Time", date(status["startTime"]))


def _phase(writer: Writer, inv: Any, metadata: Object, status: Object) -> None:
    if metadata.get("deletionTimestamp"):
        lasts = duration.human(inv.now_us - parse_rfc3339(metadata["deletionTimestamp"]))
        left = parse_rfc3339(metadata["deletionTimestamp"]) - inv.now_us
        writer.field("Status", f"Terminating (lasts {lasts})" if left <= 0 else "Terminating (lasts <invalid>)")
        writer.field("Termination Grace Period", f"{metadata.get('deletionGracePeriodSeconds', 0)}s")
    else:
        writer.field("Status", status.get("phase", ""))
    for name, key in (("Reason", "reason"), ("Message", "message")):
        if status.get(key):
            writer.field(name, status[key])


def _seccomp(writer: Writer, spec: Object) -> None:
    profile = (spec.get("securityContext") or {}).get("seccompProfile")
    if profile:
        writer.field("SeccompProfile", profile.get("type", ""))
        if profile.get("type") == "Localhost":
            writer.field("LocalhostProfile", profile.get("localhostProfile", ""))


def _addresses(writer: Writer, status: Object) -> None:
    writer.field("IP", status.get("podIP", ""))
    addresses = status.get("podIPs") or []
    if not addresses:
        writer.field("IPs", "<none>")
        return
    writer.line(0, "IPs:")
    for address in addresses:
        writer.field("IP", address.get("ip", ""), 1)


def _conditions(writer: Writer, spec: Object, status: Object) -> None:
    found = status.get("conditions") or []
    gates = spec.get("readinessGates") or []
    if gates:
        by_type = {condition["type"]: condition["status"] for condition in found}
        writer.line(0, "Readiness Gates:\n  Type\tStatus")
        for gate in gates:
            writer.line(1, f"{gate['conditionType']} \t{by_type.get(gate['conditionType'], '<none>')} ")
    if found:
        writer.line(0, "Conditions:\n  Type\tStatus")
        for condition in found:
            writer.line(1, f"{condition['type']} \t{condition['status']} ")


class _FieldResolver:
    """The value of a `fieldRef` of this Pod."""

    def __init__(self, pod: Object) -> None:
        self.pod = pod

    def __call__(self, reference: Object) -> str:
        path = reference["fieldPath"]
        if path.endswith("']"):
            field, _, key = path[:-2].partition("['")
            return ((self.pod["metadata"].get(field.rpartition(".")[2])) or {}).get(key, "")
        node: Any = self.pod
        for name in path.split("."):
            node = node.get(name) if isinstance(node, dict) else None
        return "" if node is None else str(node)


def describe_node(inv: Any, obj: Object) -> str:
    """A node, with what runs on it and what that asks for."""
    writer, metadata, spec, status = Writer(), obj["metadata"], obj.get("spec") or {}, obj.get("status") or {}
    writer.field("Name", metadata["name"])
    writer.field("Roles", ",".join(_roles(metadata.get("labels") or {})) or "<none>")
    labels(writer, metadata.get("labels"))
    notes(writer, metadata.get("annotations"))
    writer.field("CreationTimestamp", date(metadata.get("creationTimestamp")))
    writer.lines("Taints", [_taint(taint) for taint in spec.get("taints") or ()])
    writer.field("Unschedulable", go_bool(spec.get("unschedulable")))
    _lease(writer, inv, metadata["name"])
    _node_conditions(writer, status)
    if status.get("addresses"):
        writer.line(0, "Addresses:")
        for address in status["addresses"]:
            writer.field(address["type"], address["address"], 1)
    for title, key in (("Capacity", "capacity"), ("Allocatable", "allocatable")):
        if status.get(key):
            writer.line(0, f"{title}:")
            for name in sorted(status[key]):
                writer.field(name, status[key][name], 1)
    _system(writer, status.get("nodeInfo") or {})
    if spec.get("podCIDR"):
        writer.field("PodCIDR", spec["podCIDR"])
    if spec.get("podCIDRs"):
        writer.field("PodCIDRs", ",".join(spec["podCIDRs"]))
    if spec.get("providerID"):
        writer.field("ProviderID", spec["providerID"])
    _allocation(writer, inv, metadata["name"], status.get("allocatable") or status.get("capacity") or {})
    _node_events(writer, inv, obj)
    return writer.text()


def _roles(own: dict[str, str]) -> list[str]:
    prefix = "node-role.kubernetes.io/"
    roles = {key.removeprefix(prefix) for key in own if key.startswith(prefix) and key != prefix}
    return sorted(roles | ({own["kubernetes.io/role"]} if own.get("kubernetes.io/role") else set()))


def _taint(taint: Object) -> str:
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint['key']}{value}:{taint['effect']}"


def _lease(writer: Writer, inv: Any, name: str) -> None:
    writer.line(0, "Lease:")
    try:
        lease = inv.access.get(inv.access.scheme.resource("leases"), name, "kube-node-lease")
    except ApiError as error:
        writer.line(1, f"Failed to get lease: {error.message}")
        return
    spec = lease.get("spec") or {}
    writer.field("HolderIdentity", spec.get("holderIdentity", "<unset>"), 1)
    writer.field("AcquireTime", date(spec.get("acquireTime")), 1)
    writer.field("RenewTime", date(spec.get("renewTime")), 1)


def _node_conditions(writer: Writer, status: Object) -> None:
    if not status.get("conditions"):
        return
    writer.line(0, "Conditions:")
    headers = ("Type", "Status", "LastHeartbeatTime", "LastTransitionTime", "Reason", "Message")
    writer.line(1, "\t".join(headers))
    writer.line(1, "\t".join("-" * len(header) for header in headers))
    for each in status["conditions"]:
        cells = (
            each["type"],
            each["status"],
            date(each.get("lastHeartbeatTime")),
            date(each.get("lastTransitionTime")),
            each.get("reason", ""),
            each.get("message", ""),
        )
        writer.line(1, " \t".join(cells))


_SYSTEM = (
    ("Machine ID", "machineID"),
    ("System UUID", "systemUUID"),
    ("Boot ID", "bootID"),
    ("Kernel Version", "kernelVersion"),
    ("OS Image", "osImage"),
    ("Operating System", "operatingSystem"),
    ("Architecture", "architecture"),
    ("Container Runtime Version", "containerRuntimeVersion"),
    ("Kubelet Version", "kubeletVersion"),
    ("Kube-Proxy Version", "kubeProxyVersion"),
)


def _system(writer: Writer, info: Object) -> None:
    writer.line(0, "System Info:")
    for title, key in _SYSTEM:
        writer.field(title, info.get(key, ""), 1)


def _allocation(writer: Writer, inv: Any, name: str, allocatable: dict[str, str]) -> None:
    fields = f"spec.nodeName={name},status.phase!=Succeeded,status.phase!=Failed"
    pods = inv.access.list(inv.access.scheme.resource("pods"), None, fields=fields)
    writer.line(0, f"Non-terminated Pods:\t({len(pods)} in total)")
    headers = ("Namespace", "Name", "", "CPU Requests", "CPU Limits", "Memory Requests", "Memory Limits", "Age")
    writer.line(1, "\t".join(headers))
    writer.line(1, "\t".join("-" * len(header) for header in headers))
    totals: dict[str, dict[str, str]] = {"requests": {}, "limits": {}}
    for pod in pods:
        _pod_row(writer, inv, pod, allocatable, totals)
    writer.line(0, "Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)")
    rows = []
    for resource in ("cpu", "memory", "ephemeral-storage", *_extended(allocatable, totals)):
        rows.append(
            [
                resource,
                *(_share(totals[kind].get(resource, "0"), allocatable.get(resource), resource) for kind in totals),
            ]
        )
    writer.rows(1, ("Resource", "Requests", "Limits"), rows)


def _extended(allocatable: dict[str, str], totals: dict[str, dict[str, str]]) -> list[str]:
    known = ("cpu", "memory", "ephemeral-storage", "pods")
    return sorted(name for name in allocatable if name not in known)


def _pod_row(writer: Writer, inv: Any, pod: Object, allocatable: dict[str, str], totals: Any) -> None:
    typed = codec.from_dict(pod, strict=False)
    asked = {"requests": amounts.pod_requests(typed), "limits": amounts.pod_limits(typed)}
    for kind, given in asked.items():
        for name, amount in given.items():
            totals[kind][name] = quantity.add(totals[kind].get(name, "0"), amount)
    cells = [
        _share(asked[kind].get(name, "0"), allocatable.get(name), name)
        for name in ("cpu", "memory")
        for kind in ("requests", "limits")
    ]
    metadata = pod["metadata"]
    cells = [metadata["namespace"], metadata["name"], "", *cells, inv.age(metadata.get("creationTimestamp"))]
    writer.line(1, "\t".join(cells))


def _share(amount: Any, allocatable: Any, resource: str) -> str:
    """`100m (1%)`; extended resources have no percentage."""
    text = quantity.canonical(amount)
    if resource not in ("cpu", "memory", "ephemeral-storage") and not resource.startswith("hugepages-"):
        return text
    whole = quantity.milli(allocatable) if allocatable else 0
    return f"{text} ({int(quantity.milli(amount) / whole * 100) if whole else 0}%)"


def _node_events(writer: Writer, inv: Any, obj: Object) -> None:
    """Events of nodes live in namespace default, and carry the node's name as uid where the kubelet reports them."""
    name, uid = obj["metadata"]["name"], obj["metadata"].get("uid", "")
    known = [{"kind": "Node", "metadata": {"name": name, "namespace": "", "uid": each}} for each in (uid, name)]
    events(writer, inv, *known)
