"""ReplicationController: the ReplicaSet's elder, with a plain map as selector (pkg/controller/replication)."""

from __future__ import annotations

from typing import Any, ClassVar

from k8slab.api.core_v1 import ReplicationControllerCondition, ReplicationControllerStatus
from k8slab.api.meta_v1 import LabelSelector
from k8slab.controllers.replicaset.replicaset import ReplicaSetController
from k8slab.controllers.selectors import PodMatcher


class ReplicationController(ReplicaSetController):
    """Works as the ReplicaSet controller does, on ReplicationControllers."""

    name = "replicationcontroller-controller"
    about = "creates and deletes Pods until each ReplicationController has as many as it wants"
    source = "replication-controller"

    resource: ClassVar[str] = "replicationcontrollers"
    kind: ClassVar[str] = "ReplicationController"
    condition_type: ClassVar[type] = ReplicationControllerCondition
    status_type: ClassVar[type] = ReplicationControllerStatus
    counts_terminating: ClassVar[bool] = False

    def matcher(self, owner: Any) -> PodMatcher:
        """Its selector is a map of labels."""
        return PodMatcher(LabelSelector(matchLabels=owner.spec.selector or {}))
