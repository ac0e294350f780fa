"""Containers, volumes and Pod templates in descriptions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8slab.kubectl.describe.writer import Object, Writer, date, go_bool, labels, notes, pairs, truth

Resolver = Callable[[Object], str]


def describe_template(writer: Writer, template: Object | None) -> None:
    """The `Pod Template:` block of a workload."""
    writer.line(0, "Pod Template:")
    if template is None:
        writer.line(1, "<unset>")
        return
    metadata, spec = template.get("metadata") or {}, template.get("spec") or {}
    labels(writer, metadata.get("labels"), level=0, indent="  ")
    if metadata.get("annotations"):
        notes(writer, metadata["annotations"], "Annotations", 1)
    if spec.get("serviceAccountName"):
        writer.field("Service Account", spec["serviceAccountName"], 1)
    if spec.get("initContainers"):
        describe_containers(writer, "Init Containers", spec["initContainers"], None, None, "  ")
    describe_containers(writer, "Containers", spec.get("containers") or [], None, None, "  ")
    describe_volumes(writer, spec.get("volumes") or [], "  ")
    describe_topology(writer, spec, "  ")
    if spec.get("priorityClassName"):
        writer.field("Priority Class Name", spec["priorityClassName"], 1)
    labels(writer, spec.get("nodeSelector"), "Node-Selectors", 0, "  ")
    describe_tolerations(writer, spec.get("tolerations") or [], "  ")


def describe_containers(
    writer: Writer,
    title: str,
    containers: list[Object],
    statuses: list[Object] | None,
    resolve: Resolver | None,
    space: str = "",
) -> None:
    """A block of containers; `statuses` are those of a Pod, None in a template."""
    if not containers:
        writer.line(0, f"{space}{title}: <none>")
        return
    writer.line(0, f"{space}{title}:")
    by_name = {status["name"]: status for status in statuses or ()}
    for container in containers:
        writer.line(1, f"{' ' if space else ''}{container['name']}:")
        _describe_container(writer, container, by_name.get(container["name"]), resolve)


def _describe_container(writer: Writer, container: Object, status: Object | None, resolve: Resolver | None) -> None:
    if status is not None:
        writer.field("Container ID", status.get("containerID", ""), 2)
    writer.field("Image", container.get("image", ""), 2)
    if status is not None:
        writer.field("Image ID", status.get("imageID", ""), 2)
    _ports(writer, container, "Port", "containerPort")
    _ports(writer, container, "Host Port", "hostPort")
    for title, key in (("Command", "command"), ("Args", "args")):
        if container.get(key):
            writer.line(2, f"{title}:")
            for word in container[key]:
                for line in str(word).split("\n"):
                    writer.line(3, line)
    if status is not None:
        _describe_status(writer, status)
    _resources(writer, container.get("resources") or {})
    for title, key in (("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe")):
        if container.get(key):
            writer.field(title, probe_text(container[key]), 2)
    _environment(writer, container, resolve)
    _mounts(writer, container)


def _ports(writer: Writer, container: Object, title: str, key: str) -> None:
    texts = [f"{port.get(key, 0)}/{port.get('protocol', 'TCP')}" for port in container.get("ports") or ()]
    writer.field(f"{title}s" if len(texts) > 1 else title, ", ".join(texts) or "<none>", 2)


def _describe_status(writer: Writer, status: Object) -> None:
    _state(writer, "State", status.get("state") or {})
    last = status.get("lastState") or {}
    if last.get("terminated"):
        _state(writer, "Last State", last)
    writer.field("Ready", truth(status.get("ready")), 2)
    writer.field("Restart Count", status.get("restartCount", 0), 2)


def _state(writer: Writer, title: str, state: Object) -> None:
    if state.get("running") is not None:
        writer.field(title, "Running", 2)
        writer.field("Started", date(state["running"].get("startedAt")), 3)
    elif state.get("terminated") is not None:
        _terminated(writer, title, state["terminated"])
    else:
        writer.field(title, "Waiting", 2)
        reason = (state.get("waiting") or {}).get("reason")
        if reason:
            writer.field("Reason", reason, 3)


def _terminated(writer: Writer, title: str, state: Object) -> None:
    writer.field(title, "Terminated", 2)
    for name, key in (("Reason", "reason"), ("Message", "message")):
        if state.get(key):
            writer.field(name, state[key], 3)
    writer.field("Exit Code", state.get("exitCode", 0), 3)
    if state.get("signal"):
        writer.field("Signal", state["signal"], 3)
    writer.field("Started", date(state.get("startedAt")), 3)
    writer.field("Finished", date(state.get("finishedAt")), 3)


def _resources(writer: Writer, resources: Object) -> None:
    for title, key in (("Limits", "limits"), ("Requests", "requests")):
        amounts = resources.get(key)
        if amounts:
            writer.line(2, f"{title}:")
            for name in sorted(amounts):
                writer.field(name, amounts[name], 3)


def probe_text(probe: Object) -> str:
    """`http-get http://:8080/healthz delay=0s timeout=1s period=10s #success=1 #failure=3`."""
    numbers = (
        f"delay={probe.get('initialDelaySeconds', 0)}s timeout={probe.get('timeoutSeconds', 0)}s "
        f"period={probe.get('periodSeconds', 0)}s #success={probe.get('successThreshold', 0)} "
        f"#failure={probe.get('failureThreshold', 0)}"
    )
    if probe.get("exec") is not None:
        return f"exec [{' '.join(probe['exec'].get('command') or ())}] {numbers}"
    if probe.get("httpGet") is not None:
        get = probe["httpGet"]
        port = f":{get['port']}" if get.get("port") not in (None, "") else ""
        path = get.get("path", "")
        path = path if path.startswith("/") or not path else f"/{path}"
        return f"http-get {get.get('scheme', 'HTTP').lower()}://{get.get('host', '')}{port}{path} {numbers}"
    if probe.get("tcpSocket") is not None:
        return f"tcp-socket {probe['tcpSocket'].get('host', '')}:{probe['tcpSocket'].get('port')} {numbers}"
    if probe.get("grpc") is not None:
        return f"grpc <pod>:{probe['grpc'].get('port')} {probe['grpc'].get('service') or ''} {numbers}"
    return f"unknown {numbers}"


def _environment(writer: Writer, container: Object, resolve: Resolver | None) -> None:
    sources = container.get("envFrom") or []
    if sources:
        writer.line(2, "Environment Variables from:")
        for source in sources:
            _environment_source(writer, source)
    entries = container.get("env") or []
    if not entries:
        writer.field("Environment", "<none>", 2)
        return
    writer.line(2, "Environment:")
    for entry in entries:
        _variable(writer, entry, resolve)


def _environment_source(writer: Writer, source: Object) -> None:
    kind, reference = (
        ("ConfigMap", source["configMapRef"]) if "configMapRef" in source else ("Secret", source.get("secretRef") or {})
    )
    prefix = f" with prefix '{source['prefix']}'" if source.get("prefix") else ""
    optional = go_bool(reference.get("optional"))
    writer.line(3, f"{reference.get('name', '')}\t{kind}{prefix}\tOptional: {optional}")


def _variable(writer: Writer, entry: Object, resolve: Resolver | None) -> None:
    name, source = entry["name"], entry.get("valueFrom")
    if not source:
        lines = str(entry.get("value", "")).split("\n")
        writer.field(name, lines[0], 3)
        for line in lines[1:]:
            writer.line(3, f"\t{line}")
    elif "fieldRef" in source:
        reference = source["fieldRef"]
        value = resolve(reference) if resolve is not None else ""
        writer.field(name, f"{value} ({reference.get('apiVersion', 'v1')}:{reference['fieldPath']})", 3)
    elif "resourceFieldRef" in source:
        writer.field(name, f" ({source['resourceFieldRef']['resource']})", 3)
    elif "secretKeyRef" in source:
        reference = source["secretKeyRef"]
        text = f"<set to the key '{reference['key']}' in secret '{reference.get('name', '')}'>"
        writer.field(name, f"{text}\tOptional: {go_bool(reference.get('optional'))}", 3)
    elif "configMapKeyRef" in source:
        reference = source["configMapKeyRef"]
        text = f"<set to the key '{reference['key']}' of config map '{reference.get('name', '')}'>"
        writer.field(name, f"{text}\tOptional: {go_bool(reference.get('optional'))}", 3)


def _mounts(writer: Writer, container: Object) -> None:
    mounts = sorted(container.get("volumeMounts") or (), key=lambda mount: mount["mountPath"])
    if not mounts:
        writer.field("Mounts", "<none>", 2)
        return
    writer.line(2, "Mounts:")
    for mount in mounts:
        flags = ["ro" if mount.get("readOnly") else "rw"]
        if mount.get("subPath"):
            flags.append(f'path="{mount["subPath"]}"')
        writer.line(3, f"{mount['mountPath']} from {mount['name']} ({','.join(flags)})")


def describe_volumes(writer: Writer, volumes: list[Object], space: str = "") -> None:
    """The `Volumes:` block."""
    if not volumes:
        writer.line(0, f"{space}Volumes:\t<none>")
        return
    writer.line(0, f"{space}Volumes:")
    for volume in volumes:
        writer.line(1, f"{' ' if space else ''}{volume['name']}:")
        source = next((key for key in volume if key != "name"), "")
        _volume(writer, source, volume.get(source) or {})


def _volume(writer: Writer, kind: str, source: Object) -> None:
    if kind == "projected":
        _projected(writer, source)
        return
    described = _VOLUMES.get(kind)
    if described is None:
        writer.line(2, "<unknown>")
        return
    text, fields = described
    writer.field("Type", text, 2)
    for title, key, default in fields:
        value = source.get(key, default)
        writer.field(title, go_bool(value) if isinstance(value, bool) else value, 2)
    for item in source.get("items") or () if kind == "downwardAPI" else ():
        field = (item.get("fieldRef") or {}).get("fieldPath")
        writer.line(3, f"{field} -> {item['path']}")


_VOLUMES: dict[str, tuple[str, tuple[tuple[str, str, Any], ...]]] = {
    "emptyDir": (
        "EmptyDir (a temporary directory that shares a pod's lifetime)",
        (("Medium", "medium", ""), ("SizeLimit", "sizeLimit", "<unset>")),
    ),
    "hostPath": (
        "HostPath (bare host directory volume)",
        (("Path", "path", ""), ("HostPathType", "type", "")),
    ),
    "configMap": (
        "ConfigMap (a volume populated by a ConfigMap)",
        (("Name", "name", ""), ("Optional", "optional", False)),
    ),
    "secret": (
        "Secret (a volume populated by a Secret)",
        (("SecretName", "secretName", ""), ("Optional", "optional", False)),
    ),
    "persistentVolumeClaim": (
        "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)",
        (("ClaimName", "claimName", ""), ("ReadOnly", "readOnly", False)),
    ),
    "downwardAPI": ("DownwardAPI (a volume populated by information about the pod)", ()),
    "nfs": (
        "NFS (an NFS mount that lasts the lifetime of a pod)",
        (("Server", "server", ""), ("Path", "path", ""), ("ReadOnly", "readOnly", False)),
    ),
    "csi": (
        "CSI (a Container Storage Interface (CSI) volume source)",
        (("Driver", "driver", ""), ("FSType", "fsType", ""), ("ReadOnly", "readOnly", False)),
    ),
    "ephemeral": (
        "EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)",
        (),
    ),
    "local": ("LocalVolume (a persistent volume backed by local storage on a node)", (("Path", "path", ""),)),
}


def volume_source(writer: Writer, source: str, value: Object) -> None:
    """One volume source at level 1, as in the description of a PersistentVolume."""
    described = _VOLUMES.get(source)
    if described is None:
        writer.line(2, "<unknown>")
        return
    writer.field("Type", described[0], 2)
    for title, key, default in described[1]:
        given = value.get(key, default)
        writer.field(title, go_bool(given) if isinstance(given, bool) else given, 2)


def _projected(writer: Writer, projected: Object) -> None:
    writer.field("Type", "Projected (a volume that contains injected data from multiple sources)", 2)
    for source in projected.get("sources") or ():
        if "secret" in source:
            writer.field("SecretName", source["secret"].get("name", ""), 2)
            writer.field("SecretOptionalName", _optional(source["secret"]), 2)
        elif "downwardAPI" in source:
            writer.field("DownwardAPI", "true", 2)
        elif "configMap" in source:
            writer.field("ConfigMapName", source["configMap"].get("name", ""), 2)
            writer.field("ConfigMapOptional", _optional(source["configMap"]), 2)
        elif "serviceAccountToken" in source:
            writer.field("TokenExpirationSeconds", source["serviceAccountToken"].get("expirationSeconds", 3600), 2)


def _optional(source: Object) -> str:
    return "<nil>" if source.get("optional") is None else go_bool(source["optional"])


def describe_topology(writer: Writer, spec: Object, space: str = "") -> None:
    """Topology spread constraints, where there are any."""
    texts = []
    for each in spec.get("topologySpreadConstraints") or ():
        text = f"{each['topologyKey']}:{each['whenUnsatisfiable']} when max skew {each['maxSkew']} is exceeded"
        selector = each.get("labelSelector")
        texts.append(text + (f" for selector {','.join(pairs(selector.get('matchLabels')))}" if selector else ""))
    if texts:
        writer.lines("Topology Spread Constraints", texts, indent=space)


def describe_tolerations(writer: Writer, tolerations: list[Object], space: str = "") -> None:
    """Tolerations, sorted by key."""
    ordered = sorted(tolerations, key=lambda each: each.get("key", ""))
    writer.lines("Tolerations", [_toleration(each) for each in ordered], indent=space)


def _toleration(toleration: Object) -> str:
    key, value, effect = (toleration.get(name, "") for name in ("key", "value", "effect"))
    text = key + (f"={value}" if value else "") + (f":{effect}" if effect else "")
    if toleration.get("operator") == "Exists" and not value:
        text += " op=Exists" if key or effect else "op=Exists"
    seconds = toleration.get("tolerationSeconds")
    return text + (f" for {seconds}s" if seconds is not None else "")
