"""kubectl port-forward: in a notebook no port stays open, so each forwarded port is tried once."""

from __future__ import annotations

from http.client import responses
from typing import Any

from k8slab.errors import ApiError
from k8slab.kubectl import builder
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.flags import period, several
from k8slab.kubectl.sessions import find_pod, phase

Ports = list[tuple[int, int]]
_NOTE = (
    "a notebook cell cannot keep a port open: each was tried with one request. "
    "lab.serve() and kubectl in a terminal keep it open"
)


def run(inv: Any) -> None:
    """Check what is to be forwarded, and send one request through each port."""
    if len(inv.args) < 2:
        raise inv.usage_error("TYPE/NAME and list of ports are required for port-forward")
    word, pairs = inv.args[0], inv.args[1:]
    pod = find_pod(inv, word)
    ports = [_pair(inv, word, pod, text) for text in pairs]
    if phase(pod) != "Running":
        raise CommandError(f"unable to forward port because pod is not running. Current status={phase(pod)}")
    forward = _open(inv, pod)
    for local, remote in ports:
        for address in ("127.0.0.1", "[::1]"):
            inv.print(f"Forwarding from {address}:{local} -> {remote}")
    for local, remote in ports:
        _try(inv, forward, local, remote)
    inv.complain(_NOTE)


def _open(inv: Any, pod: dict[str, Any]) -> Any:
    metadata = pod["metadata"]
    try:
        return inv.access.send(
            "create",
            inv.access.scheme.resource("pods"),
            name=metadata["name"],
            namespace=metadata["namespace"],
            subresource="portforward",
        )
    except ApiError as error:
        if error.message.startswith("unable to upgrade connection"):
            raise CommandError(f"error upgrading connection: {error.message}") from None
        raise


def _try(inv: Any, forward: Any, local: int, remote: int) -> None:
    inv.print(f"Handling connection for {local}")
    refusal = forward.connect(remote)
    if refusal:
        inv.complain(f"an error occurred forwarding {local} -> {remote}: {refusal}")
        raise CommandError("lost connection to pod")
    status, body = forward.request(remote, "/")
    if status <= 0:
        inv.print(f"GET http://127.0.0.1:{local}/ was not answered: the program speaks no HTTP")
        return
    inv.print(f"GET http://127.0.0.1:{local}/ answered {status} {responses.get(status, '')}")
    inv.write(body if not body or body.endswith("\n") else body + "\n")


def _pair(inv: Any, word: str, pod: dict[str, Any], text: str) -> tuple[int, int]:
    """Local and remote port of `[LOCAL:]REMOTE`; a Service's port becomes that of its Pods. Raises CommandError."""
    local, colon, remote = text.partition(":")
    if not colon:
        remote = local
    wanted = _port(inv, word, pod, remote, text)
    given = wanted if not colon and not local.isdigit() else _number(local or "0", text)
    if not colon and local.isdigit() and _is_service(inv, word):
        given = int(local)
    return given, wanted


def _number(text: str, whole: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise CommandError(f'error parsing local port "{text}": strconv.ParseUint: parsing "{text}": invalid syntax')
    return int(text)


def _is_service(inv: Any, word: str) -> bool:
    kind, slash, _ = word.partition("/")
    return bool(slash) and builder.find_resource(inv, kind).kind == "Service"


def _port(inv: Any, word: str, pod: dict[str, Any], text: str, whole: str) -> int:
    if _is_service(inv, word):
        return _of_service(inv, word, pod, text)
    if text.isdigit():
        if not 0 < int(text) < 65536:
            raise CommandError("remote port must be > 0")
        return int(text)
    found = _named(pod, text)
    if found is None:
        raise CommandError(f"Pod '{pod['metadata']['name']}' does not have a named port '{text}'")
    return found


def _of_service(inv: Any, word: str, pod: dict[str, Any], text: str) -> int:
    name = word.partition("/")[2]
    service = inv.access.get(inv.access.scheme.resource("services"), name, inv.namespace)
    for port in (service.get("spec") or {}).get("ports") or ():
        if text not in (str(port["port"]), port.get("name")):
            continue
        target = port.get("targetPort", port["port"])
        found = target if isinstance(target, int) else _named(pod, target)
        if found is None:
            raise CommandError(f"Pod '{pod['metadata']['name']}' does not have a named port '{target}'")
        return found if service["spec"].get("clusterIP") != "None" else port["port"]
    kind = "service port" if text.isdigit() else "named port"
    shown = text if text.isdigit() else f"'{text}'"
    raise CommandError(f"Service {name if text.isdigit() else repr(name)} does not have a {kind} {shown}")


def _named(pod: dict[str, Any], name: str) -> int | None:
    for container in pod["spec"].get("containers") or ():
        for port in container.get("ports") or ():
            if port.get("name") == name:
                return int(port["containerPort"])
    return None


COMMAND = Command(
    "port-forward",
    "Forward one or more local ports to a pod",
    "kubectl port-forward TYPE/NAME [options] [LOCAL_PORT:]REMOTE_PORT [...[LOCAL_PORT_N:]REMOTE_PORT_N]",
    run,
    (several("address"), period("pod-running-timeout", "1m0s")),
    details=" A cell cannot wait for connections: one request is sent through each port, and its answer shown.",
    examples="kubectl port-forward pod/web-0 8080:80\nkubectl port-forward service/web 8080:http",
)
