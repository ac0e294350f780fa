"""/metrics, health, and how much is served at a time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from k8slab.cluster.cluster import Cluster
from k8slab.serve import watching
from k8slab.serve.limits import Limits
from k8slab.serve.server import Server
from tests.serve.conftest import ALICE, Caller

parser = pytest.importorskip("prometheus_client.parser", reason="prometheus_client is not installed")
CONFIGMAPS = "/api/v1/namespaces/default/configmaps"
POD = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(Cluster(workers=1), port=0, speed=30, limits=Limits(readonly=2, mutating=2, long=3)) as served:
        served.add_token("alices-token", ALICE)
        yield served


def families(server: Server, path: str = "/metrics") -> dict[str, Any]:
    answer = Caller(server)("GET", path)
    assert answer.code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {family.name: family for family in parser.text_string_to_metric_families(answer.text.decode())}


def value(found: dict[str, Any], sample: str, **labels: str) -> float:
    name = sample.removesuffix("_total").removesuffix("_count").removesuffix("_bucket")
    fitting = [
        each.value
        for each in found[name].samples
        if each.name == sample and labels.items() <= each.labels.items()
    ]  # fmt: skip
    return sum(fitting)


def test_requests_are_counted_by_what_they_are_about(server: Server) -> None:
    call = Caller(server)
    before = families(server)
    call("POST", f"{CONFIGMAPS}?dryRun=All", {"metadata": {"name": "a"}})
    call("GET", f"{CONFIGMAPS}/none")
    call("GET", "/healthz")
    apply = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}}
    kind = {"Content-Type": "application/apply-patch+yaml"}
    call("PATCH", f"{CONFIGMAPS}/b?fieldManager=me", json.dumps(apply), kind)
    after = families(server)
    for labels in (
        {
            "verb": "POST",
            "resource": "configmaps",
            "scope": "namespace",
            "dry_run": "All",
            "code": "201",
            "version": "v1",
        },
        {"verb": "GET", "resource": "configmaps", "scope": "resource", "code": "404", "component": "apiserver"},
        {"verb": "APPLY", "resource": "configmaps", "code": "201"},
        {"verb": "GET", "resource": "", "subresource": "/healthz", "code": "200"},
    ):
        grown = value(after, "apiserver_request_total", **labels) - value(before, "apiserver_request_total", **labels)
        assert grown == 1, labels
        del labels["code"]
        assert value(after, "apiserver_request_duration_seconds_count", **labels) >= 1
    assert after["apiserver_request_duration_seconds"].type == "histogram"
    assert value(after, "apiserver_current_inflight_requests", request_kind="readOnly") == 1, "this very request"
    assert value(after, "apiserver_storage_objects", resource="nodes") == 2
    assert value(after, "apiserver_resource_objects", group="apps", resource="deployments") == 0
    for name in ("process_cpu_seconds", "process_resident_memory_bytes", "kubernetes_build_info", "workqueue_depth"):
        assert after[name].samples, name
    assert value(after, "etcd_debugging_mvcc_current_revision") <= server.cluster.store.revision


def test_what_clients_make_up_makes_no_series(server: Server) -> None:
    call, before = Caller(server), families(server)
    for number in range(20):
        call(f"VERB{number}", f"{CONFIGMAPS}/x{number}")
        call("GET", f"/apis/group{number}/v1/things{number}/x/part{number}")
        call("GET", f"/api/v1/namespaces/n{number}/pods/x/part{number}")
        call(f"VERB{number}", f"/path{number}")
    after = families(server)
    before_count, after_count = (len(found["apiserver_request"].samples) for found in (before, after))
    assert after_count - before_count <= 8
    verbs = {sample.labels["verb"] for sample in after["apiserver_request"].samples}
    assert "other" in verbs
    assert not any(verb.startswith("VERB") for verb in verbs)


def test_components_tell_through_the_proxy(server: Server) -> None:
    call = Caller(server)
    assert call("POST", "/api/v1/namespaces/default/pods", POD).code == 201
    pods = "/api/v1/namespaces/kube-system/pods"
    deadline = time.monotonic() + 60
    while True:
        found = families(server, f"{pods}/https:kube-scheduler-control-plane-1:10259/proxy/metrics")
        if value(found, "scheduler_schedule_attempts_total", result="scheduled", profile="default-scheduler") == 1:
            break
        assert time.monotonic() < deadline
    assert value(found, "scheduler_pod_scheduling_sli_duration_seconds_count", attempts="1") == 1
    assert value(found, "scheduler_pending_pods", queue="unschedulable") == 0
    found = families(server, f"{pods}/kube-controller-manager-control-plane-1/proxy/metrics")
    assert value(found, "workqueue_adds_total", name="endpointslice") > 0
    assert value(families(server, f"{pods}/etcd-control-plane-1:2381/proxy/metrics"), "etcd_server_has_leader") == 1
    found = families(server, "/api/v1/nodes/worker-1/proxy/metrics")
    assert value(found, "kubelet_node_name", node="worker-1") == 1
    assert call("GET", "/api/v1/nodes/none/proxy/metrics").code == 404
    alice = Caller(server, "nobody")
    refused = alice("GET", "/api/v1/nodes/worker-1/proxy/metrics", headers={"Authorization": "Bearer alices-token"})
    assert refused.code == 403
    assert 'cannot get resource "nodes/proxy"' in refused.message


# -- health ------------------------------------------------------------------------------------------------------------


def test_health_check_by_check(server: Server) -> None:
    call = Caller(server)
    for name in ("livez", "readyz", "healthz"):
        assert call("GET", f"/{name}").text == b"ok"
        lines = call("GET", f"/{name}?verbose").text.decode().splitlines()
        assert lines[0] == "[+]ping ok"
        assert lines[-1] == f"{name} check passed"
        assert "[+]poststarthook/rbac/bootstrap-roles ok" in lines
        assert ("[+]shutdown ok" in lines) == (name == "readyz")
    assert call("GET", "/livez/etcd").text == b"ok"
    assert call("GET", "/livez/poststarthook/crd-informer-synced").text == b"ok"
    assert call("GET", "/livez/shutdown").code == 404
    assert call("GET", "/readyz/nope").text == b"404 page not found\n"
    text = call("GET", "/readyz?verbose=true&exclude=etcd&exclude=log&exclude=nope").text.decode()
    assert "[+]etcd excluded: ok\n" in text
    assert "[+]log excluded: ok\n" in text
    assert 'warn: some health checks cannot be excluded: no matches for "nope"\n' in text


def test_what_is_not_well_is_said(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(server.app.health._problems, "etcd", lambda: "etcdserver: mvcc: database space exceeded")
    call = Caller(server)
    answer = call("GET", "/livez")
    assert answer.code == 500
    assert b"[-]etcd failed: reason withheld\n" in answer.text
    assert answer.text.endswith(b"livez check failed\n")
    assert call("GET", "/livez?exclude=etcd").code == 200
    single = call("GET", "/livez/etcd")
    assert (single.code, single.text) == (
        500,
        b"internal server error: etcdserver: mvcc: database space exceeded\n",
    )


# -- limits ------------------------------------------------------------------------------------------------------------


def test_too_many_requests_are_refused(server: Server) -> None:
    nobody, token = Caller(server, "nobody"), {"Authorization": "Bearer alices-token"}
    keeper = server.app.gatekeeper
    keeper.under_way["readOnly"] += 2
    try:
        answer = nobody("GET", "/api/v1/nodes", headers=token)
        assert (answer.code, answer.headers["retry-after"]) == (429, "1")
        assert answer.text == b"Too many requests, please try again later.\n"
        assert nobody("POST", CONFIGMAPS, {}, token).code == 403, "changes are counted apart"
        assert nobody("GET", "/livez", headers=token).code == 200, "probes are not held up"
        assert Caller(server)("GET", CONFIGMAPS).code == 200, "neither are administrators"
    finally:
        keeper.under_way["readOnly"] -= 2
    assert nobody("GET", "/api/v1/nodes", headers=token).code == 403
    assert value(families(server), "apiserver_request_terminations_total", code="429") == 1


def test_watches_are_bounded(server: Server) -> None:
    call = Caller(server)
    open_ = [call.connect() for _ in range(3)]
    for connection in open_:
        connection.request("GET", f"{CONFIGMAPS}?watch=true", headers=call.headers)
        assert connection.getresponse().status == 200
    assert call("GET", f"{CONFIGMAPS}?watch=true").code == 429
    assert value(families(server), "apiserver_longrunning_requests", verb="WATCH", resource="configmaps") == 3
    for connection in open_:
        connection.close()
    deadline = time.monotonic() + 60
    while call("GET", f"{CONFIGMAPS}?watch=true&timeoutSeconds=1").code == 429:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert set(server.app.gatekeeper.under_way.values()) == {0}


def test_a_watcher_that_does_not_read_is_cut_off(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "QUEUE_LIMIT", 5)
    call = Caller(server)
    connection = call.connect()
    connection.request("GET", f"{CONFIGMAPS}?watch=true", headers=call.headers)
    body = {"metadata": {"name": "big"}, "data": {"x": "x" * 500_000}}
    assert call("POST", CONFIGMAPS, body).code == 201
    patch, kind = {"metadata": {"labels": {"a": "0"}}}, {"Content-Type": "application/merge-patch+json"}
    deadline = time.monotonic() + 60
    number = 0
    while server.app._resources._streams and time.monotonic() < deadline:
        number += 1
        patch["metadata"]["labels"]["a"] = str(number)
        assert call("PATCH", f"{CONFIGMAPS}/big", json.dumps(patch), kind).code == 200
    assert not server.app._resources._streams, "its connection is closed and its memory free"
    connection.close()
    call("DELETE", f"{CONFIGMAPS}/big")


def test_a_stop_ends_watches_properly_and_answers_what_is_under_way() -> None:
    server = Server(Cluster(workers=1), port=0).start()
    call = Caller(server)
    connection = call.connect()
    connection.request("GET", f"{CONFIGMAPS}?watch=true", headers=call.headers)
    response = connection.getresponse()
    lines: list[bytes] = []
    reader = threading.Thread(target=lambda: lines.extend(response.readlines()), daemon=True)
    reader.start()
    time.sleep(0.2)
    server.stop()
    reader.join(60)
    assert not reader.is_alive()
    assert lines, "the events came, and the answer was complete"
    assert server.app.health.answer("/readyz", b"").code == 500
    assert server.app.health.answer("/livez", b"").code == 200
