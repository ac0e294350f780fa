"""What an admission plugin is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.errors import ApiError, forbidden

if TYPE_CHECKING:
    from collections.abc import Iterable

    from k8slab.apiserver.call import Call

PODS = frozenset({("", "pods")})


class Plugin:
    """Sees writes before they are stored; may change them (`admit`) and refuse them (`admit`, `validate`).

    `resources` are (group, plural) pairs; None means all. Plugins hold no state.
    """

    name = ""
    resources: frozenset[tuple[str, str]] | None = None
    operations: frozenset[str] = frozenset({"CREATE"})
    sees_subresources = False
    """Also asked about bindings, evictions and tokens, and to admit what is written to /status."""

    def admit(self, call: Call, obj: Any, old: Any) -> Any:
        """The object, possibly changed. Raises ApiError to refuse it."""
        return obj

    def validate(self, call: Call, obj: Any, old: Any) -> None:
        """Raises ApiError to refuse the final object."""

    def check_delete(self, call: Call, obj: Any) -> None:
        """Raises ApiError to refuse a deletion."""


def refuse(call: Call, obj: Any, why: str, causes: Iterable[dict[str, Any]] = ()) -> ApiError:
    """403 about an object, which may not have got its name yet (`admission.NewForbidden`)."""
    metadata = obj.metadata
    name = metadata.name or metadata.generateName or "Unknown"
    return forbidden(call.endpoint.group_resource, name, why, causes)
