"""Status updates against a real API server, from the state that it had answered before."""

import json
import re

import pytest

from k8slab.api.codec import from_dict
from k8slab.api.defaults import set_defaults
from k8slab.api.patch import merge_patch, strategic_merge
from k8slab.api.scheme import SCHEME
from k8slab.api.validation import validate_status_update, validate_update
from k8slab.errors import invalid
from tests.api.recordings import records


def readable(body):
    text = json.dumps(body).replace("<time>", "2026-01-01T00:00:00Z")
    body = json.loads(re.sub(r"<uid:\d+>", "00000000-0000-4000-8000-000000000001", text))
    body["metadata"].pop("managedFields", None)
    return set_defaults(from_dict(body))


def place(path):
    """The object's own path: without the subresource, and with the name for creations."""
    for suffix in ("/status", "/finalize"):
        path = path.removesuffix(suffix)
    return path


def steps():
    """Refused writes of status, each with the object as it was before."""
    known = {}
    for record in records("subresource"):
        request, answer = record["request"], record["response"]
        path = place(request["path"])
        body = answer["body"]
        if answer["code"] == 422 and request["method"] in ("PATCH", "PUT") and "causes" in body.get("details", {}):
            if path in known and body["details"]["causes"][0].get("field") != "patch":
                yield pytest.param(known[path], record, id=record["id"])
        elif answer["code"] in (200, 201) and isinstance(body, dict) and body.get("kind") in SERVED:
            name = body["metadata"]["name"]
            known[path if path.endswith(name) else f"{path}/{name}"] = body


SERVED = ("Pod", "Deployment", "Job", "Node", "Namespace", "PersistentVolumeClaim")


@pytest.mark.parametrize(("before", "record"), list(steps()))
def test_refused_as_recorded(before, record):
    request, answer = record["request"], record["response"]["body"]
    old = readable(before)
    cls = type(old)
    body = request["body"]
    if request["method"] == "PATCH":
        strategic = "strategic" in request["headers"]["Content-Type"]
        body = strategic_merge(before, body, cls) if strategic else merge_patch(before, body)
    new = readable(body)
    if not new.metadata.resourceVersion:
        new = new.replace(metadata=new.metadata.replace(resourceVersion=old.metadata.resourceVersion))
    if request["path"].endswith("/finalize"):
        errors = validate_update(new, old)
    else:
        errors = validate_status_update(new, old)
    status = invalid(SCHEME.of(new).group_kind, new.metadata.name, errors).status()
    assert status["message"] == answer["message"]
    assert status["details"]["causes"] == answer["details"]["causes"]


def test_there_are_such_steps():
    assert len(list(steps())) >= 6
