"""StatefulSet: numbered Pods with names and storage of their own."""

from k8slab.controllers.statefulset.statefulset import StatefulSetController

__all__ = ["StatefulSetController"]
