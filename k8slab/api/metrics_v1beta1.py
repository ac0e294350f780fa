"""Types of metrics.k8s.io/v1beta1, which metrics-server serves (k8s.io/metrics/pkg/apis/metrics/v1beta1)."""

from __future__ import annotations

from typing import ClassVar

from msgspec import field

from k8slab.api.base import KubeObject, KubeStruct, Quantity, Time, constant
from k8slab.api.meta_v1 import ObjectMeta


class ContainerMetrics(KubeStruct):
    """What one container uses."""

    GO_TYPE: ClassVar[str] = "v1beta1.ContainerMetrics"
    FORMAT: ClassVar[dict[str, str]] = {"usage": "quantity"}
    name: str | None = None
    usage: dict[str, Quantity] | None = None


class NodeMetrics(KubeObject):
    """What a node uses: of its cores, and its working set."""

    GO_TYPE: ClassVar[str] = "v1beta1.NodeMetrics"
    FORMAT: ClassVar[dict[str, str]] = {"timestamp": "time", "usage": "quantity"}
    apiVersion: str = field(default_factory=constant("metrics.k8s.io/v1beta1"))
    kind: str = field(default_factory=constant("NodeMetrics"))
    metadata: ObjectMeta = field(default_factory=ObjectMeta)
    timestamp: Time | None = None
    window: str | None = None
    usage: dict[str, Quantity] | None = None


class PodMetrics(KubeObject):
    """What the containers of a Pod use."""

    GO_TYPE: ClassVar[str] = "v1beta1.PodMetrics"
    FORMAT: ClassVar[dict[str, str]] = {"timestamp": "time"}
    apiVersion: str = field(default_factory=constant("metrics.k8s.io/v1beta1"))
    kind: str = field(default_factory=constant("PodMetrics"))
    metadata: ObjectMeta = field(default_factory=ObjectMeta)
    timestamp: Time | None = None
    window: str | None = None
    containers: tuple[ContainerMetrics, ...] | None = None
