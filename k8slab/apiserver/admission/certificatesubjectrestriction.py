"""CertificateSubjectRestriction: no certificates of `system:masters` (`certificates/subjectrestriction`)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from k8slab.apiserver.admission.plugin import Plugin, refuse
from k8slab.apiserver.admission.signers import REQUESTS
from k8slab.pki.request import parse

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call

SIGNER = "kubernetes.io/kube-apiserver-client"
MASTERS = "system:masters"


class CertificateSubjectRestriction(Plugin):
    """Guards requests for client certificates."""

    name = "CertificateSubjectRestriction"
    resources = REQUESTS

    def validate(self, call: Call, obj: Any, old: Any) -> None:
        """Refuse requests whose subject is in the group that may do everything."""
        if call.subresource or obj.spec is None or obj.spec.signerName != SIGNER:
            return
        try:
            wanted = parse(base64.b64decode(obj.spec.request or "").decode("utf-8", "replace"))
        except ValueError as error:
            raise refuse(call, obj, f"failed to parse CSR: {error}") from None
        if MASTERS in wanted.organizations:
            raise refuse(call, obj, f"use of {SIGNER} signer with {MASTERS} group is not allowed")
