"""GET /metrics: what the server has done, as Prometheus text (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from k8slab.cluster.cluster import Cluster


class Metrics:
    """Counts answers, and reads off the cluster what it holds. Names are those of kube-apiserver and etcd."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._requests: Counter[tuple[str, int]] = Counter()

    def count(self, method: str, code: int) -> None:
        """Note an answer."""
        self._requests[method, code] += 1

    def text(self) -> str:
        """All metrics."""
        requests = [(f'code="{code}",verb="{verb}"', count) for (verb, code), count in sorted(self._requests.items())]
        lines = [
            *_family("apiserver_request_total", "counter", "Requests by verb and HTTP code.", requests),
            *_family("apiserver_storage_objects", "gauge", "Stored objects by resource.", self._objects()),
            *_family("etcd_server_revision", "gauge", "The store's revision.", [("", self._cluster.store.revision)]),
        ]
        return "\n".join((*lines, ""))

    def _objects(self) -> list[tuple[str, int]]:
        server = self._cluster.server
        found: dict[str, int] = {}
        for resource in server.scheme.all_resources():
            if "list" in resource.verbs and resource.kind != "ComponentStatus":
                endpoint = server.endpoint(resource.plural, resource.group, resource.version)
                found.setdefault(resource.group_resource, self._cluster.store.count(endpoint.prefix))
        return [(f'resource="{name}"', count) for name, count in sorted(found.items())]


def _family(name: str, kind: str, about: str, samples: Iterable[tuple[str, int]]) -> list[str]:
    lines = [f"{name}{{{labels}}} {value}" if labels else f"{name} {value}" for labels, value in samples]
    return [f"# HELP {name} {about}", f"# TYPE {name} {kind}", *lines]
