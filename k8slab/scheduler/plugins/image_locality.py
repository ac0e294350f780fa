"""ImageLocality: prefers nodes that have the Pod's images, the big ones above all (plugins/imagelocality)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8slab.scheduler.framework import MAX_NODE_SCORE, CycleState, Plugin
from k8slab.scheduler.nodeinfo import NodeInfo

MEGABYTE = 1024 * 1024
MIN_THRESHOLD = 23 * MEGABYTE
MAX_CONTAINER_THRESHOLD = 1000 * MEGABYTE


class ImageLocality(Plugin):
    """Scores nodes by the images on them; an image that few nodes have counts less, to avoid heating those up."""

    def score(self, state: CycleState, pod: Any, node: NodeInfo) -> int:
        """0 to 100."""
        names, containers = state.pod_info.shape.images
        cache = state.cache
        total = sum(
            int(node.images[name] * (len(cache.image_nodes[name]) / len(cache.nodes)))
            for name in names
            if name in node.images
        )
        return scaled(total, containers)

    def score_nodes(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> list[int] | int:
        """0 everywhere if no node has any of the images."""
        known = state.cache.image_nodes
        if not known or not any(name in known for name in state.pod_info.shape.images[0]):
            return 0
        names, containers = state.pod_info.shape.images
        at_hand: dict[str, int] = {}
        for name in names:
            holders = known.get(name) or {}
            share = len(holders) / len(state.cache.nodes)
            for holder, size in holders.items():
                at_hand[holder] = at_hand.get(holder, 0) + int(size * share)
        scores = {holder: scaled(total, containers) for holder, total in at_hand.items()}
        return [scores.get(node.name, 0) for node in nodes]


def scaled(total: int, containers: int) -> int:
    """Bytes of images at hand as a score, between thresholds that depend on the number of containers."""
    highest = MAX_CONTAINER_THRESHOLD * containers
    clamped = min(max(total, MIN_THRESHOLD), highest)
    return MAX_NODE_SCORE * (clamped - MIN_THRESHOLD) // (highest - MIN_THRESHOLD)
