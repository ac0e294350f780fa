"""POST serviceaccounts/token: a token for a service account (`pkg/registry/core/serviceaccount/storage/token.go`)."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from k8slab.api.authentication_v1 import TokenRequestSpec, TokenRequestStatus
from k8slab.api.request import Response
from k8slab.apiserver.call import Call
from k8slab.apiserver.subresources.body import read_as
from k8slab.sim.clock import SECOND
from k8slab.sim.timestamps import rfc3339

AUDIENCE = "https://kubernetes.default.svc.cluster.local"
DEFAULT_LIFETIME = 3600


def create_token(call: Call) -> Response:
    """Issue a token. It has a JWT's form; its signature is a digest that only this lab's seed gives."""
    request = read_as(call, "authentication.k8s.io/v1", "TokenRequest")
    account = call.server.storage.read(call.endpoint, call.namespace, call.name).value
    call.operation = "CREATE"
    request = call.server.admission.admit(call, request, None)
    call.server.admission.validate(call, request, None)
    spec = request.spec or TokenRequestSpec()
    audiences = tuple(spec.audiences or (AUDIENCE,))
    lifetime = spec.expirationSeconds or DEFAULT_LIFETIME
    issued = call.server.clock.unix_us
    expires = issued + lifetime * SECOND
    claims = {
        "aud": audiences,
        "exp": expires // SECOND,
        "iat": issued // SECOND,
        "iss": AUDIENCE,
        "kubernetes.io": {
            "namespace": call.namespace,
            "serviceaccount": {"name": call.name, "uid": account.metadata.uid},
        },
        "sub": f"system:serviceaccount:{call.namespace}:{call.name}",
    }
    token = sign(claims, call.server.streams.seed)
    status = TokenRequestStatus(token=token, expirationTimestamp=rfc3339(expires))
    spec = spec.replace(audiences=audiences, expirationSeconds=lifetime)
    metadata = request.metadata.replace(name=call.name, namespace=call.namespace, creationTimestamp=call.now)
    return Response(201, request.replace(metadata=metadata, spec=spec, status=status))


def sign(claims: dict[str, Any], seed: int) -> str:
    """The claims as a compact token."""
    parts = [_encoded({"alg": "HS256", "kid": "k8slab"}), _encoded(claims)]
    digest = hashlib.sha256(f"{seed}.{'.'.join(parts)}".encode()).digest()
    return ".".join((*parts, base64.urlsafe_b64encode(digest).decode().rstrip("=")))


def _encoded(data: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(data, separators=(",", ":")).encode()).decode().rstrip("=")
