"""The node: kubelet, container runtime, images, probes, and what the programs in containers do."""
