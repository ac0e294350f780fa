"""Where an autoscaler gets its measurements from.

The real one asks three APIs, each of which somebody has to install: `metrics.k8s.io` (metrics-server),
`custom.metrics.k8s.io` and `external.metrics.k8s.io`. Follows pkg/controller/podautoscaler/metrics/client.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from msgspec import Struct

from k8slab.api.core_v1 import Pod
from k8slab.sim.clock import SECOND

NOT_FOUND = "the server could not find the requested resource"


class MetricsError(Exception):
    """There is no such measurement; the text is that of the metrics client."""


class Sample(Struct, frozen=True):
    """One measurement in thousandths (of a core, of a byte): its time in microseconds since 1970, and its window."""

    value: int
    time: int
    window: int = 30 * SECOND


Samples = dict[str, Sample]
"""By the Pod's name."""


class Metrics(Protocol):
    """The three metrics APIs. Each method raises MetricsError where there is no answer."""

    def resource(self, name: str, namespace: str, pods: Iterable[Pod], container: str) -> Samples:
        """What Pods (or one container of each) use of `cpu` or `memory`; Pods not measured yet are left out."""

    def of_pods(self, name: str, namespace: str, pods: Iterable[Pod], selector: str) -> Samples:
        """A metric that Pods have themselves."""

    def of_object(self, name: str, namespace: str, about: Any, selector: str) -> Sample:
        """A metric of some object (a `CrossVersionObjectReference`)."""

    def external(self, name: str, namespace: str, selector: str) -> list[int]:
        """The values (thousandths) of a metric from outside of the cluster."""


class NoMetrics:
    """No metrics API is installed."""

    def resource(self, name: str, namespace: str, pods: Iterable[Pod], container: str) -> Samples:
        """Nothing serves metrics.k8s.io."""
        raise MetricsError(f"unable to fetch metrics from resource metrics API: {NOT_FOUND} (get pods.metrics.k8s.io)")

    def of_pods(self, name: str, namespace: str, pods: Iterable[Pod], selector: str) -> Samples:
        """Nothing serves custom.metrics.k8s.io."""
        raise MetricsError(_no_api("custom"))

    def of_object(self, name: str, namespace: str, about: Any, selector: str) -> Sample:
        """Nothing serves custom.metrics.k8s.io."""
        raise MetricsError(_no_api("custom"))

    def external(self, name: str, namespace: str, selector: str) -> list[int]:
        """Nothing serves external.metrics.k8s.io."""
        raise MetricsError(_no_api("external"))


def _no_api(kind: str) -> str:
    return f"unable to fetch metrics from {kind} metrics API: no {kind} metrics API ({kind}.metrics.k8s.io) registered"
