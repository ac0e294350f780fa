"""Requests that are passed on to Pods, by themselves or through a Service: `services/[SCHEME:]NAME[:PORT]/proxy/PATH`.

As ResourceLocation in `pkg/registry/core/pod/strategy.go` and `pkg/registry/core/service/storage/storage.go` has it.
"""

from __future__ import annotations

from k8slab.api.request import Response
from k8slab.apiserver.call import Call
from k8slab.errors import ApiError, bad_request, service_unavailable

DEFAULT_PORTS = {"": 80, "http": 80, "https": 443}
UNREACHABLE = {
    0: "connect: connection refused",
    -1: "http: server gave HTTP response to a client that expected something else",
    -2: "connect: no route to host",
}


def pass_to_pod(call: Call) -> Response:
    """GET pods/[SCHEME:]NAME[:PORT]/proxy/PATH; without a port the first that a container of the Pod names."""
    scheme, name, port = _target(call)
    pod = call.server.storage.read(call.endpoint, call.namespace, name).value
    ports = [each.containerPort for container in pod.spec.containers for each in container.ports or ()]
    if not pod.status.podIP:
        raise bad_request("address not allowed")
    return _ask(call, pod.status.podIP, _number(port) or (ports[0] if ports else DEFAULT_PORTS[scheme]))


def pass_to_service(call: Call) -> Response:
    """GET services/[SCHEME:]NAME[:PORT]/proxy/PATH; the port is a number or a name of the Service's."""
    _, name, port = _target(call)
    service = call.server.storage.read(call.endpoint, call.namespace, name).value
    if port.isdecimal():
        named = [each.name or "" for each in service.spec.ports or () if each.port == int(port)]
        if not named:
            raise service_unavailable(f'no service port {port} found for service "{name}"')
        port = named[0]
    return _ask(call, *_endpoint(call, name, port))


def _endpoint(call: Call, name: str, port: str) -> tuple[str, int]:
    """Address and port of a ready endpoint, always the first: looking changes nothing."""
    try:
        endpoints = call.server.storage.read(call.server.endpoint("endpoints"), call.namespace, name).value
    except ApiError:
        endpoints = None
    for subset in (endpoints.subsets or ()) if endpoints is not None else ():
        for each in subset.ports or ():
            if (each.name or "") == port and subset.addresses:
                return subset.addresses[0].ip, each.port
    raise service_unavailable(f'no endpoints available for service "{name}"')


def _target(call: Call) -> tuple[str, str, str]:
    """Scheme, name and port (SplitSchemeNamePort)."""
    parts = call.name.split(":")
    if len(parts) == 1:
        return "", call.name, ""
    scheme, name, port = ("", *parts) if len(parts) == 2 else (*parts, "", "")[:3]
    if len(parts) > 3 or not name or scheme not in DEFAULT_PORTS:
        raise bad_request(f'invalid {call.endpoint.kind.lower()} request "{call.name}"')
    return scheme, name, port


def _number(port: str) -> int:
    return int(port) if port.isdecimal() else 0


def _ask(call: Call, address: str, port: int) -> Response:
    if call.server.node_proxy is None:
        raise service_unavailable("error trying to reach service: no kubelets")
    path = "/" + str(call.options.parameters.get("path", ""))
    status, body = call.server.node_proxy.cni.request(address, port, path)
    if status <= 0:
        raise service_unavailable(f"error trying to reach service: dial tcp {address}:{port}: {UNREACHABLE[status]}")
    return Response(status, body)
