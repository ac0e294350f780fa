"""What failures of Pods mean for a Job: its failure policy, and how long to wait before the next try.

Follows pkg/controller/job/pod_failure_policy.go and backoff_utils.go.
"""

from __future__ import annotations

from msgspec import Struct

from k8slab.api.batch_v1 import Job, PodFailurePolicyRule
from k8slab.api.core_v1 import Pod
from k8slab.controllers import pods as podlib
from k8slab.sim.clock import MINUTE, SECOND
from k8slab.sim.timestamps import parse_rfc3339

FIRST_BACKOFF, LAST_BACKOFF = 10 * SECOND, 10 * MINUTE


class Backoff(Struct):
    """Failures since the last success, and when the last was (Unix microseconds)."""

    failures: int = 0
    last: int = 0

    def note(self, succeeded: list[Pod], failed: list[Pod]) -> None:
        """Take newly finished Pods into account, in the order in which they finished."""
        finished = [(finished_at(pod), 1) for pod in succeeded] + [(finished_at(pod), 0) for pod in failed]
        for time, succeeds in sorted(finished):
            self.failures = 0 if succeeds else self.failures + 1
            self.last = self.last if succeeds else time

    def remaining(self, now: int) -> int:
        """Microseconds until the next Pod may be started."""
        return remaining(self.failures, self.last, now)


def remaining(failures: int, last: int, now: int) -> int:
    """10 s after the first failure, doubling to 10 min; less what has passed. All in microseconds."""
    if failures <= 0:
        return 0
    delay = LAST_BACKOFF if failures > 7 else min(FIRST_BACKOFF << (failures - 1), LAST_BACKOFF)
    return max(0, last + delay - now)


def finished_at(pod: Pod) -> int:
    """Unix microseconds at which a Pod finished, as well as it can be told."""
    states = [status.state for status in pod.status.containerStatuses or ()]
    ended = [state.terminated.finishedAt for state in states if state is not None and state.terminated is not None]
    if ended and len(ended) == len(states) and all(ended):
        return max(parse_rfc3339(time) for time in ended)
    ready = podlib.condition(pod, "Ready")
    if ready is not None and ready.status == "False" and ready.lastTransitionTime:
        return parse_rfc3339(ready.lastTransitionTime)
    if pod.metadata.deletionTimestamp is not None:
        grace = (pod.metadata.deletionGracePeriodSeconds or 0) * SECOND
        return parse_rfc3339(pod.metadata.deletionTimestamp) - grace
    return parse_rfc3339(pod.metadata.creationTimestamp)


def judge(job: Job, pod: Pod) -> tuple[str, str]:
    """The action of the first rule that matches a failed Pod (`Count` by default), and a message for FailJob."""
    policy = job.spec.podFailurePolicy
    for number, rule in enumerate(policy.rules or ()) if policy is not None else ():
        why = _by_exit_code(rule, pod) if rule.onExitCodes is not None else _by_condition(rule, pod)
        if why:
            return rule.action, f"{why} matching {rule.action} rule at index {number}"
    return "Count", ""


def _by_exit_code(rule: PodFailurePolicyRule, pod: Pod) -> str:
    wanted = rule.onExitCodes
    for status in (*(pod.status.containerStatuses or ()), *(pod.status.initContainerStatuses or ())):
        terminated = status.state.terminated if status.state is not None else None
        if terminated is None or not terminated.exitCode or wanted.containerName not in (None, status.name):
            continue
        if (terminated.exitCode in (wanted.values or ())) == (wanted.operator == "In"):
            names = f"{pod.metadata.namespace}/{pod.metadata.name}"
            return f"Container {status.name} for pod {names} failed with exit code {terminated.exitCode}"
    return ""


def _by_condition(rule: PodFailurePolicyRule, pod: Pod) -> str:
    wanted = {(pattern.type, pattern.status or "True") for pattern in rule.onPodConditions or ()}
    for found in pod.status.conditions or ():
        if (found.type, found.status) in wanted:
            return f"Pod {pod.metadata.namespace}/{pod.metadata.name} has condition {found.type}"
    return ""
