"""Which volume suits which claim on which node (plugins/volumebinding/binder.go, component-helpers/storage/volume)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8slab.api.quantity import value
from k8slab.api.volumes import claim_name, claim_names
from k8slab.scheduler.cache import Cache
from k8slab.scheduler.nodeinfo import NodeInfo
from k8slab.scheduler.selectors import NodeTerm, matches, of_label_selector

BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
WAIT = "WaitForFirstConsumer"
NO_PROVISIONER = "kubernetes.io/no-provisioner"

NODE_CONFLICT = "node(s) didn't match PersistentVolume's node affinity"
BIND_CONFLICT = "node(s) didn't find available persistent volumes to bind"
NOT_ENOUGH_SPACE = "node(s) did not have enough free storage"
NO_VOLUME = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"


class Claims:
    """A Pod's claims, by what is to be done about them."""

    __slots__ = ("bound", "unbound_delayed", "unbound_immediate")

    def __init__(self) -> None:
        self.bound: list[Any] = []
        self.unbound_delayed: list[Any] = []
        self.unbound_immediate: list[Any] = []


class Choice:
    """What would be done on one node: claim -> volume to bind, claims to provision; or why it cannot be."""

    __slots__ = ("bindings", "provisions", "reasons")

    def __init__(self) -> None:
        self.bindings: dict[str, str] = {}
        self.provisions: tuple[str, ...] = ()
        self.reasons: list[str] = []

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.bindings and not self.provisions


def status_of_claim(cache: Cache, pod: Any) -> str:
    """What is wrong with a Pod's claims as such ("" if nothing)."""
    namespace = pod.metadata.namespace
    for volume in pod.spec.volumes or ():
        name = claim_name(pod, volume)
        if name is None:
            continue
        claim = cache.get("persistentvolumeclaims", namespace, name)
        if claim is None:
            if volume.ephemeral is not None:
                return f'waiting for ephemeral volume controller to create the persistentvolumeclaim "{name}"'
            return f'persistentvolumeclaim "{name}" not found'
        if claim.status is not None and claim.status.phase == "Lost":
            return f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{claim.spec.volumeName}"'
        if claim.metadata.deletionTimestamp is not None:
            return f'persistentvolumeclaim "{name}" is being deleted'
    return ""


def sort_claims(cache: Cache, pod: Any) -> Claims:
    """Which claims are bound, which wait for a node, and which should be bound but are not."""
    found = Claims()
    for name in claim_names(pod):
        claim = cache.get("persistentvolumeclaims", pod.metadata.namespace, name)
        if fully_bound(claim):
            found.bound.append(claim)
        elif not claim.spec.volumeName and _delayed(cache, claim):
            found.unbound_delayed.append(claim)
        else:
            found.unbound_immediate.append(claim)
    return found


def fully_bound(claim: Any) -> bool:
    """Whether claim and volume refer to each other, and the controller has said so."""
    return bool(claim.spec.volumeName) and BIND_COMPLETED in (claim.metadata.annotations or {})


def _delayed(cache: Cache, claim: Any) -> bool:
    found = cache.get("storageclasses", None, claim.spec.storageClassName or "")
    return found is not None and found.volumeBindingMode == WAIT


def choose(cache: Cache, claims: Claims, node: NodeInfo, taken: Iterable[str]) -> Choice:
    """What to do about the claims if the Pod went to that node."""
    choice = Choice()
    for claim in claims.bound:
        volume = cache.get("persistentvolumes", None, claim.spec.volumeName)
        reason = NO_VOLUME if volume is None else "" if reaches(volume, node) else NODE_CONFLICT
        if reason:
            choice.reasons.append(reason)
            break
    reason = _choose_unbound(cache, claims.unbound_delayed, node, set(taken), choice)
    if reason:
        choice.reasons.append(reason)
    return choice


def _choose_unbound(cache: Cache, claims: list[Any], node: NodeInfo, taken: set[str], choice: Choice) -> str:
    provisions = []
    for claim in sorted(claims, key=_wanted_size):
        selected = (claim.metadata.annotations or {}).get(SELECTED_NODE)
        if selected and selected != node.name:
            return BIND_CONFLICT
        volume = None if selected else find_volume(cache, claim, node, taken)
        if volume is not None:
            taken.add(volume.metadata.name)
            choice.bindings[claim.metadata.name] = volume.metadata.name
        else:
            reason = cannot_provision(cache, claim, node)
            if reason:
                return reason
            provisions.append(claim.metadata.name)
    choice.provisions = tuple(provisions)
    return ""


def reaches(volume: Any, node: NodeInfo) -> bool:
    """Whether a volume's node affinity admits the node."""
    affinity = volume.spec.nodeAffinity
    if affinity is None or affinity.required is None:
        return True
    return any(NodeTerm(term).matches(node.node) for term in affinity.required.nodeSelectorTerms or ())


def find_volume(cache: Cache, claim: Any, node: NodeInfo, taken: set[str]) -> Any:
    """The smallest free volume that suits the claim on that node, or one reserved for it; None if there is none."""
    best = None
    for volume in cache.objects["persistentvolumes"].values():
        if volume.metadata.name in taken or not _suits(volume, claim) or not reaches(volume, node):
            continue
        reference = volume.spec.claimRef
        if reference is not None:
            if _refers(reference, claim):
                return volume
            continue
        if volume.status is None or volume.status.phase != "Available":
            continue
        if best is None or _size(volume) < _size(best):
            best = volume
    return best


def _suits(volume: Any, claim: Any) -> bool:
    spec, wanted = volume.spec, claim.spec
    if volume.metadata.deletionTimestamp is not None or _size(volume) < _wanted_size(claim):
        return False
    if (spec.storageClassName or "") != (wanted.storageClassName or ""):
        return False
    if (spec.volumeMode or "Filesystem") != (wanted.volumeMode or "Filesystem"):
        return False
    if not set(wanted.accessModes or ()) <= set(spec.accessModes or ()):
        return False
    return wanted.selector is None or matches(of_label_selector(wanted.selector), volume.metadata.labels or {})


def _refers(reference: Any, claim: Any) -> bool:
    metadata = claim.metadata
    return (
        reference.name == metadata.name
        and reference.namespace == metadata.namespace
        and (not reference.uid or reference.uid == metadata.uid)
    )


def _size(volume: Any) -> int:
    return value((volume.spec.capacity or {}).get("storage", 0))


def _wanted_size(claim: Any) -> int:
    resources = claim.spec.resources
    return value(((resources.requests if resources is not None else None) or {}).get("storage", 0))


def cannot_provision(cache: Cache, claim: Any, node: NodeInfo) -> str:
    """Why no volume can be made for the claim on that node ("" if one can)."""
    found = cache.get("storageclasses", None, claim.spec.storageClassName or "")
    if found is None or not found.provisioner or found.provisioner == NO_PROVISIONER:
        return BIND_CONFLICT
    if found.allowedTopologies and not any(_allows(term, node) for term in found.allowedTopologies):
        return BIND_CONFLICT
    return "" if _has_capacity(cache, found, claim, node) else NOT_ENOUGH_SPACE


def _allows(term: Any, node: NodeInfo) -> bool:
    return all(node.labels.get(one.key) in (one.values or ()) for one in term.matchLabelExpressions or ())


def _has_capacity(cache: Cache, chosen: Any, claim: Any, node: NodeInfo) -> bool:
    driver = cache.get("csidrivers", None, chosen.provisioner)
    if driver is None or not driver.spec.storageCapacity:
        return True
    wanted = _wanted_size(claim)
    for one in cache.objects["csistoragecapacities"].values():
        limit = one.maximumVolumeSize if one.maximumVolumeSize is not None else one.capacity
        if (
            one.storageClassName == chosen.metadata.name
            and limit is not None
            and value(limit) >= wanted
            and one.nodeTopology is not None
            and matches(of_label_selector(one.nodeTopology), node.labels)
        ):
            return True
    return False
