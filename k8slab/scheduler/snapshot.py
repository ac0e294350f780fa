"""The scheduler's view of the cluster as it was at an earlier moment, rebuilt from the cache's journal."""

from __future__ import annotations

from collections.abc import Iterable

from k8slab.scheduler.cache import Cache, Entry
from k8slab.scheduler.nominator import Nominator


def rebuild(journal: Iterable[Entry]) -> tuple[Cache, Nominator]:
    """Cache and nominations in the state to which these journal entries lead."""
    cache = Cache(journalled=False)
    nominator = Nominator(cache)
    for entry in journal:
        if entry[0] == "nominated":
            nominator.add(cache.interner.info(entry[1]), entry[2])
        elif entry[0] == "released":
            nominator.delete(entry[1])
        else:
            _apply(cache, entry)
    cache.refresh()
    return cache, nominator


def _apply(cache: Cache, entry: Entry) -> None:
    kind = entry[0]
    if kind == "pod":
        cache._add(cache.interner.info(entry[1], entry[2]))
    elif kind == "gone":
        cache._remove(cache.pods[entry[1]])
    elif kind == "object":
        cache.set_object(entry[1], entry[2], entry[3])
    elif entry[2] is not None:
        cache.set_node(entry[2])
    else:
        cache.remove_node(entry[1])
