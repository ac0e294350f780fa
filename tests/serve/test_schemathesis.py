"""Requests that schemathesis makes up from the OpenAPI documents which the server itself serves."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("schemathesis", reason="the extra `dev` is not installed")

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode

from k8slab.cluster.cluster import Cluster
from k8slab.serve.server import Server
from tests.serve.conftest import Caller

#: Groups of which each operation is tried; making up Pod templates takes too long for every day.
GROUPS = ("rbac.authorization.k8s.io", "coordination.k8s.io", "node.k8s.io", "scheduling.k8s.io")
#: The real server answers with 500 as well (recorded): junk as resourceVersion, an apply patch that fits no type.
RECORDED = ("resourceVersion: Invalid value", "failed to create typed patch object", "failed to convert merged object")


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Caller]:
    """A cluster of its own: what is made up deletes what it likes."""
    with Server(Cluster(workers=1), port=0, speed=30) as served:
        yield Caller(served)


def documents(call: Caller) -> dict[str, Any]:
    names = call("GET", "/openapi/v3").body["paths"]
    return {name: call("GET", f"/openapi/v3/{name}").body for name in names}


def test_all_documents_are_valid(fuzzed: Caller) -> None:
    for name, document in documents(fuzzed).items():
        schema = schemathesis.openapi.from_dict(document)
        schema.validate()
        assert all(operation.ok() for operation in schema.get_all_operations()), name


def attempt(call: Caller, case: Any) -> None:
    """Send what was made up; the answer must be one of the API."""
    case.path_parameters = {
        **(case.path_parameters or {}),
        **({"namespace": "default"} if case.path_parameters else {}),
    }
    request = case.as_transport_kwargs(base_url=call.server.url)
    prepared = schemathesis_request(request)
    path = prepared.url.removeprefix(call.server.url)
    if "watch=" in path:
        return
    kind = {"Content-Type": prepared.headers["Content-Type"]} if "Content-Type" in prepared.headers else {}
    answer = call(prepared.method, path, prepared.body, kind)
    if answer.headers["content-type"].startswith("application/json"):
        status = json.loads(answer.text)
        assert answer.code < 500 or any(text in status["message"] for text in RECORDED), (case.body, status)
    else:
        assert answer.code < 500


def schemathesis_request(arguments: dict[str, Any]) -> Any:
    import requests

    known = ("method", "url", "headers", "files", "data", "json", "params", "cookies")
    return requests.Request(**{name: arguments[name] for name in known if name in arguments}).prepare()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fitting", "misfit"])
def test_made_up_requests_are_answered(fuzzed: Caller, caplog: pytest.LogCaptureFixture, mode: Any) -> None:
    tried = 0
    with caplog.at_level(logging.WARNING):
        for name, document in documents(fuzzed).items():
            if not any(f"/{group}/" in name for group in GROUPS):
                continue
            for found in schemathesis.openapi.from_dict(document).get_all_operations():
                strategy = found.ok().as_strategy(generation_mode=mode)
                options = settings(
                    max_examples=3, deadline=None, database=None, phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                )  # fmt: skip

                def body(case: Any) -> None:
                    attempt(fuzzed, case)

                seed(7)(options(given(case=strategy)(body)))()
                tried += 1
    assert tried > 40
    assert [record.getMessage() for record in caplog.records if record.name in ("k8slab.serve", "asyncio")] == []
    assert fuzzed.server.pace.error is None
