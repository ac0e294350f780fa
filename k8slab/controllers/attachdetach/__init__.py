"""The controller that has volumes attached to the nodes whose Pods want them, and detached again."""

from k8slab.controllers.attachdetach.attachdetach import AttachDetachController

__all__ = ["AttachDetachController"]
