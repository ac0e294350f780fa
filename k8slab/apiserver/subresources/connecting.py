"""Connecting to what runs in a Pod: exec, attach, port-forward (`pkg/registry/core/pod/rest/subresources.go`).

The body of such a request has the fields of PodExecOptions, PodAttachOptions or PodPortForwardOptions, which travel in
the query over HTTP. The answer's body is the session, for the caller to speak with.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from k8slab.api.request import Response
from k8slab.apiserver.authorization import attributes_of, refusal
from k8slab.apiserver.call import Call
from k8slab.apiserver.subresources.node import container_of
from k8slab.errors import ApiError, bad_request


def connect(call: Call) -> Response:
    """Open a session in a Pod. Raises ApiError in the words of API server or kubelet."""
    _authorize(call)
    pod = call.server.storage.read(call.endpoint, call.namespace, call.name).value
    options: dict[str, Any] = dict(call.request.body) if isinstance(call.request.body, dict) else {}
    kind = call.subresource
    if kind != "portforward":
        options["container"] = container_of(pod, options.get("container") or "")
    if not pod.spec.nodeName:
        raise bad_request(f"pod {call.name} does not have a host assigned")
    proxy = call.server.node_proxy
    if proxy is None or pod.spec.nodeName not in proxy.kubelets:
        raise ApiError(500, "", f"error dialing backend: dial tcp: lookup {pod.spec.nodeName}: no such host")
    return Response(200, proxy.stream(kind, call.namespace, call.name, options, call.request.sink))


def _authorize(call: Call) -> None:
    """A WebSocket begins with a GET, but what it does is to create (AuthorizePodWebsocketUpgradeCreatePermission)."""
    authorizer = call.server.authorizer
    if call.request.verb != "get" or authorizer.allows_everything:
        return
    attributes = replace(attributes_of(call.request), verb="create")
    decision = authorizer.authorize(attributes)
    if not decision.allowed:
        raise refusal(attributes, decision.reason)
