"""The client that a learner's controller gets: the usual one, with what every controller needs beside it.

As controller-runtime's client and `controllerutil` (SetControllerReference, CreateOrUpdate as server-side apply).
"""

from __future__ import annotations

import copy
from typing import Any

import msgspec

from k8slab.api.codec import to_dict
from k8slab.api.ownership import controller_reference, is_controlled_by
from k8slab.api.request import APPLY_PATCH, Request, Response
from k8slab.api.unstructured import Unstructured
from k8slab.client import Client
from k8slab.errors import ApiError, NotFound


class LearnerClient(Client):
    """A `Client` whose answers are the learner's own: changing them in place changes nothing in the cluster."""

    def find(self, resource: str, name: str, namespace: str | None = None) -> Any:
        """The object of that name, or None where there is none. Raises ApiError for anything else."""
        try:
            return self.get(resource, name, namespace)
        except NotFound:
            return None

    def owned(self, owner: Any, resource: str) -> list[Any]:
        """The objects of a resource, in the owner's namespace, whose controller the owner is."""
        found = self.list(resource, owner.metadata.namespace)
        return [obj for obj in found.items if is_controlled_by(obj, owner)]

    def apply(self, obj: Any, owner: Any = None, force: bool = True) -> Any:
        """Server-side apply: create the object, or change the fields that it gives; returns it as stored.

        With ``owner`` it gets a controller reference to it, and goes when the owner goes. Fields that were applied
        before and are not given any more are removed. Raises ApiError (Conflict) for fields of others without `force`.
        """
        body = self.controlled(obj, owner) if owner is not None else _plain(obj)
        metadata = body.get("metadata") or {}
        resource = self.scheme.of(body)
        return self.patch(
            f"{resource.plural}.{resource.version}.{resource.group}" if resource.group else resource.plural,
            metadata.get("name"),
            body,
            metadata.get("namespace"),
            patch_type=APPLY_PATCH,
            field_manager=self.user_agent,
            force=force,
        )

    def controlled(self, obj: Any, owner: Any) -> dict[str, Any]:
        """The object as plain data, in the owner's namespace, with a controller reference to the owner.

        Raises ApiError where it has another controller already (SetControllerReference).
        """
        body = _plain(obj)
        metadata = body.setdefault("metadata", {})
        if owner.metadata.namespace:
            metadata.setdefault("namespace", owner.metadata.namespace)
        references = metadata.setdefault("ownerReferences", [])
        for known in references:
            if known.get("controller") and known.get("uid") != owner.metadata.uid:
                text = f"Object {metadata.get('namespace') or ''}/{metadata.get('name')} is already owned by another"
                raise ApiError(409, "Conflict", f"{text} {known.get('kind')} controller {known.get('name')}")
        metadata["ownerReferences"] = [one for one in references if one.get("uid") != owner.metadata.uid]
        metadata["ownerReferences"].append(to_dict(controller_reference(owner)))
        return body

    def set_status(self, obj: Any, **fields: Any) -> Any:
        """Merge fields into an object's status; nothing is written where they are so already."""
        status = obj.status if isinstance(obj.status, dict) or obj.status is None else to_dict(obj.status)
        known = status or {}
        if all(known.get(name) == value for name, value in fields.items()):
            return obj
        metadata = obj.metadata
        resource = self.scheme.of(obj)
        name = f"{resource.plural}.{resource.version}.{resource.group}" if resource.group else resource.plural
        return self.patch(name, metadata.name, {"status": fields}, metadata.namespace, "status")

    def _checked(self, response: Response) -> Any:
        return _own(super()._checked(response))

    def request(self, request: Request) -> Response:
        """Send a request as it is; errors come back as a `Response`, nothing is raised."""
        response = super().request(request)
        return msgspec.structs.replace(response, body=_own(response.body))


def _own(body: Any) -> Any:
    """Typed objects are frozen; what a custom resource holds is plain data, which must not be the store's."""
    if isinstance(body, Unstructured):
        return body.replace(content=copy.deepcopy(body.content))
    if hasattr(body, "items") and not callable(body.items) and any(isinstance(o, Unstructured) for o in body.items):
        return msgspec.structs.replace(body, items=tuple(_own(obj) for obj in body.items))
    return body


def _plain(obj: Any) -> dict[str, Any]:
    return copy.deepcopy(obj) if isinstance(obj, dict) else to_dict(obj)
