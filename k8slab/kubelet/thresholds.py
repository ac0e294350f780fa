"""Eviction thresholds as the kubelet's configuration writes them (pkg/kubelet/eviction/helpers.go, api/types.go)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from k8slab.api import quantity
from k8slab.errors import K8sLabError
from k8slab.kubelet.text import duration

HARD = {"memory.available": "100Mi", "nodefs.available": "10%", "imagefs.available": "15%"}
"""evictionHard by default. There is none for pid.available."""
RESOURCES = {
    "memory.available": "memory",
    "nodefs.available": "ephemeral-storage",
    "imagefs.available": "ephemeral-storage",
    "pid.available": "pids",
}
CONDITIONS = {
    "memory.available": "MemoryPressure",
    "nodefs.available": "DiskPressure",
    "imagefs.available": "DiskPressure",
    "pid.available": "PIDPressure",
}


class ThresholdError(K8sLabError):
    """A kubelet with such thresholds would not start."""


class Observation(NamedTuple):
    """What there is of something, and how much of it is left."""

    available: int
    capacity: int


class Threshold(NamedTuple):
    """Below `value` of `signal` (for `grace` microseconds where that is not 0) Pods are evicted."""

    signal: str
    value: str
    grace: int = 0
    reclaim: str = "0"

    @property
    def resource(self) -> str:
        """The resource that is short."""
        return RESOURCES[self.signal]

    @property
    def condition(self) -> str:
        """The node's condition while it is."""
        return CONDITIONS[self.signal]

    def met(self, seen: Observation, with_reclaim: bool = False) -> bool:
        """Whether less is left than there must be; after an eviction, the minimum to reclaim is wanted as well."""
        wanted = amount(self.value, seen.capacity)
        if with_reclaim:
            wanted += amount(self.reclaim, seen.capacity)
        return seen.available < wanted


def amount(value: str, capacity: int) -> int:
    """A threshold's value in bytes (or pieces): an amount, or a share of the capacity.

    >>> amount("10%", 2000), amount("1Ki", 2000)
    (200, 1024)
    """
    if value.endswith("%"):
        return int(float(value[:-1]) / 100 * capacity)
    return quantity.value(value)


def thresholds(
    hard: Mapping[str, str], soft: Mapping[str, str], grace: Mapping[str, str], reclaim: Mapping[str, str]
) -> tuple[Threshold, ...]:
    """A kubelet's thresholds, hard ones first. What `hard` does not name keeps its default.

    Raises ThresholdError for signals that do not exist, unreadable values and soft thresholds without a grace period.
    """
    found = [Threshold(_known(signal), _checked(signal, value)) for signal, value in {**HARD, **hard}.items()]
    for signal, value in soft.items():
        if signal not in grace:
            raise ThresholdError(f"grace period must be specified for the soft eviction threshold {signal}")
        found.append(Threshold(_known(signal), _checked(signal, value), duration(grace[signal])))
    found = [each for each in found if each.value not in ("0", "0%")]
    return tuple(each._replace(reclaim=_checked(each.signal, reclaim.get(each.signal, "0"))) for each in found)


def _known(signal: str) -> str:
    if signal not in RESOURCES:
        raise ThresholdError(f"unsupported eviction signal {signal}")
    return signal


def _checked(signal: str, value: str) -> str:
    try:
        amount(str(value), 100)
    except ValueError:
        raise ThresholdError(f"eviction threshold {signal}: invalid value {value!r}: write 500Mi or 10%") from None
    return str(value)
