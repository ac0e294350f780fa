"""A typed client of the API server: one method per verb, errors raised as `ApiError` (as client-go's clientsets)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8slab.api.request import ADMIN, NO_OPTIONS, ListBody, Options, Preconditions, Request, Response, UserInfo
from k8slab.api.scheme import SCHEME
from k8slab.errors import ApiError

MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"


class Client:
    """Requests of one user agent, sent through `handle` (the API server's, or a gate's).

    Args:
        handle: takes a `Request`, returns a `Response`.
        clock: the lab's clock.
        trace: who acts and why; left to the caller to set.
        user: the identity that the API server sees.
        user_agent: the component's name; also the field manager of its writes.
        scheme: knows the resources by any of their names.
        renewals: takes standing requests (`apiserver.renewals`), where the API server is in the same process.
    """

    def __init__(
        self,
        handle: Callable[[Request], Response],
        clock: Any,
        trace: Any,
        user: UserInfo | None = None,
        user_agent: str = "k8slab",
        scheme: Any = SCHEME,
        renewals: Any = None,
    ) -> None:
        self.renewals = renewals
        self.handle = handle
        self.clock = clock
        self.trace = trace
        self.user = user or ADMIN
        self.user_agent = user_agent
        self.scheme = scheme

    def get(self, resource: str, name: str, namespace: str | None = None, subresource: str = "") -> Any:
        """The object of that name. Raises ApiError (NotFound)."""
        return self._send("get", resource, name, namespace, subresource)

    def list(
        self,
        resource: str,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        **options: Any,
    ) -> ListBody:
        """All objects that match; `namespace=None` means every namespace. Options as in `api.request.Options`."""
        chosen = Options(label_selector=label_selector, field_selector=field_selector, **options)
        return self._send("list", resource, None, namespace, options=chosen)

    def create(self, obj: Any, namespace: str | None = None, **options: Any) -> Any:
        """Create the object; returns it as stored (with uid and resourceVersion)."""
        return self._write("create", obj, "", namespace, options)

    def update(self, obj: Any, namespace: str | None = None, **options: Any) -> Any:
        """Replace the object. Raises ApiError (Conflict) when its resourceVersion is no longer the stored one."""
        return self._write("update", obj, "", namespace, options)

    def update_status(self, obj: Any, namespace: str | None = None, **options: Any) -> Any:
        """Replace the object's status only (the /status subresource)."""
        return self._write("update", obj, "status", namespace, options)

    def update_approval(self, request: Any) -> Any:
        """Write the decision on a CertificateSigningRequest (PUT certificatesigningrequests/approval)."""
        return self._write("update", request, "approval", None, {})

    def create_token(self, account: str, namespace: str, request: Any, **options: Any) -> Any:
        """A token of a service account (POST serviceaccounts/token)."""
        chosen = Options(**options) if options else NO_OPTIONS
        return self._send("create", "serviceaccounts", account, namespace, "token", request, chosen).status.token

    def patch(
        self,
        resource: str,
        name: str,
        patch: Any,
        namespace: str | None = None,
        subresource: str = "",
        patch_type: str = MERGE_PATCH,
        **options: Any,
    ) -> Any:
        """Apply a patch (dict, list or text of the given content type); returns the changed object."""
        chosen = Options(**options) if options else NO_OPTIONS
        return self._send("patch", resource, name, namespace, subresource, patch, chosen, patch_type)

    def delete(
        self,
        resource: str,
        name: str,
        namespace: str | None = None,
        grace_period_seconds: int | None = None,
        propagation_policy: str | None = None,
        uid: str | None = None,
        resource_version: str | None = None,
    ) -> Any:
        """Delete the object; `uid` and `resource_version` are preconditions (ApiError Conflict when they differ)."""
        options = Options(
            grace_period_seconds=grace_period_seconds,
            propagation_policy=propagation_policy,
            preconditions=_preconditions(uid, resource_version),
        )
        return self._send("delete", resource, name, namespace, options=options)

    def delete_collection(
        self,
        resource: str,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        grace_period_seconds: int | None = None,
        propagation_policy: str | None = None,
    ) -> Any:
        """Delete everything that matches, in one request."""
        options = Options(
            label_selector=label_selector,
            field_selector=field_selector,
            grace_period_seconds=grace_period_seconds,
            propagation_policy=propagation_policy,
        )
        return self._send("deletecollection", resource, None, namespace, options=options)

    def bind(self, pod: Any, node_name: str) -> Any:
        """Bind a Pod to a node (POST pods/binding), as the scheduler does."""
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": pod.metadata.name, "namespace": pod.metadata.namespace, "uid": pod.metadata.uid},
            "target": {"kind": "Node", "name": node_name},
        }
        return self._send("create", "pods", pod.metadata.name, pod.metadata.namespace, "binding", binding)

    def evict(self, pod: Any, grace_period_seconds: int | None = None) -> Any:
        """Ask to evict a Pod (POST pods/eviction). Raises ApiError (TooManyRequests) when a budget forbids it."""
        eviction: dict[str, Any] = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod.metadata.name, "namespace": pod.metadata.namespace},
        }
        if grace_period_seconds is not None:
            eviction["deleteOptions"] = {"gracePeriodSeconds": grace_period_seconds}
        return self._send("create", "pods", pod.metadata.name, pod.metadata.namespace, "eviction", eviction)

    def finalize(self, namespace: Any) -> Any:
        """Write a Namespace's spec.finalizers (PUT namespaces/finalize)."""
        return self._write("update", namespace, "finalize", None, {})

    def get_scale(self, resource: str, name: str, namespace: str | None = None) -> Any:
        """The autoscaling/v1 Scale of a scalable object."""
        return self._send("get", resource, name, namespace, "scale")

    def update_scale(self, resource: str, scale: Any) -> Any:
        """Write back a Scale."""
        metadata = scale.metadata
        return self._send("update", resource, metadata.name, metadata.namespace, "scale", scale)

    def watch(
        self,
        resource: str,
        sink: Callable[[Any], None],
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        resource_version: str | None = None,
        **options: Any,
    ) -> Any:
        """Watch; `sink` (a bound method) gets each `WatchEvent`. Raises ApiError (Expired) for a compacted revision."""
        found = self.scheme.resource(resource)
        chosen = Options(
            label_selector=label_selector, field_selector=field_selector, resource_version=resource_version, **options
        )
        request = Request(
            verb="watch",
            resource=found.plural,
            group=found.group,
            version=found.version,
            namespace=namespace,
            user=self.user,
            user_agent=self.user_agent,
            options=chosen,
            sink=sink,
        )
        return self._checked(self.handle(request))

    def renew(
        self, obj: Any, subresource: str, first: int, period: int, order: int, on_break: Callable[[], None]
    ) -> Any:
        """Have the stored object renewed every `period` microseconds from lab time `first` on, until `rest`.

        None where that is not possible: the caller has to send each renewal. `on_break` is called when somebody else
        has written the object, which ends the renewals.
        """
        if self.renewals is None:
            return None
        found, metadata = self.scheme.of(obj), obj.metadata
        request = Request(
            verb="update",
            resource=found.plural,
            group=found.group,
            version=found.version,
            namespace=metadata.namespace if found.namespaced else None,
            name=metadata.name,
            subresource=subresource,
            body=obj,
            user=self.user,
            user_agent=self.user_agent,
        )
        return self.renewals.begin(request, first, period, order, on_break)

    def rest(self, renewal: Any) -> None:
        """End the renewals that `renew` began; None is left alone."""
        if renewal is not None:
            self.renewals.end(renewal)

    def request(self, request: Request) -> Response:
        """Send a request as it is; errors come back as a `Response`, nothing is raised."""
        return self.handle(request)

    def _write(self, verb: str, obj: Any, subresource: str, namespace: str | None, options: dict[str, Any]) -> Any:
        found = self.scheme.of(obj)
        if isinstance(obj, dict):
            metadata = obj.get("metadata") or {}
            name, own_namespace = metadata.get("name"), metadata.get("namespace")
        else:
            name, own_namespace = obj.metadata.name, obj.metadata.namespace
        request = Request(
            verb=verb,
            resource=found.plural,
            group=found.group,
            version=found.version,
            namespace=(own_namespace or namespace) if found.namespaced else None,
            name=name,
            subresource=subresource,
            body=obj,
            user=self.user,
            user_agent=self.user_agent,
            options=Options(**options) if options else NO_OPTIONS,
        )
        return self._checked(self.handle(request))

    def _send(
        self,
        verb: str,
        resource: str,
        name: str | None,
        namespace: str | None,
        subresource: str = "",
        body: Any = None,
        options: Options = NO_OPTIONS,
        content_type: str = "application/json",
    ) -> Any:
        found = self.scheme.resource(resource)
        request = Request(
            verb=verb,
            resource=found.plural,
            group=found.group,
            version=found.version,
            namespace=namespace if found.namespaced else None,
            name=name,
            subresource=subresource,
            body=body,
            content_type=content_type,
            user=self.user,
            user_agent=self.user_agent,
            options=options,
        )
        return self._checked(self.handle(request))

    def _checked(self, response: Response) -> Any:
        if response.code >= 400:
            raise ApiError.from_status(response.body)
        return response.body


def _preconditions(uid: str | None, resource_version: str | None) -> Preconditions | None:
    if not uid and not resource_version:
        return None
    return Preconditions(uid=uid, resourceVersion=resource_version)
