from __future__ import annotations

from typing import Any

import pytest

from k8slab.api.request import MERGE_PATCH, STRATEGIC_MERGE_PATCH, Options, Request
from k8slab.api.scheme import SCHEME, Resource
from tests.apiserver.conftest import Lab

NAME = {"metadata": {"name": "x"}}
BODIES: tuple[Any, ...] = (
    NAME,
    {"metadata": {"name": "y"}, "spec": {}},
    {},
    {"spec": None, "metadata": None},
    {"metadata": {"name": "z"}, "spec": {"template": {}}, "status": {}},
    [],
    "x",
    None,
)
PATCHES: tuple[Any, ...] = (
    {"spec": None},
    {"spec": {}},
    {"status": None},
    {"metadata": None},
    {"metadata": {"labels": {"a": 1}}},
    {"spec": {"template": None}},
    {"status": {"conditions": [{}]}},
)


def requests(resource: Resource, names: list[str]) -> list[Request]:
    base: dict[str, Any] = {"resource": resource.plural, "group": resource.group, "version": resource.version}
    base["namespace"] = "default" if resource.namespaced else None
    found = [Request(verb="list", options=Options(as_table=True), **base)]
    found.append(Request(verb="list", options=Options(field_selector="metadata.name=x,status.phase=a"), **base))
    for name in names:
        for subresource in ("", *(each.name for each in resource.subresources if "patch" in each.verbs)):
            for patch in PATCHES:
                target = {"name": name, "body": patch, "subresource": subresource, **base}
                found.append(Request(verb="patch", content_type=MERGE_PATCH, **target))
                found.append(Request(verb="patch", content_type=STRATEGIC_MERGE_PATCH, **target))
        for each in resource.subresources:
            found += [Request(verb=verb, name=name, subresource=each.name, body={}, **base) for verb in each.verbs]
        found.append(Request(verb="delete", name=name, **base))
    return found


@pytest.mark.parametrize("resource", SCHEME.all_resources(), ids=lambda each: each.group_resource)
def test_nonsense_is_answered(resource: Resource) -> None:
    lab = Lab()
    base: dict[str, Any] = {"resource": resource.plural, "group": resource.group, "version": resource.version}
    base["namespace"] = "default" if resource.namespaced else None
    names = []
    for body in BODIES if "create" in resource.verbs else ():
        response = lab.server.handle(Request(verb="create", body=body, **base))
        if response.code == 201 and "list" in resource.verbs:
            names.append(response.body.metadata.name)
    for request in requests(resource, names):
        response = lab.server.handle(request)
        assert 200 <= response.code < 600
