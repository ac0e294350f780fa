"""POST pods/eviction: delete a Pod if its disruption budget allows it (`pkg/registry/core/pod/storage/eviction.go`)."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from k8slab.api.conditions import set_condition
from k8slab.api.core_v1 import PodCondition
from k8slab.api.meta_v1 import Condition
from k8slab.api.request import Options, Preconditions, Response
from k8slab.api.selector import from_label_selector
from k8slab.apiserver.call import Call
from k8slab.apiserver.subresources.body import read_as, succeeded
from k8slab.apiserver.verbs.delete import delete_object
from k8slab.errors import ApiError, bad_request, forbidden, too_many_requests, unexpected

REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."
TOO_MANY_BUDGETS = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
MAX_DISRUPTED = 2000


def evict(call: Call) -> Response:
    """Evict the Pod in the path. Raises TooManyRequests where a budget forbids it now."""
    eviction = read_as(call, "policy/v1", "Eviction", aliases=("policy/v1beta1",))
    if eviction.metadata.name != call.name:
        raise bad_request("name in URL does not match name in Eviction object")
    eviction = _admitted(call, eviction)
    call.options = _options(call.options, eviction.deleteOptions)
    pod = call.server.storage.read(call.endpoint, call.namespace, call.name).value
    budget = None if _bypasses(pod) else _budget(call, pod)
    if budget is not None and not _may_ignore(pod, budget):
        _charge(call, pod, budget)
    _mark_disrupted(call)
    kv = call.server.storage.read(call.endpoint, call.namespace, call.name)
    delete_object(call, kv)
    return Response(201, succeeded())


def _admitted(call: Call, eviction: Any) -> Any:
    call.operation = "CREATE"
    eviction = call.server.admission.admit(call, eviction, None)
    call.server.admission.validate(call, eviction, None)
    return eviction


def _options(options: Options, given: Any) -> Options:
    """The request's delete options with those in the body."""
    if given is None:
        return options
    wanted = given.preconditions
    return replace(
        options,
        dry_run=options.dry_run or bool(given.dryRun),
        grace_period_seconds=given.gracePeriodSeconds,
        propagation_policy=given.propagationPolicy,
        preconditions=Preconditions(uid=wanted.uid, resourceVersion=wanted.resourceVersion) if wanted else None,
    )


def _bypasses(pod: Any) -> bool:
    """Pods that do not run, or stop already, are evicted without asking."""
    return pod.status.phase in ("Succeeded", "Failed", "Pending") or bool(pod.metadata.deletionTimestamp)


def _budget(call: Call, pod: Any) -> Any:
    labels = pod.metadata.labels or {}
    found = [
        budget
        for budget in call.server.peek_all("poddisruptionbudgets", call.namespace, "policy")
        if budget.spec.selector is not None and from_label_selector(budget.spec.selector).matches(labels)
    ]
    if len(found) > 1:
        raise unexpected(TOO_MANY_BUDGETS)
    return found[0] if found else None


def _may_ignore(pod: Any, budget: Any) -> bool:
    """Unready Pods count for nothing; by default they may go only where the budget is kept otherwise."""
    if any(each.type == "Ready" and each.status == "True" for each in pod.status.conditions or ()):
        return False
    if budget.spec.unhealthyPodEvictionPolicy == "AlwaysAllow":
        return True
    status = budget.status
    return (status.currentHealthy or 0) >= (status.desiredHealthy or 0) and (status.desiredHealthy or 0) > 0


def _charge(call: Call, pod: Any, budget: Any) -> None:
    """Take one disruption from the budget. Raises TooManyRequests where there is none."""
    status, name = budget.status, budget.metadata.name
    if (status.observedGeneration or 0) < (budget.metadata.generation or 0):
        why = f"The disruption budget {name} is still being processed by the server."
        raise too_many_requests(REFUSED, 10, (_cause(why),))
    allowed = status.disruptionsAllowed or 0
    if allowed < 0:
        raise forbidden("poddisruptionbudgets.policy", name, "pdb disruptions allowed is negative")
    if len(status.disruptedPods or {}) > MAX_DISRUPTED:
        why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller"
        raise forbidden("poddisruptionbudgets.policy", name, why)
    if allowed == 0:
        healthy = f"needs {status.desiredHealthy or 0} healthy pods and has {status.currentHealthy or 0} currently"
        raise _no_budget(f"The disruption budget {name} {healthy}")
    if not call.options.dry_run:
        _store_charge(call, pod, budget, allowed - 1)


def _store_charge(call: Call, pod: Any, budget: Any, allowed: int) -> None:
    endpoint = call.server.endpoint("poddisruptionbudgets", "policy")
    kv = call.server.storage.read(endpoint, budget.metadata.namespace, budget.metadata.name)
    status = budget.status
    changes: dict[str, Any] = {
        "disruptionsAllowed": allowed,
        "disruptedPods": (status.disruptedPods or {}) | {pod.metadata.name: call.now},
    }
    if allowed == 0:
        condition = Condition(
            type="DisruptionAllowed",
            status="False",
            reason="InsufficientPods",
            message="",
            observedGeneration=status.observedGeneration,
            lastTransitionTime=call.now,
        )
        changes["conditions"] = set_condition(status.conditions, condition, call.now)
    call.server.storage.update(endpoint, replace(budget, status=replace(status, **changes)), kv, "update status")


def _no_budget(why: str) -> ApiError:
    return ApiError(429, "TooManyRequests", REFUSED, None, (_cause(why),))


def _cause(why: str) -> dict[str, str]:
    return {"reason": "DisruptionBudget", "message": why}


def _mark_disrupted(call: Call) -> None:
    """Leave a condition on the Pod that tells why it goes."""
    kv = call.server.storage.read(call.endpoint, call.namespace, call.name)
    pod = kv.value
    condition = PodCondition(
        type="DisruptionTarget",
        status="True",
        reason="EvictionByEvictionAPI",
        message="Eviction API: evicting",
        lastTransitionTime=call.now,
    )
    conditions = set_condition(pod.status.conditions, condition, call.now)
    marked = replace(pod, status=replace(pod.status, conditions=conditions))
    if marked != pod and not call.options.dry_run:
        call.server.storage.update(call.endpoint, marked, kv, "evict")
