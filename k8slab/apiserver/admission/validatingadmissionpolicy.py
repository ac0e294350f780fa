"""ValidatingAdmissionPolicy: rules in the Common Expression Language that refuse, warn, or leave a note.

Follows `apiserver/pkg/admission/plugin/policy/validating` (dispatcher.go, validator.go).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from k8slab.api.admission import LONGEST_MESSAGE, REQUEST_BUDGET
from k8slab.api.cel import STRING
from k8slab.apiserver.admission.dynamic.attributes import Attributes
from k8slab.apiserver.admission.dynamic.evaluation import Evaluation, Failure, conditions_hold
from k8slab.apiserver.admission.dynamic.hooks import VALIDATING, Bound
from k8slab.apiserver.admission.dynamic.matching import is_exempt, matched
from k8slab.apiserver.admission.dynamic.params import ParamsError, UnknownKind, params_for
from k8slab.apiserver.admission.plugin import Plugin, refuse
from k8slab.errors import ApiError

if TYPE_CHECKING:
    from k8slab.api.scheme import Resource
    from k8slab.apiserver.call import Call

CODES = {"Forbidden": 403, "Unauthorized": 401, "RequestEntityTooLarge": 413, "Invalid": 422}
FAILURE_KEY = "validation.policy.admission.k8s.io/validation_failure"
LONGEST_ANNOTATION = 10 * 1024


class Denial(NamedTuple):
    """Why a policy refuses a write."""

    policy: str
    binding: str
    message: str
    reason: str = "Invalid"


class Decision(NamedTuple):
    """What one rule says against a write."""

    rule: int
    message: str
    reason: str = "Invalid"


class ValidatingAdmissionPolicy(Plugin):
    """Asks the policies that are bound."""

    name = "ValidatingAdmissionPolicy"
    operations = frozenset({"CREATE", "UPDATE"})
    sees_subresources = True

    def validate(self, call: Call, obj: Any, old: Any) -> None:
        """Refuse what a policy denies."""
        bound = call.server.hooks.policies(VALIDATING)
        if bound:
            _dispatch(Attributes(call, obj, old), bound)

    def check_delete(self, call: Call, obj: Any) -> None:
        """As for other writes; the object is the old one."""
        bound = call.server.hooks.policies(VALIDATING)
        if bound:
            _dispatch(Attributes(call, None, obj), bound)


def _dispatch(attributes: Attributes, bound: tuple[Bound, ...]) -> None:
    if is_exempt(attributes):
        return
    denials: list[Denial] = []
    for policy, bindings in bound:
        resource = matched(attributes, policy.spec.matchConstraints)
        if resource is not None:
            for binding in bindings:
                _bound(attributes, policy, binding, resource, denials)
    if denials:
        raise _refusal(attributes, denials[0])


def _bound(attributes: Attributes, policy: Any, binding: Any, resource: Resource, denials: list[Denial]) -> None:
    """Evaluate a policy as a binding uses it."""
    match = binding.spec.matchResources
    if match is not None and matched(attributes, match) is None:
        return
    name, bound = policy.metadata.name, binding.metadata.name
    fails = policy.spec.failurePolicy != "Ignore"
    try:
        found = params_for(attributes, policy.spec.paramKind, binding.spec.paramRef)
    except UnknownKind as error:
        if fails:
            denials.append(Denial(name, "", f"failed to configure policy: {error}"))
        return
    except ParamsError as error:
        if fails:
            denials.append(Denial(name, bound, f"failed to configure binding: {error}"))
        return
    for params in found:
        for decision in _decide(attributes, policy, resource, params, fails):
            _act(attributes, policy, binding, decision, denials)


def _decide(attributes: Attributes, policy: Any, resource: Resource, params: Any, fails: bool) -> list[Decision]:
    """What the policy's rules say against the write."""
    spec = policy.spec
    has_params = spec.paramKind is not None
    if spec.matchConditions:
        try:
            if not conditions_hold(Evaluation(attributes, resource, (), has_params, params), spec.matchConditions):
                return []
        except Failure as error:
            return [Decision(0, str(error))] if fails else []
    evaluation = Evaluation(attributes, resource, spec.variables or (), has_params, params, REQUEST_BUDGET)
    found = []
    for index, rule in enumerate(spec.validations or ()):
        try:
            holds = evaluation.run(rule.expression)
        except Failure as error:
            if fails:
                found.append(Decision(index, str(error)))
            continue
        if holds is not True:
            found.append(Decision(index, _message(evaluation, rule), rule.reason or "Invalid"))
    return found + _annotate(attributes, policy, evaluation, fails)


def _message(evaluation: Evaluation, rule: Any) -> str:
    if rule.messageExpression:
        try:
            found = evaluation.run(rule.messageExpression, (STRING,), has_authorizer=False)
        except Failure:
            found = ""
        text = found.strip() if isinstance(found, str) else ""
        if text and "\n" not in text and len(text.encode()) <= LONGEST_MESSAGE:
            return text
    return (rule.message or "").strip() or f"failed expression: {rule.expression.strip()}"


def _annotate(attributes: Attributes, policy: Any, evaluation: Evaluation, fails: bool) -> list[Decision]:
    """Leave the policy's notes for the audit log; what cannot be evaluated counts against the write."""
    failures = []
    for each in policy.spec.auditAnnotations or ():
        try:
            found = evaluation.run(each.valueExpression.strip())
        except Failure as error:
            if fails:
                failures.append(Decision(0, str(error)))
            continue
        text = found.strip()[:LONGEST_ANNOTATION] if isinstance(found, str) else ""
        if text:
            attributes.call.annotate(f"{policy.metadata.name}/{each.key}", text)
    return failures


def _act(attributes: Attributes, policy: Any, binding: Any, decision: Decision, denials: list[Denial]) -> None:
    """Do what the binding says about a rule that does not hold."""
    name, bound = policy.metadata.name, binding.metadata.name
    for action in binding.spec.validationActions or ():
        if action == "Deny":
            denials.append(Denial(name, bound, decision.message, decision.reason))
        elif action == "Warn":
            subject = f"ValidatingAdmissionPolicy '{name}' with binding '{bound}'"
            attributes.call.warn(f"Validation failed for {subject}: {decision.message}")
        elif action == "Audit":
            failure = {
                "message": decision.message,
                "policy": binding.spec.policyName,
                "binding": bound,
                "expressionIndex": decision.rule,
                "validationActions": list(binding.spec.validationActions),
            }
            attributes.call.annotate(FAILURE_KEY, json.dumps([failure], separators=(",", ":")), replace=True)


def _refusal(attributes: Attributes, denial: Denial) -> ApiError:
    subject = f"ValidatingAdmissionPolicy '{denial.policy}'"
    if denial.binding:
        subject += f" with binding '{denial.binding}'"
    message = f"{subject} denied request: {denial.message}"
    about = attributes.obj if attributes.obj is not None else attributes.old
    refused = refuse(attributes.call, about, message)
    causes = ({"message": message},)
    return ApiError(CODES.get(denial.reason, 422), denial.reason, refused.message, refused.details, causes)
