"""Which machines a cluster has: names, shapes, zones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from typing import Any

from k8slab.api.quantity import QuantityError, milli
from k8slab.errors import K8sLabError
from k8slab.kubelet.node import NodeSpec
from k8slab.kubelet.text import duration
from k8slab.kubelet.thresholds import ThresholdError, thresholds
from k8slab.network.cni import POD_NETWORK

#: More nodes than Kubernetes supports (reference: "Considerations for large clusters") is surely a slip.
MAX_NODES = 15_000

Shape = Mapping[str, Any]
"""What a machine is: any of SHAPE_FIELDS, as `kubelet.NodeSpec` has them."""

SHAPE_FIELDS = (
    *("name", "cpu", "memory", "pods", "labels", "taints", "zone", "region", "ephemeral_storage", "pids"),
    *("system_reserved", "kube_reserved", "image_gc_high", "image_gc_low"),
    *("eviction_hard", "eviction_soft", "eviction_soft_grace", "eviction_minimum_reclaim", "eviction_max_grace"),
    *("shutdown_grace_period", "shutdown_grace_period_critical_pods"),
)


TABLES = {
    "system_reserved": '{"cpu": "200m"}',
    "kube_reserved": '{"memory": "500Mi"}',
    "eviction_hard": '{"memory.available": "500Mi"}',
    "eviction_soft": '{"memory.available": "1Gi"}',
    "eviction_soft_grace": '{"memory.available": "1m30s"}',
    "eviction_minimum_reclaim": '{"memory.available": "500Mi"}',
}
NUMBERS = {
    "pids": (100, 1 << 22),
    "image_gc_high": (1, 100),
    "image_gc_low": (0, 99),
    "eviction_max_grace": (0, 3600),
}


class TopologyError(K8sLabError):
    """The machines asked for cannot be; the message says which and why."""


def machines(workers: int | Sequence[Shape], control_planes: int, worker: Shape | None = None) -> list[NodeSpec]:
    """The machines of a cluster: control planes first, then workers.

    ``workers`` is a number, or a list of shapes such as ``{"cpu": "4", "memory": "8Gi", "zone": "a"}``; ``worker``
    is the shape of all workers where only their number is given. Raises TopologyError.

    >>> [machine.name for machine in machines(2, 1)]
    ['control-plane-1', 'worker-1', 'worker-2']
    """
    if not isinstance(control_planes, int) or control_planes not in (0, 1):
        raise TopologyError(f"control_planes must be 1 (or 0 for none), not {control_planes!r}")
    shapes = _shapes(workers, worker)
    specs = [_control_plane(number) for number in range(1, control_planes + 1)]
    specs += [_worker(number, shape) for number, shape in enumerate(shapes, 1)]
    names = [spec.name for spec in specs]
    doubles = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if doubles:
        raise TopologyError(f"two machines have the same name: {', '.join(doubles)}")
    return specs


def _shapes(workers: int | Sequence[Shape], worker: Shape | None) -> list[Shape]:
    if isinstance(workers, bool) or not isinstance(workers, int):
        if isinstance(workers, (str, bytes)) or not isinstance(workers, Sequence):
            raise TopologyError(f"workers must be a number or a list of shapes, not {workers!r}")
        _check_number(len(workers))
        return list(workers)
    _check_number(workers)
    return [worker or {}] * workers


def _check_number(workers: int) -> None:
    if workers < 0:
        raise TopologyError(f"workers must not be negative, but is {workers}")
    if workers > MAX_NODES:
        raise TopologyError(f"{workers} workers are more than this lab simulates ({MAX_NODES})")


def _control_plane(number: int) -> NodeSpec:
    return NodeSpec(name=f"control-plane-{number}", cpu="4", memory="8Gi", role="control-plane")


def _worker(number: int, shape: Shape) -> NodeSpec:
    where = f"worker {number}"
    if not isinstance(shape, Mapping):
        raise TopologyError(f"{where}: a shape is a dict with any of {', '.join(SHAPE_FIELDS)}, not {shape!r}")
    unknown = [name for name in shape if name not in SHAPE_FIELDS]
    if unknown:
        raise TopologyError(f"{where}: unknown field {unknown[0]!r}: a shape has {', '.join(SHAPE_FIELDS)}")
    fields = dict(shape)
    for name in ("cpu", "memory", "ephemeral_storage"):
        if name in fields:
            fields[name] = _quantity(where, name, fields[name])
    fields["labels"] = dict(fields.get("labels") or {})
    fields.setdefault("name", f"worker-{number}")
    _check_kubelet(where, fields)
    return NodeSpec(**fields)


def _check_kubelet(where: str, fields: Mapping[str, Any]) -> None:
    """A kubelet with such a configuration would not start. Raises TopologyError."""
    for name in TABLES:
        table = fields.get(name, {})
        if not isinstance(table, Mapping) or not all(isinstance(each, str) for each in table.values()):
            raise TopologyError(f"{where}: {name} is a dict such as {TABLES[name]}, not {table!r}")
    for name, (low, high) in NUMBERS.items():
        value = fields.get(name, low)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise TopologyError(f"{where}: {name} is a number from {low} to {high}, not {value!r}")
    try:
        for name in ("system_reserved", "kube_reserved"):
            for amount in fields.get(name, {}).values():
                milli(amount)
        for name in ("shutdown_grace_period", "shutdown_grace_period_critical_pods"):
            duration(fields.get(name, "0s"))
        thresholds(*(fields.get(name, {}) for name in list(TABLES)[2:]))
    except (QuantityError, ThresholdError, ValueError, TypeError) as error:
        raise TopologyError(f"{where}: {error}") from None


def _quantity(where: str, name: str, value: object) -> str:
    try:
        if milli(str(value)) > 0:
            return str(value)
        problem = "must be more than zero"
    except QuantityError as error:
        problem = str(error)
    raise TopologyError(f"{where}: {name} {value!r}: {problem}")


def pod_network(nodes: int) -> str:
    """The smallest range around 10.244.0.0/16 that has a /24 of Pod addresses for each node (--cluster-cidr).

    >>> [pod_network(count) for count in (4, 256, 257, 5000)]
    ['10.244.0.0/16', '10.244.0.0/16', '10.244.0.0/15', '10.224.0.0/11']
    """
    prefix = min(16, 24 - (nodes - 1).bit_length())
    return str(ip_network(f"{POD_NETWORK}/{prefix}", strict=False))
