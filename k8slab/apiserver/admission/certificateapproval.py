"""CertificateApproval: only who may approve for a signer approves requests to it (`certificates/approval`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.apiserver.admission.plugin import Plugin, refuse
from k8slab.apiserver.admission.signers import REQUESTS, may_act_for
from k8slab.errors import quote

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call


class CertificateApproval(Plugin):
    """Guards the subresource approval."""

    name = "CertificateApproval"
    resources = REQUESTS
    operations = frozenset({"UPDATE"})

    def validate(self, call: Call, obj: Any, old: Any) -> None:
        """Refuse approvals by others; what counts is the signer that is stored."""
        signer = (old.spec.signerName if old.spec is not None else None) or ""
        if call.subresource == "approval" and not may_act_for(call, "approve", signer):
            raise refuse(call, obj, f"user not permitted to approve requests with signerName {quote(signer)}")
