"""The Kubernetes API over HTTP and TLS, for real clients: kubectl, client libraries, operators."""

from k8slab.serve.server import Server

__all__ = ["Server"]
