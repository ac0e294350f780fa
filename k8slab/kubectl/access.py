"""kubectl's requests to the API server: plain dicts in, plain dicts out, failures as ApiError."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8slab.api.request import STRATEGIC_MERGE_PATCH, Options, Preconditions, Request, UserInfo
from k8slab.api.scheme import Resource
from k8slab.api.wire import to_wire
from k8slab.errors import ApiError

USER_AGENT = "kubectl/v1.32.4"


class Access:
    """One user's way to the API server. `warn` gets the text of each warning the server sends, once.

    `impersonate` is whom the user claims to be (`--as`), if anybody.
    """

    def __init__(
        self,
        client: Any,
        user: UserInfo | None,
        warn: Callable[[str], None],
        impersonate: UserInfo | None = None,
    ) -> None:
        self.client = client
        self.user = user or client.user
        self.impersonate = impersonate
        self.warn = warn
        self.managed_fields = False
        """Ask for managedFields, which cost the server work, too."""

    @property
    def scheme(self) -> Any:
        """The kinds which this server serves."""
        return self.client.scheme

    def send(self, verb: str, resource: Resource, **fields: Any) -> Any:
        """Any request; returns the body of the response. Raises ApiError."""
        request = Request(
            verb=verb,
            resource=resource.plural,
            group=resource.group,
            version=resource.version,
            user=self.user,
            impersonate=self.impersonate,
            user_agent=USER_AGENT,
            **fields,
        )
        response = self.client.request(request)
        for text in response.warnings:
            self.warn(text)
        if response.code >= 400:
            raise ApiError.from_status(response.body)
        return response.body

    def get(self, resource: Resource, name: str, namespace: str | None, subresource: str = "") -> dict[str, Any]:
        """One object."""
        options = Options(managed_fields=self.managed_fields)
        where = scope(resource, namespace)
        body = self.send("get", resource, name=name, namespace=where, subresource=subresource, options=options)
        return plain(body)

    def list(
        self, resource: Resource, namespace: str | None = None, labels: str = "", fields: str = "", limit: int = 0
    ) -> list[dict[str, Any]]:
        """All objects that match; `namespace=None` means all namespaces."""
        options = Options(label_selector=labels, field_selector=fields, limit=limit, managed_fields=self.managed_fields)
        body = self.send("list", resource, namespace=scope(resource, namespace), options=options)
        if isinstance(body, dict):  # another server's answer: values need not be objects
            return [with_kind(item, resource) for item in body.get("items") or () if "metadata" in item]
        items = body.items
        return [with_kind(plain(item), resource) for item in items]

    def table(
        self,
        resource: Resource,
        namespace: str | None,
        name: str | None = None,
        labels: str = "",
        fields: str = "",
        include: str = "Metadata",
        subresource: str = "",
    ) -> dict[str, Any]:
        """The server's Table for one object or for a list."""
        options = Options(label_selector=labels, field_selector=fields, as_table=True, include_object=include)
        verb = "get" if name is not None else "list"
        return self.send(
            verb,
            resource,
            name=name,
            namespace=scope(resource, namespace),
            options=options,
            subresource=subresource,
        )

    def create(
        self, resource: Resource, obj: dict[str, Any], namespace: str | None, subresource: str = "", **options: Any
    ) -> dict[str, Any]:
        """Create an object; `options` as in `api.request.Options`. A resourceVersion is left out, as kubectl does."""
        metadata = obj.get("metadata") or {}
        if metadata.get("resourceVersion"):
            metadata = {key: value for key, value in metadata.items() if key != "resourceVersion"}
            obj = {**obj, "metadata": metadata}
        name = metadata.get("name") or ""
        return plain(
            self.send(
                "create",
                resource,
                name=name,
                namespace=scope(resource, namespace),
                body=obj,
                subresource=subresource,
                options=Options(**options),
            )
        )

    def update(
        self, resource: Resource, obj: dict[str, Any], namespace: str | None, subresource: str = "", **options: Any
    ) -> dict[str, Any]:
        """Replace an object."""
        return plain(
            self.send(
                "update",
                resource,
                name=obj["metadata"].get("name") or "",
                namespace=scope(resource, namespace),
                body=obj,
                subresource=subresource,
                options=Options(**options),
            )
        )

    def patch(
        self,
        resource: Resource,
        name: str,
        namespace: str | None,
        patch: Any,
        content_type: str = STRATEGIC_MERGE_PATCH,
        subresource: str = "",
        **options: Any,
    ) -> dict[str, Any]:
        """Patch an object (or the subresource of one)."""
        return plain(
            self.send(
                "patch",
                resource,
                name=name,
                namespace=scope(resource, namespace),
                body=patch,
                content_type=content_type,
                subresource=subresource,
                options=Options(**options),
            )
        )

    def delete(
        self, resource: Resource, name: str, namespace: str | None, uid: str | None = None, **options: Any
    ) -> dict[str, Any]:
        """Delete an object; `uid` is a precondition. Returns the object or a Status."""
        chosen = Options(preconditions=Preconditions(uid=uid) if uid else None, **options)
        return plain(self.send("delete", resource, name=name, namespace=scope(resource, namespace), options=chosen))

    def evict(self, pod: dict[str, Any], grace_period: int = -1, dry_run: bool = False) -> None:
        """Ask to evict a Pod. Raises ApiError (TooManyRequests) when a disruption budget forbids it."""
        metadata = pod["metadata"]
        eviction: dict[str, Any] = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
        }
        if grace_period >= 0:
            eviction["deleteOptions"] = {"gracePeriodSeconds": grace_period}
        pods = self.scheme.resource("pods")
        self.create(pods, eviction, metadata["namespace"], subresource="eviction", dry_run=dry_run)

    def logs(self, pod: str, namespace: str, parameters: dict[str, str]) -> str:
        """What a container wrote; parameters as of the pods/log subresource."""
        resource = self.scheme.resource("pods")
        options = Options(parameters=parameters)
        return str(self.send("get", resource, name=pod, namespace=namespace, subresource="log", options=options) or "")

    def watch(
        self,
        resource: Resource,
        sink: Callable[[Any], None],
        namespace: str | None,
        labels: str = "",
        fields: str = "",
        since: str | None = None,
    ) -> Any:
        """Open a watch; `sink` is a bound method. Returns the watch, to be stopped by the caller."""
        options = Options(label_selector=labels, field_selector=fields, resource_version=since)
        return self.send("watch", resource, namespace=scope(resource, namespace), sink=sink, options=options)


def scope(resource: Resource, namespace: str | None) -> str | None:
    """The namespace to ask in: none for cluster-scoped resources."""
    return namespace if resource.namespaced else None


def plain(body: Any) -> dict[str, Any]:
    """An object as a dict which may be changed, as it comes over the wire."""
    return body if isinstance(body, dict) else to_wire(body)


def with_kind(obj: dict[str, Any], resource: Resource) -> dict[str, Any]:
    """The object with apiVersion and kind, which items of lists may lack."""
    if obj.get("kind"):
        return obj
    return {"apiVersion": resource.api_version, "kind": resource.kind, **obj}


def without_managed_fields(obj: dict[str, Any]) -> dict[str, Any]:
    """The object as kubectl shows it unless asked for managed fields."""
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict) or "managedFields" not in metadata:
        return obj
    return {**obj, "metadata": {key: value for key, value in metadata.items() if key != "managedFields"}}
