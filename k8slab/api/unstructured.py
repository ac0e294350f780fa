"""Objects of kinds without a class of their own: custom resources, and whatever an unknown manifest holds."""

from __future__ import annotations

from typing import Any

from msgspec import field

from k8slab.api.base import KubeStruct
from k8slab.api.meta_v1 import ObjectMeta


class Unstructured(KubeStruct, forbid_unknown_fields=False):
    """A lossless object: typed `metadata`, everything else as plain JSON data in `content`.

    Treat `content` as immutable like the rest: build a new dict and use `replace(content=...)` or `with_fields(...)`.
    """

    apiVersion: str
    kind: str
    metadata: ObjectMeta = field(default_factory=ObjectMeta)
    content: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str, default: Any = None) -> Any:
        """A top-level field such as `spec`."""
        return self.content.get(name, default)

    def with_fields(self, **fields: Any) -> Unstructured:
        """A copy with top-level fields set; None removes one."""
        merged = self.content | fields
        return self.replace(content={name: value for name, value in merged.items() if value is not None})

    @property
    def spec(self) -> Any:
        """The `spec` field as plain data, None where absent."""
        return self.content.get("spec")

    @property
    def status(self) -> Any:
        """The `status` field as plain data, None where absent."""
        return self.content.get("status")

    def __repr__(self) -> str:
        prefix = f"{self.metadata.namespace}/" if self.metadata.namespace else ""
        return f"<{self.kind} {prefix}{self.metadata.name}>"
