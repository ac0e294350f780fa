"""POST serviceaccounts/token: a token for a service account (`pkg/registry/core/serviceaccount/storage/token.go`)."""

from __future__ import annotations

from typing import Any

from k8slab.api.authentication_v1 import TokenRequest, TokenRequestSpec, TokenRequestStatus
from k8slab.api.core_v1 import Node
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.request import Response
from k8slab.apiserver.call import Call
from k8slab.apiserver.subresources.body import read_as
from k8slab.apiserver.tokens.claims import EXTENDED, WARN_ONLY, claims_of
from k8slab.apiserver.tokens.issuer import AUDIENCE
from k8slab.apiserver.tokens.later import LaterToken
from k8slab.errors import FieldError, bad_request, conflict, invalid, not_found, quote
from k8slab.sim.clock import SECOND
from k8slab.sim.timestamps import rfc3339

GROUP_KIND = "TokenRequest.authentication.k8s.io"
DEFAULT_LIFETIME = 3600
SHORTEST, LONGEST = 600, 1 << 32
UID_DIFFERS = (
    "the UID in the bound object reference ({}) does not match the UID in record. "
    "The object might have been deleted and then recreated"
)
BINDABLE = {"Pod": "pods", "Node": "nodes", "Secret": "secrets"}


def create_token(call: Call) -> Response:
    """Issue a token for the account in the path. Raises BadRequest, Invalid, NotFound, Conflict."""
    request = read_as(call, "authentication.k8s.io/v1", "TokenRequest")
    _check_names(call, request)
    account = call.server.storage.read(call.endpoint, call.namespace, call.name).value
    _check_uid(call, request, account)
    request = _filled(call, request)
    _validate(request.spec)
    call.operation = "CREATE"
    request = call.server.admission.admit(call, request, None)
    call.server.admission.validate(call, request, None)
    bound = _bound(call, request.spec.boundObjectRef)
    return Response(201, request.replace(status=_status(call, request.spec, account, bound)))


def _check_names(call: Call, request: TokenRequest) -> None:
    given = request.metadata
    pairs = (("name", given.name, call.name), ("namespace", given.namespace, call.namespace))
    for field, value, wanted in pairs:
        if value and value != wanted:
            why = f"must match the service account {field} if specified"
            raise invalid(GROUP_KIND, call.name, [FieldError.invalid(f"metadata.{field}", value, why)])


def _check_uid(call: Call, request: TokenRequest, account: Any) -> None:
    given, real = request.metadata.uid, account.metadata.uid
    if given and given != real:
        why = f"the UID in the token request ({given}) does not match the UID of the service account ({real})"
        raise conflict(GROUP_KIND.replace("TokenRequest", "tokenrequests"), call.name, why)


def _filled(call: Call, request: TokenRequest) -> TokenRequest:
    spec = request.spec or TokenRequestSpec()
    lifetime = DEFAULT_LIFETIME if spec.expirationSeconds is None else spec.expirationSeconds
    spec = spec.replace(audiences=spec.audiences or (AUDIENCE,), expirationSeconds=lifetime)
    metadata = request.metadata.replace(name=call.name, namespace=call.namespace, creationTimestamp=call.now)
    return request.replace(metadata=metadata, spec=spec, status=None)


def _validate(spec: TokenRequestSpec) -> None:
    lifetime, path = spec.expirationSeconds, "spec.expirationSeconds"
    errors = []
    if lifetime < SHORTEST:
        errors.append(FieldError.invalid(path, lifetime, "may not specify a duration less than 10 minutes"))
    if lifetime > LONGEST:
        errors.append(FieldError.invalid(path, lifetime, "may not specify a duration larger than 2^32 seconds"))
    if errors:
        raise invalid(GROUP_KIND, "", errors)


def _bound(call: Call, reference: Any) -> dict[str, Any]:
    """The objects on which the token is to depend, by their claims."""
    if reference is None:
        return {}
    group, _, version = (reference.apiVersion or "").rpartition("/")
    plural = BINDABLE.get(reference.kind or "") if not group else None
    if plural is None:
        kind = f"{group}/{version}, Kind={reference.kind or ''}"
        raise bad_request(f"cannot bind token to object of type {kind}")
    name, server = reference.name or "", call.server
    found = server.peek(plural, name, None if plural == "nodes" else call.namespace)
    if found is None:
        raise not_found(plural, name)
    bound = {reference.kind.lower(): found}
    if plural == "pods":
        bound |= _with_node(call, found)
    if reference.uid and reference.uid != found.metadata.uid:
        raise conflict(reference.kind, name, UID_DIFFERS.format(reference.uid))
    return bound


def _with_node(call: Call, pod: Any) -> dict[str, Any]:
    """The node of a Pod, which goes into the token too; only by its name where it has left."""
    if (pod.spec.serviceAccountName or "") != call.name:
        who = quote(call.name)
        why = f"cannot bind token for serviceaccount {who} to pod running with different serviceaccount name."
        raise bad_request(why)
    name = pod.spec.nodeName
    if not name:
        return {}
    return {"node": call.server.peek("nodes", name) or Node(metadata=ObjectMeta(name=name))}


def _status(call: Call, spec: TokenRequestSpec, account: Any, bound: dict[str, Any]) -> TokenRequestStatus:
    server, lifetime = call.server, spec.expirationSeconds
    now = server.clock.unix_us
    is_extended = "pod" in bound and lifetime == WARN_ONLY and spec.audiences == (AUDIENCE,)
    claims = claims_of(
        account,
        now // SECOND,
        EXTENDED if is_extended else lifetime,
        tuple(spec.audiences),
        server.streams.uid("token"),
        bound,
        warn_after=lifetime if is_extended else 0,
    )
    token: Any = LaterToken(server, claims, lifetime) if call.options.sign_later else server.tokens.sign(claims)
    return TokenRequestStatus(token=token, expirationTimestamp=rfc3339(now + lifetime * SECOND))
