"""ValidatingAdmissionPolicies: which writes they judge, what they see, and what they do about it."""

from __future__ import annotations

from typing import Any

import pytest

from k8slab.api.request import UserInfo
from tests.apiserver.conftest import Lab

GROUP = "admissionregistration.k8s.io"
ALICE = UserInfo(name="alice", groups=("developers", "system:authenticated"))
DEPLOYMENTS = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["*"], "resources": ["deployments"]}
PODS = DEPLOYMENTS | {"apiGroups": [""], "resources": ["pods"]}
CONFIG_MAPS = DEPLOYMENTS | {"apiGroups": [""], "resources": ["configmaps"]}


def policy(*validations: Any, rules: Any = (CONFIG_MAPS,), name: str = "p", **spec: Any) -> dict[str, Any]:
    found = [{"expression": each} if isinstance(each, str) else each for each in validations]
    constraints = {"resourceRules": list(rules)} | spec.pop("match", {})
    spec = {"matchConstraints": constraints, **({"validations": found} if found else {}), **spec}
    return {"metadata": {"name": name}, "spec": spec}


def bind(lab: Lab, body: dict[str, Any], *actions: str, **spec: Any) -> None:
    name = body["metadata"]["name"]
    lab.create(f"validatingadmissionpolicies.{GROUP}", body, namespace=None)
    spec = {"policyName": name, "validationActions": list(actions or ("Deny",)), **spec}
    binding = {"metadata": {"name": f"{name}-binding"}, "spec": spec}
    lab.create(f"validatingadmissionpolicybindings.{GROUP}", binding, namespace=None)


def config_map(name: str = "c", labels: Any = None, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name, **({"labels": labels} if labels else {})}, "data": data}


def deployment(replicas: int) -> dict[str, Any]:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    return {"metadata": {"name": "d"}, "spec": spec}


def refusal(lab: Lab, body: Any, resource: str = "configmaps", verb: str = "create", **more: Any) -> str:
    answer = lab.send(verb, resource, more.pop("name", None), body, **more)
    return "" if answer.is_success else answer.body["message"]


def test_a_denial_says_who_denied_what(lab: Lab) -> None:
    bind(lab, policy("object.spec.replicas <= 5", rules=(DEPLOYMENTS,)))
    lab.create("deployments.apps", deployment(5))
    answer = lab.send("update", "deployments.apps", "d", deployment(6))
    message = (
        "deployments.apps \"d\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p-binding' "
        "denied request: failed expression: object.spec.replicas <= 5"
    )
    assert (answer.code, answer.body["reason"], answer.body["message"]) == (422, "Invalid", message)
    cause = {"message": message.partition(": ")[2]}
    assert answer.body["details"] == {"name": "d", "group": "apps", "kind": "deployments", "causes": [cause]}
    assert lab.get("deployments.apps", "d").spec.replicas == 5


@pytest.mark.parametrize(
    ("reason", "code"), [("Forbidden", 403), ("RequestEntityTooLarge", 413), ("Invalid", 422), (None, 422)]
)
def test_reasons_decide_about_the_code(lab: Lab, reason: str | None, code: int) -> None:
    rule = {"expression": "false", "message": " no ", **({"reason": reason} if reason else {})}
    bind(lab, policy(rule))
    answer = lab.send("create", "configmaps", body=config_map())
    assert (answer.code, answer.body["reason"]) == (code, reason or "Invalid")
    assert answer.body["message"].endswith("denied request: no")


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"messageExpression": "'got ' + object.metadata.name"}, "got c"),
        ({"messageExpression": "object.nope", "message": "plain"}, "plain"),
        ({"messageExpression": "'two\\nlines'"}, "failed expression: object.data.a == 'b'"),
        ({"messageExpression": "string(variables.size) + ' keys'"}, "1 keys"),
    ],
)
def test_messages(lab: Lab, rule: dict[str, str], text: str) -> None:
    variables = [{"name": "size", "expression": "size(object.data)"}]
    if "object.nope" in str(rule):
        rule = rule | {"messageExpression": "string(object.nope)"}
    bind(lab, policy({"expression": "object.data.a == 'b'"} | rule, variables=variables))
    assert refusal(lab, config_map(a="c")).endswith(f"denied request: {text}")
    assert not refusal(lab, config_map(a="b"))


@pytest.mark.parametrize(
    "expression",
    [
        "request.operation == 'CREATE' && request.kind.kind == 'ConfigMap'",
        "request.resource.resource == 'configmaps' && request.resource.group == ''",
        "request.userInfo.username == 'alice' && 'developers' in request.userInfo.groups && !request.dryRun",
        "oldObject == null && object.metadata.name == request.name && request.namespace == 'default'",
        "namespaceObject.metadata.name == 'default' && namespaceObject.status.phase == 'Active'",
        "authorizer.group('').resource('configmaps').namespace('default').check('create').allowed()",
        "authorizer.requestResource.check('create').allowed()",
        "variables.a == 1 && variables.b == 2 && variables.who.username == 'alice'",
        "!has(object.immutable) && object.?data.?a.orValue('') == 'b'",
    ],
)
def test_what_expressions_see(lab: Lab, expression: str) -> None:
    variables = [{"name": "a", "expression": "1"}, {"name": "b", "expression": "variables.a + 1"}]
    variables.append({"name": "who", "expression": "request.userInfo"})
    bind(lab, policy(expression, variables=variables))
    assert not refusal(lab, config_map(a="b"), user=ALICE)


def test_authorizer_answers_as_roles_say() -> None:
    lab = Lab(authorization_mode="Node,RBAC")
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create"]}
    lab.create("clusterroles.rbac.authorization.k8s.io", {"metadata": {"name": "r"}, "rules": [rule]}, namespace=None)
    api = "rbac.authorization.k8s.io"
    binding = {
        "metadata": {"name": "r"},
        "subjects": [{"kind": "User", "name": "alice", "apiGroup": api}],
        "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": "r"},
    }
    lab.create(f"clusterrolebindings.{api}", binding, namespace=None)
    bind(
        lab,
        policy(
            "authorizer.group('').resource('configmaps').namespace('default').check('create').allowed()",
            "!authorizer.requestResource.check('delete').allowed()",
            "!authorizer.serviceAccount('default', 'default').group('').resource('pods').check('get').allowed()",
        ),
    )
    assert not refusal(lab, config_map(), user=ALICE)
    assert "!authorizer.requestResource" in refusal(lab, config_map("other"))


@pytest.mark.parametrize(
    ("match", "judged"),
    [
        ({}, True),
        ({"namespaceSelector": {"matchLabels": {"env": "prod"}}}, False),
        ({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}}}, True),
        ({"objectSelector": {"matchLabels": {"app": "a"}}}, True),
        ({"objectSelector": {"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}}, False),
        ({"excludeResourceRules": [CONFIG_MAPS | {"resourceNames": ["c"]}]}, False),
        ({"excludeResourceRules": [CONFIG_MAPS | {"resourceNames": ["other"]}]}, True),
        ({"resourceRules": [CONFIG_MAPS | {"operations": ["UPDATE", "DELETE"]}]}, False),
        ({"resourceRules": [CONFIG_MAPS | {"scope": "Cluster"}]}, False),
        ({"resourceRules": [CONFIG_MAPS | {"resources": ["*"]}]}, True),
        ({"resourceRules": [CONFIG_MAPS | {"resources": ["*/*"], "apiGroups": ["*"], "apiVersions": ["*"]}]}, True),
        ({"resourceRules": [CONFIG_MAPS | {"apiVersions": ["v2"]}]}, False),
    ],
)
@pytest.mark.parametrize("on_binding", [False, True])
def test_which_writes_are_judged(lab: Lab, match: dict[str, Any], judged: bool, on_binding: bool) -> None:
    if on_binding:
        bind(lab, policy("false"), matchResources=match)
    else:
        bind(lab, policy("false", match=match))
    assert bool(refusal(lab, config_map("c", {"app": "a"}))) is judged


def test_equivalent_versions_are_judged_in_the_version_of_the_rule(lab: Lab) -> None:
    rule = {"apiGroups": ["autoscaling"], "apiVersions": ["v2"], "operations": ["*"]}
    rule["resources"] = ["horizontalpodautoscalers"]
    bind(lab, policy("size(object.spec.metrics) == 0", rules=(rule,)))
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}
    spec = {"scaleTargetRef": target, "maxReplicas": 3, "targetCPUUtilizationPercentage": 50}
    body = {"metadata": {"name": "h"}, "spec": spec}
    assert "size(object.spec.metrics)" in refusal(lab, body, "horizontalpodautoscalers.autoscaling")


def test_deletions_and_subresources_are_judged(lab: Lab) -> None:
    status = PODS | {"resources": ["pods/status", "pods/binding", "pods/eviction"]}
    bind(lab, policy({"expression": "request.operation != 'DELETE'", "message": "kept"}, rules=(PODS,)))
    checks = (
        "request.subResource != 'status' || object.status.phase != 'Failed'",
        "request.subResource != 'binding' || object.target.name != 'n2'",
        "request.subResource != 'eviction' || false",
    )
    bind(lab, policy(*checks, rules=(status,), name="s"))
    lab.pod("a")
    assert refusal(lab, None, "pods", "delete", name="a").endswith("denied request: kept")
    merge = {"subresource": "status", "content_type": "application/merge-patch+json", "name": "a"}
    assert "status" in refusal(lab, {"status": {"phase": "Failed"}}, "pods", "patch", **merge)
    assert not refusal(lab, {"status": {"phase": "Running"}}, "pods", "patch", **merge)
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "a"}}
    assert "eviction" in refusal(lab, eviction, "pods", name="a", subresource="eviction")
    binding = {"metadata": {"name": "a"}, "target": {"name": "n2"}}
    assert "binding" in refusal(lab, binding, "pods", name="a", subresource="binding")
    assert not refusal(lab, binding | {"target": {"name": "n1"}}, "pods", name="a", subresource="binding")


def test_conditions_say_what_a_policy_is_about(lab: Lab) -> None:
    conditions = [{"name": "not-system", "expression": "!request.userInfo.username.startsWith('system:')"}]
    bind(lab, policy("false", matchConditions=conditions))
    assert refusal(lab, config_map())
    assert not refusal(lab, config_map(), user=UserInfo(name="system:x"))


@pytest.mark.parametrize(
    ("failure_policy", "text"),
    [("Fail", "expression 'object.data.nope == 'x'' resulted in error: no such key: nope"), ("Ignore", "")],
)
def test_failures_count_as_the_policy_says(lab: Lab, failure_policy: str, text: str) -> None:
    bind(lab, policy("object.data.nope == 'x'", failurePolicy=failure_policy))
    found = refusal(lab, config_map(a="b"))
    assert found.endswith(f"denied request: {text}") if text else not found


def test_conditions_that_fail(lab: Lab) -> None:
    conditions = [{"name": "a", "expression": "object.nope == 1"}, {"name": "b", "expression": "object.data.a == 'b'"}]
    bind(lab, policy("true", matchConditions=conditions))
    assert "no such key: nope" in refusal(lab, config_map(a="b"))
    assert not refusal(lab, config_map(a="c")), "one that is false decides"


def test_budget(lab: Lab) -> None:
    every = "object.data.all(a, object.data.all(b, object.data.all(c, object.data.all(d, a + b + c + d != ''))))"
    bind(lab, policy(every))
    keys = {f"k{number}": "" for number in range(40)}
    assert "running out of cost budget" in refusal(lab, config_map(**keys))


def test_warnings_and_notes(lab: Lab) -> None:
    bind(lab, policy({"expression": "false", "message": "careful"}), "Warn", "Audit")
    answer = lab.send("create", "configmaps", body=config_map())
    assert answer.code == 201 and answer.warnings == (
        "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p-binding': careful",
    )


# --- parameters


def limited(lab: Lab, action: str = "Deny", **ref: Any) -> None:
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    rule = {
        "expression": "object.spec.replicas <= int(params.data.max)",
        "messageExpression": "'max ' + params.data.max",
    }
    ref = {"parameterNotFoundAction": action, **ref}
    bind(lab, policy(rule, rules=(DEPLOYMENTS,), paramKind=kind), paramRef=ref)


def test_parameters_are_read_from_the_namespace_of_the_request(lab: Lab) -> None:
    limited(lab, name="limits")
    found = refusal(lab, deployment(2), "deployments.apps")
    assert found.endswith(
        "denied request: failed to configure binding: no params found for policy binding with `Deny` "
        "parameterNotFoundAction"
    )
    lab.create("configmaps", config_map("limits", max="3"))
    assert not refusal(lab, deployment(3), "deployments.apps")
    assert refusal(lab, deployment(4), "deployments.apps", "update", name="d").endswith("denied request: max 3")


def test_parameters_that_may_be_missing(lab: Lab) -> None:
    limited(lab, "Allow", name="limits", namespace="kube-system")
    assert not refusal(lab, deployment(9), "deployments.apps")
    lab.create("configmaps", config_map("limits", max="3"), namespace="kube-system")
    assert "max 3" in refusal(lab, deployment(4), "deployments.apps", "update", name="d")


def test_all_selected_parameters_have_to_agree(lab: Lab) -> None:
    limited(lab, selector={"matchLabels": {"kind": "limit"}})
    for name, most in (("a", "9"), ("b", "4")):
        lab.create("configmaps", config_map(name, {"kind": "limit"}, max=most))
    assert refusal(lab, deployment(5), "deployments.apps").endswith("denied request: max 4")


def test_parameters_of_unknown_and_of_cluster_kinds(lab: Lab) -> None:
    ref = {"name": "x", "parameterNotFoundAction": "Deny"}
    bind(lab, policy("true", paramKind={"apiVersion": "a.example/v1", "kind": "Limit"}), paramRef=ref)
    found = refusal(lab, config_map())
    assert found.endswith(
        "ValidatingAdmissionPolicy 'p' denied request: failed to configure policy: failed to find resource "
        "referenced by paramKind: 'a.example/v1, Kind=Limit'"
    )
    kind = {"apiVersion": "v1", "kind": "Namespace"}
    lab.ok("delete", f"validatingadmissionpolicies.{GROUP}", "p", namespace=None)
    bind(lab, policy("params.metadata.name == 'x'", name="q", paramKind=kind), paramRef=ref | {"name": "kube-system"})
    assert "params.metadata.name == 'x'" in refusal(lab, config_map())


# --- what policies have to be like


@pytest.mark.parametrize(
    ("change", "field", "text"),
    [
        ({"validations": []}, "spec.validations", "Required value: validations or auditAnnotations must contain"),
        ({"validations": [{"expression": " "}]}, "spec.validations[0].expression", "expression is not specified"),
        (
            {"validations": [{"expression": "objct.x"}]},
            "spec.validations[0].expression",
            "Invalid value: \"objct.x\": compilation failed: ERROR: <input>:1:1: undeclared reference to 'objct' "
            "(in container '')",
        ),
        (
            {"validations": [{"expression": "1 + 1"}]},
            "spec.validations[0].expression",
            'Invalid value: "1 + 1": must evaluate to bool but got int',
        ),
        ({"validations": [{"expression": "params.x == 1"}]}, "spec.validations[0].expression", "'params'"),
        ({"validations": [{"expression": "variables.x == 1"}]}, "spec.validations[0].expression", "'variables'"),
        ({"validations": [{"expression": "true", "reason": "No"}]}, "spec.validations[0].reason", "Unsupported value"),
        ({"validations": [{"expression": "true", "message": "a\nb"}]}, "spec.validations[0].message", "line breaks"),
        ({"matchConstraints": {}}, "spec.matchConstraints.resourceRules", "Required value"),
        ({"failurePolicy": "Maybe"}, "spec.failurePolicy", 'supported values: "Fail", "Ignore"'),
        ({"variables": [{"name": "in", "expression": "1"}]}, "spec.variables[0].name", "not a valid CEL identifier"),
        ({"paramKind": {"apiVersion": "v1"}}, "spec.paramKind.kind", "Required value"),
        (
            {"matchConditions": [{"name": "a", "expression": "object"}]},
            "spec.matchConditions[0].expression",
            "must evaluate to bool but got dyn",
        ),
        (
            {"auditAnnotations": [{"key": "k", "valueExpression": "1"}]},
            "spec.auditAnnotations[0].valueExpression",
            "one of",
        ),
    ],
)
def test_policies_that_are_refused(lab: Lab, change: dict[str, Any], field: str, text: str) -> None:
    body = policy("true")
    body["spec"] |= change
    answer = lab.send("create", f"validatingadmissionpolicies.{GROUP}", body=body, namespace=None)
    causes = answer.body["details"]["causes"]
    assert answer.code == 422
    assert any(each["field"] == field and text in each["message"] for each in causes), causes


@pytest.mark.parametrize(
    ("spec", "field", "text"),
    [
        ({"policyName": ""}, "spec.policyName", "Required value"),
        ({"validationActions": []}, "spec.validationActions", "at least one validation action is required"),
        ({"validationActions": ["Deny", "Warn"]}, "spec.validationActions", "must not contain both Deny and Warn"),
        ({"paramRef": {"parameterNotFoundAction": "Deny"}}, "spec.paramRef", "one of name or selector"),
        ({"paramRef": {"name": "a"}}, "spec.paramRef.parameterNotFoundAction", "Required value"),
    ],
)
def test_bindings_that_are_refused(lab: Lab, spec: dict[str, Any], field: str, text: str) -> None:
    body = {"metadata": {"name": "b"}, "spec": {"policyName": "p", "validationActions": ["Deny"]} | spec}
    answer = lab.send("create", f"validatingadmissionpolicybindings.{GROUP}", body=body, namespace=None)
    causes = answer.body["details"]["causes"]
    assert any(each["field"] == field and text in each["message"] for each in causes), causes


def test_defaults_are_filled_in(lab: Lab) -> None:
    made = lab.create(f"validatingadmissionpolicies.{GROUP}", policy("true"), namespace=None)
    match = made.spec.matchConstraints
    assert (made.spec.failurePolicy, match.matchPolicy, match.resourceRules[0].scope) == ("Fail", "Equivalent", "*")
    assert match.namespaceSelector is not None and match.objectSelector is not None


def test_policies_do_not_judge_policies(lab: Lab) -> None:
    everything = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}
    bind(lab, policy("false", rules=(everything,)))
    assert refusal(lab, config_map())
    lab.ok("delete", f"validatingadmissionpolicies.{GROUP}", "p", namespace=None)
    assert not refusal(lab, config_map())
