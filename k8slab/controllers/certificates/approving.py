"""Approves what kubelets ask for: a first certificate with a bootstrap token, later ones for themselves.

Follows `pkg/controller/certificates/approver/sarapprove.go`.
"""

from __future__ import annotations

from typing import Any

from k8slab.api.authorization_v1 import ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec
from k8slab.api.certificates_v1 import CertificateSigningRequestCondition, CertificateSigningRequestStatus
from k8slab.client import Request, Result
from k8slab.controllers.certificates.kubelet import KUBELET_CLIENT, client_problem, conditions, parsed
from k8slab.controllers.controller import Controller

OWN, ANY = "selfnodeclient", "nodeclient"
MESSAGES = {
    OWN: "Auto approving self kubelet client certificate after SubjectAccessReview.",
    ANY: "Auto approving kubelet client certificate after SubjectAccessReview.",
}


class CertificateApprovingController(Controller):
    """Approves requests for client certificates of kubelets."""

    name = "certificatesigningrequest-approving-controller"
    about = "approves certificate requests of kubelets"
    source = "certificate-controller"

    def setup(self) -> None:
        """Watch requests."""
        self.requests = self.informer("certificatesigningrequests")
        self.requests.add_handler(self.enqueue, self.enqueue_new)

    def reconcile(self, request: Request) -> Result | None:
        """Decide on one request."""
        csr = self.requests.get("", request.name)
        if csr is None or (csr.status is not None and csr.status.certificate) or csr.spec.signerName != KUBELET_CLIENT:
            return None
        decided = conditions(csr)
        if "Approved" in decided or "Denied" in decided:
            return None
        wanted = parsed(csr)
        if client_problem(wanted, tuple(csr.spec.usages or ())):
            return None
        kinds = (OWN, ANY) if csr.spec.username == wanted.common_name else (ANY,)
        for kind in kinds:
            if self._may_have(csr, kind):
                self.say(f"{csr.spec.username} may have the kubelet certificate it asks for: approving {request.name}")
                self._approve(csr, MESSAGES[kind])
                return None
        return None

    def _may_have(self, csr: Any, kind: str) -> bool:
        """Whether roles let the one who asks have such certificates."""
        spec = csr.spec
        attributes = ResourceAttributes(
            group="certificates.k8s.io",
            resource="certificatesigningrequests",
            verb="create",
            subresource=kind,
            version="*",
        )
        question = SubjectAccessReviewSpec(
            user=spec.username, uid=spec.uid, groups=spec.groups, extra=spec.extra, resourceAttributes=attributes
        )
        return bool(self.client.create(SubjectAccessReview(spec=question)).status.allowed)

    def _approve(self, csr: Any, message: str) -> None:
        condition = CertificateSigningRequestCondition(
            type="Approved", status="True", reason="AutoApproved", message=message
        )
        status = csr.status or CertificateSigningRequestStatus()
        status = status.replace(conditions=(*(status.conditions or ()), condition))
        self.client.update_approval(csr.replace(status=status))
