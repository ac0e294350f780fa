"""Namespaces, ConfigMaps, Secrets, ServiceAccounts, quotas, limits, budgets, priorities, volumes and roles."""

from __future__ import annotations

import base64
from typing import Any

from k8slab.api import quantity
from k8slab.kubectl.describe.template import volume_source
from k8slab.kubectl.describe.writer import (
    Object,
    Writer,
    date,
    events,
    go_bool,
    head,
    header,
    labels,
    notes,
    pairs,
    selector_text,
)
from k8slab.kubectl.policyrules import policy_rows


def describe_namespace(inv: Any, obj: Object) -> str:
    """A namespace, with its quotas and limits."""
    writer, name = Writer(), obj["metadata"]["name"]
    writer.field("Name", name)
    labels(writer, obj["metadata"].get("labels"))
    notes(writer, obj["metadata"].get("annotations"))
    writer.field("Status", (obj.get("status") or {}).get("phase", ""))
    conditions = (obj.get("status") or {}).get("conditions") or []
    if conditions:
        writer.line(0, "Conditions:")
        rows = [
            (
                each["type"],
                each["status"],
                date(each.get("lastTransitionTime")),
                each.get("reason", ""),
                each.get("message", ""),
            )
            for each in conditions
        ]
        writer.rows(1, ("Type", "Status", "LastTransitionTime", "Reason", "Message"), rows)
    _quotas(writer, inv.access.list(inv.access.scheme.resource("resourcequotas"), name))
    _limits(writer, inv.access.list(inv.access.scheme.resource("limitranges"), name))
    return writer.text()


def _quotas(writer: Writer, quotas: list[Object]) -> None:
    if not quotas:
        writer.line(0, "\nNo resource quota.")
        return
    writer.line(0, "\nResource Quotas")
    for quota in sorted(quotas, key=lambda each: each["metadata"]["name"]):
        writer.line(0, f"  Name:\t{quota['metadata']['name']}")
        status = quota.get("status") or {}
        writer.line(0, "  Resource\tUsed\tHard")
        writer.line(0, "  --------\t---\t---")
        for row in _used(status):
            writer.line(0, "  " + "\t".join(row))


def _used(status: Object) -> list[tuple[str, str, str]]:
    hard, used = status.get("hard") or {}, status.get("used") or {}
    return [(name, quantity.canonical(used.get(name, 0)), quantity.canonical(hard[name])) for name in sorted(hard)]


def _limits(writer: Writer, ranges: list[Object]) -> None:
    if not ranges:
        writer.line(0, "\nNo LimitRange resource.")
        return
    writer.line(0, "\nResource Limits")
    writer.line(0, " Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio")
    writer.line(0, " ----\t--------\t---\t---\t---------------\t-------------\t-----------------------")
    for each in ranges:
        for row in _limit_rows(each):
            writer.line(0, " " + "\t".join(row))


def _limit_rows(obj: Object) -> list[list[str]]:
    rows = []
    columns = ("min", "max", "defaultRequest", "default", "maxLimitRequestRatio")
    for item in (obj.get("spec") or {}).get("limits") or ():
        names = sorted({name for column in columns for name in item.get(column) or {}})
        for name in names:
            cells = [(item.get(column) or {}).get(name) for column in columns]
            rows.append([item["type"], name, *("-" if cell is None else quantity.canonical(cell) for cell in cells)])
    return rows


def describe_limit_range(inv: Any, obj: Object) -> str:
    """A LimitRange."""
    writer = Writer()
    header(writer, obj)
    writer.line(0, "Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio")
    writer.line(0, "----\t--------\t---\t---\t---------------\t-------------\t-----------------------")
    for row in _limit_rows(obj):
        writer.line(0, "\t".join(row))
    return writer.text()


def describe_quota(inv: Any, obj: Object) -> str:
    """A ResourceQuota."""
    writer = Writer()
    header(writer, obj)
    scopes = (obj.get("spec") or {}).get("scopes") or []
    if scopes:
        writer.field("Scopes", ", ".join(sorted(scopes)))
    writer.line(0, "Resource\tUsed\tHard")
    writer.line(0, "--------\t----\t----")
    for row in _used(obj.get("status") or {}):
        writer.line(0, "\t".join(row))
    return writer.text()


def describe_config_map(inv: Any, obj: Object) -> str:
    """A ConfigMap with its data."""
    writer = Writer()
    head(writer, obj)
    writer.line(0, "\nData\n====")
    data = obj.get("data") or {}
    for key in sorted(data):
        writer.line(0, f"{key}:\n----\n{data[key]}\n")
    writer.line(0, "\nBinaryData\n====")
    binary = obj.get("binaryData") or {}
    for key in sorted(binary):
        writer.line(0, f"{key}: {len(base64.b64decode(binary[key]))} bytes")
    writer.line(0)
    events(writer, inv, obj)
    return writer.text()


def describe_secret(inv: Any, obj: Object) -> str:
    """A Secret: the size of each value only."""
    writer = Writer()
    head(writer, obj)
    writer.line(0, f"\nType:\t{obj.get('type', '')}\n\nData\n====")
    data = obj.get("data") or {}
    for key in sorted(data):
        decoded = base64.b64decode(data[key])
        shown = (
            decoded.decode(errors="replace")
            if obj.get("type") == "kubernetes.io/service-account-token" and key == "token"
            else f"{len(decoded)} bytes"
        )
        writer.line(0, f"{key}:\t{shown}")
    return writer.text()


def describe_service_account(inv: Any, obj: Object) -> str:
    """A ServiceAccount."""
    writer = Writer()
    head(writer, obj)
    pulls = [each["name"] for each in obj.get("imagePullSecrets") or ()]
    mounts = [each["name"] for each in obj.get("secrets") or ()]
    for title, names in (("Image pull secrets", pulls), ("Mountable secrets", mounts), ("Tokens", [])):
        writer.lines(title, names)
    events(writer, inv, obj)
    return writer.text()


def describe_budget(inv: Any, obj: Object) -> str:
    """A PodDisruptionBudget."""
    writer, spec, status = Writer(), obj.get("spec") or {}, obj.get("status") or {}
    header(writer, obj)
    if spec.get("minAvailable") is not None:
        writer.field("Min available", spec["minAvailable"])
    elif spec.get("maxUnavailable") is not None:
        writer.field("Max unavailable", spec["maxUnavailable"])
    writer.field("Selector", selector_text(spec.get("selector")) if spec.get("selector") else "<unset>")
    writer.line(0, "Status:")
    for title, key in (
        ("Allowed disruptions", "disruptionsAllowed"),
        ("Current", "currentHealthy"),
        ("Desired", "desiredHealthy"),
        ("Total", "expectedPods"),
    ):
        writer.field(title, status.get(key, 0), 2)
    events(writer, inv, obj)
    return writer.text()


def describe_priority_class(inv: Any, obj: Object) -> str:
    """A PriorityClass."""
    writer = Writer()
    writer.field("Name", obj["metadata"]["name"])
    writer.field("Value", obj.get("value", 0))
    writer.field("GlobalDefault", go_bool(obj.get("globalDefault")))
    writer.field("PreemptionPolicy", obj.get("preemptionPolicy", ""))
    writer.field("Description", obj.get("description", ""))
    writer.field("Annotations", ",".join(pairs(obj["metadata"].get("annotations"))) or "<none>")
    events(writer, inv, obj)
    return writer.text()


def describe_storage_class(inv: Any, obj: Object) -> str:
    """A StorageClass."""
    writer, own = Writer(), obj["metadata"].get("annotations") or {}
    writer.field("Name", obj["metadata"]["name"])
    default = own.get("storageclass.kubernetes.io/is-default-class") == "true"
    writer.field("IsDefaultClass", "Yes" if default else "No")
    writer.field("Annotations", ",".join(f"{key}={own[key]}" for key in sorted(own)) or "<none>")
    writer.field("Provisioner", obj.get("provisioner", ""))
    parameters = obj.get("parameters") or {}
    writer.field("Parameters", ",".join(f"{key}={parameters[key]}" for key in sorted(parameters)) or "<none>")
    expansion = obj.get("allowVolumeExpansion")
    writer.field("AllowVolumeExpansion", "<unset>" if expansion is None else "True" if expansion else "False")
    if not obj.get("mountOptions"):
        writer.field("MountOptions", "<none>")
    else:
        writer.lines("MountOptions", [""] + [f"  {option}" for option in obj["mountOptions"]])
    writer.field("ReclaimPolicy", obj.get("reclaimPolicy", ""))
    writer.field("VolumeBindingMode", obj.get("volumeBindingMode", ""))
    events(writer, inv, obj)
    return writer.text()


def describe_csi_node(inv: Any, obj: Object) -> str:
    """The storage drivers of a node."""
    writer = Writer()
    writer.field("Name", obj["metadata"]["name"])
    labels(writer, obj["metadata"].get("labels"))
    notes(writer, obj["metadata"].get("annotations"))
    writer.field("CreationTimestamp", date(obj["metadata"].get("creationTimestamp")))
    writer.line(0, "Spec:")
    drivers = (obj.get("spec") or {}).get("drivers")
    if drivers is not None:
        writer.line(1, "Drivers:")
    for driver in drivers or ():
        writer.line(2, f"{driver['name']}:")
        writer.field("Node ID", driver.get("nodeID", ""), 3)
        count = (driver.get("allocatable") or {}).get("count")
        if count is not None:
            writer.line(3, "Allocatables:")
            writer.field("Count", count, 4)
        if driver.get("topologyKeys") is not None:
            writer.field("Topology Keys", f"[{' '.join(driver['topologyKeys'])}]", 3)
    events(writer, inv, obj)
    return writer.text()


_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def _access_modes(modes: Any) -> str:
    return ",".join(_MODES.get(mode, mode) for mode in modes or ())


def describe_claim(inv: Any, obj: Object) -> str:
    """A PersistentVolumeClaim."""
    writer, spec, status = Writer(), obj.get("spec") or {}, obj.get("status") or {}
    header(writer, obj)
    writer.field("StorageClass", spec.get("storageClassName", ""))
    writer.field("Status", status.get("phase", ""))
    writer.field("Volume", spec.get("volumeName", ""))
    labels(writer, obj["metadata"].get("labels"))
    notes(writer, obj["metadata"].get("annotations"))
    writer.field("Finalizers", f"[{' '.join(obj['metadata'].get('finalizers') or ())}]")
    bound = bool(spec.get("volumeName"))
    writer.field("Capacity", (status.get("capacity") or {}).get("storage", "") if bound else "")
    writer.field("Access Modes", _access_modes(status.get("accessModes")) if bound else "")
    writer.field("VolumeMode", spec.get("volumeMode", ""))
    writer.lines("Used By", _users(inv, obj))
    _claim_conditions(writer, status.get("conditions") or ())
    events(writer, inv, obj)
    return writer.text()


def _claim_conditions(writer: Writer, conditions: Any) -> None:
    """What happens to a claim's volume: it grows, its attributes change."""
    if not conditions:
        return
    writer.line(0, "Conditions:\n  Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage")
    writer.line(1, "----\t------\t-----------------\t------------------\t------\t-------")
    for each in conditions:
        times = (_moment(each.get(name)) for name in ("lastProbeTime", "lastTransitionTime"))
        words = (each.get("reason", ""), each.get("message", ""))
        writer.line(1, " \t".join((each["type"], each["status"], *times, *words)))


def _moment(timestamp: str | None) -> str:
    """A time, or Go's zero time."""
    return date(timestamp) if timestamp else "Mon, 01 Jan 0001 00:00:00 +0000"


def _users(inv: Any, claim: Object) -> list[str]:
    pods = inv.access.list(inv.access.scheme.resource("pods"), claim["metadata"].get("namespace"))
    name = claim["metadata"]["name"]
    return [
        pod["metadata"]["name"]
        for pod in pods
        if any(
            (volume.get("persistentVolumeClaim") or {}).get("claimName") == name
            for volume in (pod.get("spec") or {}).get("volumes") or ()
        )
    ]


def describe_volume(inv: Any, obj: Object) -> str:
    """A PersistentVolume."""
    writer, spec, status = Writer(), obj.get("spec") or {}, obj.get("status") or {}
    writer.field("Name", obj["metadata"]["name"])
    labels(writer, obj["metadata"].get("labels"))
    notes(writer, obj["metadata"].get("annotations"))
    writer.field("Finalizers", f"[{' '.join(obj['metadata'].get('finalizers') or ())}]")
    writer.field("StorageClass", spec.get("storageClassName", ""))
    writer.field("Status", status.get("phase", ""))
    claim = spec.get("claimRef") or {}
    writer.field("Claim", f"{claim['namespace']}/{claim['name']}" if claim else "")
    writer.field("Reclaim Policy", spec.get("persistentVolumeReclaimPolicy", ""))
    writer.field("Access Modes", _access_modes(spec.get("accessModes")))
    writer.field("VolumeMode", spec.get("volumeMode", ""))
    writer.field("Capacity", (spec.get("capacity") or {}).get("storage", ""))
    writer.field("Node Affinity", "<none>")
    writer.field("Message", status.get("message", ""))
    writer.line(0, "Source:")
    kind = next((key for key in spec if key in ("hostPath", "nfs", "csi", "local")), "")
    volume_source(writer, kind, spec.get(kind) or {})
    events(writer, inv, obj)
    return writer.text()


def describe_role(inv: Any, obj: Object) -> str:
    """A Role or ClusterRole."""
    writer = Writer()
    writer.field("Name", obj["metadata"]["name"])
    labels(writer, obj["metadata"].get("labels"))
    notes(writer, obj["metadata"].get("annotations"))
    writer.line(0, "PolicyRule:")
    rules = obj.get("rules") or ()
    headers = ("Resources", "Non-Resource URLs", "Resource Names", "Verbs")
    resources = [rule for rule in rules if rule.get("resources")]
    writer.rows(1, headers, policy_rows(resources, [rule for rule in rules if rule.get("nonResourceURLs")]))
    return writer.text()


def describe_binding(inv: Any, obj: Object) -> str:
    """A RoleBinding or ClusterRoleBinding."""
    writer, role = Writer(), obj.get("roleRef") or {}
    writer.field("Name", obj["metadata"]["name"])
    labels(writer, obj["metadata"].get("labels"))
    notes(writer, obj["metadata"].get("annotations"))
    writer.line(0, "Role:")
    writer.field("Kind", role.get("kind", ""), 1)
    writer.field("Name", role.get("name", ""), 1)
    writer.line(0, "Subjects:")
    rows = [
        (each.get("kind", ""), each.get("name", ""), each.get("namespace", "")) for each in obj.get("subjects") or ()
    ]
    writer.rows(1, ("Kind", "Name", "Namespace"), rows)
    return writer.text()
