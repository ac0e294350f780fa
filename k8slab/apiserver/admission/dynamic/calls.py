"""Calling a webhook: where it is, what it is sent, and what it may answer.

Webhooks run in the lab's own process: `server.webhooks` has a function for a webhook's name, its URL, or the address
of its Service. What is not there fails as a webhook does that cannot be reached. Follows
`apiserver/pkg/admission/plugin/webhook` (request/admissionreview.go, errors/statuserror.go) and
`apiserver/pkg/util/webhook` (client.go, serviceresolver.go, error.go).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from k8slab.api.scheme import Resource
from k8slab.apiserver.admission.dynamic.attributes import Attributes
from k8slab.errors import ApiError, K8sLabError, bad_request, internal_error

if TYPE_CHECKING:
    from k8slab.apiserver.server import APIServer

API_VERSION, KIND = "admission.k8s.io/v1", "AdmissionReview"
DNS = "10.96.0.10:53"


class CallFailed(Exception):
    """A webhook that could not be asked, or whose answer cannot be used."""


def address(config: Any) -> str:
    """Where a webhook listens."""
    if config.url is not None:
        return config.url
    service = config.service
    path = service.path or "/"
    return f"https://{service.name}.{service.namespace}.svc:{service.port or 443}{'' if path[0] == '/' else '/'}{path}"


def find(server: APIServer, name: str, config: Any) -> Any:
    """The function that stands for a webhook, None where there is none."""
    keys = [name, address(config)]
    if config.service is not None:
        host = f"{config.service.name}.{config.service.namespace}.svc"
        path = config.service.path or ""
        keys += [f"{host}{path}", host, f"https://{host}{path}", f"https://{host}"]
    return next((server.webhooks[key] for key in keys if key in server.webhooks), None)


def send(server: APIServer, name: str, config: Any, review: dict[str, Any], timeout: int) -> dict[str, Any]:
    """The answer to a review. Raises CallFailed with the words of the server's HTTP client."""
    target = f'Post "{address(config)}?timeout={timeout}s"'
    handler = find(server, name, config)
    if handler is None:
        raise CallFailed(f"{target}: {_unreachable(server, config)}")
    if handler.latency >= timeout * 1_000_000:
        raise CallFailed(f"{target}: context deadline exceeded")
    try:
        return handler.answer(review)
    except K8sLabError as error:
        why = str(error).replace("\n", " ")
        raise CallFailed(f'an error on the server ("{why}") has prevented the request from succeeding') from None


def _unreachable(server: APIServer, config: Any) -> str:
    """Why nobody answers there."""
    if config.url is not None:
        host = urlsplit(config.url).hostname or ""
        return f"dial tcp: lookup {host} on {DNS}: no such host"
    wanted = config.service
    service = server.peek("services", wanted.name, wanted.namespace)
    if service is None:
        return f'service "{wanted.name}" not found'
    ports = [each.port for each in service.spec.ports or ()]
    if (wanted.port or 443) not in ports:
        return f'no service port {wanted.port or 443} found for service "{wanted.name}"'
    slices = server.peek_all("endpointslices", wanted.namespace, "discovery.k8s.io")
    own = [each for each in slices if (each.metadata.labels or {}).get("kubernetes.io/service-name") == wanted.name]
    if not any(endpoint.addresses for each in own for endpoint in each.endpoints or ()):
        return f'no endpoints available for service "{wanted.name}"'
    return f"dial tcp {service.spec.clusterIP}:{wanted.port or 443}: connect: connection refused"


def ask(attributes: Attributes, hook: Any, resource: Resource) -> dict[str, Any]:
    """What a webhook answers about a write. Raises CallFailed, and ApiError for a dry run that it does not support."""
    if attributes.call.options.dry_run and hook.sideEffects not in ("None", "NoneOnDryRun"):
        raise bad_request(f'admission webhook "{hook.name}" does not support dry run')
    server = attributes.call.server
    uid = server.streams.uid("admissionreviews")
    request = {"uid": uid, **attributes.request(resource)}
    request |= {which: attributes.data(which, resource) for which in ("object", "oldObject")}
    review = {"kind": KIND, "apiVersion": API_VERSION, "request": request}
    answer = send(server, hook.name, hook.clientConfig, review, hook.timeoutSeconds or 10)
    return _verified(answer, uid)


def _verified(answer: dict[str, Any], uid: str) -> dict[str, Any]:
    response = answer.get("response")
    if not isinstance(response, dict):
        raise CallFailed("webhook response was absent")
    found = f"{answer.get('apiVersion', '')}, Kind={answer.get('kind', '')}"
    if found != f"{API_VERSION}, Kind={KIND}":
        raise CallFailed(f"expected webhook response of {API_VERSION}, Kind={KIND}, got {found}")
    if response.get("uid") != uid:
        raise CallFailed(f'expected response.uid="{uid}", got "{response.get("uid", "")}"')
    if response.get("patch") and not response.get("patchType"):
        raise CallFailed("webhook returned response.patch but not response.patchType")
    status = response.get("status") or {}
    for name, kind in (("code", int), ("reason", str), ("message", str), ("details", dict)):
        value = status.get(name) if isinstance(status, dict) else status
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise CallFailed(f"expected {kind.__name__} as response.status.{name}, got {value!r}")
    return response


def failed(name: str, error: CallFailed) -> ApiError:
    """500 about a webhook that could not be asked."""
    return internal_error(f'failed calling webhook "{name}": failed to call webhook: {error}')


def rejected(name: str, status: Any) -> ApiError:
    """What the client gets when a webhook says no."""
    status = status if isinstance(status, dict) else {}
    code, reason, message = status.get("code") or 0, status.get("reason") or "", status.get("message") or ""
    denied = f'admission webhook "{name}" denied the request'
    why = f"{denied}: {message or reason}" if message or reason else f"{denied} without explanation"
    details = status.get("details")
    causes = (details or {}).get("causes") or ()
    return ApiError(max(code, 400), reason, why, details, causes)


def remember(attributes: Attributes, name: str, response: dict[str, Any]) -> None:
    """Pass on a webhook's warnings and notes."""
    for key, text in (response.get("auditAnnotations") or {}).items():
        attributes.call.annotate(f"{name}/{key}", str(text))
    attributes.call.warn(*(str(text) for text in response.get("warnings") or ()))
