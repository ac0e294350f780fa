"""What one finds in kube-system and among APIServices after kubeadm."""

import pytest
import yaml

from k8slab import Lab
from k8slab.errors import ApiError

CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "boats.sea.example.com"},
    "spec": {
        "group": "sea.example.com",
        "scope": "Namespaced",
        "names": {"plural": "boats", "kind": "Boat"},
        "versions": [
            {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}},
            {"name": "v2", "served": False, "storage": False, "schema": {"openAPIV3Schema": {"type": "object"}}},
        ],
    },
}


@pytest.fixture(scope="module")
def lab():
    return Lab(workers=1)


def row(lab, name):
    return lab.kubectl(f"get apiservice {name} --no-headers", echo=False).text.split()


def test_controllers_have_accounts(lab):
    names = {each.metadata.name for each in lab.list("serviceaccounts", namespace="kube-system")}
    assert {"deployment-controller", "generic-garbage-collector", "node-controller", "daemon-set-controller"} <= names
    assert "serviceaccount-token-controller" not in names


def test_an_account_is_made_again_by_the_next_process(lab):
    lab = lab.fork()
    lab.client.delete("serviceaccounts", "job-controller", "kube-system")
    lab.run("5s")
    lab.faults.crash("kube-controller-manager")
    lab.faults.start("kube-controller-manager")
    lab.run("60s")
    assert lab.get("serviceaccount/job-controller", namespace="kube-system") is not None


def test_what_kubeadm_uploads(lab):
    config = lab.get("configmap/kubeadm-config", namespace="kube-system").data
    found = yaml.safe_load(config["ClusterConfiguration"])
    assert found["networking"]["podSubnet"] == "10.244.0.0/16"
    assert found["dns"] == found["proxy"] == {"disabled": True}
    kubelet = yaml.safe_load(lab.get("configmap/kubelet-config", namespace="kube-system").data["kubelet"])
    assert kubelet["clusterDNS"] == ["10.96.0.10"]
    trusted = lab.get("configmap/extension-apiserver-authentication", namespace="kube-system").data
    assert trusted["client-ca-file"].startswith("-----BEGIN CERTIFICATE-----")


def test_nodes_that_join_may_read_it(lab):
    who = "--as=joining --as-group=system:bootstrappers:kubeadm:default-node-token -n kube-system"
    assert lab.kubectl(f"auth can-i get configmaps/kubelet-config {who}", echo=False).text == "yes\n"
    assert lab.kubectl(f"auth can-i get configmaps/extension-apiserver-authentication {who}", echo=False).text == "no\n"


def test_local_services_are_available(lab):
    assert row(lab, "v1.")[1:3] == ["Local", "True"]
    assert row(lab, "v2.autoscaling")[1:3] == ["Local", "True"]


def test_custom_resources_have_one_as_long_as_they_are_served(lab):
    lab = lab.fork()
    lab.apply(CRD)
    lab.run("1s")
    assert row(lab, "v1.sea.example.com")[1:3] == ["Local", "True"]
    assert "v2.sea" not in lab.kubectl("get apiservices", echo=False).text
    lab.client.delete("apiservices", "v1.sea.example.com")
    lab.kubectl("label crd boats.sea.example.com a=b", echo=False)
    lab.run("1s")
    assert row(lab, "v1.sea.example.com")[1:3] == ["Local", "True"], "it is looked after"
    lab.kubectl("delete crd boats.sea.example.com", echo=False)
    lab.run("5s")
    assert "sea.example.com" not in lab.kubectl("get apiservices", echo=False).text


@pytest.mark.parametrize(
    ("name", "spec", "why"),
    [
        ("x", {"group": "a.b"}, 'metadata.name: Invalid value: "x": must be `spec.version+"."+spec.group`: "v1.a.b"'),
        ("v2.", {"version": "v2"}, "spec.group: Required value: only v1 may have an empty group and it better be"),
        ("v1.a.b", {"group": "a.b", "versionPriority": 2000}, "spec.versionPriority: Invalid value: 2000: must be"),
        ("v1.a.b", {"group": "a.b", "insecureSkipTLSVerify": True}, "local APIServices may not have insecureSkip"),
        ("v1.a.b", {"group": "a.b", "service": {"name": "x"}}, "spec.service.namespace: Required value"),
    ],
)
def test_what_no_apiservice_can_be(lab, name, spec, why):
    base = {"version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100}
    body = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": name}}
    with pytest.raises(ApiError) as failure:
        lab.client.create({**body, "spec": {**base, **spec}})
    assert why in failure.value.message
