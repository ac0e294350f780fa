"""What one object costs a ResourceQuota (`pkg/quota/v1/evaluator/core`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8slab.api.podphase import is_terminal
from k8slab.api.quantity import add, sub
from k8slab.api.resources import BEST_EFFORT, pod_limits, pod_requests, qos_class

Usage = dict[str, Any]

COMPUTE = ("cpu", "memory", "ephemeral-storage")
BY_NAME = ("configmaps", "secrets", "services", "replicationcontrollers", "resourcequotas", "persistentvolumeclaims")
HUGE = "hugepages-"
STORAGE_CLASS = ".storageclass.storage.k8s.io/"
OF_PODS = frozenset({"pods", *(f"{prefix}{name}" for prefix in ("", "requests.", "limits.") for name in COMPUTE)})
OF_SERVICES = frozenset({"services", "services.nodeports", "services.loadbalancers"})
OF_CLAIMS = frozenset({"persistentvolumeclaims", "requests.storage"})
MUST_SPECIFY = frozenset({"cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"})


def usage_of(group: str, plural: str, obj: Any) -> Usage:
    """All that the object costs, whatever a quota may count of it."""
    counted = f"count/{plural}.{group}" if group else f"count/{plural}"
    usage: Usage = {counted: "1"}
    if group:
        return usage
    if plural in BY_NAME:
        usage[plural] = "1"
    if plural == "pods":
        usage |= _pod_usage(obj)
    elif plural == "services":
        usage |= _service_usage(obj)
    elif plural == "persistentvolumeclaims":
        usage |= _claim_usage(obj)
    return usage


def matching(group: str, plural: str, names: Iterable[str]) -> list[str]:
    """Those of the names in a quota that count such objects, sorted."""
    counted = f"count/{plural}.{group}" if group else f"count/{plural}"
    return sorted(name for name in names if name == counted or (not group and _counts(plural, name)))


def _counts(plural: str, name: str) -> bool:
    if plural == "pods":
        extended = name.startswith("requests.") and ("/" in name or name.startswith(f"requests.{HUGE}"))
        return name in OF_PODS or name.startswith(HUGE) or extended
    if plural == "persistentvolumeclaims":
        return name in OF_CLAIMS or name.partition(STORAGE_CLASS)[2] in OF_CLAIMS
    return name in OF_SERVICES if plural == "services" else name == plural and name in BY_NAME


def _pod_usage(pod: Any) -> Usage:
    if is_terminal(pod):  # it holds no resources any more
        return {}
    usage: Usage = {"pods": "1"}
    for name, amount in pod_requests(pod).items():
        usage[f"requests.{name}"] = amount
        if name in COMPUTE or name.startswith(HUGE):
            usage[name] = amount
    for name, amount in pod_limits(pod).items():
        if name in COMPUTE:
            usage[f"limits.{name}"] = amount
    return usage


def _service_usage(service: Any) -> Usage:
    usage: Usage = {}
    ports = len(service.spec.ports or ())
    if service.spec.type == "LoadBalancer":
        usage["services.loadbalancers"] = "1"
        has_ports = service.spec.allocateLoadBalancerNodePorts is not False
        usage["services.nodeports"] = str(ports if has_ports else 0)
    elif service.spec.type == "NodePort":
        usage["services.nodeports"] = str(ports)
    return usage


def _claim_usage(claim: Any) -> Usage:
    resources = claim.spec.resources
    storage = ((resources.requests if resources is not None else None) or {}).get("storage")
    usage: Usage = {"requests.storage": storage} if storage is not None else {}
    if claim.spec.storageClassName:
        prefix = f"{claim.spec.storageClassName}{STORAGE_CLASS}"
        usage[f"{prefix}persistentvolumeclaims"] = "1"
        if storage is not None:
            usage[f"{prefix}requests.storage"] = storage
    return usage


def difference(new: Usage, old: Usage) -> Usage:
    """What `new` costs more than `old`."""
    return {name: sub(amount, old.get(name, "0")) for name, amount in new.items()}


def total(left: Usage, right: Usage) -> Usage:
    """Both together, for the names in `right`."""
    return {name: add(left.get(name, "0"), amount) for name, amount in right.items()}


def in_scope(quota: Any, obj: Any) -> bool:
    """Whether the quota's scopes include the object; only Pods have scopes."""
    scopes = tuple(quota.spec.scopes or ())
    selector = quota.spec.scopeSelector
    expressions = tuple((selector.matchExpressions if selector is not None else None) or ())
    if not scopes and not expressions:
        return True
    if obj.kind != "Pod":
        return False
    return all(_has_scope(obj, scope) for scope in scopes) and all(_fits(obj, each) for each in expressions)


def _has_scope(pod: Any, scope: str) -> bool:
    if scope in ("BestEffort", "NotBestEffort"):
        return (qos_class(pod) == BEST_EFFORT) is (scope == "BestEffort")
    if scope in ("Terminating", "NotTerminating"):
        return (pod.spec.activeDeadlineSeconds is not None) is (scope == "Terminating")
    if scope == "PriorityClass":
        return bool(pod.spec.priorityClassName)
    return scope == "CrossNamespacePodAffinity" and _crosses_namespaces(pod)


def _fits(pod: Any, expression: Any) -> bool:
    if expression.scopeName != "PriorityClass":
        return _has_scope(pod, expression.scopeName)
    name, values = pod.spec.priorityClassName or "", expression.values or ()
    return {
        "In": bool(name) and name in values,
        "NotIn": bool(name) and name not in values,
        "Exists": bool(name),
        "DoesNotExist": not name,
    }.get(expression.operator, False)


def _crosses_namespaces(pod: Any) -> bool:
    affinity = pod.spec.affinity
    for rules in (affinity.podAffinity, affinity.podAntiAffinity) if affinity is not None else ():
        if rules is None:
            continue
        terms = [*(rules.requiredDuringSchedulingIgnoredDuringExecution or ())]
        terms += [each.podAffinityTerm for each in rules.preferredDuringSchedulingIgnoredDuringExecution or ()]
        if any(term.namespaces or term.namespaceSelector is not None for term in terms):
            return True
    return False
