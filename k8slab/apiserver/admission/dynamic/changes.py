"""Changes that policies and webhooks make to an object: back into a typed object, and asking others once more.

Follows `apiserver/pkg/admission/reinvocation.go` and `plugin/webhook/mutating` (dispatcher.go, reinvocationcontext.go).
"""

from __future__ import annotations

from typing import Any

from k8slab.api.codec import DecodeError, convert, from_dict
from k8slab.api.defaults import set_defaults
from k8slab.api.scheme import Resource
from k8slab.api.unstructured import Unstructured
from k8slab.apiserver.admission.dynamic.attributes import Attributes
from k8slab.apiserver.crd.strategy import pruned, with_defaults
from k8slab.errors import internal_error


class Reinvocation:
    """What of one request's mutations has to be asked again, as something else has changed the object since."""

    __slots__ = ("again", "eligible", "last", "repeating", "wanted")

    def __init__(self) -> None:
        self.repeating = False
        """This is the second round."""
        self.wanted = False
        """There has to be a second round."""
        self.eligible: dict[str, list[Any]] = {}
        """By plugin: who was asked and may be asked again."""
        self.again: dict[str, list[Any]] = {}
        """By plugin: who has to be asked again."""
        self.last: dict[str, Any] = {}
        """By plugin: the object as it left it."""

    def begin(self, plugin: str, obj: Any) -> None:
        """A plugin's turn: in the second round, a changed object makes all that may be asked again be asked."""
        if self.repeating and plugin in self.last and self.last[plugin] != obj:
            self.require(plugin)

    def require(self, plugin: str) -> None:
        """Everybody who was asked before has to be asked again."""
        self.again.setdefault(plugin, []).extend(self.eligible.pop(plugin, []))

    def skips(self, plugin: str, key: Any) -> bool:
        """Whether somebody's turn is left out."""
        return self.repeating and key not in self.again.get(plugin, [])

    def note(self, plugin: str, key: Any, changed: bool, policy: str | None) -> None:
        """Somebody was asked."""
        if changed:
            self.require(plugin)
            self.wanted = True
        if policy == "IfNeeded":
            self.eligible.setdefault(plugin, []).append(key)

    def end(self, plugin: str, obj: Any) -> None:
        """A plugin is done."""
        self.last[plugin] = obj


def changed(attributes: Attributes, resource: Resource, data: dict[str, Any]) -> Any:
    """The object that changed data describe, with defaults, in the version of the request. Raises InternalError."""
    own = attributes.call.endpoint
    other = attributes.endpoint(resource)
    is_other = resource is not own.resource
    try:
        if isinstance(attributes.obj, Unstructured):
            obj = from_dict(data, False, unstructured=True)
            version = other.strategy.version
            obj = with_defaults(pruned(obj, version)[0], version)
        else:
            cls = resource.cls if is_other else type(attributes.obj)
            obj = set_defaults(convert(data, cls, False))
    except DecodeError as error:
        raise internal_error(str(error)) from None
    if is_other:
        obj = obj if other.to_storage is None else other.to_storage(obj)
        obj = obj if own.from_storage is None else own.from_storage(obj)
    return obj
