"""The scale subresource of custom objects: replicas and selector lie where the definition says."""

from __future__ import annotations

from typing import Any

from k8slab.api.codec import to_dict
from k8slab.apiserver.crd.paths import value_at, with_value


def scale_parts(obj: Any, paths: Any) -> tuple[int | None, int, str | None]:
    """Wanted replicas, present replicas and the selector of a custom object, as its Scale shows them."""
    data = to_dict(obj)
    wanted = value_at(data, paths.specReplicasPath)
    present = value_at(data, paths.statusReplicasPath)
    selector = value_at(data, paths.labelSelectorPath) if paths.labelSelectorPath else None
    return wanted, present or 0, selector or None


def with_replicas(obj: Any, paths: Any, replicas: int) -> Any:
    """The custom object with another number of wanted replicas."""
    return obj.replace(content=with_value(obj.content, paths.specReplicasPath, replicas))
