"""Kubernetes' API objects and everything that is true of them without a server."""
