"""Watches and followed logs over HTTP."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from k8slab.api.request import WatchEvent
from k8slab.serve import watching
from k8slab.serve.server import Server
from k8slab.serve.watching import Stream
from tests.serve.conftest import Caller

LEASE = {
    "apiVersion": "coordination.k8s.io/v1",
    "kind": "Lease",
    "metadata": {"name": "l"},
    "spec": {"holderIdentity": "v"},
}


def leases(namespace: str) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"


class Opened:
    """An open watch."""

    def __init__(self, call: Caller, path: str, accept: str = "application/json") -> None:
        self.connection = call.connect()
        self.connection.request("GET", path, headers=call.headers | {"Accept": accept})
        self.response = self.connection.getresponse()
        assert self.response.status == 200
        assert self.response.getheader("transfer-encoding") == "chunked"

    def next(self) -> dict[str, Any]:
        return json.loads(self.response.readline())

    def rest(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.response.read().splitlines()]

    def close(self) -> None:
        self.connection.close()


def test_changes_arrive_as_they_happen(call: Caller, namespace: str) -> None:
    path = leases(namespace)
    opened = Opened(call, f"{path}?watch=true")
    call("POST", path, LEASE)
    assert opened.next()["type"] == "ADDED"
    call("PATCH", f"{path}/l", {"spec": {"holderIdentity": "w"}}, {"Content-Type": "application/merge-patch+json"})
    event = opened.next()
    assert (event["type"], event["object"]["kind"], event["object"]["spec"]) == (
        "MODIFIED",
        "Lease",
        {"holderIdentity": "w"},
    )
    call("DELETE", f"{path}/l")
    assert opened.next()["type"] == "DELETED"
    opened.close()


def test_a_watch_ends_after_its_real_time(call: Caller, namespace: str) -> None:
    path = leases(namespace)
    began = time.monotonic()
    assert Opened(call, f"{path}?watch=true&timeoutSeconds=2").rest() == []
    assert 1.5 < time.monotonic() - began < 6


def test_bookmarks(call: Caller, namespace: str) -> None:
    path = leases(namespace)
    query = "watch=true&timeoutSeconds=3&allowWatchBookmarks=true"
    types = {event["type"] for event in Opened(call, f"{path}?{query}").rest()}
    assert types == {"BOOKMARK"}


def test_tables_have_their_header_once(call: Caller, namespace: str) -> None:
    path = leases(namespace)
    call("POST", path, LEASE)
    call("POST", path, LEASE | {"metadata": {"name": "other"}})
    opened = Opened(call, f"{path}?watch=true&timeoutSeconds=2", "application/json;as=Table;v=v1;g=meta.k8s.io")
    first, second = opened.rest()
    assert [column["name"] for column in first["object"]["columnDefinitions"]] == ["Name", "Holder", "Age"]
    assert second["object"]["columnDefinitions"] is None
    assert second["object"]["rows"][0]["cells"][0] == "other"


def test_what_is_too_old_is_told(call: Caller, server: Server) -> None:
    with server.cluster.gate.lock:
        server.cluster.store.compact(10)
    event = Opened(call, "/api/v1/pods?watch=true&resourceVersion=1").next()
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")


def test_the_watcher_of_a_client_that_leaves_is_removed(call: Caller, server: Server, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/secrets"
    opened = Opened(call, f"{path}?watch=true")
    buckets = server.cluster.server.broadcasters["/registry/secrets/"].buckets
    assert ("namespace", namespace) in buckets
    opened.close()
    for _ in range(100):
        if ("namespace", namespace) not in buckets:
            return
        time.sleep(0.05)
    raise AssertionError("the watcher is still there")


def test_many_watchers_see_everything(call: Caller, namespace: str) -> None:
    path = leases(namespace)
    watches = [Opened(call, f"{path}?watch=true&timeoutSeconds=5") for _ in range(30)]
    for number in range(20):
        call("POST", path, LEASE | {"metadata": {"name": f"l-{number}"}})
    for opened in watches:
        names = [event["object"]["metadata"]["name"] for event in opened.rest()]
        assert names == [f"l-{number}" for number in range(20)]


def test_a_client_that_does_not_keep_up_is_cut_off(monkeypatch) -> None:
    monkeypatch.setattr(watching, "QUEUE_LIMIT", 5)

    async def scene() -> tuple[int, list[WatchEvent]]:
        stream = Stream(asyncio.get_running_loop())
        for number in range(5):
            stream.push(WatchEvent("ADDED", {}, number))
        taken = len(await stream.take())
        for number in range(6):
            stream.push(WatchEvent("ADDED", {}, number))
        return taken, await stream.take()

    # In a thread of its own: a browser test of the same process may have left its loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(asyncio.run, scene()).result() == (5, [])


def test_copies_of_a_served_lab_have_no_clients(call: Caller, server: Server, namespace: str) -> None:
    opened = Opened(call, f"{leases(namespace)}?watch=true")
    with server.cluster.gate.lock:
        twin = copy.deepcopy(server.cluster)
        pickle.loads(pickle.dumps(server.cluster))
    twin.advance(60_000_000)
    watchers = twin.server.broadcasters["/registry/leases/"].buckets["namespace", namespace]
    assert all(watcher.sink.__self__.closed for watcher in watchers)
    opened.close()


def test_a_log_is_followed_to_its_end(call: Caller, namespace: str) -> None:
    script = "for i in 1 2 3; do echo line $i; sleep 30; done"
    container = {"name": "c", "image": "busybox", "command": ["sh", "-c", script]}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [container], "restartPolicy": "Never"},
    }
    path = f"/api/v1/namespaces/{namespace}/pods"
    call("POST", path, pod)
    for _ in range(100):
        if call("GET", f"{path}/p").body.get("status", {}).get("phase") == "Running":
            break
        time.sleep(0.05)
    answer = call("GET", f"{path}/p/log?follow=true")
    assert answer.headers["content-type"] == "text/plain"
    assert answer.text.decode().splitlines() == ["line 1", "line 2", "line 3"]
    assert call("GET", f"{path}/p/log?tailLines=1").text == b"line 3\n"
    assert call("GET", f"{path}/p/log?container=nope").code == 400
