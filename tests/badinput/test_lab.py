"""Mistakes in calls of a lab's methods: one readable line each, no traceback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from k8slab import Lab
from k8slab.errors import K8sLabError

DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "nginx:1.29"}]},
        },
    },
}
CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}


def deep() -> dict[str, Any]:
    nested: Any = "x"
    for _ in range(2_000):
        nested = {"a": nested}
    return {**CONFIG_MAP, "data": nested}


MISTAKES: list[tuple[str, Callable[[Lab], object], str]] = [
    ("get of nothing", lambda lab: lab.get(None), "None names no object"),
    ("get without a name", lambda lab: lab.get("web"), "write kind/name"),
    ("get of an unknown kind", lambda lab: lab.get("nope/x"), 'the server doesn\'t have a resource type "nope"'),
    ("get of what is not there", lambda lab: lab.get("pod/x"), 'pods "x" not found'),
    ("a file that is not there", lambda lab: lab.apply("nope.yaml"), 'the path "nope.yaml" does not exist'),
    ("a value that is no data", lambda lab: lab.apply({**CONFIG_MAP, "data": {"a": print}}), "cannot apply this dict"),
    ("a key that is no text", lambda lab: lab.apply({**CONFIG_MAP, "data": {(1, 2): "a"}}), "cannot apply this dict"),
    ("too deep", lambda lab: lab.apply(deep()), "cannot apply this dict"),
    ("no manifest", lambda lab: lab.apply(5), "cannot apply int"),
    ("an unknown field", lambda lab: lab.patch("deployment/web", {"spec": {"foo": 1}}), 'unknown field "spec.foo"'),
    ("a negative number", lambda lab: lab.patch("deployment/web", {"spec": {"replicas": -1}}), "spec.replicas"),
    ("the future", lambda lab: lab.at("1000h"), "1000h has not come yet"),
    ("a fork from the future", lambda lab: lab.fork(at="1000h"), "1000h has not come yet"),
    ("a revision to come", lambda lab: lab.at(revision=10**9), "has not happened yet"),
    ("time backwards", lambda lab: lab.run(-5), "a duration is a number of seconds from 0 on"),
    ("no duration", lambda lab: lab.run("soon"), "'soon' is not a duration"),
    ("a lab from nowhere", lambda _: Lab.load("/nope"), 'the path "/nope" does not exist'),
    ("a lab from a folder", lambda _: Lab.load("/"), 'the path "/" cannot be read'),
    ("a lab to nowhere", lambda lab: lab.save("/nope/x"), 'the path "/nope/x" cannot be written'),
    ("copies of a ConfigMap", lambda lab: lab.recovery("cm/kube-root-ca.crt"), "is not a number of copies"),
    ("an unknown node", lambda lab: lab.fail_node("nope"), "there is no node 'nope'"),
    ("a change in place", lambda lab: setattr(lab.get("deployment/web"), "spec", None), "lab.patch(...)"),
]


@pytest.fixture(scope="module")
def web(lab: Lab) -> Lab:
    """A lab with a Deployment."""
    lab.apply(DEPLOYMENT, echo=False)
    return lab


@pytest.mark.parametrize(("act", "message"), [case[1:] for case in MISTAKES], ids=[case[0] for case in MISTAKES])
def test_one_line(web, act, message):
    with pytest.raises(K8sLabError) as caught:
        act(web)
    (line,) = caught.value._render_traceback_()
    assert message in line
    assert "\n" not in line


def test_what_came_before_a_mistake_is_applied(web):
    names = [{**CONFIG_MAP, "metadata": {"name": name}} for name in ("first", "Second", "third")]
    with pytest.raises(K8sLabError, match='The ConfigMap "Second" is invalid'):
        web.apply(names, echo=False)
    assert {"first", "third"} <= {item.metadata.name for item in web.list("configmaps", "default")}


def test_an_old_object_is_refused(web):
    old = web.get("deployment/web")
    web.patch("deployment/web", {"metadata": {"labels": {"tier": "front"}}})
    with pytest.raises(K8sLabError, match="the object has been modified; please apply your changes to the latest"):
        web.client.update(old.replace(spec=old.spec.replace(replicas=9)))
    replaced = web.kubectl("replace -f -", _json(old), echo=False)
    assert "Operation cannot be fulfilled on deployments.apps" in replaced.stderr


def _json(obj: Any) -> str:
    from k8slab.api.codec import encode_json

    return encode_json(obj).decode()
