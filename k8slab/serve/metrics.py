"""GET /metrics: what the API server has done, under the names that dashboards of kube-apiserver and etcd use.

Names and labels follow `apiserver/pkg/endpoints/metrics`, `storage/etcd3/metrics` and etcd's own. Labels come from what
is served, never from what a client writes: whoever asks for paths, verbs and resources that do not exist makes no new
series.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from k8slab.api.request import APPLY_PATCH
from k8slab.apiserver.discovery import VERSION
from k8slab.apiserver.routes import CONNECT, Place, locate
from k8slab.errors import ApiError
from k8slab.serve.auditing import verb_of
from k8slab.serve.componentmetrics import families_of_components
from k8slab.serve.exposition import Family, Histogram, text

if TYPE_CHECKING:
    from k8slab.cluster.cluster import Cluster
    from k8slab.serve.committer import Committer
    from k8slab.serve.exchange import Exchange

SECONDS = (0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60)
WHAT = ("group", "version", "resource", "subresource", "scope", "component")
VERBS = {
    "get": "GET", "list": "LIST", "watch": "WATCH", "create": "POST", "update": "PUT", "patch": "PATCH",
    "delete": "DELETE", "deletecollection": "DELETECOLLECTION",
}  # fmt: skip
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT"))
#: Paths of no resource that have a series of their own.
PATHS = frozenset(
    ("/healthz", "/livez", "/readyz", "/metrics", "/version", "/api", "/apis", "/openapi/v2", "/openapi/v3")
)
LONG = frozenset(("WATCH", "CONNECT"))


class Metrics:
    """Counts requests, and reads off the cluster what it holds.

    Args:
        cluster: what is served.
        committer: writes it to disk, if it is kept.
    """

    def __init__(self, cluster: Cluster, committer: Committer | None = None) -> None:
        self._cluster, self._committer = cluster, committer
        self._started = time.time()
        labels = ("verb", "dry_run", *WHAT)
        about = "Requests answered, by verb, dry run, what they were about, and HTTP code."
        self.requests = Family("apiserver_request_total", about, "counter", (*labels, "code"))
        about = "Seconds from a request's arrival to the end of its answer; long-running requests are left out."
        self.durations = Histogram("apiserver_request_duration_seconds", about, SECONDS, labels)
        about = "Requests under way that are not long-running, by kind."
        self.inflight = Family("apiserver_current_inflight_requests", about, "gauge", ("request_kind",))
        about = "Watches, sessions and followed logs under way."
        self.long = Family("apiserver_longrunning_requests", about, "gauge", ("verb", *WHAT))
        about = "Events sent to watching clients."
        self.events = Family("apiserver_watch_events_total", about, "counter", ("group", "version", "resource"))
        about = "Requests refused because too many were under way."
        self.terminated = Family("apiserver_request_terminations_total", about, "counter", ("verb", *WHAT, "code"))
        for kind in ("mutating", "readOnly"):
            self.inflight.set(0, kind)

    def begin(self, exchange: Exchange) -> Meter:
        """A request is here."""
        return Meter(self, exchange)

    def labels(self, exchange: Exchange) -> tuple[str, ...]:
        """Verb, group, version, resource, subresource, scope and component of a request."""
        try:
            place = locate(exchange.path)
        except ApiError:
            place = None
        if place is None:
            path = exchange.path.rstrip("/")
            verb = exchange.method if exchange.method in METHODS else "other"
            return (verb, "", "", "", path if path in PATHS else "", "", "apiserver")
        served = self._cluster.server.scheme.served(place.group, place.version, place.resource)
        if served is None:
            return ("other" if exchange.method not in METHODS else exchange.method, "", "", "", "", "", "apiserver")
        known = not place.subresource or served.subresource(place.subresource) is not None
        scope = "resource" if place.name else "namespace" if place.namespace else "cluster"
        what = (served.group, served.version, served.plural, place.subresource if known else "", scope, "apiserver")
        return (_verb(exchange, place), *what)

    def text(self) -> str:
        """The page."""
        return text(
            (
                self.requests, self.durations, self.inflight, self.long, self.events, self.terminated,
                *self._storage(), *self.etcd(), *self._process(), *families_of_components(self._cluster),
            )
        )  # fmt: skip

    def _storage(self) -> Iterable[Family]:
        server = self._cluster.server
        about = "Stored objects, by resource."
        objects = Family("apiserver_storage_objects", about, "gauge", ("resource",))
        resources = Family("apiserver_resource_objects", about, "gauge", ("group", "resource"))
        for each in server.scheme.all_resources():
            if "list" not in each.verbs or each.kind == "ComponentStatus" or (each.group_resource,) in objects.values:
                continue
            try:
                prefix = server.endpoint(each.plural, each.group, each.version).prefix
            except ApiError:
                continue
            count = self._cluster.store.count(prefix)
            objects.set(count, each.group_resource)
            resources.set(count, each.group, each.plural)
        about = "Bytes of the database on disk, 0 where the cluster is not kept."
        size = Family("apiserver_storage_size_bytes", about, "gauge", ("storage_cluster_id",))
        size.set(self._size(), "etcd-0")
        return objects, resources, size

    def _size(self) -> int:
        """Bytes on disk."""
        if self._committer is None:
            return 0
        names = ("cluster.db", "cluster.db-wal")
        paths = [self._committer.keeper.directory.path / name for name in names]
        return sum(path.stat().st_size for path in paths if path.exists())

    def etcd(self) -> Iterable[Family | Histogram]:
        """What etcd tells."""
        store = self._cluster.store
        yield gauge("etcd_server_has_leader", "1 where there is a leader.", 1)
        yield gauge("etcd_debugging_mvcc_current_revision", "The store's revision.", store.revision)
        yield gauge(
            "etcd_debugging_mvcc_compact_revision", "Up to which revision the store was compacted.", store.compacted
        )
        yield gauge("etcd_debugging_mvcc_keys_total", "Keys in the store.", store.count("/"))
        about = "Bytes of the database on disk."
        yield gauge("etcd_mvcc_db_total_size_in_bytes", about, self._size())
        if self._committer is not None:
            yield self._committer.fsyncs

    def _process(self) -> Iterable[Family]:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        about = "Seconds of processor time, of the process and its kernel calls."
        yield gauge("process_cpu_seconds_total", about, round(usage.ru_utime + usage.ru_stime, 2), "counter")
        yield gauge("process_start_time_seconds", "When the server started, in Unix seconds.", self._started)
        yield gauge("process_max_fds", "So many files may be open.", _max_files())
        if os.path.isdir("/proc/self/fd"):
            yield gauge("process_open_fds", "So many files are open.", len(os.listdir("/proc/self/fd")))
            virtual, resident = _memory()
            yield gauge("process_virtual_memory_bytes", "Bytes of address space.", virtual)
            yield gauge("process_resident_memory_bytes", "Bytes in memory.", resident)
        yield _build()


class Meter:
    """One request, from its beginning to its end."""

    def __init__(self, metrics: Metrics, exchange: Exchange) -> None:
        self._metrics, self._exchange = metrics, exchange
        self._labels = metrics.labels(exchange)
        self._began = time.perf_counter()
        self.is_long = self._labels[0] in LONG or (
            self._labels[4] == "log" and exchange.query.get("follow") in ("true", "1")
        )
        self.kind = "readOnly" if exchange.method in ("GET", "HEAD") else "mutating"
        self._count(1)

    def told(self, events: int) -> None:
        """So many watch events were sent."""
        self._metrics.events.add(events, *self._labels[1:4])

    def terminated(self, code: int) -> None:
        """The server refused it to protect itself."""
        self._metrics.terminated.add(1, *self._labels, str(code))

    def end(self, code: int) -> None:
        """The answer is complete, or the client is gone (0)."""
        self._count(-1)
        verb, *what = self._labels
        dry_run = "All" if self._exchange.query.get("dryRun") == "All" else ""
        self._metrics.requests.add(1, verb, dry_run, *what, str(code or 0))
        if not self.is_long:
            self._metrics.durations.observe(time.perf_counter() - self._began, verb, dry_run, *what)

    def _count(self, amount: int) -> None:
        if self.is_long:
            self._metrics.long.add(amount, *self._labels)
        else:
            self._metrics.inflight.add(amount, self.kind)


def gauge(name: str, about: str, value: float, kind: str = "gauge") -> Family:
    """A family of one value."""
    made = Family(name, about, kind)
    made.set(value)
    return made


def _verb(exchange: Exchange, place: Place) -> str:
    if place.subresource in CONNECT - {"log"}:
        return "CONNECT"
    if exchange.method == "PATCH" and exchange.header("content-type").startswith(APPLY_PATCH):
        return "APPLY"
    return VERBS.get(verb_of(exchange, place), "other")


def _build() -> Family:
    fields = {
        "build_date": VERSION["buildDate"], "compiler": VERSION["compiler"], "git_commit": VERSION["gitCommit"],
        "git_tree_state": VERSION["gitTreeState"], "git_version": VERSION["gitVersion"],
        "go_version": VERSION["goVersion"], "major": VERSION["major"], "minor": VERSION["minor"],
        "platform": VERSION["platform"],
    }  # fmt: skip
    made = Family("kubernetes_build_info", "Always 1; the labels say which Kubernetes this is.", "gauge", tuple(fields))
    made.set(1, *fields.values())
    return made


def _memory() -> tuple[int, int]:
    with open("/proc/self/statm", encoding="ascii") as file:
        virtual, resident, *_ = file.read().split()
    return int(virtual) * resource.getpagesize(), int(resident) * resource.getpagesize()


def _max_files() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft != resource.RLIM_INFINITY else sys.maxsize
