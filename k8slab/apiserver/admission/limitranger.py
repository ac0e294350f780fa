"""LimitRanger: defaults and bounds of what containers, Pods and claims may ask for.

Follows `plugin/pkg/admission/limitranger/admission.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from k8slab.api.core_v1 import ResourceRequirements
from k8slab.api.quantity import canonical, milli
from k8slab.api.resources import pod_limits, pod_requests
from k8slab.apiserver.admission.plugin import Plugin, refuse
from k8slab.apiserver.meta import with_meta

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call

ANNOTATION = "kubernetes.io/limit-ranger"
Amounts = dict[str, Any]


class LimitRanger(Plugin):
    """Applies the LimitRanges of a namespace."""

    name = "LimitRanger"
    resources = frozenset({("", "pods"), ("", "persistentvolumeclaims")})
    operations = frozenset({"CREATE", "UPDATE"})

    def admit(self, call: Call, obj: Any, old: Any) -> Any:
        """Fill in default requests and limits of new Pods."""
        if call.operation != "CREATE" or obj.kind != "Pod":
            return obj
        for limit_range in _limit_ranges(call):
            obj = _with_defaults(obj, limit_range)
        return obj

    def validate(self, call: Call, obj: Any, old: Any) -> None:
        """Refuse what is out of bounds."""
        if obj.kind == "Pod" and call.operation == "UPDATE":
            return
        for limit_range in _limit_ranges(call):
            check = _pod_problems if obj.kind == "Pod" else _claim_problems
            problems = [text for item in _items(limit_range) for text in check(obj, item)]
            if problems:
                unique = list(dict.fromkeys(problems))
                raise refuse(call, obj, unique[0] if len(unique) == 1 else f"[{', '.join(unique)}]")


def _limit_ranges(call: Call) -> list[Any]:
    return call.server.peek_all("limitranges", call.namespace)


def _items(limit_range: Any) -> tuple[Any, ...]:
    """What a LimitRange limits: nothing where it has no spec."""
    return (limit_range.spec.limits if limit_range.spec is not None else None) or ()


def _with_defaults(pod: Any, limit_range: Any) -> Any:
    limits, requests = _container_defaults(limit_range)
    if not limits and not requests:
        return pod
    notes: list[str] = []
    containers = tuple(_filled(each, limits, requests, "container", notes) for each in pod.spec.containers or ())
    initial = tuple(_filled(each, limits, requests, "init container", notes) for each in pod.spec.initContainers or ())
    if not notes:
        return pod
    pod = pod.replace(spec=pod.spec.replace(containers=containers, initContainers=initial or pod.spec.initContainers))
    annotations = (pod.metadata.annotations or {}) | {ANNOTATION: f"LimitRanger plugin set: {'; '.join(notes)}"}
    return with_meta(pod, annotations=annotations)


def _container_defaults(limit_range: Any) -> tuple[Amounts, Amounts]:
    limits: Amounts = {}
    requests: Amounts = {}
    for item in _items(limit_range):
        if item.type == "Container":
            limits |= item.default or {}
            requests |= item.defaultRequest or {}
    return limits, requests


def _filled(container: Any, limits: Amounts, requests: Amounts, what: str, notes: list[str]) -> Any:
    resources = container.resources or ResourceRequirements()
    new_requests = {name: amount for name, amount in requests.items() if name not in (resources.requests or {})}
    new_limits = {name: amount for name, amount in limits.items() if name not in (resources.limits or {})}
    if new_requests:
        notes.append(f"{', '.join(sorted(new_requests))} request for {what} {container.name}")
    if new_limits:
        notes.append(f"{', '.join(sorted(new_limits))} limit for {what} {container.name}")
    if not new_requests and not new_limits:
        return container
    changed = resources.replace(
        requests=(resources.requests or {}) | new_requests or None, limits=(resources.limits or {}) | new_limits or None
    )
    return container.replace(resources=changed)


def _pod_problems(pod: Any, item: Any) -> Iterator[str]:
    if item.type == "Container":
        for container in (*(pod.spec.containers or ()), *(pod.spec.initContainers or ())):
            resources = container.resources or ResourceRequirements()
            yield from _problems(item, resources.requests or {}, resources.limits or {})
    elif item.type == "Pod":
        yield from _problems(item, pod_requests(pod), pod_limits(pod))


def _claim_problems(claim: Any, item: Any) -> Iterator[str]:
    if item.type != "PersistentVolumeClaim":
        return
    resources = claim.spec.resources if claim.spec is not None else None
    requests = (resources.requests if resources is not None else None) or {}
    for name, bound in sorted((item.min or {}).items()):
        yield from _at_least(name, item.type, bound, requests, {})
    for name, bound in sorted((item.max or {}).items()):
        yield from _request_at_most(name, item.type, bound, requests)


def _problems(item: Any, requests: Amounts, limits: Amounts) -> Iterator[str]:
    rules: tuple[tuple[Amounts | None, Callable[..., Iterator[str]]], ...] = (
        (item.min, _at_least),
        (item.max, _at_most),
        (item.maxLimitRequestRatio, _ratio_at_most),
    )
    for bounds, rule in rules:
        for name, bound in sorted((bounds or {}).items()):
            yield from rule(name, item.type, bound, requests, limits)


def _at_least(name: str, kind: str, bound: Any, requests: Amounts, limits: Amounts) -> Iterator[str]:
    text = f"minimum {name} usage per {kind} is {canonical(bound)}"
    if name not in requests:
        yield f"{text}.  No request is specified"
        return
    if milli(requests[name]) < milli(bound):
        yield f"{text}, but request is {canonical(requests[name])}"
    elif name in limits and milli(limits[name]) < milli(bound):
        yield f"{text}, but limit is {canonical(limits[name])}"


def _request_at_most(name: str, kind: str, bound: Any, requests: Amounts) -> Iterator[str]:
    text = f"maximum {name} usage per {kind} is {canonical(bound)}"
    if name not in requests:
        yield f"{text}.  No request is specified"
    elif milli(requests[name]) > milli(bound):
        yield f"{text}, but request is {canonical(requests[name])}"


def _at_most(name: str, kind: str, bound: Any, requests: Amounts, limits: Amounts) -> Iterator[str]:
    text = f"maximum {name} usage per {kind} is {canonical(bound)}"
    if name not in limits:
        yield f"{text}.  No limit is specified"
    elif milli(limits[name]) > milli(bound):
        yield f"{text}, but limit is {canonical(limits[name])}"
    elif name in requests and milli(requests[name]) > milli(bound):
        yield f"{text}, but request is {canonical(requests[name])}"


def _ratio_at_most(name: str, kind: str, bound: Any, requests: Amounts, limits: Amounts) -> Iterator[str]:
    text = f"{name} max limit to request ratio per {kind} is {canonical(bound)}"
    request, limit = milli(requests.get(name, 0)), milli(limits.get(name, 0))
    if not request:
        yield f"{text}, but no request is specified or request is 0"
    elif not limit:
        yield f"{text}, but no limit is specified or limit is 0"
    elif limit * 1000 > milli(bound) * request:
        yield f"{text}, but provided ratio is {limit / request:f}"
