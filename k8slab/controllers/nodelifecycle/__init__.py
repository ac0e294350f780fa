"""Node lifecycle: notices nodes that fall silent, and taints them."""

from k8slab.controllers.nodelifecycle.nodelifecycle import NodeLifecycleController

__all__ = ["NodeLifecycleController"]
