"""Signs approved requests with the cluster's authority (`pkg/controller/certificates/signer/signer.go`)."""

from __future__ import annotations

import base64
from typing import Any

from k8slab.api.certificates_v1 import CertificateSigningRequestCondition
from k8slab.client import Request, Result
from k8slab.controllers.certificates.kubelet import (
    API_CLIENT,
    KUBELET_CLIENT,
    KUBELET_SERVING,
    LEGACY_UNKNOWN,
    client_problem,
    conditions,
    parsed,
    serving_problem,
)
from k8slab.controllers.controller import Controller
from k8slab.pki.request import CertificateRequest
from k8slab.pki.x509 import Template, pem
from k8slab.sim.clock import SECOND

SIGNERS = (KUBELET_SERVING, KUBELET_CLIENT, API_CLIENT, LEGACY_UNKNOWN)
BACKDATE = 5 * 60
"""Seconds by which certificates begin before they are made."""
SHORT = 8 * 60 * 60
"""Certificates of less than so many seconds are not shortened by that."""
SHORTEST = 10 * 60
SERIAL_BITS = 128


class CertificateSigningController(Controller):
    """Answers approved requests to the signers of Kubernetes itself."""

    name = "certificatesigningrequest-signing-controller"
    about = "signs approved certificate requests with the cluster's authority"
    source = "certificate-controller"

    def setup(self) -> None:
        """Watch requests."""
        self.requests = self.informer("certificatesigningrequests")
        self.requests.add_handler(self.enqueue, self.enqueue_new)
        self.rng = self.streams.stream("certificate-serial")

    def reconcile(self, request: Request) -> Result | None:
        """Answer one request."""
        csr = self.requests.get("", request.name)
        if csr is None or csr.spec.signerName not in SIGNERS or self.options.cluster_signing is None:
            return None
        decided = conditions(csr)
        if "Approved" not in decided or "Denied" in decided or "Failed" in decided or csr.status.certificate:
            return None
        wanted = parsed(csr)
        problem = _problem(csr.spec.signerName, wanted, tuple(csr.spec.usages or ()))
        if problem:
            self.say(f"{request.name} is not what {csr.spec.signerName} signs: {problem}")
            self._fail(csr, problem)
        else:
            self.say(f"{request.name} is approved: signing the certificate")
            certificate = base64.b64encode(self._sign(csr, wanted).encode()).decode()
            self.client.update_status(csr.replace(status=csr.status.replace(certificate=certificate)))
        return None

    def _fail(self, csr: Any, problem: str) -> None:
        failed = CertificateSigningRequestCondition(
            type="Failed",
            status="True",
            reason="SignerValidationFailure",
            message=problem,
            lastUpdateTime=self.clock.rfc3339(),
        )
        self.client.update_status(
            csr.replace(status=csr.status.replace(conditions=(*(csr.status.conditions or ()), failed)))
        )

    def _sign(self, csr: Any, wanted: CertificateRequest) -> str:
        """The certificate that is asked for, as PEM."""
        now, lifetime = self.clock.unix_us // SECOND, self._lifetime(csr)
        template = Template(
            subject=wanted.subject,
            spki=wanted.spki,
            not_before=now - BACKDATE,
            not_after=now + lifetime - (0 if lifetime < SHORT else BACKDATE),
            usages=tuple(csr.spec.usages),
            names=wanted.names,
        )
        return pem("CERTIFICATE", self.options.cluster_signing.issue(template, self.rng.getrandbits(SERIAL_BITS) | 1))

    def _lifetime(self, csr: Any) -> int:
        """Seconds that the certificate is to last: what is asked for, within bounds."""
        longest = self.options.cluster_signing_duration // SECOND
        asked = csr.spec.expirationSeconds
        return longest if asked is None else max(SHORTEST, min(asked, longest))


def _problem(signer: str, wanted: CertificateRequest, usages: tuple[str, ...]) -> str:
    """Why a signer does not sign what was approved."""
    if signer == KUBELET_SERVING:
        return serving_problem(wanted, usages)
    if signer == KUBELET_CLIENT:
        return client_problem(wanted, usages)
    if signer == API_CLIENT:
        return _usage_problem(usages)
    return ""


def _usage_problem(usages: tuple[str, ...]) -> str:
    for usage in usages:
        if usage not in ("digital signature", "key encipherment", "client auth"):
            return f"invalid usage for client certificate: {usage}"
    return "" if "client auth" in usages else "missing required usage for client certificate: client auth"
