"""What is asked of admission: one write, in the version of the request and in the others of its resource.

Follows `apiserver/pkg/admission/attributes.go` and `plugin/webhook/request/admissionreview.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api.codec import to_dict
from k8slab.api.scheme import Resource
from k8slab.apiserver.registry.endpoint import storage_prefix

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call
    from k8slab.apiserver.registry.endpoint import Endpoint

OPTIONS = {"CREATE": "CreateOptions", "UPDATE": "UpdateOptions", "DELETE": "DeleteOptions"}
OWN_KINDS = {
    "binding": ("", "v1", "Binding"),
    "eviction": ("policy", "v1", "Eviction"),
    "token": ("authentication.k8s.io", "v1", "TokenRequest"),
}


class Attributes:
    """A write that is to be admitted; `obj` is None for deletions, `old` for what is new."""

    __slots__ = ("_data", "call", "obj", "old", "operation", "subresource")

    def __init__(self, call: Call, obj: Any, old: Any) -> None:
        self.call = call
        self.obj = obj
        self.old = old
        self.operation = call.operation
        self.subresource = call.subresource
        self._data: dict[tuple[str, str], Any] = {}

    @property
    def resource(self) -> Resource:
        """The resource of the request."""
        return self.call.endpoint.resource

    @property
    def name(self) -> str:
        """The object's name; empty while it is not known."""
        found = self.obj if self.obj is not None else self.old
        return self.call.name or found.metadata.name or ""

    @property
    def namespace(self) -> str:
        """The namespace; that of a Namespace is its own name."""
        is_namespace = self.resource.plural == "namespaces" and not self.resource.group
        return self.name if is_namespace else self.call.namespace or ""

    def equivalents(self) -> list[Resource]:
        """The resources that serve the same objects, that of the request first."""
        own, prefix = self.resource, self.call.endpoint.prefix
        others = self.call.server.scheme.all_resources()
        return [own, *(each for each in others if each is not own and storage_prefix(each) == prefix)]

    def endpoint(self, resource: Resource) -> Endpoint:
        """The endpoint of an equivalent resource."""
        return self.call.server.endpoint(resource.plural, resource.group, resource.version)

    def data(self, which: str, resource: Resource) -> Any:
        """`object` or `oldObject` as plain data in the version of a resource; None where there is none."""
        key = (which, resource.api_version)
        if key not in self._data:
            found = self.obj if which == "object" else self.old
            self._data[key] = None if found is None else to_dict(self._converted(found, resource))
        return self._data[key]

    def _converted(self, obj: Any, resource: Resource) -> Any:
        own = self.call.endpoint
        if resource is own.resource or obj.kind != own.kind:
            return obj
        obj = obj if own.to_storage is None else own.to_storage(obj)
        other = self.endpoint(resource)
        return obj if other.from_storage is None else other.from_storage(obj)

    def kind(self, resource: Resource) -> dict[str, str]:
        """Group, version and kind of the object."""
        described = resource.subresource(self.subresource) if self.subresource else None
        if self.subresource in OWN_KINDS and described is not None:
            group, version, kind = OWN_KINDS[self.subresource]
        elif self.subresource == "scale" and self.obj is not None and self.obj.kind == "Scale":
            group, version, kind = "autoscaling", "v1", "Scale"
        else:
            group, version, kind = resource.group, resource.version, resource.kind
        return {"group": group, "version": version, "kind": kind}

    def request(self, resource: Resource) -> dict[str, Any]:
        """The AdmissionRequest without its uid and its objects, seen in the version of a resource."""
        call, own = self.call, self.resource
        user = call.user
        info: dict[str, Any] = {"username": user.name, "groups": list(user.groups)}
        info |= {"uid": user.uid} if user.uid else {}
        info |= {"extra": {key: list(values) for key, values in user.extra.items()}} if user.extra else {}
        found = {
            "kind": self.kind(resource),
            "resource": _named(resource),
            "subResource": self.subresource,
            "requestKind": self.kind(own),
            "requestResource": _named(own),
            "requestSubResource": self.subresource,
            "name": self.name,
            "namespace": self.namespace,
            "operation": self.operation,
            "userInfo": info,
            "dryRun": call.options.dry_run,
            "options": self.options(),
        }
        return {key: value for key, value in found.items() if value != ""}

    def options(self) -> dict[str, Any]:
        """The options of the request as an object."""
        call = self.call
        options = call.options
        kind = "PatchOptions" if call.request.verb == "patch" else OPTIONS.get(self.operation, "CreateOptions")
        found: dict[str, Any] = {"kind": kind, "apiVersion": "meta.k8s.io/v1"}
        if options.dry_run:
            found["dryRun"] = ["All"]
        if self.operation == "DELETE":
            found |= {"gracePeriodSeconds": options.grace_period_seconds} if options.grace_period_seconds else {}
            found |= {"propagationPolicy": options.propagation_policy} if options.propagation_policy else {}
            return found
        found |= {"force": True} if options.force else {}
        found |= {"fieldManager": options.field_manager} if options.field_manager else {}
        return found | ({"fieldValidation": options.field_validation} if options.field_validation else {})


def _named(resource: Resource) -> dict[str, str]:
    return {"group": resource.group, "version": resource.version, "resource": resource.plural}
