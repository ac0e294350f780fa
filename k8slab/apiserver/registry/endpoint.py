"""Where a resource is stored and who knows its rules."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy, deepcopy
from typing import TYPE_CHECKING, Any

from k8slab.api.scheme import Resource

if TYPE_CHECKING:
    from k8slab.apiserver.registry.strategy import Strategy

KEY_PREFIXES = {
    ("", "nodes"): "minions",
    ("", "services"): "services/specs",
    ("", "endpoints"): "services/endpoints",
    ("", "replicationcontrollers"): "controllers",
    ("metrics.k8s.io", "nodes"): "metrics.k8s.io/nodes",
    ("metrics.k8s.io", "pods"): "metrics.k8s.io/pods",
    ("networking.k8s.io", "ingresses"): "ingress",
    ("apiregistration.k8s.io", "apiservices"): "apiregistration.k8s.io/apiservices",
    ("apiextensions.k8s.io", "customresourcedefinitions"): "apiextensions.k8s.io/customresourcedefinitions",
}
"""Resources whose place in etcd is not their plural (`pkg/kubeapiserver/default_storage_factory_builder.go`)."""

DEPRECATED = {
    ("", "endpoints"): "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
    ("", "componentstatuses"): "v1 ComponentStatus is deprecated in v1.19+",
}
"""What clients are told about resources that should not be used any more."""


def storage_prefix(resource: Resource) -> str:
    """The beginning of the keys of a resource, `/registry/pods/`."""
    if resource.custom:
        return f"/registry/{resource.group}/{resource.plural}/"
    return f"/registry/{KEY_PREFIXES.get((resource.group, resource.plural), resource.plural)}/"


class Endpoint:
    """One served resource: its names, its place in the store and its strategy. Never changes.

    `to_storage` and `from_storage` convert objects where the stored version is another one than that of the request.
    """

    __slots__ = (
        "api_version",
        "custom",
        "deprecation",
        "from_storage",
        "group_kind",
        "group_resource",
        "kind",
        "list_kind",
        "namespaced",
        "plural",
        "prefix",
        "resource",
        "strategy",
        "to_storage",
        "verbs",
    )

    def __init__(
        self,
        resource: Resource,
        strategy: Strategy,
        to_storage: Callable[[Any], Any] | None = None,
        from_storage: Callable[[Any], Any] | None = None,
        deprecation: str = "",
    ) -> None:
        self.resource = resource
        self.strategy = strategy
        self.to_storage = to_storage
        self.from_storage = from_storage
        self.prefix = storage_prefix(resource)
        self.custom = resource.custom
        self.deprecation = deprecation or DEPRECATED.get((resource.group, resource.plural), "")
        self.namespaced = resource.namespaced
        self.plural = resource.plural
        self.kind = resource.kind
        self.list_kind = resource.list_kind
        self.api_version = resource.api_version
        self.group_resource = resource.group_resource
        self.group_kind = resource.group_kind
        self.verbs = frozenset(resource.verbs)

    def __deepcopy__(self, memo: dict[int, Any]) -> Endpoint:
        if not self.custom:
            return self
        # Conversion by a webhook belongs to one server.
        made = copy(self)
        memo[id(self)] = made
        made.to_storage, made.from_storage = deepcopy((self.to_storage, self.from_storage), memo)
        return made

    def key(self, namespace: str | None, name: str) -> str:
        """The store's key of an object."""
        return f"{self.prefix}{namespace}/{name}" if self.namespaced else self.prefix + name

    def prefix_of(self, namespace: str | None) -> str:
        """The beginning of the keys in a namespace, or of all."""
        return f"{self.prefix}{namespace}/" if namespace and self.namespaced else self.prefix
