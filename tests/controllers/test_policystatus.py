from __future__ import annotations

from typing import Any

import pytest

from k8slab.api.codec import from_dict, to_dict
from tests.controllers.lab import Lab


def policy(expression: str, resources: str = "deployments", version: str = "apps/v1", **spec: Any) -> Any:
    group, _, served = version.rpartition("/")
    rule = {"apiGroups": [group], "apiVersions": [served], "resources": [resources], "operations": ["CREATE"]}
    validation = {"expression": expression, "messageExpression": "'named ' + object.metadata.name"}
    kind = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy"}
    spec = {"matchConstraints": {"resourceRules": [rule]}, "validations": [validation], **spec}
    return from_dict({**kind, "metadata": {"name": "p"}, "spec": spec})


def status(given: Any) -> dict[str, Any]:
    lab = Lab()
    lab.client.create(given)
    lab.run(1)
    return to_dict(lab.client.get("validatingadmissionpolicies", "p"))["status"]


def test_a_field_that_the_type_does_not_have_is_told_in_the_status():
    assert status(policy("object.replicas > 1")) == {
        "observedGeneration": 1,
        "typeChecking": {
            "expressionWarnings": [
                {
                    "fieldRef": "spec.validations[0].expression",
                    "warning": "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'replicas'\n"
                    " | object.replicas > 1\n | ......^\n",
                }
            ]
        },
    }


@pytest.mark.parametrize(
    "given",
    [
        policy("object.spec.replicas > 1 && object.metadata.namespace != 'x'"),
        policy(
            "variables.all.exists(c, c.image == '')",
            variables=[{"name": "all", "expression": "object.spec.containers"}],
            resources="pods",
            version="v1",
        ),
        policy("object.spec.containers.all(c, quantity(c.resources.limits['cpu']).isInteger())", "pods", "v1"),
        policy("object.whatever == 1", "deployments/status"),
        policy("object.whatever == 1", "*"),
        policy("object.whatever == 1", "widgets", "shop.example/v1"),
        policy("object.spec.whatever == params.data.x", "widgets", paramKind={"apiVersion": "v1", "kind": "ConfigMap"}),
    ],
)
def test_nothing_is_told_of_what_fits_or_is_not_known(given: Any):
    assert status(given) == {"observedGeneration": 1, "typeChecking": {}}


def test_variables_have_the_types_of_what_they_stand_for():
    variables = [{"name": "spec", "expression": "object.spec"}]
    told = status(policy("variables.spec.replica > 1", variables=variables))["typeChecking"]["expressionWarnings"]
    assert [each["fieldRef"] for each in told] == ["spec.validations[0].expression"]
    assert "undefined field 'replica'" in told[0]["warning"]


def test_a_policy_is_checked_again_when_it_changes():
    lab = Lab()
    lab.client.create(policy("object.replicas > 1"))
    lab.run(1)
    right = [{"expression": "object.spec.replicas > 1"}]
    lab.client.patch("validatingadmissionpolicies", "p", {"spec": {"validations": right}})
    lab.run(1)
    now = lab.client.get("validatingadmissionpolicies", "p").status
    assert now.observedGeneration == 2 and not now.typeChecking
