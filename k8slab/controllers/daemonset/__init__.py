"""DaemonSet: one Pod on every node that fits."""

from k8slab.controllers.daemonset.daemonset import DaemonSetController

__all__ = ["DaemonSetController"]
