"""MutatingAdmissionPolicies: apply configurations and JSON patches made by expressions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.conftest import Lab

GROUP = "admissionregistration.k8s.io"
PODS = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
MAPS = PODS | {"resources": ["configmaps"], "operations": ["CREATE", "UPDATE"]}


def applied(text: str) -> dict[str, Any]:
    return {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": text}}


def patched(text: str) -> dict[str, Any]:
    return {"patchType": "JSONPatch", "jsonPatch": {"expression": text}}


def policy(*mutations: Any, rules: Any = (MAPS,), name: str = "m", **spec: Any) -> dict[str, Any]:
    spec = {"matchConstraints": {"resourceRules": list(rules)}, "reinvocationPolicy": "Never", **spec}
    return {"metadata": {"name": name}, "spec": spec | {"mutations": list(mutations)}}


def bind(lab: Lab, body: dict[str, Any], **spec: Any) -> None:
    name = body["metadata"]["name"]
    lab.create(f"mutatingadmissionpolicies.{GROUP}", body, namespace=None)
    binding = {"metadata": {"name": f"{name}-binding"}, "spec": {"policyName": name, **spec}}
    lab.create(f"mutatingadmissionpolicybindings.{GROUP}", binding, namespace=None)


def config_map(name: str = "c", **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "data": data}


def test_a_sidecar_is_added_to_pods(lab: Lab) -> None:
    sidecar = (
        "Object{spec: Object.spec{initContainers: [Object.spec.initContainers{"
        'name: "mesh", image: "mesh:1", restartPolicy: "Always"}]}}'
    )
    conditions = [
        {"name": "once", "expression": "!object.?spec.initContainers.orValue([]).exists(c, c.name == 'mesh')"}
    ]
    bind(lab, policy(applied(sidecar), rules=(PODS,), matchConditions=conditions))
    pod = lab.pod("p")
    assert [each.name for each in pod.spec.initContainers] == ["mesh"]
    assert pod.spec.initContainers[0].restartPolicy == "Always"
    # What comes later in the chain, and defaults, see the container as well.
    assert pod.spec.initContainers[0].terminationMessagePath == "/dev/termination-log"
    assert pod.spec.initContainers[0].volumeMounts[0].name.startswith("kube-api-access-")
    assert [each.name for each in pod.spec.containers] == ["c"]


@pytest.mark.parametrize(
    ("mutation", "data"),
    [
        (applied('Object{data: {"b": "2"}}'), {"a": "1", "b": "2"}),
        (applied("Object{data: {'b': object.data.a + '!'}}"), {"a": "1", "b": "1!"}),
        (applied("Object{data: {'n': string(variables.n)}}"), {"a": "1", "n": "1"}),
        (patched('[JSONPatch{op: "add", path: "/data/b", value: "2"}]'), {"a": "1", "b": "2"}),
        (
            patched("[JSONPatch{op: 'remove', path: '/data/a'}, JSONPatch{op: 'add', path: '/data/z', value: '0'}]"),
            {"z": "0"},
        ),
        (
            patched("[JSONPatch{op: 'add', path: '/data/' + jsonpatch.escapeKey('x/y'), value: 'q'}]"),
            None,
        ),
        (patched("has(object.data.zz) ? [JSONPatch{op: 'remove', path: '/data/zz'}] : []"), {"a": "1"}),
        (patched("[JSONPatch{op: 'test', path: '/data/a', value: '1'}]"), {"a": "1"}),
    ],
)
def test_mutations(lab: Lab, mutation: dict[str, Any], data: dict[str, str] | None) -> None:
    bind(lab, policy(mutation, variables=[{"name": "n", "expression": "size(object.data)"}]))
    answer = lab.send("create", "configmaps", body=config_map(a="1"))
    if data is None:
        assert answer.code == 422 and "x/y" in answer.body["message"], "validated after it was mutated"
    else:
        assert answer.body.data == data


def test_mutations_of_a_policy_build_on_each_other(lab: Lab) -> None:
    bind(lab, policy(applied("Object{data: {'b': '2'}}"), applied("Object{data: {'c': object.data.b + '3'}}")))
    assert lab.create("configmaps", config_map(a="1")).data == {"a": "1", "b": "2", "c": "23"}


@pytest.mark.parametrize(("again", "said"), [("Never", "ab"), ("IfNeeded", "aba")])
def test_policies_are_applied_again_where_they_want_it(lab: Lab, again: str, said: str) -> None:
    for name, how in (("a", again), ("b", "Never")):
        text = f"Object{{data: {{'said': object.?data.?said.orValue('') + '{name}'}}}}"
        bind(lab, policy(applied(text), name=name, reinvocationPolicy=how))
    assert lab.create("configmaps", config_map()).data == {"said": said}


def test_parameters(lab: Lab) -> None:
    mutation = applied("Object{metadata: Object.metadata{labels: params.data}}")
    body = policy(mutation, paramKind={"apiVersion": "v1", "kind": "ConfigMap"})
    bind(lab, body, paramRef={"name": "labels", "namespace": "kube-system", "parameterNotFoundAction": "Deny"})
    refused = lab.send("create", "configmaps", body=config_map())
    text = (
        "policy 'm' with binding 'm-binding' denied request: failed to configure binding: no params found for policy "
        "binding with `Deny` parameterNotFoundAction"
    )
    assert (refused.code, refused.body["message"]) == (403, text)
    lab.ok("delete", f"mutatingadmissionpolicies.{GROUP}", "m", namespace=None)
    lab.create("configmaps", config_map("labels", team="red"), namespace="kube-system")
    lab.create(f"mutatingadmissionpolicies.{GROUP}", body, namespace=None)
    assert lab.create("configmaps", config_map()).metadata.labels == {"team": "red"}


@pytest.mark.parametrize(
    ("mutation", "why"),
    [
        (applied("Object{data: {'b': object.data.nope}}"), "resulted in error: no such key: nope"),
        (applied("Object{dta: {'b': 'c'}}"), ".dta: field not declared in schema"),
        (
            applied("Object{metadata: Object.wrong{labels: {'a': 'b'}}}"),
            'type mismatch: unexpected type name "Object.wrong", expected "Object.metadata"',
        ),
        (patched("[JSONPatch{op: 'test', path: '/data/a', value: 'x'}]"), "JSON Patch: "),
    ],
)
def test_mutations_that_fail(lab: Lab, mutation: dict[str, Any], why: str) -> None:
    bind(lab, policy(mutation))
    refused = lab.send("create", "configmaps", body=config_map(a="1"))
    assert (refused.code, refused.body["reason"]) == (403, "Invalid")
    assert refused.body["message"].startswith("policy 'm' with binding 'm-binding' denied request: ")
    assert why in refused.body["message"]
    body = lab.get(f"mutatingadmissionpolicies.{GROUP}", "m", namespace=None)
    ignoring = body.replace(spec=body.spec.replace(failurePolicy="Ignore"))
    lab.ok("update", f"mutatingadmissionpolicies.{GROUP}", "m", ignoring, namespace=None)
    lab.create("configmaps", config_map(a="1"))


def test_atomic_parts_are_not_replaced(lab: Lab) -> None:
    selector = "Object{spec: Object.spec{containers: [Object.spec.containers{name: 'c', command: ['x']}]}}"
    bind(lab, policy(applied(selector), rules=(PODS,)))
    containers = [{"name": "c", "image": "i"}]
    refused = lab.send("create", "pods", body={"metadata": {"name": "p"}, "spec": {"containers": containers}})
    assert refused.body["message"].endswith(
        "invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.containers[0].command"
    )


def test_custom_objects_are_mutated(lab: Lab) -> None:
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}}}
    names = {"plural": "widgets", "kind": "Widget"}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    spec = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": [version]}
    definition = {"metadata": {"name": "widgets.example.com"}, "spec": spec}
    lab.create("customresourcedefinitions.apiextensions.k8s.io", definition, namespace=None)
    lab.settle()
    rule = {"apiGroups": ["example.com"], "apiVersions": ["*"], "operations": ["*"], "resources": ["widgets"]}
    bind(lab, policy(applied("Object{spec: Object.spec{size: 7}}"), rules=(rule,)))
    widget = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {}}
    assert lab.create("widgets.example.com", widget).spec == {"size": 7}


@pytest.mark.parametrize(
    ("change", "field", "text"),
    [
        ({"mutations": []}, "spec.mutations", "mutations must contain at least one item"),
        ({"reinvocationPolicy": "Often"}, "spec.reinvocationPolicy", "Unsupported value"),
        ({"mutations": [{"patchType": "No"}]}, "spec.mutations[0].patchType", "Unsupported value"),
        ({"mutations": [{"patchType": "JSONPatch"}]}, "spec.mutations[0].jsonPatch", "must be specified when"),
        ({"mutations": [applied("1")]}, "spec.mutations[0].applyConfiguration.expression", "must evaluate to Object"),
        ({"mutations": [applied("Nope{}")]}, "spec.mutations[0].applyConfiguration.expression", "undeclared reference"),
        (
            {"mutations": [patched("[1]")]},
            "spec.mutations[0].jsonPatch.expression",
            "list(JSONPatch) but got list(int)",
        ),
    ],
)
def test_policies_that_are_refused(lab: Lab, change: dict[str, Any], field: str, text: str) -> None:
    body = policy(applied("Object{}"))
    body["spec"] |= change
    answer = lab.send("create", f"mutatingadmissionpolicies.{GROUP}", body=body, namespace=None)
    causes = answer.body["details"]["causes"]
    assert any(each["field"] == field and text in each["message"] for each in causes), causes
