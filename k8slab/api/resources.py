"""What a Pod asks for: requests and limits as scheduler and kubelet add them up, and the QoS class.

Follows component-helpers' `resource/helpers.go` and `pkg/apis/core/v1/helper/qos`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from k8slab.api.core_v1 import Container, ContainerStatus, Pod
from k8slab.api.quantity import add, compare, is_zero

ResourceList = dict[str, Any]
"""Resource name -> quantity."""

GUARANTEED, BURSTABLE, BEST_EFFORT = "Guaranteed", "Burstable", "BestEffort"


def pod_requests(pod: Pod, overhead: bool = True, use_status: bool = False) -> ResourceList:
    """What the Pod asks for: its containers at their peak (or the Pod-level request), plus the overhead.

    Args:
        pod: a Pod with defaults set (limits without requests count as requests only through the defaults).
        overhead: add `spec.overhead`.
        use_status: count what containers actually have where that is more, as the scheduler does during a resize.
    """
    reported = _statuses(pod) if use_status else {}
    result = _peak(pod, lambda container: _container_requests(container, reported.get(container.name)))
    _override(result, pod.spec.resources.requests if pod.spec.resources is not None else None)
    if overhead and pod.spec.overhead:
        _add_all(result, pod.spec.overhead)
    return result


def pod_limits(pod: Pod, overhead: bool = True) -> ResourceList:
    """What the Pod may use at most; a resource without a limit is missing."""
    result = _peak(pod, lambda container: (container.resources and container.resources.limits) or {})
    _override(result, pod.spec.resources.limits if pod.spec.resources is not None else None)
    if overhead and pod.spec.overhead:
        _add_all(result, {name: amount for name, amount in pod.spec.overhead.items() if name in result})
    return result


def container_requests(container: Container) -> ResourceList:
    """What one container asks for."""
    return (container.resources and container.resources.requests) or {}


def is_sidecar(container: Container) -> bool:
    """Whether an init container keeps running beside the app (`restartPolicy: Always`)."""
    return container.restartPolicy == "Always"


def _peak(pod: Pod, amounts: Any) -> ResourceList:
    """The sum over app containers and sidecars, or what the start needs where that is more."""
    running: ResourceList = {}
    for container in pod.spec.containers or ():
        _add_all(running, amounts(container))
    sidecars: ResourceList = {}
    starting: ResourceList = {}
    for container in pod.spec.initContainers or ():
        wanted = dict(amounts(container))
        if is_sidecar(container):
            _add_all(running, wanted)
            _add_all(sidecars, wanted)
            wanted = dict(sidecars)
        else:
            _add_all(wanted, sidecars)
        _raise_to(starting, wanted)
    _raise_to(running, starting)
    return running


def _container_requests(container: Container, status: ContainerStatus | None) -> ResourceList:
    wanted = dict(container_requests(container))
    if status is not None:
        _raise_to(wanted, status.allocatedResources or {})
        _raise_to(wanted, (status.resources and status.resources.requests) or {})
    return wanted


def _statuses(pod: Pod) -> dict[str, ContainerStatus]:
    if pod.status is None:
        return {}
    groups: Iterable[ContainerStatus] = (
        *(pod.status.containerStatuses or ()),
        *(pod.status.initContainerStatuses or ()),
    )
    return {status.name: status for status in groups}


def _override(result: ResourceList, pod_level: Mapping[str, Any] | None) -> None:
    for name, amount in (pod_level or {}).items():
        if name in ("cpu", "memory") or name.startswith("hugepages-"):
            result[name] = amount


def _add_all(result: ResourceList, amounts: Mapping[str, Any]) -> None:
    for name, amount in amounts.items():
        result[name] = add(result[name], amount) if name in result else amount


def _raise_to(result: ResourceList, amounts: Mapping[str, Any]) -> None:
    for name, amount in amounts.items():
        if name not in result or compare(amount, result[name]) > 0:
            result[name] = amount


def qos_class(pod: Pod) -> str:
    """Guaranteed, Burstable or BestEffort; only CPU and memory count, and Pod-level resources go first."""
    requests: ResourceList = {}
    limits: ResourceList = {}
    is_guaranteed = True
    for owner in _qos_owners(pod):
        resources = owner.resources
        limited = _positive(resources and resources.limits)
        _add_all(requests, _positive(resources and resources.requests))
        _add_all(limits, limited)
        is_guaranteed = is_guaranteed and len(limited) == 2
    if not requests and not limits:
        return BEST_EFFORT
    same = requests.keys() == limits.keys() and all(compare(requests[name], limits[name]) == 0 for name in requests)
    return GUARANTEED if is_guaranteed and same else BURSTABLE


def _qos_owners(pod: Pod) -> tuple[Any, ...]:
    resources = pod.spec.resources
    if resources is not None and (resources.requests or resources.limits):
        return (pod.spec,)
    return (*(pod.spec.containers or ()), *(pod.spec.initContainers or ()))


def _positive(amounts: Mapping[str, Any] | None) -> ResourceList:
    return {
        name: amount for name, amount in (amounts or {}).items() if name in ("cpu", "memory") and not is_zero(amount)
    }
