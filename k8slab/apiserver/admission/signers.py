"""Who may act for a signer of certificates (`plugin/pkg/admission/certificates/util.go`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8slab.apiserver.authorization import Attributes

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call

GROUP = "certificates.k8s.io"
REQUESTS = frozenset({(GROUP, "certificatesigningrequests")})


def may_act_for(call: Call, verb: str, signer: str) -> bool:
    """Whether the user may `approve`, `sign` or `attest` for the signer, or for all of the signer's domain."""
    return _allowed(call, verb, signer) or _allowed(call, verb, f"{signer.partition('/')[0]}/*")


def _allowed(call: Call, verb: str, name: str) -> bool:
    wanted = Attributes(user=call.user, verb=verb, group=GROUP, version="*", resource="signers", name=name)
    return call.server.authorizer.authorize(wanted).allowed
