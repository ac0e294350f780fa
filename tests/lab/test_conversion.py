"""Custom resources in two versions, converted by a learner's function."""

from __future__ import annotations

from typing import Any

import pytest

from k8slab import Lab
from k8slab.api.request import Request
from k8slab.errors import ApiError

NAME = "converter.default.svc"


def definition() -> dict[str, Any]:
    def version(name: str, storage: bool, **fields: str) -> dict[str, Any]:
        properties = {field: {"type": kind} for field, kind in fields.items()}
        schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}}
        return {"name": name, "served": True, "storage": storage, "schema": {"openAPIV3Schema": schema}}

    service = {"name": "converter", "namespace": "default"}
    webhook = {"clientConfig": {"service": service}, "conversionReviewVersions": ["v1"]}
    versions = [version("v1", True, hostPort="string"), version("v2", False, host="string", port="string")]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "sites.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "sites", "kind": "Site"},
            "versions": versions,
            "conversion": {"strategy": "Webhook", "webhook": webhook},
        },
    }


def convert(request: Any) -> Any:
    wanted = request["desiredAPIVersion"]
    return [_one(each, wanted) for each in request["objects"]]


def _one(site: Any, wanted: str) -> Any:
    spec = site.get("spec", {})
    if wanted.endswith("v2"):
        host, _, port = spec["hostPort"].partition(":")
        spec = {"host": host, "port": port}
    else:
        spec = {"hostPort": f"{spec['host']}:{spec['port']}"}
    return site | {"apiVersion": wanted, "spec": spec}


@pytest.fixture(scope="module")
def template() -> Lab:
    lab = Lab(components=["kube-apiserver"], workers=1)
    lab.apply(definition(), echo=False)
    lab.run("1s")
    return lab


@pytest.fixture
def lab(template: Lab) -> Lab:
    return template.fork()


def site(version: str, **spec: str) -> dict[str, Any]:
    metadata = {"name": "s", "namespace": "default"}
    return {"apiVersion": f"example.com/{version}", "kind": "Site", "metadata": metadata, "spec": spec}


def read(lab: Lab, version: str, verb: str = "get") -> Any:
    name = "s" if verb == "get" else None
    group = "example.com"
    request = Request(verb=verb, resource="sites", group=group, version=version, namespace="default", name=name)
    return lab.cluster.server.handle(request)


def test_each_version_shows_objects_in_its_way(lab: Lab) -> None:
    lab.webhook(NAME)(convert)
    made = lab.client.create(site("v2", host="a", port="80"))
    assert made.spec == {"host": "a", "port": "80"}
    assert read(lab, "v1").body.spec == {"hostPort": "a:80"}
    assert [each.spec for each in read(lab, "v2", "list").body.items] == [{"host": "a", "port": "80"}]
    stored = next(kv.value for kv in lab.cluster.store.range("/registry/example.com/sites/"))
    assert (stored.apiVersion, stored.metadata.uid) == ("example.com/v1", made.metadata.uid)
    lab.client.update(made.replace(content={"spec": {"host": "b", "port": "81"}}))
    assert read(lab, "v1").body.spec == {"hostPort": "b:81"}


def test_copies_of_a_lab_ask_their_own_webhook(lab: Lab) -> None:
    lab.webhook(NAME)(convert)
    lab.client.create(site("v1", hostPort="a:80"))
    other = lab.fork()
    other.webhook(NAME)(refuse)
    assert read(lab, "v2").is_success and not read(other, "v2").is_success


def refuse() -> Any:
    return "not today"


def lose_the_name(request: Any) -> Any:
    return [each | {"metadata": {"name": "other"}} for each in convert(request)]


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (None, 'failed: Post "https://converter.default.svc:443/?timeout=30s": service "converter" not found'),
        (refuse, "failed: not today"),
        (lose_the_name, "returned invalid object: must have the same name: s != other"),
    ],
)
def test_conversions_that_fail(lab: Lab, function: Any, why: str) -> None:
    if function is not None:
        lab.webhook(NAME)(function)
    lab.client.create(site("v1", hostPort="a:80"))
    assert read(lab, "v1").is_success
    answer = read(lab, "v2")
    assert (answer.code, answer.body["message"]) == (500, f"conversion webhook for example.com/v1, Kind=Site {why}")
    with pytest.raises(ApiError, match="conversion webhook for"):
        lab.client.create(site("v2", host="a", port="80") | {"metadata": {"name": "t", "namespace": "default"}})
