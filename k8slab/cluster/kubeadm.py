"""What `kubeadm init` leaves in a new cluster besides what the API server makes itself.

Rights of administrators, of nodes that join, and of nodes that renew their certificates; and `cluster-info`, by which a
joining node finds the cluster (`cmd/kubeadm/app/phases/bootstraptoken`, `kubeadm/app/phases/addons/proxy`).
"""

from __future__ import annotations

import base64
from typing import Any

import yaml

from k8slab.cluster import settings

RBAC = "rbac.authorization.k8s.io"
ADMINS = "kubeadm:cluster-admins"
TOKENS = "system:bootstrappers:kubeadm:default-node-token"
CERTIFICATES = "system:certificates.k8s.io:certificatesigningrequests"
CLUSTER_INFO = "cluster-info"
INFO_ROLE = "kubeadm:bootstrap-signer-clusterinfo"

GIVEN = (
    (ADMINS, "cluster-admin", "Group", ADMINS),
    ("kubeadm:kubelet-bootstrap", "system:node-bootstrapper", "Group", TOKENS),
    ("kubeadm:node-autoapprove-bootstrap", f"{CERTIFICATES}:nodeclient", "Group", TOKENS),
    ("kubeadm:node-autoapprove-certificate-rotation", f"{CERTIFICATES}:selfnodeclient", "Group", "system:nodes"),
    ("kubeadm:get-nodes", "kubeadm:get-nodes", "Group", TOKENS),
    ("kubeadm:node-proxier", "system:node-proxier", "ServiceAccount", "kube-proxy"),
)
"""Cluster roles, each with its binding and who gets it: binding, role, kind and name of the subject."""


def objects(authority: str, endpoint: str, pod_network: str) -> list[dict[str, Any]]:
    """The objects, in the order in which kubeadm makes them.

    Args:
        authority: the certificate of the cluster's authority, PEM.
        endpoint: host and port of the API server.
        pod_network: the range of Pods' addresses.
    """
    return [
        _role("ClusterRole", "kubeadm:get-nodes", None, "nodes"),
        *(_binding(*row) for row in GIVEN),
        _cluster_info(authority, endpoint),
        *settings.objects(pod_network),
        _role("Role", INFO_ROLE, "kube-public", "configmaps", CLUSTER_INFO),
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": INFO_ROLE, "namespace": "kube-public"},
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": INFO_ROLE},
            "subjects": [{"apiGroup": RBAC, "kind": "User", "name": "system:anonymous"}],
        },
    ]


def _role(kind: str, name: str, namespace: str | None, resource: str, *names: str) -> dict[str, Any]:
    rule = {"apiGroups": [""], "resources": [resource], "verbs": ["get"]} | ({"resourceNames": names} if names else {})
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata, "rules": [rule]}


def _binding(name: str, role: str, kind: str, subject: str) -> dict[str, Any]:
    who: dict[str, Any] = {"kind": kind, "name": subject}
    who |= {"namespace": "kube-system"} if kind == "ServiceAccount" else {"apiGroup": RBAC}
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [who],
    }


def _cluster_info(authority: str, endpoint: str) -> dict[str, Any]:
    """Where the cluster is and whom to trust, for everybody."""
    cluster = {
        "certificate-authority-data": base64.b64encode(authority.encode()).decode(),
        "server": f"https://{endpoint}",
    }
    config = {
        "apiVersion": "v1",
        "clusters": [{"cluster": cluster, "name": ""}],
        "contexts": None,
        "current-context": "",
        "kind": "Config",
        "preferences": {},
        "users": None,
    }
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CLUSTER_INFO, "namespace": "kube-public"},
        "data": {"kubeconfig": yaml.safe_dump(config)},
    }
