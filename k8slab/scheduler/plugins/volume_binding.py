"""VolumeBinding: finds or provisions volumes for a Pod's claims where the Pod goes (plugins/volumebinding)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8slab.api.volumes import claim_names, uses_claim
from k8slab.errors import ApiError
from k8slab.scheduler.events import (
    CLAIM,
    CSI_CAPACITY,
    CSI_DRIVER,
    CSI_NODE,
    NODE,
    STORAGE_CLASS,
    VOLUME,
    Action,
    EventHint,
)
from k8slab.scheduler.framework import SKIP, Code, CycleState, Plugin, Status, failed, unresolvable
from k8slab.scheduler.nodeinfo import NodeInfo
from k8slab.scheduler.plugins.volume_matching import (
    SELECTED_NODE,
    Choice,
    choose,
    fully_bound,
    sort_claims,
    status_of_claim,
)
from k8slab.sim.clock import SECOND

NAME = "VolumeBinding"


class VolumeBinding(Plugin):
    """Checks bound claims against nodes, and binds the others once a node is chosen. Arg `bindTimeoutSeconds`."""

    def __init__(self) -> None:
        self.client: Any = None
        self.clock: Any = None
        self.timeout = 600 * SECOND
        self.assumed: dict[str, Choice] = {}

    def setup(self, args: dict[str, Any], handle: Any) -> None:
        """Take client, clock and timeout."""
        self.client = handle.client
        self.clock = handle.clock
        self.timeout = int(args.get("bindTimeoutSeconds", 600)) * SECOND

    def pre_filter(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> Status | None:
        """Sort the claims; one that should be bound already but is not rules the Pod out."""
        if not pod.spec.volumes or not claim_names(pod):
            return SKIP
        problem = status_of_claim(state.cache, pod)
        if problem:
            return unresolvable(problem)
        claims = sort_claims(state.cache, pod)
        if claims.unbound_immediate:
            return unresolvable("pod has unbound immediate PersistentVolumeClaims")
        state.write(NAME, (claims, {}))
        return None

    def filter(self, state: CycleState, pod: Any, node: NodeInfo) -> Status | None:
        """Reject nodes that cannot use the bound volumes, or for which none can be found or made."""
        claims, choices = state.read(NAME)
        choice = choose(state.cache, claims, node, self._taken(pod))
        if choice.reasons:
            return unresolvable(*choice.reasons, plugin=NAME)
        choices[node.name] = choice
        return None

    def _taken(self, pod: Any) -> frozenset[str]:
        """Volumes promised to other Pods that are being bound."""
        own = pod.metadata.uid
        return frozenset(
            volume for uid, choice in self.assumed.items() if uid != own for volume in choice.bindings.values()
        )

    # --- binding

    def reserve(self, state: CycleState, pod: Any, node_name: str) -> Status | None:
        """Promise the volumes chosen for the node to this Pod."""
        found = state.read(NAME)
        if found is not None and node_name in found[1] and not found[1][node_name].empty:
            self.assumed[pod.metadata.uid] = found[1][node_name]
        return None

    def unreserve(self, state: CycleState, pod: Any, node_name: str) -> None:
        """Take the promise back."""
        self.assumed.pop(pod.metadata.uid, None)

    def pre_bind(self, state: CycleState, pod: Any, node_name: str) -> Status | None:
        """Write the choices to the API server once, then wait until a controller has bound the claims."""
        choice = self.assumed.get(pod.metadata.uid)
        if choice is None:
            return None
        started = state.read(f"{NAME}/started")
        if started is None:
            state.write(f"{NAME}/started", self.clock.now)
            return self._write(state, choice, pod.metadata.namespace, node_name)
        if all(fully_bound(self._claim(state, pod, name)) for name in (*choice.bindings, *choice.provisions)):
            del self.assumed[pod.metadata.uid]
            return None
        if self.clock.now - started >= self.timeout:
            return failed("binding volumes: context deadline exceeded")
        return Status(Code.WAIT)

    def _claim(self, state: CycleState, pod: Any, name: str) -> Any:
        return state.cache.get("persistentvolumeclaims", pod.metadata.namespace, name)

    def _write(self, state: CycleState, choice: Choice, namespace: str, node_name: str) -> Status | None:
        try:
            for claim_name, volume_name in choice.bindings.items():
                claim = state.cache.get("persistentvolumeclaims", namespace, claim_name)
                reference = {
                    "apiVersion": "v1",
                    "kind": "PersistentVolumeClaim",
                    "namespace": namespace,
                    "name": claim_name,
                    "uid": claim.metadata.uid,
                    "resourceVersion": claim.metadata.resourceVersion,
                }
                patch: dict[str, Any] = {
                    "metadata": {"annotations": {"pv.kubernetes.io/bound-by-controller": "yes"}},
                    "spec": {"claimRef": reference},
                }
                self.client.patch("persistentvolumes", volume_name, patch)
            for claim_name in choice.provisions:
                patch = {"metadata": {"annotations": {SELECTED_NODE: node_name}}}
                self.client.patch("persistentvolumeclaims", claim_name, patch, namespace)
        except ApiError as error:
            return failed(f"binding volumes: {error}")
        return Status(Code.WAIT)

    # --- events

    def events_to_register(self) -> tuple[EventHint, ...]:
        """Anything about storage changes; nodes come or change."""
        node = Action.ADD | Action.UPDATE_NODE_LABEL | Action.UPDATE_NODE_TAINT
        both = Action.ADD | Action.UPDATE
        return (
            EventHint(STORAGE_CLASS, both, self.after_class),
            EventHint(CLAIM, both, self.after_claim),
            EventHint(VOLUME, both),
            EventHint(NODE, node),
            EventHint(CSI_NODE, both),
            EventHint(CSI_DRIVER, both),
            EventHint(CSI_CAPACITY, both),
        )

    def after_claim(self, pod: Any, old: Any, new: Any) -> bool:
        """Whether this Pod uses the claim."""
        return uses_claim(pod, new)

    def after_class(self, pod: Any, old: Any, new: Any) -> bool:
        """Whether the class is new, or allows other topologies."""
        return old is None or old.allowedTopologies != new.allowedTopologies
