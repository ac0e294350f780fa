"""ReplicaSet and ReplicationController: keep a number of Pods running."""

from k8slab.controllers.replicaset.replicaset import ReplicaSetController
from k8slab.controllers.replicaset.replicationcontroller import ReplicationController

__all__ = ["ReplicaSetController", "ReplicationController"]
