"""Who asked for what, when, and what came of it: the audit log (https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/)."""

from k8slab.apiserver.audit.auditor import Auditor
from k8slab.apiserver.audit.event import Note
from k8slab.apiserver.audit.policy import Asked, Policy, PolicyError

__all__ = ["Asked", "Auditor", "Note", "Policy", "PolicyError"]
