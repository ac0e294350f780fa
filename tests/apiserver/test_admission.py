from __future__ import annotations

from typing import Any

import pytest

from k8slab.api.request import MERGE_PATCH
from k8slab.errors import K8sLabError
from tests.apiserver.conftest import Lab


def pod(name: str = "p", **spec: Any) -> dict[str, Any]:
    containers = [{"name": "c", "image": "app:1"}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": containers, **spec}}


def test_plugins_can_be_chosen() -> None:
    lab = Lab(admission=["NamespaceLifecycle"])
    made = lab.create("pods", pod())
    assert made.spec.tolerations is None and made.spec.priority is None and made.spec.volumes is None
    with pytest.raises(K8sLabError, match='unknown admission plugin "Nope"'):
        Lab(admission=["Nope"])


def test_mirror_pods_get_no_account(lab: Lab) -> None:
    body = pod(nodeName="n1")
    body["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "hash"}
    assert lab.create("pods", body).spec.serviceAccountName is None


def test_account_decides_about_the_token(lab: Lab) -> None:
    account = {"metadata": {"name": "robot"}, "automountServiceAccountToken": False}
    lab.create("serviceaccounts", account)
    assert lab.create("pods", pod("a", serviceAccountName="robot")).spec.volumes is None
    wanted = lab.create("pods", pod("b", serviceAccountName="robot", automountServiceAccountToken=True))
    assert wanted.spec.volumes[0].name.startswith("kube-api-access-")


def test_pods_learn_their_nodes_zone_when_bound(lab: Lab) -> None:
    labels = {"topology.kubernetes.io/zone": "z1", "other": "x"}
    lab.create("nodes", {"metadata": {"name": "n1", "labels": labels}}, namespace=None)
    lab.pod("p")
    binding = {"metadata": {"name": "p"}, "target": {"name": "n1"}}
    lab.ok("create", "pods", "p", binding, subresource="binding")
    bound = lab.get("pods", "p")
    assert bound.metadata.labels == {"topology.kubernetes.io/zone": "z1"}
    assert bound.spec.nodeName == "n1" and bound.metadata.generation == 1


def test_quota_is_charged_at_once_and_refuses_the_rest(lab: Lab) -> None:
    quota = {"metadata": {"name": "q"}, "spec": {"hard": {"requests.cpu": "1", "pods": "10"}}}
    lab.create("resourcequotas", quota)
    lab.create("pods", pod("early"))  # The controller has not said yet what the quota limits.
    lab.patch("resourcequotas", "q", {"status": {"hard": quota["spec"]["hard"]}}, subresource="status")
    silent = lab.send("create", "pods", body=pod("a"))
    assert silent.code == 403 and "must specify requests.cpu for: c" in silent.body["message"]
    containers = [{"name": "c", "image": "app:1", "resources": {"requests": {"cpu": "600m"}}}]
    unknown = lab.send("create", "pods", body=pod("a", containers=containers))
    assert unknown.body["message"].endswith("status unknown for quota: q, resources: pods,requests.cpu")
    status = {"hard": {"requests.cpu": "1", "pods": "10"}, "used": {"requests.cpu": "0", "pods": "0"}}
    lab.patch("resourcequotas", "q", {"status": status}, subresource="status")
    lab.create("pods", pod("a", containers=containers))
    assert lab.get("resourcequotas", "q").status.used == {"requests.cpu": "600m", "pods": "1"}
    refused = lab.send("create", "pods", body=pod("b", containers=containers))
    assert refused.body["message"] == (
        'pods "b" is forbidden: exceeded quota: q, requested: requests.cpu=600m, '
        "used: requests.cpu=600m, limited: requests.cpu=1"
    )


def test_limit_range_bounds(lab: Lab) -> None:
    limits = [{"type": "Container", "max": {"cpu": "1"}, "min": {"cpu": "100m"}}]
    lab.create("limitranges", {"metadata": {"name": "l"}, "spec": {"limits": limits}})
    containers = [{"name": "c", "image": "app:1", "resources": {"limits": {"cpu": "2"}, "requests": {"cpu": "50m"}}}]
    refused = lab.send("create", "pods", body=pod(containers=containers))
    assert refused.body["message"] == (
        'pods "p" is forbidden: [minimum cpu usage per Container is 100m, but request is 50m, '
        "maximum cpu usage per Container is 1, but limit is 2]"
    )


def test_default_storage_class_is_the_newest(lab: Lab) -> None:
    for name in ("old", "new"):
        annotations = {"storageclass.kubernetes.io/is-default-class": "true"}
        body = {"metadata": {"name": name, "annotations": annotations}, "provisioner": "p.example"}
        lab.create("storageclasses.storage.k8s.io", body, namespace=None)
        lab.clock.run_for(2_000_000)
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claim = lab.create("persistentvolumeclaims", {"metadata": {"name": "a"}, "spec": spec})
    assert claim.spec.storageClassName == "new"
    assert claim.metadata.finalizers == ("kubernetes.io/pvc-protection",)
    chosen = lab.create("persistentvolumeclaims", {"metadata": {"name": "b"}, "spec": spec | {"storageClassName": ""}})
    assert chosen.spec.storageClassName == ""


def test_refusals_name_pods_by_the_beginning_of_their_name(lab: Lab) -> None:
    body = pod(serviceAccountName="nobody")
    body["metadata"] = {"generateName": "web-"}
    refused = lab.send("create", "pods", body=body)
    assert refused.body["message"].startswith('pods "web-" is forbidden: error looking up service account')


def test_namespaces_choose_their_pod_security_level(lab: Lab) -> None:
    lab.create("pods", pod("there", hostNetwork=True))
    labels = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "baseline"}}}
    response = lab.send("patch", "namespaces", "default", labels, namespace=None, content_type=MERGE_PATCH)
    assert response.warnings == (
        'existing pods in namespace "default" violate the new PodSecurity enforce level "baseline:latest"',
        "there: host namespaces",
    )
    containers = [{"name": "c", "image": "app:1", "securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}}]
    refused = lab.send("create", "pods", body=pod(containers=containers, hostPID=True))
    assert refused.body["message"] == (
        'pods "p" is forbidden: violates PodSecurity "baseline:latest": non-default capabilities '
        '(container "c" must not include "NET_ADMIN" in securityContext.capabilities.add), '
        "host namespaces (hostPID=true)"
    )
    lab.create("pods", pod("fine"))


def test_restricted_level_accepts_pods_that_say_everything(lab: Lab) -> None:
    labels = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    lab.patch("namespaces", "default", labels, namespace=None)
    secure = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    context = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    containers = [{"name": "c", "image": "app:1", "securityContext": secure}]
    lab.create("pods", pod(containers=containers, securityContext=context))
    volumes = [{"name": "v", "hostPath": {"path": "/"}}]
    refused = lab.send("create", "pods", body=pod("q", containers=containers, securityContext=context, volumes=volumes))
    assert (
        'PodSecurity "restricted:latest": restricted volume types (volume "v" uses restricted volume type "hostPath")'
        in refused.body["message"]
    )
