"""Every namespace has a ServiceAccount `default` (pkg/controller/serviceaccount/serviceaccounts_controller.go)."""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import Namespace, ServiceAccount
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.client import Request, Result
from k8slab.controllers.controller import Controller
from k8slab.errors import ApiError

NAMES = ("default",)


class ServiceAccountController(Controller):
    """Makes the default ServiceAccount, and makes it again when it is deleted."""

    name = "serviceaccount-controller"
    about = "gives every namespace its default ServiceAccount"

    def setup(self) -> None:
        """Watch Namespaces and the end of ServiceAccounts."""
        self.accounts = self.informer("serviceaccounts")
        self.accounts.add_handler(on_delete=self._account_deleted)
        self.namespaces = self.informer("namespaces")
        self.namespaces.add_handler(self.enqueue, self.enqueue_new)

    def _account_deleted(self, account: Any) -> None:
        self.queue.add(Request("", account.metadata.namespace))

    def reconcile(self, request: Request) -> Result | None:
        """Make what is missing."""
        namespace: Namespace | None = self.namespaces.get("", request.name)
        if namespace is None or namespace.status.phase != "Active":
            return None
        for name in NAMES:
            if self.accounts.get(request.name, name) is None:
                self.say(f"namespace {request.name} has no ServiceAccount {name}: creating it")
                self._create(name, request.name)
        return None

    def _create(self, name: str, namespace: str) -> None:
        try:
            self.client.create(ServiceAccount(metadata=ObjectMeta(name=name, namespace=namespace)))
        except ApiError as error:
            if error.reason != "AlreadyExists" and "being terminated" not in str(error):
                raise
