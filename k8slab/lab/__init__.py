"""Lab: a cluster with everything that a notebook wants on top."""

from k8slab.kubectl.output import Output
from k8slab.lab.lab import Lab
from k8slab.lab.naming import CommandError
from k8slab.views.display import Display

__all__ = ["CommandError", "Display", "Lab", "Output"]
