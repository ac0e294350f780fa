"""The control loop of HorizontalPodAutoscalers.

Follows pkg/controller/podautoscaler/horizontal.go. Each autoscaler is looked at once per sync period, whatever happens
in between.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from msgspec import Struct

from k8slab.api import autoscaling_v2 as v2
from k8slab.api.core_v1 import Pod
from k8slab.api.quantity import nano
from k8slab.api.scheme import NoMatch
from k8slab.api.selector import Selector, parse_labels
from k8slab.client import Request, Result
from k8slab.controllers.conditions import find
from k8slab.controllers.controller import Context, Controller
from k8slab.controllers.podautoscaler import behaviour
from k8slab.controllers.podautoscaler.behaviour import Memory
from k8slab.controllers.podautoscaler.calculator import Patience, Tolerance
from k8slab.controllers.podautoscaler.measuring import Failed, Scaled, measure
from k8slab.controllers.podautoscaler.metrics import Metrics, NoMetrics
from k8slab.errors import ApiError

NO_SCALE = "the HPA controller was unable to get the target's current scale: "
UNKNOWN = v2.MetricStatus(type="")
"""Status of a metric that could not be had."""


class Stop(Exception):
    """This look is over: nothing can be said about the replicas. The text is for the people who read errors."""


class Target(Struct):
    """What an autoscaler scales: resource and Scale."""

    resource: str
    scale: Any

    @property
    def replicas(self) -> int:
        """How many are wanted now."""
        return self.scale.spec.replicas or 0


class Choice(Struct):
    """How many replicas there should be, and why."""

    replicas: int
    why: str = ""
    rescale: bool = True


class HorizontalPodAutoscalerController(Controller):
    """Scales workloads with their load."""

    name = "horizontal-pod-autoscaler-controller"
    about = "sets the replicas of workloads from measurements, as their HorizontalPodAutoscalers say"
    source = "horizontal-pod-autoscaler"

    def __init__(self, context: Context) -> None:
        self.metrics: Metrics = context.metrics if context.metrics is not None else NoMetrics()
        self.memories: dict[Request, Memory] = {}
        self.selectors: dict[Request, Selector] = {}
        super().__init__(context)

    def setup(self) -> None:
        """Watch autoscalers and Pods."""
        self.scalers = self.informer("horizontalpodautoscalers.autoscaling")
        self.scalers.add_handler(self._seen, self._changed, self._gone)
        self.pods = self.informer("pods")

    def reset(self) -> None:
        """A new process knows no earlier recommendations."""
        self.memories.clear()
        self.selectors.clear()

    def _seen(self, scaler: Any) -> None:
        key = Request(scaler.metadata.namespace, scaler.metadata.name)
        self.queue.add_after(key, self.options.horizontal_pod_autoscaler_sync_period)

    def _changed(self, old: Any, new: Any) -> None:
        self._seen(new)

    def _gone(self, scaler: Any) -> None:
        key = Request(scaler.metadata.namespace, scaler.metadata.name)
        self.memories.pop(key, None)
        self.selectors.pop(key, None)

    def reconcile(self, request: Request) -> Result | None:
        """Look at one autoscaler, and again in a sync period."""
        scaler = self.scalers.get(request.namespace, request.name)
        if scaler is None:
            return None
        look = Look(self, request, scaler)
        with suppress(Stop):
            look.run()
        return Result(requeue_after=self.options.horizontal_pod_autoscaler_sync_period)

    def rivals(self, namespace: str, pods: list[Pod]) -> list[str]:
        """All autoscalers whose selectors match one of the Pods."""
        return [
            f"{{{key.name} {key.namespace}}}"
            for key, selector in sorted(self.selectors.items(), key=_by_name)
            if key.namespace == namespace and any(selector.matches(pod.metadata.labels or {}) for pod in pods)
        ]


def _by_name(item: tuple[Request, Selector]) -> tuple[str, str]:
    return item[0].namespace, item[0].name


class Look:
    """One look at one autoscaler."""

    def __init__(self, controller: HorizontalPodAutoscalerController, key: Request, scaler: Any) -> None:
        self.controller = controller
        self.client = controller.client
        self.key = key
        self.scaler = scaler
        self.now = controller.clock.now
        self.conditions = scaler.status.conditions
        self.statuses: tuple[v2.MetricStatus, ...] | None = None

    def run(self) -> None:
        """Measure, decide, scale, report. Raises Stop."""
        target = self._target()
        text = "the HPA controller was able to get the target's current scale"
        self._set("AbleToScale", "True", "SucceededGetScale", text)
        memory = self.controller.memories.setdefault(self.key, Memory())
        if not memory.recommendations:
            memory.recommendations.append((self.now, target.replicas))
        choice = self._choose(target, memory)
        if choice.rescale:
            self._rescale(target, choice, memory)
        desired = choice.replicas if choice.rescale else target.replicas
        self._report(target.replicas, desired, choice.rescale)

    # --- the target

    def _target(self) -> Target:
        reference = self.scaler.spec.scaleTargetRef
        try:
            resource = self.client.scheme.by_kind(reference.apiVersion or "v1", reference.kind).group_resource
            return Target(resource, self.client.get_scale(resource, reference.name, self.key.namespace))
        except NoMatch:
            text = (
                f'no matches for kind "{reference.kind}" in group "{(reference.apiVersion or "").rpartition("/")[0]}"'
            )
        except ApiError as error:
            text = str(error)
        self._event("Warning", "FailedGetScale", text)
        self._set("AbleToScale", "False", "FailedGetScale", NO_SCALE + text)
        self._write(self.scaler.status.replace(conditions=self.conditions))
        raise Stop(text)

    # --- deciding

    def _choose(self, target: Target, memory: Memory) -> Choice:
        current, least, most = target.replicas, behaviour.minimum(self.scaler), self.scaler.spec.maxReplicas
        if current == 0 and least != 0:
            text = "scaling is disabled since the replica count of the target is zero"
            self._set("ScalingActive", "False", "ScalingDisabled", text)
            return Choice(0, rescale=False)
        if current > most:
            return Choice(most, "Current number of replicas above Spec.MaxReplicas")
        if current < least:
            return Choice(least, "Current number of replicas below Spec.MinReplicas")
        return self._by_metrics(target, memory)

    def _by_metrics(self, target: Target, memory: Memory) -> Choice:
        current = target.replicas
        try:
            wanted, metric = self._measure(target)
        except Stop as error:
            self._report(current, self.scaler.status.desiredReplicas or 0, False)
            self._event("Warning", "FailedComputeMetricsReplicas", str(error))
            raise
        why = f"{metric} above target" if wanted > current else "All metrics below target" if wanted < current else ""
        window = self.controller.options.horizontal_pod_autoscaler_downscale_stabilization
        stable = behaviour.stabilize(self.scaler, memory, current, wanted, self.now, window)
        if stable.replicas != wanted:
            self._set("AbleToScale", "True", stable.reason, stable.message)
        else:
            self._set("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size")
        limited = behaviour.limit(self.scaler, memory, current, stable.replicas, self.now)
        status = "False" if limited.replicas == stable.replicas else "True"
        self._set("ScalingLimited", status, limited.reason, limited.message)
        return Choice(limited.replicas, why, limited.replicas != current)

    def _measure(self, target: Target) -> tuple[int, str]:
        """The most that any metric calls for, and its name. Raises Stop."""
        scaled = self._scaled(target)
        specs = self.scaler.spec.metrics or ()
        statuses, failures = [], []
        replicas, name = 0, ""
        for spec in specs:
            try:
                found = measure(spec, scaled, self.controller.metrics)
            except Failed as failure:
                self._event("Warning", failure.reason, failure.text)
                failures.append(failure)
                statuses.append(UNKNOWN)
                continue
            statuses.append(found.status)
            if replicas == 0 or found.replicas > replicas:
                replicas, name = found.replicas, found.name
        self.statuses = tuple(statuses)
        if failures and (len(failures) == len(specs) or replicas < target.replicas):
            first = failures[0]
            text = f"the HPA was unable to compute the replica count: {first.text}"
            self._set("ScalingActive", "False", first.reason, text)
            count = f"{len(failures)} invalid out of {len(specs)}"
            raise Stop(f"invalid metrics ({count}), first error is: {first.summary}")
        text = f"the HPA was able to successfully calculate a replica count from {name}"
        self._set("ScalingActive", "True", "ValidMetricFound", text)
        return replicas, name

    def _scaled(self, target: Target) -> Scaled:
        options = self.controller.options
        present = target.scale.status.replicas if target.scale.status is not None else 0
        return Scaled(
            namespace=self.key.namespace,
            wanted=target.replicas,
            present=present or 0,
            pods=self._pods(target),
            patience=Patience(
                self.controller.clock.unix_us,
                options.horizontal_pod_autoscaler_cpu_initialization_period,
                options.horizontal_pod_autoscaler_initial_readiness_delay,
            ),
            tolerance=self._tolerance(),
        )

    def _pods(self, target: Target) -> list[Pod]:
        text = target.scale.status.selector if target.scale.status is not None else None
        if not text:
            self._event("Warning", "SelectorRequired", "selector is required")
            missing = "the HPA target's scale is missing a selector"
            self._set("ScalingActive", "False", "InvalidSelector", missing)
            raise Stop("selector is required")
        selector = self.controller.selectors[self.key] = parse_labels(text)
        pods = [
            pod for pod in self.controller.pods.list(self.key.namespace) if selector.matches(pod.metadata.labels or {})
        ]
        rivals = self.controller.rivals(self.key.namespace, pods)
        if len(rivals) > 1:
            error = f"pods by selector {text} are controlled by multiple HPAs: [{' '.join(rivals)}]"
            self._event("Warning", "AmbiguousSelector", error)
            self._set("ScalingActive", "False", "AmbiguousSelector", error)
            raise Stop(error)
        return pods

    def _tolerance(self) -> Tolerance:
        default = self.controller.options.horizontal_pod_autoscaler_tolerance
        rules = self.scaler.spec.behavior
        if rules is None:
            return Tolerance(default, default)
        down, up = rules.scaleDown.tolerance, rules.scaleUp.tolerance
        return Tolerance(_fraction(down, default), _fraction(up, default))

    # --- doing

    def _rescale(self, target: Target, choice: Choice, memory: Memory) -> None:
        current, replicas = target.replicas, choice.replicas
        reference = self.scaler.spec.scaleTargetRef
        self.controller.say(f"{reference.kind} {reference.name}: {current} -> {replicas} replicas, {choice.why}")
        try:
            spec = target.scale.spec.replace(replicas=replicas)
            self.client.update_scale(target.resource, target.scale.replace(spec=spec))
        except ApiError as error:
            self._event("Warning", "FailedRescale", f"New size: {replicas}; reason: {choice.why}; error: {error}")
            text = f"the HPA controller was unable to update the target scale: {error}"
            self._set("AbleToScale", "False", "FailedUpdateScale", text)
            self._report(current, self.scaler.status.desiredReplicas or 0, False)
            raise Stop(str(error)) from None
        text = f"the HPA controller was able to update the target scale to {replicas}"
        self._set("AbleToScale", "True", "SucceededRescale", text)
        self._event("Normal", "SuccessfulRescale", f"New size: {replicas}; reason: {choice.why}")
        behaviour.remember(self.scaler, memory, current, replicas, self.now)

    def _event(self, kind: str, reason: str, text: str) -> None:
        self.controller.recorder.event(self.scaler, kind, reason, text)

    def _set(self, kind: str, status: str, reason: str, message: str) -> None:
        """Set a condition in its place; the time of transition stays where the status does."""
        known = find(self.conditions, kind)
        same = known is not None and known.status == status
        since = known.lastTransitionTime if same else self.controller.clock.rfc3339()
        condition = v2.HorizontalPodAutoscalerCondition(
            type=kind, status=status, reason=reason, message=message, lastTransitionTime=since
        )
        listed = self.conditions or ()
        if known is None:
            self.conditions = (*listed, condition)
        else:
            self.conditions = tuple(condition if each.type == kind else each for each in listed)

    def _report(self, current: int, desired: int, rescaled: bool) -> None:
        last = self.controller.clock.rfc3339() if rescaled else self.scaler.status.lastScaleTime
        self._write(
            v2.HorizontalPodAutoscalerStatus(
                conditions=self.conditions,
                currentMetrics=self.statuses,
                currentReplicas=current,
                desiredReplicas=desired,
                lastScaleTime=last,
            )
        )

    def _write(self, status: v2.HorizontalPodAutoscalerStatus) -> None:
        if status == self.scaler.status:
            return
        self.controller.say(f"status of autoscaler {self.key.name}")
        try:
            self.client.update_status(self.scaler.replace(status=status))
        except ApiError as error:
            self._event("Warning", "FailedUpdateStatus", str(error))
            raise Stop(str(error)) from None


def _fraction(quantity: str | None, default: float) -> float:
    return default if quantity is None else nano(quantity) / 1e9
