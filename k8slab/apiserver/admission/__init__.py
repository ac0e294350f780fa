"""Admission control: plugins that change or refuse writes. One file per plugin, named as in Kubernetes."""

from k8slab.apiserver.admission.chain import PLUGINS, Chain

__all__ = ["PLUGINS", "Chain"]
