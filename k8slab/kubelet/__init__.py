"""The node: kubelet, container runtime, images, probes, and what the programs in containers do."""

from k8slab.kubelet.images import Image, ImageRegistry
from k8slab.kubelet.kubelet import Kubelet
from k8slab.kubelet.node import Machine, NodeSpec
from k8slab.kubelet.program import Program

__all__ = ["Image", "ImageRegistry", "Kubelet", "Machine", "NodeSpec", "Program"]
