"""Counts over all nodes, kept up to date as nodes change: the base for spreading and Pod affinity.

A tally belongs to one plugin and one class of Pods. After a change only the nodes that changed are counted again. For
trial (preemption) a node can be counted as it would be, and be put back.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from k8slab.scheduler.cache import Cache
from k8slab.scheduler.nodeinfo import NodeInfo

LIMIT = 512
"""How many tallies are kept; the ones unused for longest go first."""


class Tally:
    """Something counted per node and summed up. Subclasses say what (`clear`, `refresh`)."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.order = -1
        self.position = 0

    def clear(self, size: int) -> None:
        """Forget all; there are `size` nodes now."""
        raise NotImplementedError

    def refresh(self, slot: int, node: NodeInfo) -> None:
        """Replace what was counted for the node at `slot` by what `node` gives."""
        raise NotImplementedError

    def sync(self) -> None:
        """Count again what has changed since last time."""
        cache = self.cache
        nodes = cache.nodes
        if self.order != cache.order or self.position < cache.log_start:
            self.clear(len(nodes))
            for slot, node in enumerate(nodes):
                self.refresh(slot, node)
            self.order = cache.order
        elif self.position < cache.log_end:
            for slot in dict.fromkeys(cache.log[self.position - cache.log_start :]):
                self.refresh(slot, nodes[slot])
        self.position = cache.log_end


class Tallies:
    """The tallies of one profile, by whatever they depend on."""

    def __init__(self) -> None:
        self._tallies: dict[Hashable, Any] = {}

    def get(self, key: Hashable, make: Callable[..., Any], *args: Any) -> Any:
        """The tally under that key, made by `make(*args)` if there is none, and brought up to date."""
        found = self._tallies.pop(key, None)
        if found is None:
            found = make(*args)
            while len(self._tallies) >= LIMIT:
                del self._tallies[next(iter(self._tallies))]
        self._tallies[key] = found
        found.sync()
        return found
