"""Custom resources: what a server serves once they are defined, and what it refuses."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from k8slab.api.request import Request
from k8slab.apiserver import APIServer
from k8slab.apiserver.discovery import discover
from k8slab.apiserver.routes import request_for
from k8slab.etcd.store import Store
from k8slab.sim.clock import MILLISECOND, SECOND, Clock
from k8slab.sim.seed import Streams
from k8slab.sim.trace import Trace

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
WIDGETS = "/apis/example.com/v1/namespaces/default/widgets"
SPEC = {
    "type": "object",
    "required": ["size"],
    "properties": {
        "size": {"type": "integer", "minimum": 1, "maximum": 10},
        "colour": {"type": "string", "enum": ["red", "blue"], "default": "red"},
        "tags": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
        "ports": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "port": {"type": "integer", "default": 80}},
            },
        },
        "code": {"type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 4},
        "any": {"x-kubernetes-int-or-string": True},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "object": {
            "type": "object",
            "x-kubernetes-embedded-resource": True,
            "x-kubernetes-preserve-unknown-fields": True,
        },
        "map": {"type": "object", "additionalProperties": {"type": "integer"}},
        "choice": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
        },
    },
}
STATUS = {"type": "object", "properties": {"replicas": {"type": "integer"}, "selector": {"type": "string"}}}
SCALE = {
    "specReplicasPath": ".spec.size",
    "statusReplicasPath": ".status.replicas",
    "labelSelectorPath": ".status.selector",
}


class Cluster:
    """A server to talk to by paths."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.store = Store()
        self.server = APIServer(self.store, self.clock, Streams(7), Trace(self.clock))
        self.server.bootstrap()

    def __call__(self, method: str, path: str, body: Any = None, kind: str = "application/json", **query: str) -> Any:
        return self.server.handle(request_for(method, path, query, body, kind))

    def merge(self, path: str, body: Any) -> Any:
        return self("PATCH", path, body, "application/merge-patch+json")

    def define(self, body: Any = None) -> Any:
        response = self("POST", DEFINITIONS, body or definition())
        self.clock.run_for(SECOND)
        return response

    def conditions(self, name: str = "widgets.example.com") -> dict[str, tuple[str, str]]:
        found = self("GET", f"{DEFINITIONS}/{name}").body
        return {each.type: (each.status, each.reason) for each in found.status.conditions}


def version(name: str = "v1", spec: Any = None, **changes: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"spec": spec or SPEC, "status": STATUS}}
    return {
        "name": name,
        "served": True,
        "storage": name == "v1",
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}, "scale": SCALE},
    } | changes


def definition(*versions: Any, plural: str = "widgets", kind: str = "Widget", **names: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": kind, **names},
            "versions": list(versions) or [version()],
        },
    }


def widget(name: str = "w", /, group_version: str = "example.com/v1", **spec: Any) -> dict[str, Any]:
    return {"apiVersion": group_version, "kind": "Widget", "metadata": {"name": name}, "spec": {"size": 3} | spec}


def causes(response: Any) -> list[tuple[str, str]]:
    assert response.code == 422, response.body
    return [(each["field"], each["message"]) for each in response.body["details"]["causes"]]


@pytest.fixture
def cluster() -> Cluster:
    found = Cluster()
    assert found.define().code == 201
    return found


def test_nothing_is_served_before_the_names_are_accepted():
    cluster = Cluster()
    assert cluster("GET", WIDGETS).code == 404
    cluster("POST", DEFINITIONS, definition())
    assert cluster("GET", WIDGETS).code == 404
    cluster.clock.run_for(SECOND)
    assert cluster("GET", WIDGETS).code == 200
    assert cluster.conditions() == {
        "NamesAccepted": ("True", "NoConflicts"),
        "Established": ("True", "InitialNamesAccepted"),
    }


def test_defaults_are_filled_in_at_any_depth_and_unknown_fields_go(cluster):
    sent = widget(ports=[{"name": "a"}], free={"x": {"y": 1}}, bogus=1, map={"k": 1})
    answer = cluster("POST", WIDGETS, sent)
    assert answer.warnings == ('unknown field "spec.bogus"',)
    assert answer.body.spec == {
        "size": 3,
        "ports": [{"name": "a", "port": 80}],
        "free": {"x": {"y": 1}},
        "map": {"k": 1},
        "colour": "red",
    }
    refused = cluster("POST", WIDGETS, widget("x", bogus=1), fieldValidation="Strict")
    assert refused.code == 400
    assert 'strict decoding error: unknown field "spec.bogus"' in refused.body["message"]
    quiet = cluster("POST", WIDGETS, widget("y", bogus=1), fieldValidation="Ignore")
    assert (quiet.code, quiet.warnings) == (201, ())


@pytest.mark.parametrize(
    ("spec", "field", "message"),
    [
        ({"size": 11}, "spec.size", "spec.size in body should be less than or equal to 10"),
        ({"size": 0}, "spec.size", "spec.size in body should be greater than or equal to 1"),
        ({"size": 2.5}, "spec.size", 'spec.size in body must be of type integer: "number"'),
        ({"size": True}, "spec.size", 'spec.size in body must be of type integer: "boolean"'),
        ({"code": "a"}, "spec.code", "spec.code in body should be at least 2 chars long"),
        ({"code": "abcde"}, "spec.code", "Too long: may not be more than 4 bytes"),
        ({"code": "AB"}, "spec.code", "spec.code in body should match '^[a-z]+$'"),
        ({"any": True}, "spec.any", 'spec.any in body must be of type integer,string: "boolean"'),
        ({"map": {"k": "x"}}, "spec.map.k", 'spec.map.k in body must be of type integer: "string"'),
        ({"tags": ["a", "a"]}, "spec.tags[1]", 'Duplicate value: "a"'),
        ({"ports": [{"name": "a"}, {"name": "a"}]}, "spec.ports[1]", 'Duplicate value: {"name":"a"}'),
        ({"ports": [{}]}, "spec.ports[0].name", "Required value"),
        ({"object": {"kind": "Pod"}}, "spec.object.apiVersion", "Required value: must not be empty"),
        ({"choice": {}}, "<nil>", '"spec.choice" must validate one and only one schema (oneOf). Found none valid'),
    ],
)
def test_values_have_to_fit_the_schema(cluster, spec, field, message):
    found = causes(cluster("POST", WIDGETS, widget(**spec)))
    assert [each for each in found if each[0] == field and message in each[1]], found


def test_only_the_status_subresource_writes_the_status(cluster):
    cluster("POST", WIDGETS, widget() | {"status": {"replicas": 9}})
    assert cluster("GET", f"{WIDGETS}/w").body.status is None
    assert cluster.merge(f"{WIDGETS}/w", {"status": {"replicas": 9}}).body.status is None
    changed = cluster.merge(f"{WIDGETS}/w/status", {"status": {"replicas": 2}, "spec": {"size": 9}}).body
    assert (changed.status, changed.spec["size"], changed.metadata.generation) == ({"replicas": 2}, 3, 1)
    assert cluster.merge(f"{WIDGETS}/w", {"spec": {"size": 4}}).body.metadata.generation == 2


def test_scale_reads_and_writes_where_the_definition_says(cluster):
    cluster("POST", WIDGETS, widget())
    cluster.merge(f"{WIDGETS}/w/status", {"status": {"replicas": 2, "selector": "app=w"}})
    scale = cluster("GET", f"{WIDGETS}/w/scale").body
    assert (scale.spec.replicas, scale.status.replicas, scale.status.selector) == (3, 2, "app=w")
    assert cluster.merge(f"{WIDGETS}/w/scale", {"spec": {"replicas": 7}}).body.spec.replicas == 7
    assert cluster("GET", f"{WIDGETS}/w").body.spec["size"] == 7
    assert cluster.merge(f"{WIDGETS}/w/scale", {"spec": {"replicas": 70}}).code == 422


def test_without_a_scale_there_is_none():
    cluster = Cluster()
    cluster.define(definition(version(subresources={})))
    cluster("POST", WIDGETS, widget() | {"status": {"replicas": 9}})
    assert cluster("GET", f"{WIDGETS}/w/scale").body["message"] == 'widgets.example.com "w" not found'
    assert cluster("GET", f"{WIDGETS}/w").body.status == {"replicas": 9}
    assert cluster.merge(f"{WIDGETS}/w", {"status": {"replicas": 8}}).body.metadata.generation == 2


def test_updates_name_the_version_they_change_and_strategic_patches_are_refused(cluster):
    cluster("POST", WIDGETS, widget())
    found = causes(cluster("PUT", f"{WIDGETS}/w", widget(size=4)))
    assert found == [("metadata.resourceVersion", "Invalid value: 0: must be specified for an update")]
    patch = cluster("PATCH", f"{WIDGETS}/w", {"spec": {}}, "application/strategic-merge-patch+json")
    assert patch.code == 415


def test_what_an_update_leaves_alone_need_not_fit_a_narrower_schema(cluster):
    cluster("POST", WIDGETS, widget(size=9))
    narrower = copy.deepcopy(SPEC)
    narrower["properties"]["size"]["maximum"] = 5
    cluster.merge(f"{DEFINITIONS}/widgets.example.com", {"spec": {"versions": [version(spec=narrower)]}})
    cluster.clock.run_for(SECOND)
    assert cluster.merge(f"{WIDGETS}/w", {"spec": {"colour": "blue"}}).code == 200
    assert causes(cluster.merge(f"{WIDGETS}/w", {"spec": {"size": 8}}))[0][0] == "spec.size"


def test_a_new_default_shows_in_what_is_stored_already(cluster):
    cluster("POST", WIDGETS, widget())
    more = copy.deepcopy(SPEC)
    more["properties"]["later"] = {"type": "string", "default": "now"}
    cluster.merge(f"{DEFINITIONS}/widgets.example.com", {"spec": {"versions": [version(spec=more)]}})
    assert cluster("GET", f"{WIDGETS}/w").body.spec["later"] == "now"
    assert cluster("GET", WIDGETS).body.items[0].spec["later"] == "now"


def test_several_versions_show_the_same_objects():
    cluster = Cluster()
    cluster.define(definition(version("v1beta1", deprecated=True), version("v1"), version("v2alpha1", served=False)))
    answer = cluster("POST", WIDGETS.replace("v1", "v1beta1"), widget(group_version="example.com/v1beta1"))
    assert answer.warnings == ("example.com/v1beta1 Widget is deprecated",)
    assert answer.body.apiVersion == "example.com/v1beta1"
    assert cluster("GET", f"{WIDGETS}/w").body.apiVersion == "example.com/v1"
    assert cluster.store.get("/registry/example.com/widgets/default/w").value.apiVersion == "example.com/v1"
    assert cluster("GET", WIDGETS.replace("v1", "v2alpha1")).code == 404
    groups = discover(cluster.server.scheme, "/apis/example.com").body
    assert [each["version"] for each in groups["versions"]] == ["v1", "v1beta1"]


def test_names_that_are_taken_are_not_accepted(cluster):
    cluster.define(definition(plural="gadgets", kind="Widget", shortNames=["gd"]))
    assert cluster.conditions("gadgets.example.com") == {
        "NamesAccepted": ("False", "ListKindConflict"),
        "Established": ("False", "NotAccepted"),
    }
    assert cluster("GET", WIDGETS.replace("widgets", "gadgets")).code == 404
    cluster("DELETE", f"{DEFINITIONS}/widgets.example.com")
    cluster.clock.run_for(SECOND)
    assert cluster.conditions("gadgets.example.com")["Established"] == ("True", "InitialNamesAccepted")
    assert cluster("GET", WIDGETS.replace("widgets", "gadgets")).code == 200


def test_a_definition_goes_after_its_objects(cluster):
    cluster("POST", WIDGETS, widget("free"))
    held = widget("held")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    cluster("POST", WIDGETS, held)
    answer = cluster("DELETE", f"{DEFINITIONS}/widgets.example.com")
    assert answer.body.metadata.finalizers == ("customresourcecleanup.apiextensions.k8s.io",)
    assert cluster.conditions()["Terminating"] == ("True", "InstanceDeletionPending")
    cluster.clock.run_for(SECOND)
    assert cluster.conditions()["Terminating"] == ("True", "InstanceDeletionInProgress")
    assert [each.metadata.name for each in cluster("GET", WIDGETS).body.items] == ["held"]
    assert cluster("POST", WIDGETS, widget("new")).code == 405
    cluster.clock.run_for(59 * SECOND + 3 * MILLISECOND)
    assert cluster.conditions()["Terminating"] == ("True", "InstanceDeletionCheck")
    cluster.clock.run_for(10 * SECOND)
    assert cluster.conditions()["Terminating"] == ("True", "InstanceDeletionInProgress")
    cluster.merge(f"{WIDGETS}/held", {"metadata": {"finalizers": None}})
    cluster.clock.run_for(10 * SECOND)
    assert cluster("GET", f"{DEFINITIONS}/widgets.example.com").code == 404
    assert cluster("GET", WIDGETS).code == 404
    assert not cluster.store.count("/registry/example.com/")


def test_selectable_fields():
    cluster = Cluster()
    cluster.define(definition(version(selectableFields=[{"jsonPath": ".spec.colour"}])))
    cluster("POST", WIDGETS, widget("r"))
    cluster("POST", WIDGETS, widget("b", colour="blue"))
    found = cluster("GET", WIDGETS, fieldSelector="spec.colour=blue").body
    assert [each.metadata.name for each in found.items] == ["b"]
    refused = cluster("GET", WIDGETS, fieldSelector="spec.size=3").body
    assert refused["message"] == "field label not supported: spec.size"


def test_columns_of_a_table():
    cluster = Cluster()
    columns = [
        {"name": "Tags", "type": "string", "jsonPath": ".spec.tags[*]"},
        {"name": "Big", "type": "boolean", "jsonPath": ".spec.free.big"},
        {"name": "Size", "type": "string", "jsonPath": ".spec.size"},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]
    cluster.define(definition(version(additionalPrinterColumns=columns)))
    cluster("POST", WIDGETS, widget(tags=["a", "b"], free={"big": True}))
    cluster.clock.run_for(90 * SECOND)
    request = request_for("GET", WIDGETS, as_table=True)
    table = cluster.server.handle(request).body
    assert [each["name"] for each in table["columnDefinitions"]] == ["Name", "Tags", "Big", "Size", "Age"]
    assert table["rows"][0]["cells"] == ["w", "a,b", True, "3", "90s"]


def test_watches_tell_of_custom_objects(cluster):
    events: list[Any] = []
    request = Request(verb="watch", resource="widgets", group="example.com", sink=events.append)
    assert cluster.server.handle(request).code == 200
    cluster("POST", WIDGETS, widget())
    cluster("DELETE", f"{WIDGETS}/w")
    cluster.clock.run_for(SECOND)
    assert [(each.type, each.object.metadata.name) for each in events] == [("ADDED", "w"), ("DELETED", "w")]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_copies_serve_the_same_and_go_their_own_way(cluster, copied):
    cluster("POST", WIDGETS, widget())
    other = copied(cluster)
    assert other("GET", f"{WIDGETS}/w").body == cluster("GET", f"{WIDGETS}/w").body
    other("DELETE", f"{DEFINITIONS}/widgets.example.com")
    other.clock.run_for(SECOND)
    assert other("GET", WIDGETS).code == 404
    assert cluster("GET", WIDGETS).code == 200


def test_server_side_apply_of_custom_objects(cluster):
    path, kind = f"{WIDGETS}/w", "application/apply-patch+yaml"
    assert cluster("PATCH", path, widget(), kind, fieldManager="a").code == 201
    assert cluster("PATCH", path, widget(size=4), kind, fieldManager="b").code == 409
    forced = cluster("PATCH", path, widget(size=4), kind, fieldManager="b", force="true")
    assert (forced.code, forced.body.spec["size"]) == (200, 4)


def test_objects_that_say_they_are_another_kind(cluster: Any) -> None:
    refused = cluster("POST", WIDGETS, widget("x") | {"kind": "Gadget"})
    assert refused.code == 422
    assert refused.body["message"] == 'Gadget.example.com "x" is invalid: kind: Invalid value: "Gadget": must be Widget'
    refused = cluster("POST", WIDGETS, widget("x", group_version="example.com/v9"))
    wanted = "the API version in the data (example.com/v9) does not match the expected API version (example.com/v1)"
    assert (refused.code, refused.body["message"]) == (400, wanted)


def test_unknown_fields_of_custom_objects_are_sorted(cluster: Any) -> None:
    answer = cluster("POST", WIDGETS, widget("x", zulu=1, alpha=1))
    assert list(answer.warnings) == ['unknown field "spec.alpha"', 'unknown field "spec.zulu"']
