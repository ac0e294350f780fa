"""Who gets how much of a node's processors: limits as CFS quota, requests as shares where there is not enough.

A container never gets more than its limit (it is throttled), and where all want more than there is, what they get is
in the proportion of their shares: 1024 a core of request, and 2 without one (cm/helpers_linux.go MilliCPUToShares).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from k8slab.api import quantity
from k8slab.kubelet.container import RUNNING, Container

if TYPE_CHECKING:
    from k8slab.kubelet.kubelet import Kubelet

SYSTEM_CPU = 45
"""Millicores that kubelet, runtime and operating system use."""
SYSTEM_MEMORY = 300 * 2**20
LEAST_SHARES, SHARES_PER_CORE = 2, 1024


class Want(NamedTuple):
    """What a container would use if it were alone (millicores), and its weight."""

    millicores: int
    shares: int


class Got(NamedTuple):
    """What a container uses: millicores, how many it would have liked to, and its limit (0: none)."""

    millicores: int
    wanted: int
    limit: int

    @property
    def throttled(self) -> bool:
        """Its quota holds it back."""
        return bool(self.limit) and self.wanted > self.limit


def shared(wants: Sequence[Want], capacity: int) -> list[int]:
    """Give each what it wants where there is enough, otherwise in proportion of the shares.

    >>> shared([Want(900, 1024), Want(900, 512), Want(100, 2)], 1500)
    [900, 597, 2]
    """
    got = [0] * len(wants)
    open_, left = list(range(len(wants))), capacity
    while open_ and left > 0:
        weight = sum(wants[i].shares for i in open_)
        content = [i for i in open_ if wants[i].millicores * weight <= left * wants[i].shares]
        if not content:
            for i in open_:
                got[i] = left * wants[i].shares // weight
            return got
        for i in content:
            got[i] = wants[i].millicores
            left -= got[i]
        open_ = [i for i in open_ if i not in content]
    return got


def processors(kubelet: Kubelet, now: int, loads: Mapping[str, float]) -> dict[str, Got]:
    """What each running container of a node uses of its processors, by container ID.

    Args:
        kubelet: the node's.
        now: lab time.
        loads: requests per second that containers are asked, by container ID.
    """
    running = [c for w in kubelet.workers.values() for c in w.containers if c.state == RUNNING and c.started_at <= now]
    wanted = [wish(c, now, loads.get(c.id, 0.0)) for c in running]
    limits = [limit_of(c) for c in running]
    wants = [
        Want(min(most, limit) if limit else most, shares_of(c))
        for c, most, limit in zip(running, wanted, limits, strict=True)
    ]
    got = shared(wants, quantity.milli(kubelet.node.cpu) - SYSTEM_CPU)
    return {c.id: Got(got[i], wanted[i], limits[i]) for i, c in enumerate(running)}


def wish(container: Any, now: int, load: float) -> int:
    """Millicores that a container would use if nothing held it back."""
    process = container.process
    return process.cpu(now) + round(load * process.program.cpu_per_request / 1000)


def limit_of(container: Container) -> int:
    """A container's limit in millicores, 0 without one."""
    limits = (container.actual.limits if container.actual else None) or {}
    return quantity.milli(limits.get("cpu") or 0)


def shares_of(container: Container) -> int:
    """A container's weight."""
    resources = container.actual
    requests = (resources.requests if resources else None) or {}
    return max(LEAST_SHARES, quantity.milli(requests.get("cpu") or 0) * SHARES_PER_CORE // 1000)


def system_memory(capacity: int) -> int:
    """Bytes that a node's own programs use; small machines run small systems."""
    return min(SYSTEM_MEMORY, capacity // 20)
