from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8slab.api.apply import decode, encode, field_set, leaves, merge, shape_of
from k8slab.api.core_v1 import ConfigMap, Container, Pod, PodSpec
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.request import APPLY_PATCH, JSON_PATCH
from tests.apiserver.conftest import Lab


def config(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cm"}, "data": data}


def apply(lab: Lab, manager: str, body: Any, force: bool = False, resource: str = "configmaps", **more: Any) -> Any:
    name = body["metadata"]["name"]
    return lab.send("patch", resource, name, body, content_type=APPLY_PATCH, field_manager=manager, force=force, **more)


def owned(obj: Any) -> dict[str, Any]:
    return {f"{entry.manager}/{entry.operation}": entry.fieldsV1 for entry in obj.metadata.managedFields or ()}


def test_applying_creates_and_owns_what_was_written_only(lab: Lab) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
    body = pod | {"spec": {"containers": [{"name": "c", "image": "a:1", "ports": [{"containerPort": 80}]}]}}
    made = apply(lab, "ann", body, resource="pods")
    assert made.code == 201 and made.body.spec.dnsPolicy == "ClusterFirst"
    container = owned(made.body)["ann/Apply"]["f:spec"]["f:containers"]['k:{"name":"c"}']
    assert container["f:ports"] == {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}}
    assert set(container) == {".", "f:image", "f:name", "f:ports"}


def test_what_is_no_longer_applied_goes_unless_somebody_else_wants_it(lab: Lab) -> None:
    apply(lab, "ann", config(a="1", b="2", c="3") | {"metadata": {"name": "cm", "labels": {"x": "y"}}})
    apply(lab, "bob", config(b="2"))
    lab.patch("configmaps", "cm", {"data": {"c": "9"}}, field_manager="carl")
    left = apply(lab, "ann", config()).body
    assert left.data == {"b": "2", "c": "9"}
    assert left.metadata.labels is None and left.metadata.name == "cm" and left.metadata.uid


def test_conflicts_name_managers_and_fields_and_force_takes_over(lab: Lab) -> None:
    apply(lab, "ann", config(a="1", b="1"))
    lab.patch("configmaps", "cm", {"data": {"b": "2"}}, field_manager="carl")
    refused = apply(lab, "dora", config(a="9", b="9"))
    assert refused.code == 409
    assert refused.body["message"] == (
        'Apply failed with 2 conflicts: conflicts with "ann":\n- .data.a\nconflicts with "carl" using v1:\n- .data.b'
    )
    assert lab.get("configmaps", "cm").data == {"a": "1", "b": "2"}
    forced = apply(lab, "dora", config(a="9", b="9"), force=True).body
    assert forced.data == {"a": "9", "b": "9"} and set(owned(forced)) == {"dora/Apply"}


def test_an_equal_apply_changes_nothing_even_later(lab: Lab) -> None:
    first = apply(lab, "ann", config(a="1")).body
    lab.clock.run_for(5_000_000)
    again = apply(lab, "ann", config(a="1")).body
    assert again is first and lab.store.revision == int(first.metadata.resourceVersion)


def test_dry_run_shows_the_new_owners_and_stores_nothing(lab: Lab) -> None:
    apply(lab, "ann", config(a="1"))
    revision = lab.store.revision
    shown = apply(lab, "bob", config(b="1"), dry_run=True).body
    assert set(owned(shown)) == {"ann/Apply", "bob/Apply"} and lab.store.revision == revision
    assert apply(lab, "bob", {**config(), "metadata": {"name": "new"}}, dry_run=True).code == 201
    assert lab.send("get", "configmaps", "new").code == 404


def test_updates_of_tracked_objects_are_accounted_for(lab: Lab) -> None:
    made = lab.create("configmaps", config(a="1", b="1"), field_manager="kubectl-create")
    assert owned(made) == {"kubectl-create/Update": {"f:data": {".": {}, "f:a": {}, "f:b": {}}}}
    lab.patch("configmaps", "cm", {"data": {"b": None, "c": "3"}}, user_agent="curl/8.5 (x)")
    found = owned(lab.get("configmaps", "cm"))
    assert found["kubectl-create/Update"] == {"f:data": {".": {}, "f:a": {}}}
    assert found["curl/Update"] == {"f:data": {"f:c": {}}}


def test_components_objects_are_not_tracked_until_somebody_applies(lab: Lab) -> None:
    made = lab.create("configmaps", ConfigMap(metadata=ObjectMeta(name="cm"), data={"a": "1"}), user_agent="kubelet")
    assert made.metadata.managedFields is None
    assert lab.patch("configmaps", "cm", {"data": {"b": "1"}}).metadata.managedFields is None
    refused = apply(lab, "ann", config(a="2"))
    assert 'conflict with "before-first-apply" using v1: .data.a' in refused.body["message"]
    kept = apply(lab, "ann", config(a="1")).body
    assert owned(kept)["ann/Apply"] == {"f:data": {"f:a": {}}}


def test_history_tells_who_manages_what_components_wrote(lab: Lab) -> None:
    made = ConfigMap(metadata=ObjectMeta(name="cm"), data={"a": "1", "b": "1"})
    with lab.trace.acting("job-controller"):
        made = lab.create("configmaps", made)
    with lab.trace.acting("kubelet/n1"):
        lab.ok("update", "configmaps", "cm", made.replace(data={"a": "1", "b": "2"}))
    assert lab.get("configmaps", "cm").metadata.managedFields is None
    found = owned(lab.get("configmaps", "cm", managed_fields=True))
    assert found["kube-controller-manager/Update"] == {"f:data": {".": {}, "f:a": {}}}
    assert found["kubelet/Update"] == {"f:data": {"f:b": {}}}
    refused = apply(lab, "ann", config(a="2"))
    assert 'conflict with "kube-controller-manager" using v1: .data.a' in refused.body["message"]


def test_what_admission_fills_in_is_nobodys(lab: Lab) -> None:
    typed = Pod(metadata=ObjectMeta(name="p"), spec=PodSpec(containers=(Container(name="c", image="a:1"),)))
    with lab.trace.acting("replicaset-controller"):
        lab.create("pods", typed)
    found = owned(lab.get("pods", "p", managed_fields=True))["kube-controller-manager/Update"]
    assert {"f:containers", "f:dnsPolicy", "f:enableServiceLinks"} <= set(found["f:spec"])
    assert not {"f:tolerations", "f:volumes", "f:priority", "f:serviceAccountName"} & set(found["f:spec"])
    assert "f:volumeMounts" not in found["f:spec"]["f:containers"]['k:{"name":"c"}'] and "f:status" not in found


@pytest.mark.parametrize("nothing", ([], [{}]))
def test_an_empty_list_forgets_the_managers(lab: Lab, nothing: list[Any]) -> None:
    apply(lab, "ann", config(a="1"))
    assert lab.patch("configmaps", "cm", {"metadata": {"managedFields": nothing}}).metadata.managedFields is None


@pytest.mark.parametrize("junk", ({"f:data": 1}, {"data": {}}, {"f:data": {"k:{": {}}}, {"f:data": {"v:": {}}}))
def test_managed_fields_that_make_no_sense_are_ignored(lab: Lab, junk: Any) -> None:
    before = apply(lab, "ann", config(a="1")).body
    entry = {"manager": "x", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": junk}
    patch = [{"op": "replace", "path": "/metadata/managedFields", "value": [entry]}]
    after = lab.send("patch", "configmaps", "cm", patch, content_type=JSON_PATCH)
    assert after.code == 200 and after.body.metadata.managedFields == before.metadata.managedFields
    assert apply(lab, "bob", config(a="1")).code == 200


def test_labs_with_managed_fields_can_be_copied(lab: Lab) -> None:
    apply(lab, "ann", config(a="1"))
    for twin in (copy.deepcopy(lab), pickle.loads(pickle.dumps(lab))):
        assert apply(twin, "bob", config(a="2")).code == 409
        assert lab.get("configmaps", "cm").data == {"a": "1"}


NAMES = st.sampled_from(("a", "b", "c"))
CONTAINERS = st.lists(
    st.fixed_dictionaries({"name": NAMES, "image": NAMES}, optional={"env": st.just([{"name": "E", "value": "1"}])}),
    unique_by=lambda item: item["name"],
)
PODS = st.fixed_dictionaries(
    {"spec": st.fixed_dictionaries({}, optional={"containers": CONTAINERS, "nodeName": NAMES})},
    optional={"metadata": st.fixed_dictionaries({"labels": st.dictionaries(NAMES, NAMES)})},
)
SHAPE = shape_of(Pod)


@given(PODS)
def test_fields_survive_encoding(pod: Any) -> None:
    paths = field_set(pod, SHAPE)
    assert decode(encode(paths)) == paths


@given(PODS, PODS)
def test_merged_objects_hold_all_that_was_applied_and_keep_the_rest(live: Any, applied: Any) -> None:
    merged = merge(live, applied, SHAPE)
    found = leaves(merged, SHAPE)
    wanted, had = leaves(applied, SHAPE), leaves(live, SHAPE)
    assert all(found[path] == value for path, value in wanted.items() if path in found)
    assert {path for path in wanted if len(path) > 2} <= set(found)
    assert all(found[path] == value for path, value in had.items() if path in found and path not in wanted)
    assert merge(merged, applied, SHAPE) == merged


def test_lists_of_custom_resources_merge_as_their_schema_says(lab: Lab) -> None:
    ports = {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["port", "protocol"],
        "items": {
            "type": "object",
            "required": ["port", "protocol"],
            "properties": {
                "port": {"type": "integer"},
                "protocol": {"type": "string", "default": "UDP"},
                "name": {"type": "string"},
            },
        },
    }
    tags = {"type": "array", "items": {"type": "string"}}
    spec = {"type": "object", "properties": {"ports": ports, "tags": tags, "tier": {"type": "string"}}}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}},
    }
    names = {"plural": "gadgets", "singular": "gadget", "kind": "Gadget", "listKind": "GadgetList"}
    body = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "gadgets.example.org"},
        "spec": {"group": "example.org", "scope": "Namespaced", "names": names, "versions": [version]},
    }
    lab.create("customresourcedefinitions.apiextensions.k8s.io", body, namespace=None)
    lab.clock.run_for(10_000_000)

    def gadget(**fields: Any) -> dict[str, Any]:
        return {"apiVersion": "example.org/v1", "kind": "Gadget", "metadata": {"name": "g"}, "spec": fields}

    where = {"resource": "gadgets.example.org"}
    made = apply(lab, "ann", gadget(ports=[{"port": 1}], tags=["a"]), **where)
    assert made.code == 201, made.body
    fields = owned(made.body)["ann/Apply"]["f:spec"]
    assert fields == {"f:ports": {'k:{"port":1,"protocol":"UDP"}': {".": {}, "f:port": {}}}, "f:tags": {}}
    both = apply(lab, "bob", gadget(ports=[{"port": 2, "name": "x"}]), **where).body
    assert [port["port"] for port in both.spec["ports"]] == [1, 2]
    left = apply(lab, "ann", gadget(tags=["b"]), **where).body
    assert [port["port"] for port in left.spec["ports"]] == [2] and left.spec["tags"] == ["b"]
    wrong = apply(lab, "ann", gadget(colour="red"), **where)
    assert wrong.code == 500 and ".spec.colour: field not declared in schema" in wrong.body["message"]


JUNK: tuple[Any, ...] = (5, "", [], {}, [None], ["x"], [[]], [{}], {"name": {}}, [{"name": "c"}, {"name": "c"}], True)
PLACES = (
    ("metadata",),
    ("metadata", "name"),
    ("metadata", "finalizers"),
    ("metadata", "ownerReferences"),
    ("spec", "containers"),
    ("spec", "containers", 0, "resources", "limits", "cpu"),
    ("spec", "containers", 0, "ports"),
    ("apiVersion",),
)


@pytest.mark.parametrize("place", PLACES)
def test_nonsense_is_answered_and_changes_nothing_by_accident(lab: Lab, place: tuple[Any, ...]) -> None:
    limits = {"limits": {"cpu": "1"}}
    spec = {"containers": [{"name": "c", "image": "a:1", "ports": [{"containerPort": 80}], "resources": limits}]}
    good = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    assert apply(lab, "ann", good, resource="pods").code == 201
    for junk in JUNK:
        bad = copy.deepcopy(good)
        target: Any = bad
        for step in place[:-1]:
            target = target[step]
        target[place[-1]] = junk
        answer = lab.send("patch", "pods", "p", bad, content_type=APPLY_PATCH, field_manager="bob", force=True)
        assert answer.code in (200, 400, 422, 500) and (answer.code != 500 or answer.body["message"])
    assert lab.get("pods", "p").spec.containers[0].image == "a:1"


def test_deep_bodies_are_refused(lab: Lab) -> None:
    deep = '{"apiVersion":"v1","kind":"ConfigMap","data":' + '{"a":' * 5000 + "1" + "}" * 5001
    answer = lab.send("patch", "configmaps", "cm", deep, content_type=APPLY_PATCH, field_manager="ann")
    assert answer.code in (400, 500)
