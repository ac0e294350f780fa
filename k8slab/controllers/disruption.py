"""PodDisruptionBudgets: how many Pods may be disrupted now (pkg/controller/disruption/disruption.go)."""

from __future__ import annotations

from typing import Any, NamedTuple

from k8slab.api.core_v1 import Pod
from k8slab.api.meta_v1 import Condition, LabelSelector
from k8slab.api.ownership import controller_of
from k8slab.api.policy_v1 import PodDisruptionBudget, PodDisruptionBudgetStatus
from k8slab.client import Request, Result
from k8slab.controllers import pods as podlib
from k8slab.controllers.controller import Controller
from k8slab.controllers.deployment.arithmetic import scaled_value
from k8slab.controllers.selectors import PodMatcher
from k8slab.errors import ApiError
from k8slab.sim.clock import MINUTE
from k8slab.sim.timestamps import parse_rfc3339

DELETION_TIMEOUT = 2 * MINUTE
SCALES = {
    "ReplicaSet": "replicasets",
    "ReplicationController": "replicationcontrollers",
    "StatefulSet": "statefulsets",
    "Deployment": "deployments",
}


class StalePod(NamedTuple):
    """A Pod that was to be disrupted: looked at again when that should have happened."""

    namespace: str
    name: str
    what: str = "stale disruption"


class Uncountable(Exception):
    """The size of what is to be protected cannot be found out."""


class DisruptionController(Controller):
    """Keeps the status of PodDisruptionBudgets, by which evictions are granted."""

    name = "disruption-controller"
    about = "counts, for each PodDisruptionBudget, how many of its Pods are healthy and how many may be evicted"
    source = "controllermanager"

    def setup(self) -> None:
        """Watch budgets, Pods and what controls these."""
        self.budgets = self.informer("poddisruptionbudgets")
        self.budgets.add_handler(self.enqueue, self.enqueue_new, self.enqueue)
        self.pods = self.informer("pods")
        self.pods.add_handler(self._pod_changed, self._pod_updated, self._pod_changed)
        self.owners = {kind: self.informer(resource) for kind, resource in SCALES.items()}

    def _pod_updated(self, old: Pod, new: Pod) -> None:
        self._pod_changed(new)

    def _pod_changed(self, pod: Pod) -> None:
        left = self._stale_in(pod)
        if left is not None:
            self.queue.add_after(StalePod(pod.metadata.namespace, pod.metadata.name), left)
        matching = [budget for budget in self.budgets.list(pod.metadata.namespace) if _matcher(budget).matches(pod)]
        for budget in matching:
            self.enqueue(budget)
        if len(matching) > 1:
            names = f'"{pod.metadata.namespace}"/"{pod.metadata.name}"'
            chosen = matching[0].metadata.name
            text = f'Pod {names} matches multiple PodDisruptionBudgets.  Chose "{chosen}" arbitrarily.'
            self.recorder.event(pod, "Warning", "MultiplePodDisruptionBudgets", text)

    def _stale_in(self, pod: Pod) -> int | None:
        """Microseconds until a Pod that is to be disrupted should be gone; None where it is not such a Pod."""
        if pod.metadata.deletionTimestamp is not None:
            return None
        target = podlib.condition(pod, "DisruptionTarget")
        if target is None or target.status != "True" or podlib.is_terminal(pod) or not target.lastTransitionTime:
            return None
        if target.reason == "TerminationByKubelet":
            return None  # the kubelet takes as long as it takes
        return max(0, parse_rfc3339(target.lastTransitionTime) + DELETION_TIMEOUT - self.clock.unix_us)

    def _calm(self, key: StalePod) -> Result | None:
        """The Pod is still there: it is not going to be disrupted after all."""
        pod = self.pods.get(key.namespace, key.name)
        left = self._stale_in(pod) if pod is not None else None
        if left:
            return Result(requeue_after=left)
        if left is not None:
            self.say(f"{key.name} was to be disrupted two minutes ago and still runs")
            conditions = podlib.with_condition(pod, "DisruptionTarget", "False", "", "", self.clock.rfc3339())
            conditions[-1] = {name: value for name, value in conditions[-1].items() if value != ""}
            self.client.patch("pods", key.name, {"status": {"conditions": conditions}}, key.namespace, "status")
        return None

    def reconcile(self, request: Request | StalePod) -> Result | None:
        """Count, and write the status."""
        if isinstance(request, StalePod):
            return self._calm(request)
        budget = self.budgets.get(request.namespace, request.name)
        if budget is None:
            return None
        if budget.status is None:
            budget = budget.replace(status=PodDisruptionBudgetStatus())
        matcher = _matcher(budget)
        pods = [pod for pod in self.pods.list(request.namespace) if matcher.matches(pod)]
        if not pods:
            self.recorder.event(budget, "Normal", "NoPods", "No matching pods found")
        try:
            expected, desired = self._expected(budget, pods)
        except Uncountable as error:
            self._fail(budget, str(error))
            return None
        disrupted, wait = self._disrupted(budget, pods)
        healthy = sum(
            podlib.is_ready(pod) and pod.metadata.deletionTimestamp is None and pod.metadata.name not in disrupted
            for pod in pods
        )
        self._write(budget, expected, desired, healthy, disrupted)
        return Result(requeue_after=wait) if wait else None

    # --- counting

    def _expected(self, budget: PodDisruptionBudget, pods: list[Pod]) -> tuple[int, int]:
        """How many Pods there should be, and how many must stay healthy."""
        spec = budget.spec
        if spec.maxUnavailable is not None:
            expected = self._scale_of(budget, pods)
            return expected, max(0, expected - scaled_value(spec.maxUnavailable, expected, up=True))
        if isinstance(spec.minAvailable, int):
            return len(pods), spec.minAvailable
        if spec.minAvailable is None:
            return len(pods), 0
        expected = self._scale_of(budget, pods)
        return expected, scaled_value(spec.minAvailable, expected, up=True)

    def _scale_of(self, budget: PodDisruptionBudget, pods: list[Pod]) -> int:
        scales: dict[str, int] = {}
        unmanaged = []
        for pod in pods:
            reference = controller_of(pod)
            if reference is None:
                unmanaged.append(pod.metadata.name)
            elif reference.uid not in scales:
                uid, size = self._scale(pod, reference)
                scales[uid] = size
                scales.setdefault(reference.uid, 0 if uid != reference.uid else size)
        if unmanaged:
            self._report_unmanaged(budget)
        return sum(scales.values())

    def _scale(self, pod: Pod, reference: Any) -> tuple[str, int]:
        namespace = pod.metadata.namespace
        owner = self._owner(namespace, reference)
        if owner is None:
            size = self._scale_subresource(namespace, reference)
            if size is None:
                raise Uncountable(f'found no controllers for pod "{pod.metadata.name}"')
            return reference.uid, size
        parent = controller_of(owner)
        if reference.kind == "ReplicaSet" and parent is not None:
            deployment = self._owner(namespace, parent)
            if deployment is not None:
                return parent.uid, deployment.spec.replicas or 0
        return reference.uid, owner.spec.replicas or 0

    def _owner(self, namespace: str, reference: Any) -> Any:
        informer = self.owners.get(reference.kind)
        found = informer.get(namespace, reference.name) if informer is not None else None
        return found if found is not None and found.metadata.uid == reference.uid else None

    def _scale_subresource(self, namespace: str, reference: Any) -> int | None:
        """What the controller's scale subresource says; None if that controller does not exist. Raises Uncountable."""
        resource = self.client.scheme.by_kind(reference.apiVersion, reference.kind)
        if resource.subresource("scale") is None:
            raise Uncountable(f"{resource.group_resource} does not implement the scale subresource")
        try:
            return self.client.get_scale(resource.group_resource, reference.name, namespace).spec.replicas or 0
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    def _report_unmanaged(self, budget: PodDisruptionBudget) -> None:
        selected = _as_go_prints(budget.spec.selector)
        text = (
            f"Pods selected by this PodDisruptionBudget (selector: {selected}) were found to be unmanaged. "
            "As a result, the status of the PDB cannot be calculated correctly, which may result in undefined "
            "behavior. "
            'To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.'
        )
        self.recorder.event(budget, "Warning", "UnmanagedPods", text)

    def _disrupted(self, budget: PodDisruptionBudget, pods: list[Pod]) -> tuple[dict[str, str], int]:
        """Pods whose eviction was granted and that do not go yet; when to look again, in microseconds."""
        known = budget.status.disruptedPods or {}
        kept: dict[str, str] = {}
        waits = []
        for pod in pods:
            granted = known.get(pod.metadata.name)
            if granted is None or pod.metadata.deletionTimestamp is not None:
                continue
            left = parse_rfc3339(granted) + DELETION_TIMEOUT - self.clock.unix_us
            if left <= 0:
                names = f"{budget.metadata.namespace}/{budget.metadata.name}"
                text = f"Pod was expected by PDB {names} to be deleted but it wasn't"
                self.recorder.event(pod, "Warning", "NotDeleted", text)
                continue
            kept[pod.metadata.name] = granted
            waits.append(left)
        return kept, min(waits, default=0)

    # --- reporting

    def _write(
        self, budget: PodDisruptionBudget, expected: int, desired: int, healthy: int, disrupted: dict[str, str]
    ) -> None:
        allowed = max(0, healthy - desired) if expected > 0 else 0
        status = budget.status.replace(
            currentHealthy=healthy,
            desiredHealthy=desired,
            expectedPods=expected,
            disruptionsAllowed=allowed,
            disruptedPods=disrupted or None,
            observedGeneration=budget.metadata.generation,
        )
        reason = "SufficientPods" if allowed > 0 else "InsufficientPods"
        status = self._with_condition(budget, status, allowed > 0, reason, "")
        if status != budget.status:
            self.say(f"{healthy} of {expected} Pods are healthy, {desired} must be: {allowed} may be evicted")
            self.client.update_status(budget.replace(status=status))

    def _fail(self, budget: PodDisruptionBudget, why: str) -> None:
        text = f"Failed to calculate the number of expected pods: {why}"
        self.recorder.event(budget, "Warning", "CalculateExpectedPodCountFailed", text)
        status = budget.status.replace(disruptionsAllowed=0, observedGeneration=budget.status.observedGeneration or 0)
        status = self._with_condition(budget, status, False, "SyncFailed", why)
        if status != budget.status:
            self.say(why)
            self.client.update_status(budget.replace(status=status))

    def _with_condition(
        self, budget: PodDisruptionBudget, status: PodDisruptionBudgetStatus, allowed: bool, reason: str, message: str
    ) -> PodDisruptionBudgetStatus:
        value = "True" if allowed else "False"
        known = next((c for c in budget.status.conditions or () if c.type == "DisruptionAllowed"), None)
        same = known is not None and known.status == value
        condition = Condition(
            type="DisruptionAllowed",
            status=value,
            reason=reason,
            message=message,
            observedGeneration=status.observedGeneration or None,
            lastTransitionTime=known.lastTransitionTime if same else self.clock.rfc3339(),
        )
        others = tuple(c for c in budget.status.conditions or () if c.type != "DisruptionAllowed")
        return status.replace(conditions=(*others, condition))


def _matcher(budget: PodDisruptionBudget) -> PodMatcher:
    return PodMatcher(budget.spec.selector)


def _as_go_prints(selector: LabelSelector | None) -> str:
    """A selector as the generated String() method of Go's type writes it."""
    if selector is None:
        return "nil"
    labels = "".join(f"{key}: {value}," for key, value in sorted((selector.matchLabels or {}).items()))
    expressions = "".join(
        f"LabelSelectorRequirement{{Key:{each.key},Operator:{each.operator},Values:[{' '.join(each.values or ())}],}},"
        for each in selector.matchExpressions or ()
    )
    return (
        f"&LabelSelector{{MatchLabels:map[string]string{{{labels}}},"
        f"MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}"
    )
