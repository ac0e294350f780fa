"""HTTP: lists, creations over 8 connections, 1,000 watchers, 10,000 idle connections; clients in another process."""

from __future__ import annotations

import gc
import http.client
import json
import ssl
import subprocess
import sys
import threading
import time

from benchmarks.measure import Figure, resident

PODS = 5000
CREATORS = 8
WATCHERS = 1000
IDLERS = 10_000
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


def _load(server: object, role: str, number: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.httpload", role, str(server.port), server.token, str(number)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)


def _list_seconds(server: object) -> float:
    """The best of five requests for all Pods as a Table, as kubectl get sends it."""
    context = ssl.create_default_context(cadata=server.authority.certificate.decode())
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=context)
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        headers = {"Authorization": f"Bearer {server.token}", "Accept": TABLE}
        connection.request("GET", "/api/v1/pods?limit=0", headers=headers)
        response = connection.getresponse()
        body = response.read()
        best = min(best, time.perf_counter() - start)
    if len(json.loads(body)["rows"]) < PODS:
        raise AssertionError(body[:300])
    connection.close()
    return best


def _fill(cluster: object) -> None:
    for number in range(PODS):
        metadata = {"name": f"p-{number}", "namespace": "default", "labels": {"app": "web"}}
        spec = {"containers": [{"name": "c", "image": "nginx:1.29"}], "schedulerName": "nobody"}
        cluster.client.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


def _idle(server: object) -> Figure:
    """Memory that 10,000 idle connections take of the server, and whether others are answered meanwhile."""
    before, most = resident(), [0]
    ended = threading.Event()

    def observe() -> None:
        while not ended.wait(0.2):
            most[0] = max(most[0], resident())

    observer = threading.Thread(target=observe)
    observer.start()
    try:
        seen = _load(server, "idlers", IDLERS)
    finally:
        ended.set()
        observer.join()
    text = f"{seen['held']:,.0f} held, worst answer to another client {seen['worst answer'] * 1000:.0f} ms"
    return Figure("10,000 idle HTTPS connections", (most[0] - before) / 2**20, "MiB", "", text)


def figures() -> list[Figure]:
    """What clients outside can expect."""
    from k8slab.cluster.cluster import Cluster
    from k8slab.serve.server import Server

    cluster = Cluster(workers=3)
    _fill(cluster)
    gc.collect()
    with Server(cluster, port=0) as server:
        found = [Figure("list 5,000 Pods as a Table", _list_seconds(server), "s", "< 0.3 s")]
        created = _load(server, "creators", CREATORS)
        found.append(Figure("creations over 8 connections", created["creates/s"], "requests/s", "> 1,000/s"))
        before = time.process_time()
        seen = _load(server, "watchers", WATCHERS)
        spent = time.process_time() - before
        text = (
            f"{seen['events']:.0f} of {seen['expected']:.0f} events, mean {seen['mean lag']:.2f} s, {spent:.1f} s CPU"
        )
        found.append(Figure("1,000 watchers, 100 writes/s: worst lag", seen["worst lag"], "s", "< 1 s", text))
        found.append(_idle(server))
    if threading.active_count() > 20:
        raise AssertionError("threads are left over")
    return found
