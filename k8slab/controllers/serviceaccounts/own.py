"""The ServiceAccounts as which controllers ask the API server (`--use-service-account-credentials`).

Follows `controller-manager/pkg/clientbuilder` (getOrCreateServiceAccount): one is made when its controller starts.
"""

from __future__ import annotations

from collections.abc import Iterable

from k8slab.api.core_v1 import ServiceAccount
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.client import Client
from k8slab.controllers.controller import ACCOUNTS
from k8slab.errors import ApiError

NAMESPACE = "kube-system"
NEEDS_NONE = ("serviceaccount-token-controller",)
"""It asks as kube-controller-manager itself: there have to be tokens before there can be others."""


def ensure(client: Client, controllers: Iterable[str]) -> None:
    """Make the ServiceAccounts of controllers that are missing.

    Args:
        client: kube-controller-manager's own.
        controllers: by their names (`deployment-controller`).
    """
    there = {each.metadata.name for each in client.list("serviceaccounts", NAMESPACE).items}
    for name in dict.fromkeys(ACCOUNTS.get(each, each) for each in controllers if each not in NEEDS_NONE):
        if name not in there:
            _make(client, name)


def _make(client: Client, name: str) -> None:
    try:
        client.create(ServiceAccount(metadata=ObjectMeta(name=name, namespace=NAMESPACE)))
    except ApiError as error:
        if error.reason not in ("AlreadyExists", "NotFound", "Forbidden"):
            raise
