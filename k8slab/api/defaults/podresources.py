"""Requests of a whole Pod (`spec.resources`), filled in from its limits and its containers."""

from __future__ import annotations

from k8slab.api.base import Quantity
from k8slab.api.core_v1 import PodSpec
from k8slab.api.quantity import add, compare

Amounts = dict[str, Quantity]


def pod_level_requests(spec: PodSpec) -> PodSpec:
    """If a Pod has resources of its own, requests it lacks are those of its containers, else its limits.

    Follows `defaultPodRequests` in `pkg/apis/core/v1/defaults.go`.
    """
    if spec.resources is None or not (spec.resources.limits or spec.resources.requests):
        return spec
    requests = spec.resources.requests or {}
    candidates = _container_requests(spec) | {}
    for name, amount in (spec.resources.limits or {}).items():
        candidates.setdefault(name, amount)
    missing = {name: amount for name, amount in candidates.items() if name not in requests and _pod_level(name)}
    if not missing:
        return spec
    return spec.replace(resources=spec.resources.replace(requests=requests | missing))


def _pod_level(name: str) -> bool:
    return name in ("cpu", "memory") or name.startswith("hugepages-")


def _container_requests(spec: PodSpec) -> Amounts:
    """What the containers need together: sums, but at least what each init container needs when it runs."""
    total: Amounts = {}
    for item in spec.containers or ():
        total = _sum(total, item.resources.requests or {})
    sidecars: Amounts = {}
    peak: Amounts = {}
    for item in spec.initContainers or ():
        needed = item.resources.requests or {}
        if item.restartPolicy == "Always":
            total, sidecars = _sum(total, needed), _sum(sidecars, needed)
            needed = sidecars
        else:
            needed = _sum(sidecars, needed)
        peak = _larger(peak, needed)
    return _larger(total, peak)


def _sum(left: Amounts, right: Amounts) -> Amounts:
    return left | {name: add(left[name], amount) if name in left else amount for name, amount in right.items()}


def _larger(left: Amounts, right: Amounts) -> Amounts:
    bigger = {name: amount for name, amount in right.items() if name not in left or compare(left[name], amount) < 0}
    return left | bigger
