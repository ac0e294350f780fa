"""Selectors as controllers use them: labels of Pods, and nodes that a Pod's template asks for."""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import Node, PodSpec
from k8slab.api.meta_v1 import LabelSelector
from k8slab.api.selector import from_label_selector, matches_node


class PodMatcher:
    """Whether an object's labels are selected. No selector selects nothing, an empty one everything."""

    __slots__ = ("_selector",)

    def __init__(self, selector: LabelSelector | None) -> None:
        self._selector = from_label_selector(selector)

    def matches(self, obj: Any) -> bool:
        """Whether the object's labels fit."""
        return self._selector.matches(obj.metadata.labels)


def node_fits(spec: PodSpec, node: Node) -> bool:
    """Whether the node is one that nodeSelector and required node affinity ask for (GetRequiredNodeAffinity)."""
    if not (spec.nodeSelector or {}).items() <= (node.metadata.labels or {}).items():
        return False
    affinity = spec.affinity.nodeAffinity if spec.affinity is not None else None
    required = affinity.requiredDuringSchedulingIgnoredDuringExecution if affinity is not None else None
    return required is None or matches_node(required, node)
