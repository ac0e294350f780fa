"""The exceptions of k8slab."""

from __future__ import annotations


class K8sLabError(Exception):
    """Base of all errors which k8slab raises on purpose."""
