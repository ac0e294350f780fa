"""Requests that the API server passes on to a kubelet (`pkg/registry/core/pod/strategy.go`, LogLocation)."""

from __future__ import annotations

from typing import Any

from k8slab.api.request import Response
from k8slab.apiserver.call import Call
from k8slab.errors import ApiError, K8sLabError, bad_request, not_found, service_unavailable, unexpected

NO_PAGE = "404 page not found\n"


def log(call: Call) -> Response:
    """The log of a container, as text."""
    pod = call.server.storage.read(call.endpoint, call.namespace, call.name).value
    options = call.options.parameters
    container = container_of(pod, options.get("container", ""))
    if not pod.spec.nodeName or call.server.node_proxy is None:
        # A Pod that runs nowhere has no log: the real server answers with an empty text.
        return Response(200, "")
    if call.server.peek("nodes", pod.spec.nodeName) is None:
        raise not_found("nodes", pod.spec.nodeName)
    return Response(200, _ask(call, container, options))


def _ask(call: Call, container: str, options: dict[str, str]) -> str:
    try:
        return call.server.node_proxy.logs(
            call.namespace,
            call.name,
            container,
            tail=_number(options, "tailLines"),
            previous=options.get("previous") in ("true", "1"),
            since=_number(options, "sinceSeconds"),
            timestamps=options.get("timestamps") in ("true", "1"),
        )
    except ApiError:
        raise
    except K8sLabError as error:
        # The kubelet cannot be reached: the server passes on what its transport says.
        raise unexpected(str(error)) from None


def container_of(pod: Any, wanted: str) -> str:
    """The container that is meant, where none is named the only or the default one. Raises ApiError."""
    spec, name = pod.spec, pod.metadata.name
    regular = [each.name for each in spec.containers or ()]
    initial = [each.name for each in spec.initContainers or ()]
    ephemeral = [each.name for each in spec.ephemeralContainers or ()]
    if wanted:
        if wanted not in (*regular, *initial, *ephemeral):
            raise bad_request(f"container {wanted} is not valid for pod {name}")
        return wanted
    default = (pod.metadata.annotations or {}).get("kubectl.kubernetes.io/default-container")
    if default in regular:
        return default
    if len(regular) == 1:
        return regular[0]
    text = f"a container name must be specified for pod {name}, choose one of: [{' '.join(regular)}]"
    if initial:
        text += f" or one of the init containers: [{' '.join(initial)}]"
    raise bad_request(text)


def _number(options: dict[str, str], name: str) -> int | None:
    value = options.get(name)
    return int(value) if value else None


def pass_on(call: Call) -> Response:
    """GET nodes/NAME/proxy/PATH: what the node's kubelet answers."""
    call.server.storage.read(call.endpoint, None, call.name)
    if call.server.node_proxy is None:
        raise service_unavailable("error trying to reach service: no kubelets")
    try:
        body = call.server.node_proxy.ask_kubelet(call.name, call.options.parameters.get("path", ""))
    except K8sLabError as error:
        raise service_unavailable(str(error)) from None
    return Response(404, NO_PAGE) if body is None else Response(200, body)
