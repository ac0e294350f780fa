"""CertificateSigning: only who may sign for a signer answers requests to it (`certificates/signing`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.apiserver.admission.plugin import Plugin, refuse
from k8slab.apiserver.admission.signers import REQUESTS, may_act_for
from k8slab.errors import quote

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call


class CertificateSigning(Plugin):
    """Guards the subresource status."""

    name = "CertificateSigning"
    resources = REQUESTS
    operations = frozenset({"UPDATE"})

    def validate(self, call: Call, obj: Any, old: Any) -> None:
        """Refuse certificates and conditions by others."""
        if call.subresource != "status" or _answer(obj) == _answer(old):
            return
        signer = (old.spec.signerName if old.spec is not None else None) or ""
        if not may_act_for(call, "sign", signer):
            raise refuse(call, obj, f"user not permitted to sign requests with signerName {quote(signer)}")


def _answer(request: Any) -> tuple[Any, Any]:
    status = request.status
    return (status.certificate or None, status.conditions or ()) if status is not None else (None, ())
