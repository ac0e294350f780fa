"""What admission notes about requests reaches the audit log."""

import json

import pytest

from k8slab import Lab

POLICY = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: owners}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]
  validations:
  - {expression: "has(object.metadata.labels) && 'owner' in object.metadata.labels", message: somebody owns it}
  auditAnnotations:
  - {key: name, valueExpression: "'it is ' + object.metadata.name"}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: owners-everywhere}
spec: {policyName: owners, validationActions: [Audit]}
"""
FAILURE = "validation.policy.admission.k8s.io/validation_failure"


@pytest.fixture(scope="module")
def annotations():
    lab = Lab(workers=1, components=["kube-apiserver"])
    lab.apply(POLICY)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "strict"}}
    namespace["metadata"]["labels"] = {"pod-security.kubernetes.io/enforce": "baseline"}
    lab.apply(namespace)
    lab.kubectl("create serviceaccount default -n strict", echo=False)
    lab.run("2s")
    lab.audit.start()
    lab.kubectl("create configmap plain --from-literal=a=1", echo=False)
    labelled = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine", "labels": {"owner": "ann"}}}
    lab.apply(labelled)
    lab.kubectl('run bad -n strict --image=nginx --overrides=\'{"spec":{"hostNetwork":true}}\'', echo=False)
    return {
        event["objectRef"]["name"] if "name" in event["objectRef"] else event["objectRef"]["resource"]: event
        for event in lab.audit.events
        if event["verb"] in ("create", "patch")
    }


def test_what_a_policy_says_is_noted(annotations):
    found = [event["annotations"] for event in annotations.values() if FAILURE in event.get("annotations", {})]
    assert len(found) == 1
    assert json.loads(found[0][FAILURE]) == [
        {
            "message": "somebody owns it",
            "policy": "owners",
            "binding": "owners-everywhere",
            "expressionIndex": 0,
            "validationActions": ["Audit"],
        }
    ]
    assert found[0]["owners/name"] == "it is plain"


def test_what_the_pod_security_standards_say_is_noted(annotations):
    [noted] = [e for e in annotations.values() if e["objectRef"].get("namespace") == "strict"]
    assert noted["responseStatus"]["code"] == 403
    assert noted["annotations"]["pod-security.kubernetes.io/enforce-policy"] == "baseline:latest"


def hooks(kind, *names, **more):
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}]
    base = {"rules": rules, "sideEffects": "None", "admissionReviewVersions": ["v1"], **more}
    found = [base | {"name": name, "clientConfig": {"url": f"https://{name}/"}} for name in names]
    metadata = {"name": kind.lower()}
    kind = f"{kind}WebhookConfiguration"
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": metadata,
        "webhooks": found,
    }


@pytest.mark.parametrize("level", ["Metadata", "Request"])
def test_what_webhooks_do_is_noted(level):
    lab = Lab(workers=1, components=["kube-apiserver"])
    names = ("lost.example.com", "mark.example.com")
    lab.apply(hooks("Mutating", *names, failurePolicy="Ignore"))
    lab.apply(hooks("Validating", "lost.example.com", failurePolicy="Ignore"))
    lab.webhook("mark.example.com")(marks)
    lab.audit.start({"rules": [{"level": level}]})
    lab.client.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "default"}})
    noted = lab.audit.events[-1]["annotations"]
    assert noted["failed-open.mutation.webhook.admission.k8s.io/round_0_index_0"] == "lost.example.com"
    assert noted["failed-open.validation.webhook.admission.k8s.io/round_0_index_0"] == "lost.example.com"
    key = "mutation.webhook.admission.k8s.io/round_0_index_1"
    about = {"configuration": "mutating", "webhook": "mark.example.com"}
    assert json.loads(noted[key]) == about | {"mutated": True}
    patched = noted.get("patch.webhook.admission.k8s.io/round_0_index_1")
    if level == "Metadata":
        assert patched is None
    else:
        assert json.loads(patched)["patch"] == [{"op": "add", "path": "/data", "value": {"by": "mark"}}]


def marks(object):
    return {"allowed": True, "patch": [{"op": "add", "path": "/data", "value": {"by": "mark"}}]}
