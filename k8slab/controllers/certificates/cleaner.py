"""Deletes requests that nobody needs any more (`pkg/controller/certificates/cleaner/cleaner.go`)."""

from __future__ import annotations

from typing import Any

from k8slab.client import Request, Result
from k8slab.controllers.certificates.kubelet import conditions
from k8slab.controllers.controller import Controller
from k8slab.sim.clock import SECOND
from k8slab.sim.timestamps import parse_rfc3339

HOUR = 3600 * SECOND
POLLING = HOUR
DECIDED_FOR = HOUR
"""How long requests stay that were answered, denied, or have failed."""
PENDING_FOR = 24 * HOUR


class CertificateCleaner(Controller):
    """Looks through all requests once an hour."""

    name = "certificatesigningrequest-cleaner-controller"
    about = "deletes certificate requests an hour after their answer, and after a day without one"
    source = "certificate-controller"

    def setup(self) -> None:
        """Keep all requests at hand."""
        self.requests = self.informer("certificatesigningrequests")
        self.every(POLLING, self._clean)

    def reconcile(self, request: Request) -> Result | None:
        """Delete one request."""
        if self.requests.get("", request.name) is not None:
            self.say(f"{request.name} is of no more use: deleting it")
            self.client.delete("certificatesigningrequests", request.name)
        return None

    def _clean(self) -> None:
        for csr in self.requests.items():
            if self._is_over(csr):
                self.enqueue(csr)

    def _is_over(self, csr: Any) -> bool:
        decided = conditions(csr)
        if not decided:
            return self._is_older(csr.metadata.creationTimestamp, PENDING_FOR)
        answered = ("Approved",) if csr.status.certificate else ()
        kinds = [kind for kind in ("Denied", "Failed", *answered) if kind in decided]
        return any(self._is_older(decided[kind].lastUpdateTime, DECIDED_FOR) for kind in kinds)

    def _is_older(self, when: str | None, age: int) -> bool:
        return bool(when) and self.clock.unix_us - parse_rfc3339(when) > age
