"""The network between Pods: addresses now, the ground for Services and names."""
