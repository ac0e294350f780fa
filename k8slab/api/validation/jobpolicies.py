"""What Jobs say about failure and success: podFailurePolicy, successPolicy, intervals of indexes.

Follows `pkg/apis/batch/validation` (`validatePodFailurePolicy`, `validateSuccessPolicy`, `validateIndexesFormat`).
"""

from __future__ import annotations

from itertools import pairwise

from k8slab.api.batch_v1 import (
    JobSpec,
    PodFailurePolicyOnExitCodesRequirement,
    PodFailurePolicyOnPodConditionsPattern,
    PodFailurePolicyRule,
    SuccessPolicyRule,
)
from k8slab.api.validation.gostruct import quoted
from k8slab.api.validation.metadata import Errors, label_key, nonnegative
from k8slab.api.validation.podspecs import NO_SPEC
from k8slab.errors import OMITTED, FieldError, quote

ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
OPERATORS = ("In", "NotIn")
STATUSES = ("False", "True", "Unknown")
MAX_RULES = 20
MAX_PATTERNS = 20
MAX_EXIT_CODES = 255
MAX_INDEXES_TEXT = 64 * 1024


def failure_policy(spec: JobSpec, path: str, errors: Errors) -> None:
    """`podFailurePolicy`."""
    rules = spec.podFailurePolicy.rules or ()
    if len(rules) > MAX_RULES:
        errors.append(FieldError.too_many(f"{path}.rules", len(rules), MAX_RULES))
    pod = (spec.template.spec if spec.template else None) or NO_SPEC
    containers = {container.name for container in (*(pod.containers or ()), *(pod.initContainers or ()))}
    for index, rule in enumerate(rules):
        _rule(rule, spec, containers, f"{path}.rules[{index}]", errors)


def replacement_policy(spec: JobSpec, path: str, errors: Errors) -> None:
    """`podReplacementPolicy`: with a failure policy a Pod is replaced only once it has failed."""
    policy = spec.podReplacementPolicy
    known = ("Failed",) if spec.podFailurePolicy is not None else ("Failed", "TerminatingOrFailed")
    if policy is not None and policy not in known:
        errors.append(FieldError.not_supported(path, policy, known))


def _choice(value: str | None, known: tuple[str, ...], path: str, errors: Errors) -> None:
    if not value:
        listed = " ".join(quote(one) for one in known)
        errors.append(FieldError.required(path, f"valid values: [{listed}]"))
    elif value not in known:
        errors.append(FieldError.not_supported(path, value, known))


def _rule(rule: PodFailurePolicyRule, spec: JobSpec, containers: set[str], path: str, errors: Errors) -> None:
    _choice(rule.action, ACTIONS, f"{path}.action", errors)
    if rule.action == "FailIndex" and spec.backoffLimitPerIndex is None:
        text = "requires the backoffLimitPerIndex to be set"
        errors.append(FieldError.invalid(f"{path}.action", rule.action, text))
    codes, conditions = rule.onExitCodes, rule.onPodConditions
    if codes is not None:
        _exit_codes(codes, containers, f"{path}.onExitCodes", errors)
    if conditions:
        _patterns(conditions, f"{path}.onPodConditions", errors)
    if codes is not None and conditions:
        text = "specifying both OnExitCodes and OnPodConditions is not supported"
        errors.append(FieldError("Invalid value", path, OMITTED, text))
    elif codes is None and not conditions:
        text = "specifying one of OnExitCodes and OnPodConditions is required"
        errors.append(FieldError("Invalid value", path, OMITTED, text))


def _exit_codes(codes: PodFailurePolicyOnExitCodesRequirement, containers: set[str], path: str, errors: Errors) -> None:
    _choice(codes.operator, OPERATORS, f"{path}.operator", errors)
    if codes.containerName is not None and codes.containerName not in containers:
        text = "must be one of the container or initContainer names in the pod template"
        errors.append(FieldError.invalid(f"{path}.containerName", codes.containerName, text))
    values = codes.values or ()
    if not values:
        errors.append(FieldError.invalid(f"{path}.values", codes.values, "at least one value is required"))
    elif len(values) > MAX_EXIT_CODES:
        errors.append(FieldError.too_many(f"{path}.values", len(values), MAX_EXIT_CODES))
    for index, value in enumerate(values):
        if codes.operator == "In" and value == 0:
            text = "must not be 0 for the In operator"
            errors.append(FieldError.invalid(f"{path}.values[{index}]", value, text))
        if value in values[:index]:
            errors.append(FieldError.duplicate(f"{path}.values[{index}]", value))
    if any(before > after for before, after in pairwise(values)):
        errors.append(FieldError.invalid(f"{path}.values", values, "must be ordered"))


def _patterns(patterns: tuple[PodFailurePolicyOnPodConditionsPattern, ...], path: str, errors: Errors) -> None:
    if len(patterns) > MAX_PATTERNS:
        errors.append(FieldError.too_many(path, len(patterns), MAX_PATTERNS))
    for index, pattern in enumerate(patterns):
        label_key(pattern.type, f"{path}[{index}].type", errors)
        _choice(pattern.status, STATUSES, f"{path}[{index}].status", errors)


def success_policy(spec: JobSpec, path: str, errors: Errors) -> None:
    """`successPolicy`, which only Indexed Jobs can have."""
    policy = spec.successPolicy
    if spec.completionMode != "Indexed":
        errors.append(FieldError.invalid(path, quoted(policy), "requires indexed completion mode"))
        return
    rules = policy.rules or ()
    if not rules:
        text = "at least one rules must be specified when the successPolicy is specified"
        errors.append(FieldError.required(f"{path}.rules", text))
    if len(rules) > MAX_RULES:
        errors.append(FieldError.too_many(f"{path}.rules", len(rules), MAX_RULES))
    for index, rule in enumerate(rules):
        _success_rule(rule, spec.completions or 0, f"{path}.rules[{index}]", errors)


def _success_rule(rule: SuccessPolicyRule, completions: int, path: str, errors: Errors) -> None:
    count, indexes = rule.succeededCount, rule.succeededIndexes
    if count is None and indexes is None:
        text = "at least one of succeededCount or succeededIndexes must be specified"
        errors.append(FieldError.required(path, text))
    total = 0
    if indexes is not None:
        if len(indexes) > MAX_INDEXES_TEXT:
            errors.append(FieldError.too_long(f"{path}.succeededIndexes", MAX_INDEXES_TEXT))
        try:
            total = count_indexes(indexes, completions)
        except ValueError as error:
            text = f"error parsing succeededIndexes: {error}"
            errors.append(FieldError.invalid(f"{path}.succeededIndexes", indexes, text))
    if count is not None:
        _success_count(count, total if indexes is not None else None, completions, f"{path}.succeededCount", errors)


def _success_count(count: int, total: int | None, completions: int, path: str, errors: Errors) -> None:
    nonnegative(count, path, errors)
    least = "must be less than or equal to"
    if count > completions:
        text = f"{least} {completions} (the number of specified completions)"
        errors.append(FieldError.invalid(path, count, text))
    if total is not None and count > total:
        text = f"{least} {total} (the number of indexes in the specified succeededIndexes field)"
        errors.append(FieldError.invalid(path, count, text))


def count_indexes(text: str, completions: int) -> int:
    """How many indexes a text such as `0,3-5` names. Raises ValueError with the server's words where it is wrong."""
    total, last = 0, None
    for first, end in intervals(text, completions):
        if last is not None and last >= first:
            raise ValueError(f"non-increasing order, previous: {last}, current: {first}")
        total += end - first + 1
        last = end
    return total


def intervals(text: str, completions: int) -> list[tuple[int, int]]:
    """The intervals of a text such as `0,3-5`, both ends included. Raises ValueError."""
    return [_interval(part, completions) for part in text.split(",")] if text else []


def _interval(text: str, completions: int) -> tuple[int, int]:
    ends = text.split("-")
    if len(ends) > 2:
        rule = "violates the requirement that an index interval can have at most two parts separated by '-'"
        raise ValueError(f"the fragment {quote(text)} {rule}")
    numbers = [_index(end, completions) for end in ends]
    if len(numbers) == 2 and numbers[0] >= numbers[1]:
        raise ValueError(f"non-increasing order, previous: {numbers[0]}, current: {numbers[1]}")
    return numbers[0], numbers[-1]


def _index(text: str, completions: int) -> int:
    if not text.isascii() or not text.removeprefix("+").isdigit():
        raise ValueError(f"cannot convert string to integer for index: {quote(text)}")
    if int(text) >= completions:
        raise ValueError(f"too large index: {quote(text)}")
    return int(text)
