"""Names of resources, and the table against recorded discovery documents."""

import copy
import pickle

import pytest
from recordings import records

from k8slab.api.apps_v1 import Deployment
from k8slab.api.core_v1 import Pod
from k8slab.api.scheme import SCHEME, NoMatch, Resource
from k8slab.api.unstructured import Unstructured


@pytest.mark.parametrize(
    ("name", "api_version", "kind"),
    [
        ("po", "v1", "Pod"),
        ("Pods", "v1", "Pod"),
        ("Deployment", "apps/v1", "Deployment"),
        ("deployments.apps", "apps/v1", "Deployment"),
        ("deploy.v1.apps", "apps/v1", "Deployment"),
        ("ingresses.networking", "networking.k8s.io/v1", "Ingress"),
        ("events", "v1", "Event"),
        ("ev.events.k8s.io", "events.k8s.io/v1", "Event"),
        ("hpa", "autoscaling/v2", "HorizontalPodAutoscaler"),
        ("hpa.v1.autoscaling", "autoscaling/v1", "HorizontalPodAutoscaler"),
        ("endpoints", "v1", "Endpoints"),
        ("crds", "apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ],
)
def test_names(name, api_version, kind):
    found = SCHEME.resource(name)
    assert (found.api_version, found.kind) == (api_version, kind)


def test_unknown_names():
    with pytest.raises(NoMatch, match=r'^the server doesn\'t have a resource type "foo"$'):
        SCHEME.resource("foo")
    with pytest.raises(NoMatch, match=r'^the server doesn\'t have a resource type "pods.apps"$'):
        SCHEME.resource("pods", "apps")
    with pytest.raises(NoMatch, match=r'^no matches for kind "Pod" in version "apps/v1"$'):
        SCHEME.by_kind("apps/v1", "Pod")


def test_resource_of_an_object():
    assert SCHEME.of(Pod()).plural == "pods"
    assert SCHEME.of({"apiVersion": "apps/v1", "kind": "Deployment"}).cls is Deployment
    assert SCHEME.of(Deployment()).group_resource == "deployments.apps"
    assert SCHEME.of(Deployment()).group_kind == "Deployment.apps"


def test_every_class_says_its_own_version_and_kind():
    for resource in SCHEME.all_resources():
        empty = resource.cls()
        assert (empty.apiVersion, empty.kind) == (resource.api_version, resource.kind)


def widget():
    return Resource(
        group="example.com",
        version="v1",
        kind="Widget",
        plural="widgets",
        singular="widget",
        namespaced=True,
        short_names=("wd",),
        custom=True,
    )


def test_custom_resources_live_in_a_copy():
    scheme = SCHEME.copy()
    scheme.add(widget())
    assert scheme.resource("wd").cls is Unstructured
    assert scheme.served("example.com", "v1", "widgets") == widget()
    with pytest.raises(NoMatch):
        SCHEME.resource("wd")
    with pytest.raises(TypeError):
        SCHEME.add(widget())
    again = pickle.loads(pickle.dumps(scheme))
    again.remove("example.com", "v1", "widgets")
    assert scheme.resource("wd") == widget()
    with pytest.raises(NoMatch):
        again.resource("widgets")


def test_the_built_in_scheme_is_never_copied_by_accident():
    assert copy.deepcopy(SCHEME) is SCHEME
    assert pickle.loads(pickle.dumps(SCHEME)) is SCHEME


def listed(group, version):
    """The entries of a discovery document, made from the table."""
    for resource in SCHEME.all_resources():
        if (resource.group, resource.version) != (group, version):
            continue
        entry = {
            "name": resource.plural,
            "singularName": resource.singular,
            "namespaced": resource.namespaced,
            "kind": resource.kind,
            "verbs": list(resource.verbs),
            "shortNames": list(resource.short_names),
            "categories": list(resource.categories),
            "storageVersionHash": resource.storage_version_hash,
        }
        yield {key: value for key, value in entry.items() if value not in ([], "")}
        for sub in resource.subresources:
            entry = {"name": f"{resource.plural}/{sub.name}", "singularName": "", "namespaced": resource.namespaced}
            if sub.api_version:
                entry["group"], entry["version"] = sub.api_version.split("/")
            yield entry | {"kind": sub.kind or resource.kind, "verbs": list(sub.verbs)}


def test_the_table_agrees_with_recorded_discovery():
    documents = 0
    for record in records("discovery"):
        body = record["response"]["body"]
        if isinstance(body, dict) and body.get("kind") == "APIResourceList":
            group, _, version = body["groupVersion"].rpartition("/")
            assert list(listed(group, version)) == body["resources"], body["groupVersion"]
            documents += 1
    assert documents > 15


def test_order_of_groups_agrees_with_recorded_discovery():
    (groups,) = [
        record["response"]["body"]["items"]
        for record in records("discovery")
        if record["request"]["path"] == "/apis"
        and "v=v2;as=APIGroupDiscoveryList" in record["id"]
        and "," not in record["id"]
    ]
    recorded = [(group["metadata"]["name"], version["version"]) for group in groups for version in group["versions"]]
    ours = list(dict.fromkeys((entry.group, entry.version) for entry in SCHEME.all_resources()))
    assert ours == [("", "v1"), *recorded]
