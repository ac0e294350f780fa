"""What a Pod asks for, in integers: milli-CPU, bytes, and units of anything else.

Follows component-helpers/resource/helpers.go (PodRequests) and pkg/scheduler/util/pod_resources.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8slab.api.quantity import milli, value

DEFAULT_MILLI_CPU = 100
DEFAULT_MEMORY = 200 * 1024 * 1024
"""What a container without a request counts as when nodes are scored."""

NONZERO: Mapping[str, int] = {"cpu": DEFAULT_MILLI_CPU, "memory": DEFAULT_MEMORY}
NO_DEFAULTS: Mapping[str, int] = {}
NATIVE = ("cpu", "memory", "ephemeral-storage")

Amounts = dict[str, int]


def amount(resource: str, quantity: Any) -> int:
    """A quantity as the scheduler counts it: milli-CPU, or whole units, rounded up."""
    return milli(quantity) if resource == "cpu" else value(quantity)


def amounts(quantities: Mapping[str, Any] | None) -> Amounts:
    """A resource list in integers."""
    return {name: amount(name, quantity) for name, quantity in (quantities or {}).items()}


def pod_requests(pod: Any, missing: Mapping[str, int] = NO_DEFAULTS, pod_level: bool = True) -> Amounts:
    """All that a Pod requests.

    Args:
        pod: the Pod.
        missing: what a container counts as that does not request such a resource.
        pod_level: whether `spec.resources` replaces the containers' sum.
    """
    spec = pod.spec
    total = _containers(pod, missing)
    if pod_level and spec.resources is not None:
        for name, quantity in (spec.resources.requests or {}).items():
            if _pod_level(name):
                total[name] = amount(name, quantity)
    _add(total, amounts(spec.overhead))
    return total


def nonzero_requests(pod: Any, requests: Amounts) -> tuple[int, int]:
    """Milli-CPU and bytes that a placed Pod counts as when nodes are scored (PodInfo.CalculateResource)."""
    missing = NONZERO
    if has_pod_level(pod):
        missing = {name: default for name, default in NONZERO.items() if name not in requests}
    found = pod_requests(pod, missing) if missing else requests
    return found.get("cpu", 0), found.get("memory", 0)


def has_pod_level(pod: Any) -> bool:
    """Whether `spec.resources.requests` names anything that counts for the Pod as a whole."""
    resources = pod.spec.resources
    return resources is not None and any(_pod_level(name) for name in resources.requests or ())


def is_scalar(resource: str) -> bool:
    """Whether a resource is an extended one, huge pages or an attachable volume (v1helper.IsScalarResourceName)."""
    return resource not in NATIVE and resource != "pods"


def _pod_level(resource: str) -> bool:
    return resource in ("cpu", "memory") or resource.startswith("hugepages-")


def _containers(pod: Any, missing: Mapping[str, int]) -> Amounts:
    spec = pod.spec
    actual = actual_requests(pod)
    total: Amounts = {}
    for container in spec.containers or ():
        _add(total, _container(container, missing, actual))
    sidecars: Amounts = {}
    peak: Amounts = {}
    for container in spec.initContainers or ():
        own = _container(container, missing, actual)
        if container.restartPolicy == "Always":
            _add(total, own)
            _add(sidecars, own)
            _raise_to(peak, sidecars)
        else:
            _add(own, sidecars)
            _raise_to(peak, own)
    _raise_to(total, peak)
    return total


def _container(container: Any, missing: Mapping[str, int], actual: Mapping[str, Amounts]) -> Amounts:
    resources = container.resources
    own = amounts(resources.requests) if resources is not None else {}
    if container.name in actual:
        _raise_to(own, actual[container.name])
    for name, default in missing.items():
        own.setdefault(name, default)
    return own


def actual_requests(pod: Any) -> dict[str, Amounts]:
    """Of containers that are being resized: what they still, or already, hold according to their status."""
    status = pod.status
    if status is None or status.containerStatuses is None:
        return {}
    wanted = {one.name: one.resources for one in pod.spec.containers or ()}
    found: dict[str, Amounts] = {}
    for one in status.containerStatuses:
        spec = wanted.get(one.name)
        asked = (spec.requests if spec is not None else None) or {}
        running = (one.resources.requests if one.resources is not None else None) or {}
        allocated = one.allocatedResources or {}
        if (running and running != asked) or (allocated and allocated != asked):
            held = amounts(running)
            _raise_to(held, amounts(allocated))
            found[one.name] = held
    return found


def _add(total: Amounts, more: Mapping[str, int]) -> None:
    for name, number in more.items():
        total[name] = total.get(name, 0) + number


def _raise_to(total: Amounts, other: Mapping[str, int]) -> None:
    for name, number in other.items():
        if number > total.get(name, 0):
            total[name] = number
        else:
            total.setdefault(name, number)
