"""Validation against a real API server: every recorded refusal with its message and causes, and what was accepted."""

import re

import pytest

from k8slab.api.codec import from_dict, to_dict
from k8slab.api.defaults import set_defaults
from k8slab.api.patch import merge_patch
from k8slab.api.scheme import SCHEME
from k8slab.api.validation import validate_create, validate_update
from k8slab.errors import invalid
from tests.api.recordings import records

UID = "00000000-0000-4000-8000-000000000001"
NOT_VALIDATION = {
    "invalid/service-nodeport-out-of-range#1": "found by the allocator of node ports",
    "invalid/service-clusterip-kubernetes#1": "found by the allocator of addresses",
    "invalid/service-ipfamily-v6#1": "found by the allocator of addresses, which knows the cluster's families",
    "immutable/controllerrevision#3": "the server compares the bytes of data as the client spelled them",
}


def prepared(body, record):
    """What the server does to a body before it validates: namespace, defaults, generated fields."""
    obj = set_defaults(from_dict(body))
    resource = SCHEME.of(obj)
    meta = obj.metadata.replace(uid=UID, resourceVersion=obj.metadata.resourceVersion or "1")
    if resource.namespaced:
        meta = meta.replace(namespace=record["namespace"])
    obj = obj.replace(metadata=meta)
    if resource.kind == "Job":
        obj = with_generated_selector(obj)
    if resource.kind == "Service":
        obj = with_address(obj)
    if resource.kind == "Pod" and not obj.spec.serviceAccountName:
        obj = obj.replace(spec=obj.spec.replace(serviceAccountName="default"))
    return obj


def with_generated_selector(job):
    if job.spec.manualSelector or job.spec.selector:
        return job
    labels = {
        "batch.kubernetes.io/controller-uid": UID,
        "batch.kubernetes.io/job-name": job.metadata.name,
        "controller-uid": UID,
        "job-name": job.metadata.name,
    }
    selector = {"matchLabels": {"batch.kubernetes.io/controller-uid": UID}}
    template = job.spec.template.replace(metadata=job.spec.template.metadata.replace(labels=labels))
    body = to_dict(job.replace(spec=job.spec.replace(template=template)))
    body["spec"]["selector"] = selector
    return from_dict(body)


def with_address(service):
    """A cleared address means: keep the one the Service has."""
    spec = service.spec
    if spec.type == "ExternalName" or spec.clusterIP:
        return service.replace(spec=spec.replace(clusterIPs=(spec.clusterIP,))) if spec.clusterIP else service
    return service.replace(spec=spec.replace(clusterIP="10.96.0.99", clusterIPs=("10.96.0.99",)))


def normal(status):
    text = re.sub(r"<uid:\d+>", UID, str(status["message"]))
    causes = [
        {key: re.sub(r"<uid:\d+>", UID, value) for key, value in cause.items()} for cause in status["details"]["causes"]
    ]
    return text, {**status["details"], "causes": causes}


def refused(obj, errors):
    return normal(invalid(SCHEME.of(obj).group_kind, obj.metadata.name, errors).status())


def creations():
    for record in records("invalid"):
        if record["response"]["code"] in (201, 422):
            yield pytest.param(record, id=record["id"])


@pytest.mark.parametrize("record", list(creations()))
def test_creation_as_recorded(record):
    if record["id"] in NOT_VALIDATION:
        pytest.skip(NOT_VALIDATION[record["id"]])
    answer = record["response"]
    obj = prepared(record["request"]["body"], record)
    if obj.kind == "Service" and not record["request"]["body"]["spec"].get("clusterIP"):
        obj = without_address(obj)
    errors = validate_create(obj)
    if answer["code"] == 201:
        assert errors == []
    else:
        assert refused(obj, errors) == normal(answer["body"])


def without_address(service):
    return service.replace(spec=service.spec.replace(clusterIP=None, clusterIPs=None))


def updates():
    cases = {}
    for record in records("immutable"):
        cases.setdefault(record["case"], []).append(record)
    return [pytest.param(steps, id=case) for case, steps in cases.items()]


@pytest.mark.parametrize("steps", updates())
def test_updates_as_recorded(steps):
    old = prepared(steps[0]["request"]["body"], steps[0])
    for record in steps[1:]:
        body = merge_patch(to_dict(old), record["request"]["body"])
        new = prepared(body, record)
        errors = validate_update(new, old)
        if record["id"] in NOT_VALIDATION:
            continue
        if record["response"]["code"] == 200:
            assert errors == [], record["id"]
            old = new
        else:
            assert refused(new, errors) == normal(record["response"]["body"]), record["id"]


@pytest.mark.parametrize(
    "name", ["pod-create", "service-create", "workload-create", "object-create", "table", "delete"]
)
def test_accepted_objects_are_valid(name):
    seen = 0
    for record in records(name):
        body = record["request"].get("body")
        stored = record["response"]["body"]
        if record["request"]["method"] != "POST" or record["response"]["code"] != 201:
            continue
        if stored.get("kind") != body.get("kind") or "apiVersion" not in body:
            continue
        obj = prepared(body, record)
        if obj.metadata.generateName and not obj.metadata.name:
            continue
        assert validate_create(obj) == [], record["id"]
        seen += 1
    assert seen
