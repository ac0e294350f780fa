"""How fast a proposal may become true: stabilisation windows, rates, minimum and maximum.

Follows pkg/controller/podautoscaler/horizontal.go (normalizeDesiredReplicas and its kin).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from msgspec import Struct

from k8slab.api.autoscaling_v2 import HorizontalPodAutoscaler, HPAScalingPolicy, HPAScalingRules
from k8slab.sim.clock import SECOND

LOWER = "recent recommendations were lower than current one, applying the lowest recent recommendation"
HIGHER = "recent recommendations were higher than current one, applying the highest recent recommendation"
TOO_FAST = "the desired replica count is {} faster than the maximum scale rate"
TOO_MANY = "the desired replica count is more than the maximum replica count"
TOO_FEW = "the desired replica count is less than the minimum replica count"
IN_RANGE = "the desired count is within the acceptable range"
ALWAYS_ALLOWED = 4
"""Without rules for its behaviour, an autoscaler may double the replicas, and always make this many."""


class Memory(Struct):
    """What one autoscaler was told before: recommendations and changes made, as (time, number)."""

    recommendations: list[tuple[int, int]] = []
    ups: list[tuple[int, int]] = []
    downs: list[tuple[int, int]] = []


class Verdict(Struct, frozen=True):
    """A number of replicas, and why it is not (or is) another one."""

    replicas: int
    reason: str
    message: str


def stabilize(
    scaler: HorizontalPodAutoscaler, memory: Memory, current: int, desired: int, now: int, window: int
) -> Verdict:
    """The recommendation with regard to recent ones; `window` (microseconds) is the default for scaling down."""
    up_window, down_window = _windows(scaler, window)
    lowest = highest = desired
    old = None
    for index, (time, replicas) in enumerate(memory.recommendations):
        if time > now - up_window:
            lowest = min(lowest, replicas)
        if time > now - down_window:
            highest = max(highest, replicas)
        if time < now - max(up_window, down_window):
            old = index
    _keep(memory.recommendations, (now, desired), old)
    if scaler.spec.behavior is None:
        return Verdict(highest, "ScaleDownStabilized", HIGHER)
    stable = min(max(current, lowest), highest)
    if desired >= current:
        return Verdict(stable, "ScaleUpStabilized", LOWER)
    return Verdict(stable, "ScaleDownStabilized", HIGHER)


def _windows(scaler: HorizontalPodAutoscaler, window: int) -> tuple[int, int]:
    behavior = scaler.spec.behavior
    if behavior is None:
        return 0, window
    given = behavior.scaleDown.stabilizationWindowSeconds
    return behavior.scaleUp.stabilizationWindowSeconds * SECOND, window if given is None else given * SECOND


def _keep(entries: list[tuple[int, int]], entry: tuple[int, int], old: int | None) -> None:
    """Remember, in the place of an entry that no longer matters if there is one."""
    if old is None:
        entries.append(entry)
    else:
        entries[old] = entry


def limit(scaler: HorizontalPodAutoscaler, memory: Memory, current: int, desired: int, now: int) -> Verdict:
    """The recommendation within minimum, maximum and rates."""
    least, most = minimum(scaler), scaler.spec.maxReplicas
    behavior = scaler.spec.behavior
    if behavior is None:
        return _plain_limit(current, desired, least, most)
    if desired > current:
        allowed = max(_most_allowed(current, memory, behavior.scaleUp, now), current)
        return _at_most(desired, most, allowed)
    if desired < current:
        allowed = min(_least_allowed(current, memory, behavior.scaleDown, now), current)
        if desired < max(least, allowed):
            if least < allowed:
                return Verdict(allowed, "ScaleDownLimit", TOO_FAST.format("decreasing"))
            return Verdict(least, "TooFewReplicas", TOO_FEW)
    return Verdict(desired, "DesiredWithinRange", IN_RANGE)


def _plain_limit(current: int, desired: int, least: int, most: int) -> Verdict:
    if desired < least:
        return Verdict(least, "TooFewReplicas", TOO_FEW)
    return _at_most(desired, most, max(2 * current, ALWAYS_ALLOWED))


def _at_most(desired: int, most: int, allowed: int) -> Verdict:
    if desired > min(most, allowed):
        if most > allowed:
            return Verdict(allowed, "ScaleUpLimit", TOO_FAST.format("increasing"))
        return Verdict(most, "TooManyReplicas", TOO_MANY)
    return Verdict(desired, "DesiredWithinRange", IN_RANGE)


def minimum(scaler: HorizontalPodAutoscaler) -> int:
    """minReplicas, 1 by default."""
    least = scaler.spec.minReplicas
    return 1 if least is None else least


def _most_allowed(current: int, memory: Memory, rules: HPAScalingRules, now: int) -> int:
    def proposed(policy: HPAScalingPolicy, start: int) -> int:
        if policy.type == "Pods":
            return start + policy.value
        return math.ceil(start * (1 + policy.value / 100))

    return _select(current, memory, rules, now, proposed, max)


def _least_allowed(current: int, memory: Memory, rules: HPAScalingRules, now: int) -> int:
    def proposed(policy: HPAScalingPolicy, start: int) -> int:
        if policy.type == "Pods":
            return start - policy.value
        return int(start * (1 - policy.value / 100))

    return _select(current, memory, rules, now, proposed, min)


def _select(
    current: int,
    memory: Memory,
    rules: HPAScalingRules,
    now: int,
    proposed: Callable[[HPAScalingPolicy, int], int],
    furthest: Callable[..., int],
) -> int:
    if rules.selectPolicy == "Disabled":
        return current
    limits = [
        proposed(policy, current - _recent(memory.ups, policy, now) + _recent(memory.downs, policy, now))
        for policy in rules.policies or ()
    ]
    nearest = min if furthest is max else max
    return nearest(limits) if rules.selectPolicy == "Min" else furthest(limits)


def _recent(changes: list[tuple[int, int]], policy: HPAScalingPolicy, now: int) -> int:
    return sum(change for time, change in changes if time > now - policy.periodSeconds * SECOND)


def remember(scaler: HorizontalPodAutoscaler, memory: Memory, before: int, after: int, now: int) -> None:
    """Note a change that was made, for the rates."""
    behavior = scaler.spec.behavior
    if behavior is None:
        return
    rules, changes = (behavior.scaleUp, memory.ups) if after > before else (behavior.scaleDown, memory.downs)
    longest = max((policy.periodSeconds for policy in rules.policies or ()), default=0) * SECOND
    old = [index for index, (time, _) in enumerate(changes) if time < now - longest]
    _keep(changes, (now, abs(after - before)), old[-1] if old else None)
