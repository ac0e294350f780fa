"""Fills Secrets of type `kubernetes.io/service-account-token`, and deletes them with their account.

Follows `pkg/controller/serviceaccount/tokens_controller.go`.
"""

from __future__ import annotations

import base64
from typing import Any

from k8slab.client import Client, Request, Result
from k8slab.controllers.controller import Context, Controller
from k8slab.errors import ApiError
from k8slab.pki.x509 import cluster_authority
from k8slab.sim.clock import SECOND

TYPE = "kubernetes.io/service-account-token"
NAME, UID = "kubernetes.io/service-account.name", "kubernetes.io/service-account.uid"
BY_ACCOUNT = "by-service-account"
LEGACY = "kubernetes.io/serviceaccount/"
LEGACY_ISSUER = "kubernetes/serviceaccount"


class TokensController(Controller):
    """Looks after tokens in Secrets. It acts as the manager itself: it is there before accounts have tokens."""

    name = "serviceaccount-token-controller"
    about = "fills Secrets with tokens of their ServiceAccounts, and deletes them with these"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        shared = context.client
        self.client = Client(
            shared.handle, self.clock, self.trace, user=shared.user, user_agent=self.name, scheme=shared.scheme
        )

    def setup(self) -> None:
        """Watch Secrets and the end of ServiceAccounts."""
        self.secrets = self.informer("secrets")
        self.secrets.add_index(BY_ACCOUNT, _account)
        self.secrets.add_handler(self._added, self._updated)
        self.accounts = self.informer("serviceaccounts")
        self.accounts.add_handler(self._account_added, None, self._account_deleted)
        own = self.options.root_ca
        authority = self.options.cluster_signing
        if not own and authority is None:
            authority = cluster_authority(self.streams.secret("ca"), self.clock.epoch // SECOND)
        self.bundle = self.own = own or authority.certificate

    def trust(self, certificates: str) -> None:
        """Put further certificates (PEM) into Secrets, besides the cluster's own."""
        self.bundle = self.own + certificates
        if self.running:
            for secret in self.secrets.items():
                self._added(secret)

    def _added(self, secret: Any) -> None:
        if secret.type == TYPE:
            self.enqueue(secret)

    def _updated(self, old: Any, new: Any) -> None:
        self._added(new)

    def _account_added(self, account: Any) -> None:
        for secret in self.secrets.by_index(BY_ACCOUNT, _key(account.metadata)):
            self.enqueue(secret)

    def _account_deleted(self, account: Any) -> None:
        self._account_added(account)

    def reconcile(self, request: Request) -> Result | None:
        """Fill or delete one Secret."""
        secret = self.secrets.get(request.namespace, request.name)
        if secret is None or secret.type != TYPE or secret.metadata.deletionTimestamp:
            return None
        account = self._account_of(secret)
        if account is None:
            self.say(f"{request.name} has a token of a ServiceAccount that does not exist: deleting it")
            self._delete(secret)
        else:
            self._fill(secret, account)
        return None

    def _account_of(self, secret: Any) -> Any:
        """The account of a Secret, if it is still the same one; what is not known yet is asked for."""
        notes = secret.metadata.annotations or {}
        namespace, name = secret.metadata.namespace, notes.get(NAME, "")
        found = self.accounts.get(namespace, name)
        if found is None:
            try:
                found = self.client.get("serviceaccounts", name, namespace)
            except ApiError as error:
                if error.code != 404:
                    raise
        is_other = found is not None and notes.get(UID) not in (None, "", found.metadata.uid)
        return None if is_other else found

    def _delete(self, secret: Any) -> None:
        metadata = secret.metadata
        try:
            self.client.delete("secrets", metadata.name, metadata.namespace, uid=metadata.uid)
        except ApiError as error:
            if error.code not in (404, 409):
                raise

    def _fill(self, secret: Any, account: Any) -> None:
        metadata, data = secret.metadata, dict(secret.data or {})
        data["ca.crt"] = _encoded(self.bundle)
        data.setdefault("namespace", _encoded(metadata.namespace))
        if not data.get("token") and self.options.service_account_key is not None:
            data["token"] = _encoded(self.options.service_account_key.sign(_claims(account, secret)))
        notes = {**(metadata.annotations or {}), NAME: account.metadata.name, UID: account.metadata.uid}
        if data == (secret.data or {}) and notes == metadata.annotations:
            return
        self.say(f"filling {metadata.name} with a token of ServiceAccount {account.metadata.name}")
        self.client.update(secret.replace(metadata=metadata.replace(annotations=notes), data=data))


def _claims(account: Any, secret: Any) -> dict[str, str]:
    """What such a token says: it never expires."""
    metadata = account.metadata
    return {
        "iss": LEGACY_ISSUER,
        f"{LEGACY}namespace": metadata.namespace,
        f"{LEGACY}secret.name": secret.metadata.name,
        f"{LEGACY}service-account.name": metadata.name,
        f"{LEGACY}service-account.uid": metadata.uid,
        "sub": f"system:serviceaccount:{metadata.namespace}:{metadata.name}",
    }


def _account(secret: Any) -> list[str]:
    if secret.type != TYPE:
        return []
    name = (secret.metadata.annotations or {}).get(NAME, "")
    return [f"{secret.metadata.namespace}/{name}"]


def _key(metadata: Any) -> str:
    return f"{metadata.namespace}/{metadata.name}"


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
