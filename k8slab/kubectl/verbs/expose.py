"""kubectl expose and kubectl run."""

from __future__ import annotations

import json
from typing import Any

from k8slab.api import patch as patches
from k8slab.errors import ApiError
from k8slab.kubectl import builder
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError, raise_all
from k8slab.kubectl.flags import DRY_RUN, FILES, PRINT, array, boolean, integer, manager, period, text
from k8slab.kubectl.generate.base import without_nulls
from k8slab.kubectl.manifests import Info
from k8slab.kubectl.podspec import pod_template
from k8slab.kubectl.printers import Printer
from k8slab.kubectl.verbs.attached import check_flags, stay

Object = dict[str, Any]
_EXPOSABLE = ("Deployment", "Pod", "ReplicaSet", "ReplicationController", "Service")


def _expose(inv: Any) -> None:
    infos, errors = builder.live(inv)
    printer = Printer(inv, "exposed")
    for info in infos:
        try:
            printer.show(_create(inv, _service(inv, info)), typed=True)
        except (ApiError, CommandError) as error:
            errors.append(error)
    raise_all(errors)


def _create(inv: Any, obj: Object) -> Object:
    obj = _overridden(inv, obj)
    if inv.dry_run == "client":
        return obj
    return inv.access.create(inv.access.scheme.of(obj), without_nulls(obj), inv.namespace, **inv.write_options())


def _overridden(inv: Any, obj: Object) -> Object:
    given = inv.flags["overrides"]
    if not given:
        return obj
    try:
        overrides = json.loads(given)
    except ValueError:
        raise CommandError(f"Invalid JSON Patch: {given}") from None
    if inv.flags["override-type"] == "strategic":
        return patches.strategic_merge(obj, overrides, inv.access.scheme.of(obj).cls)
    if inv.flags["override-type"] == "json":
        return patches.json_patch(obj, overrides)
    return patches.merge_patch(obj, overrides)


def _service(inv: Any, info: Info) -> Object:
    kind = info.resource.kind
    if kind not in _EXPOSABLE:
        group = f".{info.resource.group}" if info.resource.group else ""
        raise CommandError(f"cannot expose a {kind}{group}")
    flags = inv.flags
    name = flags["name"] or info.name
    labels = _pairs(flags["labels"]) if flags["labels"] else info.object["metadata"].get("labels") or {}
    spec: Object = {"ports": _ports(inv, info), "selector": _selector(inv, info)}
    spec |= {"clusterIP": flags["cluster-ip"]} if flags["cluster-ip"] else {}
    spec |= {"type": flags["type"]} if flags["type"] else {}
    spec |= {"externalIPs": [flags["external-ip"]]} if flags["external-ip"] else {}
    spec |= {"sessionAffinity": flags["session-affinity"]} if flags["session-affinity"] else {}
    spec |= {"loadBalancerIP": flags["load-balancer-ip"]} if flags["load-balancer-ip"] else {}
    metadata = {"name": name, **_namespace(inv), "creationTimestamp": None, **({"labels": labels} if labels else {})}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec, "status": {"loadBalancer": {}}}


def _namespace(inv: Any) -> Object:
    return {"namespace": inv.namespace} if inv.has_namespace else {}


def _pairs(given: str, several: bool = True) -> dict[str, str]:
    pairs = [part.partition("=") for part in (given.split(",") if several else [given])]
    if not all(equals for _, equals, _ in pairs):
        raise CommandError(f"unexpected label spec: {given}")
    return {key: value for key, _, value in pairs}


def _selector(inv: Any, info: Info) -> dict[str, str]:
    if inv.flags["selector"]:
        return _pairs(inv.flags["selector"])
    obj, kind = info.object, info.resource.kind
    if kind == "Pod":
        selector = obj["metadata"].get("labels")
        if not selector:
            raise CommandError(
                "couldn't retrieve selectors via --selector flag or introspection: "
                "the pod has no labels and cannot be exposed"
            )
        return selector
    given = (obj.get("spec") or {}).get("selector") or {}
    selector = given if kind in ("Service", "ReplicationController") else given.get("matchLabels")
    if not selector:
        raise CommandError(
            "couldn't retrieve selectors via --selector flag or introspection: the service has no pod selector set"
        )
    return selector


def _ports(inv: Any, info: Info) -> list[Object]:
    own = _container_ports(info)
    given = inv.flags["port"]
    ports = (
        [int(part) if part.isdigit() else part for part in given.split(",")]
        if given
        else list(dict.fromkeys(port for port, _ in own))
    )
    if not ports:
        raise CommandError("couldn't find port via --port flag or introspection")
    protocols = dict(own)
    target = inv.flags["target-port"]
    entries: list[Object] = []
    for index, port in enumerate(ports):
        protocol = inv.flags["protocol"] or protocols.get(port, "TCP")
        entry: Object = {"name": f"port-{index + 1}"} if len(ports) > 1 else {}
        entry |= {"protocol": protocol, "port": port}
        entry["targetPort"] = (int(target) if target.isdigit() else target) if target else port
        entries.append(entry)
    return entries


def _container_ports(info: Info) -> list[tuple[int, str]]:
    if info.resource.kind == "Service":
        return [(port["port"], port.get("protocol", "TCP")) for port in info.object["spec"].get("ports") or ()]
    template = pod_template(info.object) or {}
    return [
        (port["containerPort"], port.get("protocol", "TCP"))
        for container in (template.get("spec") or {}).get("containers") or ()
        for port in container.get("ports") or ()
    ]


def _run(inv: Any) -> None:
    names = inv.args if inv.dash < 0 else inv.args[: inv.dash]
    if not names:
        raise inv.usage_error("NAME is required for run")
    flags = inv.flags
    if not flags["image"]:
        raise CommandError("--image is required")
    attached = check_flags(inv)
    if flags["restart"] not in ("Always", "OnFailure", "Never"):
        raise inv.usage_error(f"invalid restart policy: {flags['restart']}")
    if flags["expose"] and not flags["port"]:
        raise inv.usage_error("--port must be set when exposing a service")
    words = names[1:] + (inv.args[inv.dash :] if inv.dash >= 0 else [])
    printer = Printer(inv, "created")
    service = _create(inv, _run_service(inv, names[0])) if flags["expose"] else None
    pod = _create(inv, _pod(inv, names[0], words))
    if attached:
        stay(inv, pod)
        return
    for made in (service, pod):
        if made is not None:
            printer.show(made, typed=True)


def _pod(inv: Any, name: str, words: list[str]) -> Object:
    flags = inv.flags
    container: Object = {"name": name, "image": flags["image"]}
    container |= {"command" if flags["command"] else "args": words} if words else {}
    if flags["port"]:
        if not flags["port"].isdigit():
            raise CommandError(f'strconv.ParseInt: parsing "{flags["port"]}": invalid syntax')
        container["ports"] = [{"containerPort": int(flags["port"])}]
    container |= {"env": [_env(each) for each in flags["env"]]} if flags["env"] else {}
    container["resources"] = {}
    if flags["stdin"]:
        container |= {"stdin": True, **({} if flags["leave-stdin-open"] else {"stdinOnce": True})}
    container |= {"tty": True} if flags["tty"] else {}
    container |= {"imagePullPolicy": flags["image-pull-policy"]} if flags["image-pull-policy"] else {}
    container |= {"securityContext": {"privileged": True}} if flags["privileged"] else {}
    metadata: Object = {"name": name, **_namespace(inv), "creationTimestamp": None, "labels": _run_labels(inv, name)}
    metadata |= (
        {"annotations": {key: value for pair in flags["annotations"] for key, value in _pairs(pair, False).items()}}
        if flags["annotations"]
        else {}
    )
    spec = {"containers": [container], "restartPolicy": flags["restart"], "dnsPolicy": "ClusterFirst"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": {}}


def _run_labels(inv: Any, name: str) -> dict[str, str]:
    return _pairs(inv.flags["labels"]) if inv.flags["labels"] else {"run": name}


def _env(given: str) -> Object:
    name, equals, value = given.partition("=")
    if not equals or not name:
        raise CommandError(f"invalid env: {given}")
    return {"name": name, "value": value}


def _run_service(inv: Any, name: str) -> Object:
    port = int(inv.flags["port"])
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, **_namespace(inv), "creationTimestamp": None},
        "spec": {
            "ports": [{"protocol": "TCP", "port": port, "targetPort": port}],
            "selector": _run_labels(inv, name),
        },
        "status": {"loadBalancer": {}},
    }


_OVERRIDES = (text("override-type", default="merge"), text("overrides"), boolean("save-config"))
COMMAND = Command(
    "expose",
    "Take a replication controller, service, deployment or pod and expose it as a new Kubernetes service",
    "kubectl expose (-f FILENAME | TYPE NAME) [--port=port] [--protocol=TCP|UDP|SCTP] [--target-port=number-or-name] "
    "[--name=name] [--external-ip=external-ip-of-service] [--type=type] [options]",
    _expose,
    (
        *FILES,
        *PRINT,
        *DRY_RUN,
        *_OVERRIDES,
        manager("kubectl-expose"),
        text("cluster-ip"),
        text("external-ip"),
        text("labels", "l"),
        text("load-balancer-ip"),
        text("name"),
        text("port"),
        text("protocol"),
        text("selector"),
        text("session-affinity"),
        text("target-port"),
        text("type"),
    ),
    examples="kubectl expose deployment web --port=80 --target-port=8080",
)
RUN = Command(
    "run",
    "Run a particular image on the cluster",
    'kubectl run NAME --image=image [--env="key=value"] [--port=port] [--dry-run=server|client] '
    "[--overrides=inline-json] [--command] -- [COMMAND] [args...] [options]",
    _run,
    (
        *FILES,
        *PRINT,
        *DRY_RUN,
        *_OVERRIDES,
        manager("kubectl-run"),
        array("annotations"),
        boolean("attach"),
        text("cascade", default="background", implied="background"),
        boolean("command"),
        array("env"),
        boolean("expose"),
        boolean("force"),
        integer("grace-period", default=-1),
        text("image", required=True),
        text("image-pull-policy"),
        text("labels", "l"),
        boolean("leave-stdin-open"),
        period("pod-running-timeout", "1m0s"),
        text("port"),
        boolean("privileged"),
        boolean("quiet", "q"),
        text("restart", default="Always"),
        boolean("rm"),
        boolean("stdin", "i"),
        period("timeout"),
        boolean("tty", "t"),
        boolean("wait"),
    ),
    examples="kubectl run web --image=nginx --port=80\nkubectl run job --image=busybox --restart=Never -- echo hello",
)
