"""The ConfigMaps in kube-system that say how a cluster was set up, as far as it is true of this one.

Follows `cmd/kubeadm/app/phases/uploadconfig`, `phases/kubelet` and, for whom the API server trusts,
`pkg/controlplane/controller/clusterauthenticationtrust`.
"""

from __future__ import annotations

from typing import Any

import yaml

from k8slab.api.core_v1 import ConfigMap
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.kubelet.addons import SERVICE_CIDR, VERSION
from k8slab.kubelet.node import CLUSTER_DNS, NodeSpec

NAMESPACE = "kube-system"
AUTHENTICATION = "extension-apiserver-authentication"
READERS = ("system:bootstrappers:kubeadm:default-node-token", "system:nodes")


def authentication(certificate: str) -> ConfigMap:
    """By what the API server knows its clients: for servers that stand behind it.

    Args:
        certificate: of the cluster's authority, PEM.
    """
    return ConfigMap(
        metadata=ObjectMeta(name=AUTHENTICATION, namespace=NAMESPACE), data={"client-ca-file": certificate}
    )


def objects(pod_network: str) -> list[dict[str, Any]]:
    """What kubeadm uploads for nodes that join: its own configuration and that of kubelets, and who may read them."""
    return [
        _config_map("kubeadm-config", "ClusterConfiguration", _cluster(pod_network)),
        *_readable("kubeadm:nodes-kubeadm-config", "kubeadm-config"),
        _config_map("kubelet-config", "kubelet", _kubelet()),
        *_readable("kubeadm:kubelet-config", "kubelet-config"),
    ]


def _cluster(pod_network: str) -> dict[str, Any]:
    return {
        "apiServer": {},
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "caCertificateValidityPeriod": "87600h0m0s",
        "certificateValidityPeriod": "8760h0m0s",
        "certificatesDir": "/etc/kubernetes/pki",
        "clusterName": "kubernetes",
        "controllerManager": {},
        # Names are resolved and Services are reached without Pods for it here.
        "dns": {"disabled": True},
        "encryptionAlgorithm": "ECDSA-P256",
        "etcd": {"local": {"dataDir": "/var/lib/etcd"}},
        "imageRepository": "registry.k8s.io",
        "kind": "ClusterConfiguration",
        "kubernetesVersion": VERSION,
        "networking": {"dnsDomain": "cluster.local", "podSubnet": pod_network, "serviceSubnet": SERVICE_CIDR},
        "proxy": {"disabled": True},
        "scheduler": {},
    }


def _kubelet() -> dict[str, Any]:
    usual = NodeSpec("")
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"cacheTTL": "0s", "enabled": True},
            "x509": {"clientCAFile": "/etc/kubernetes/pki/ca.crt"},
        },
        "authorization": {
            "mode": "Webhook",
            "webhook": {"cacheAuthorizedTTL": "0s", "cacheUnauthorizedTTL": "0s"},
        },
        "cgroupDriver": "systemd",
        "clusterDNS": [CLUSTER_DNS],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": "unix:///var/run/containerd/containerd.sock",
        "healthzBindAddress": "127.0.0.1",
        "healthzPort": 10248,
        "kind": "KubeletConfiguration",
        "maxPods": usual.pods,
        "rotateCertificates": True,
        "shutdownGracePeriod": usual.shutdown_grace_period,
        "shutdownGracePeriodCriticalPods": usual.shutdown_grace_period_critical_pods,
        "staticPodPath": "/etc/kubernetes/manifests",
    }


def _config_map(name: str, key: str, data: dict[str, Any]) -> dict[str, Any]:
    text = yaml.safe_dump(data)
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {key: text}}


def _readable(name: str, config_map: str) -> list[dict[str, Any]]:
    """A Role and its binding by which nodes read a ConfigMap."""
    group = "rbac.authorization.k8s.io"
    metadata = {"name": name, "namespace": NAMESPACE}
    rule = {"apiGroups": [""], "resourceNames": [config_map], "resources": ["configmaps"], "verbs": ["get"]}
    subjects = [{"apiGroup": group, "kind": "Group", "name": each} for each in READERS]
    reference = {"apiGroup": group, "kind": "Role", "name": name}
    head = {"apiVersion": f"{group}/v1", "metadata": metadata}
    return [
        {**head, "kind": "Role", "rules": [rule]},
        {**head, "kind": "RoleBinding", "roleRef": reference, "subjects": subjects},
    ]
