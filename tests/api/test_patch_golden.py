"""JSON and merge patches against a real API server, from the state that it had answered before."""

import json
import re

import pytest

from k8slab.api.codec import from_dict, to_dict
from k8slab.api.defaults import set_defaults
from k8slab.api.patch import json_patch, merge_patch
from k8slab.errors import ApiError
from tests.api.recordings import records

FUNCTIONS = {"application/json-patch+json": json_patch, "application/merge-patch+json": merge_patch}
VOLATILE = ("resourceVersion", "managedFields", "generation")


def steps():
    """Recorded patches that the server could read, each with the document that it found."""
    known = {}
    for record in records("patch", "immutable"):
        request, answer = record["request"], record["response"]
        function = FUNCTIONS.get((request.get("headers") or {}).get("Content-Type"))
        path, stored = request["path"], answer["body"]
        if request["method"] == "PATCH" and function and path in known and not isinstance(request["body"], str):
            yield pytest.param(function, known[path], record, id=record["id"])
        if answer["code"] in (200, 201) and isinstance(stored, dict) and "dryRun" not in request.get("query", {}):
            name = stored.get("metadata", {}).get("name", "")
            known[path if path.endswith(f"/{name}") else f"{path}/{name}"] = stored


def comparable(body):
    body = {**body, "metadata": {key: value for key, value in body["metadata"].items() if key not in VOLATILE}}
    text = json.dumps(body).replace("<time>", "2026-01-01T00:00:00Z")
    text = re.sub(r'"<nodePort:\d+>"', "30000", text)
    return tidy(to_dict(set_defaults(from_dict(json.loads(text), strict=False))))


def tidy(value):
    if isinstance(value, dict):
        return {key: tidy(item) for key, item in value.items() if item not in (None, [])}
    return [tidy(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("function", "before", "record"), list(steps()))
def test_patch_as_recorded(function, before, record):
    answer = record["response"]
    if answer["code"] == 200:
        after = function(before, record["request"]["body"])
        after["metadata"].setdefault("uid", before["metadata"]["uid"])
        for name in ("namespace", "creationTimestamp"):
            if name in before["metadata"]:
                after["metadata"].setdefault(name, before["metadata"][name])
        left, right = comparable(after), comparable(answer["body"])
        if record["request"]["body"] in KEEPS_ADDRESS:
            left["spec"].update({key: right["spec"][key] for key in ("clusterIP", "clusterIPs")})
        assert {**left, "spec": own(left)} == {**right, "spec": own(right)}
    elif refused_by_patching(answer["body"]):
        with pytest.raises(ApiError) as caught:
            function(before, record["request"]["body"])
        assert caught.value.status() == answer["body"]
    else:
        function(before, record["request"]["body"])


def refused_by_patching(status):
    """Other refusals come later, from decoding or validation."""
    return status.get("details") == {} or status["message"].startswith("error decoding patch")


KEEPS_ADDRESS = ({"spec": {"clusterIP": None}}, {"spec": {"clusterIP": ""}})
"""The server keeps a Service's address when a patch clears it."""


def own(body):
    """A Service's node ports are the server's to choose."""
    spec = dict(body.get("spec", {}))
    if body["kind"] == "Service":
        spec["ports"] = [{k: v for k, v in port.items() if k != "nodePort"} for port in spec.get("ports", [])]
    return spec


def test_there_are_such_steps():
    assert len(list(steps())) > 60
