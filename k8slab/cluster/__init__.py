"""A whole cluster: the composition of all components, its gate, history and faults."""

from k8slab.cluster.cluster import Cluster

__all__ = ["Cluster"]
