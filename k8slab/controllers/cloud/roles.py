"""What the manifests of a cloud provider bring: the rights of cloud-controller-manager."""

from __future__ import annotations

from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.rbac_v1 import ClusterRole, ClusterRoleBinding, PolicyRule, RoleRef, Subject

ROLE = "system:cloud-controller-manager"
ACCOUNT = "cloud-controller-manager"
GROUP = "rbac.authorization.k8s.io"
RULES: tuple[tuple[str, str, str], ...] = (
    ("create patch update", "", "events"),
    ("*", "", "nodes"),
    ("patch", "", "nodes/status"),
    ("get list patch update watch", "", "services"),
    ("patch update", "", "services/status"),
    ("create get list update watch", "", "serviceaccounts"),
    ("create get list update watch", "coordination.k8s.io", "leases"),
)
"""Verbs, API group, resource: as in the example of the documentation on running cloud-controller-manager."""


def manifests() -> tuple[ClusterRole, ClusterRoleBinding]:
    """The role, and its binding to the process and its ServiceAccount."""
    rules = tuple(
        PolicyRule(verbs=tuple(verbs.split()), apiGroups=(group,), resources=(resource,))
        for verbs, group, resource in RULES
    )
    subjects = (
        Subject(kind="User", apiGroup=GROUP, name=ROLE),
        Subject(kind="ServiceAccount", name=ACCOUNT, namespace="kube-system"),
    )
    reference = RoleRef(apiGroup=GROUP, kind="ClusterRole", name=ROLE)
    return (
        ClusterRole(metadata=ObjectMeta(name=ROLE), rules=rules),
        ClusterRoleBinding(metadata=ObjectMeta(name=ROLE), roleRef=reference, subjects=subjects),
    )
