"""Puts tokens out of use that were made for accounts by themselves, and that nobody has used for a year.

Follows `pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner.go`: such a Secret is marked first, which
makes its token invalid, and deleted another year later.
"""

from __future__ import annotations

from typing import Any

from k8slab.client import Request, Result
from k8slab.controllers.controller import Controller
from k8slab.controllers.serviceaccounts.tokens import NAME, TYPE, UID
from k8slab.errors import ApiError
from k8slab.sim.clock import SECOND
from k8slab.sim.timestamps import parse_rfc3339

TRACKING = "kube-apiserver-legacy-service-account-token-tracking"
LAST_USED = "kubernetes.io/legacy-token-last-used"
INVALID_SINCE = "kubernetes.io/legacy-token-invalid-since"
SYNC_INTERVAL = 24 * 3600 * SECOND
DATE = 10


class LegacyTokenCleaner(Controller):
    """Looks through all such Secrets once a day."""

    name = "legacy-serviceaccount-token-cleaner-controller"
    about = "puts unused tokens out of use that ServiceAccounts once got by themselves"

    def setup(self) -> None:
        """Keep accounts, Secrets and Pods at hand."""
        self.accounts = self.informer("serviceaccounts")
        self.secrets = self.informer("secrets")
        self.pods = self.informer("pods")
        self.every(SYNC_INTERVAL, self._clean, SYNC_INTERVAL)

    def reconcile(self, request: Request) -> Result | None:
        """Mark or delete one Secret."""
        secret = self.secrets.get(request.namespace, request.name)
        if secret is None:
            return None
        since = (secret.metadata.labels or {}).get(INVALID_SINCE)
        if since is None:
            self.say(f"nobody has used the token in {request.name} for a year: marking it invalid")
            label = {"metadata": {"labels": {INVALID_SINCE: self.clock.rfc3339()[:DATE]}}}
            self.client.patch("secrets", request.name, label, request.namespace)
        elif self._is_past(since):
            self.say(f"{request.name} has been invalid for a year: deleting it")
            self.client.delete("secrets", request.name, request.namespace, uid=secret.metadata.uid)
        return None

    def _clean(self) -> None:
        if not self._is_past(self._tracked_since()):
            return
        for secret in self.secrets.items():
            if self._is_unused(secret):
                self.enqueue(secret)

    def _tracked_since(self) -> str:
        try:
            return (self.client.get("configmaps", TRACKING, "kube-system").data or {}).get("since", "")
        except ApiError:
            return ""

    def _is_unused(self, secret: Any) -> bool:
        metadata = secret.metadata
        if secret.type != TYPE or not self._is_past(metadata.creationTimestamp):
            return False
        if not self._is_made_for_account(secret):
            return False
        used = (metadata.labels or {}).get(LAST_USED)
        return (used is None or self._is_past(used)) and not self._is_mounted(secret)

    def _is_made_for_account(self, secret: Any) -> bool:
        """Whether the account lists the Secret: people's own are left alone."""
        notes, metadata = secret.metadata.annotations or {}, secret.metadata
        account = self.accounts.get(metadata.namespace, notes.get(NAME, ""))
        if account is None or account.metadata.uid != notes.get(UID):
            return False
        return any(each.name == metadata.name for each in account.secrets or ())

    def _is_mounted(self, secret: Any) -> bool:
        metadata = secret.metadata
        return any(
            volume.secret is not None and volume.secret.secretName == metadata.name
            for pod in self.pods.items()
            if pod.metadata.namespace == metadata.namespace
            for volume in pod.spec.volumes or ()
        )

    def _is_past(self, when: str) -> bool:
        """Whether a date or time was longer ago than such Secrets are kept."""
        if not when:
            return False
        text = when if "T" in when else f"{when[:DATE]}T00:00:00Z"
        return self.clock.unix_us - parse_rfc3339(text) > self.options.legacy_service_account_token_clean_up_period
