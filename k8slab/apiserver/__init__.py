"""The API server."""

from k8slab.apiserver.server import APIServer

__all__ = ["APIServer"]
