"""Checks of plugin args in a scheduler configuration (apis/config/validation/validation_pluginargs.go)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

STRATEGIES = ("LeastAllocated", "MostAllocated", "RequestedToCapacityRatio")
Args = Mapping[str, Any]


def check_args(plugin: str, args: Args, path: str) -> list[str]:
    """What is wrong with a plugin's args, as field errors."""
    check = CHECKS.get(plugin)
    return check(args, path) if check is not None else []


def _range(args: Args, path: str, name: str, low: int, high: int) -> list[str]:
    value = args.get(name)
    if value is None or (isinstance(value, int) and low <= value <= high):
        return []
    return [f"{path}.{name}: Invalid value: {value}: not in valid range [{low}, {high}]"]


def _preemption(args: Args, path: str) -> list[str]:
    found = _range(args, path, "minCandidateNodesPercentage", 0, 100)
    absolute = args.get("minCandidateNodesAbsolute", 100)
    if absolute < 0:
        found.append(f"{path}.minCandidateNodesAbsolute: Invalid value: {absolute}: not in valid range [0, inf)")
    if absolute == 0 and args.get("minCandidateNodesPercentage", 10) == 0:
        text = "cannot be zero at the same time as minCandidateNodesAbsolute"
        found.append(f"{path}.minCandidateNodesPercentage: Invalid value: 0: {text}")
    return found


def _affinity(args: Args, path: str) -> list[str]:
    return _range(args, path, "hardPodAffinityWeight", 0, 100)


def _resources(resources: Any, path: str) -> list[str]:
    found = []
    for index, one in enumerate(resources or ()):
        weight = one.get("weight", 1)
        if not 1 <= weight <= 100:
            text = f"resource weight of {one.get('name')} not in valid range [1, 100]"
            found.append(f"{path}[{index}].weight: Invalid value: {weight}: {text}")
    return found


def _balanced(args: Args, path: str) -> list[str]:
    found = []
    for index, one in enumerate(args.get("resources") or ()):
        if one.get("weight", 1) != 1:
            where = f"{path}.resources[{index}].weight"
            found.append(f"{where}: Invalid value: {one['weight']}: resource weight of {one.get('name')} should be 1")
    return found


def _fit(args: Args, path: str) -> list[str]:
    strategy = args.get("scoringStrategy")
    if strategy is None:
        return []
    path = f"{path}.scoringStrategy"
    kind = strategy.get("type", STRATEGIES[0])
    if kind not in STRATEGIES:
        supported = ", ".join(f'"{name}"' for name in STRATEGIES)
        return [f'{path}.type: Unsupported value: "{kind}": supported values: {supported}']
    found = _resources(strategy.get("resources"), f"{path}.resources")
    if kind == STRATEGIES[2]:
        ratio = strategy.get("requestedToCapacityRatio") or {}
        found += _shape(ratio.get("shape") or (), f"{path}.shape")
    return found


def _shape(shape: Any, path: str) -> list[str]:
    if not shape:
        return [f"{path}: Required value: at least one point must be specified"]
    found, last = [], -1
    for index, point in enumerate(shape):
        use, score = point.get("utilization", 0), point.get("score", 0)
        if not 0 <= use <= 100:
            found.append(f"{path}[{index}].utilization: Invalid value: {use}: not in valid range [0-100]")
        elif use <= last:
            text = "utilization values must be sorted in increasing order"
            found.append(f"{path}[{index}].utilization: Invalid value: {use}: {text}")
        if not 0 <= score <= 10:
            found.append(f"{path}[{index}].score: Invalid value: {score}: not in valid range [0-10]")
        last = use
    return found


def _spread(args: Args, path: str) -> list[str]:
    kind = args.get("defaultingType", "System")
    if kind not in ("System", "List"):
        return [f'{path}.defaultingType: Unsupported value: "{kind}": supported values: "List", "System"']
    constraints = args.get("defaultConstraints") or ()
    if kind == "System" and constraints:
        return [f'{path}.defaultingType: Invalid value: "System": when .defaultConstraints are not empty']
    found = []
    for index, one in enumerate(constraints):
        where = f"{path}.defaultConstraints[{index}]"
        if one.get("maxSkew", 0) <= 0:
            found.append(f"{where}.maxSkew: Invalid value: {one.get('maxSkew', 0)}: not in valid range (0, inf)")
        if not one.get("topologyKey"):
            found.append(f"{where}.topologyKey: Required value: can not be empty")
        if one.get("whenUnsatisfiable") not in ("DoNotSchedule", "ScheduleAnyway"):
            found.append(f'{where}.whenUnsatisfiable: Unsupported value: "{one.get("whenUnsatisfiable", "")}"')
        if one.get("labelSelector") is not None:
            found.append(f"{where}.labelSelector: Forbidden: constraint must not define a selector")
    return found


def _volumes(args: Args, path: str) -> list[str]:
    seconds = args.get("bindTimeoutSeconds", 600)
    if seconds < 0:
        text = "invalid BindTimeoutSeconds, should not be a negative value"
        return [f"{path}.bindTimeoutSeconds: Invalid value: {seconds}: {text}"]
    return []


CHECKS: dict[str, Callable[[Args, str], list[str]]] = {
    "DefaultPreemption": _preemption,
    "InterPodAffinity": _affinity,
    "NodeResourcesFit": _fit,
    "NodeResourcesBalancedAllocation": _balanced,
    "PodTopologySpread": _spread,
    "VolumeBinding": _volumes,
}
