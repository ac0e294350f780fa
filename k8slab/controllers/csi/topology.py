"""From where a new volume can be reached: a zone, a node, or everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from k8slab.api.core_v1 import Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, VolumeNodeAffinity
from k8slab.api.storage_v1 import StorageClass
from k8slab.controllers.csi.drivers import DISK, LOCAL, Driver

ZONE = "topology.kubernetes.io/zone"
HOSTNAME = "kubernetes.io/hostname"


def reachable_from(
    driver: Driver, chosen: StorageClass, node: Node | None, nodes: Iterable[Node], rng: Random
) -> VolumeNodeAffinity | None:
    """The node affinity of a new volume, None for "everywhere".

    Args:
        driver: makes the volume.
        chosen: its class, which may allow certain zones only.
        node: where the Pod goes, if that is known.
        nodes: all nodes, for volumes that are made before any Pod.
        rng: chooses one of several zones.
    """
    if driver.kind == LOCAL and node is not None:
        return _only(HOSTNAME, (node.metadata.labels or {}).get(HOSTNAME, node.metadata.name))
    if driver.kind != DISK:
        return None
    if node is not None:
        zone = (node.metadata.labels or {}).get(ZONE)
        return _only(ZONE, zone) if zone else None
    zones = sorted({zone for one in nodes if (zone := (one.metadata.labels or {}).get(ZONE))})
    zones = [zone for zone in zones if _allows(chosen, zone)]
    return _only(ZONE, rng.choice(zones)) if zones else None


def _allows(chosen: StorageClass, zone: str) -> bool:
    wanted = [
        one.values or ()
        for term in chosen.allowedTopologies or ()
        for one in term.matchLabelExpressions or ()
        if one.key == ZONE
    ]
    return not wanted or any(zone in values for values in wanted)


def _only(key: str, value: str) -> VolumeNodeAffinity:
    requirement = NodeSelectorRequirement(key=key, operator="In", values=(value,))
    return VolumeNodeAffinity(
        required=NodeSelector(nodeSelectorTerms=(NodeSelectorTerm(matchExpressions=(requirement,)),))
    )
