"""What admission policies get wrong about the objects that they judge.

Follows `pkg/controller/validatingadmissionpolicystatus/controller.go` and `apiserver/pkg/admission/plugin/policy/
validating/typechecking.go`; custom resources are not looked into.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from k8slab.api.admission import ExpressionError, composed, expression
from k8slab.api.objectkinds import kind_of
from k8slab.api.request import APPLY_PATCH
from k8slab.api.scheme import SCHEME, Resource
from k8slab.client import Request, Result
from k8slab.controllers.controller import Controller

RESOURCE = "validatingadmissionpolicies.admissionregistration.k8s.io"
MOST_TYPES = 10


class PolicyStatusController(Controller):
    """Tells in the status of each ValidatingAdmissionPolicy which expressions cannot be right for what they match."""

    name = "validatingadmissionpolicy-status-controller"
    about = "checks the expressions of admission policies against the types that they match"

    def setup(self) -> None:
        """Watch policies."""
        self.policies = self.informer(RESOURCE)
        self.policies.add_handler(self._changed, self._updated)

    def _updated(self, _: Any, policy: Any) -> None:
        self._changed(policy)

    def _changed(self, policy: Any) -> None:
        self.queue.add(Request("", policy.metadata.name))

    def reconcile(self, request: Request) -> Result | None:
        """Check a policy that has changed since it was last checked."""
        policy = self.policies.get("", request.name)
        seen = policy.status.observedGeneration if policy is not None and policy.status is not None else None
        if policy is None or (policy.metadata.generation or 0) <= (seen or 0):
            return None
        warnings = check(policy)
        found = f"{len(warnings)} expressions do not fit the types" if warnings else "all expressions fit the types"
        self.say(f"ValidatingAdmissionPolicy {request.name}: {found} that it matches")
        status: dict[str, Any] = {"observedGeneration": policy.metadata.generation, "typeChecking": {}}
        if warnings:
            status["typeChecking"] = {"expressionWarnings": warnings}
        body: dict[str, Any] = {
            "apiVersion": policy.apiVersion,
            "kind": policy.kind,
            "metadata": {"name": request.name},
        }
        body["status"] = status
        self.client.patch(
            RESOURCE, request.name, body, None, "status", APPLY_PATCH, field_manager=self.name, force=True
        )
        return None


def check(policy: Any) -> list[dict[str, str]]:
    """The expressions that do not fit a type which the policy matches: where they stand, and what is wrong."""
    matched = _matched(policy)
    warnings = []
    for index, each in enumerate(policy.spec.validations or ()):
        for name in ("expression", "messageExpression"):
            text = getattr(each, name) or ""
            problems = [problem for resource in matched if text and (problem := _problem(policy, text, resource))]
            if problems:
                warnings.append({"fieldRef": f"spec.validations[{index}].{name}", "warning": "\n".join(problems)})
    return warnings


def _problem(policy: Any, text: str, resource: Resource) -> str:
    """What is wrong with an expression on such objects, "" for nothing."""
    has_params, objects = policy.spec.paramKind is not None, kind_of(resource.cls)
    variables, _ = composed(policy.spec.variables or (), has_params, objects=objects)
    try:
        expression(text, (), has_params, True, variables, objects=objects)
    except ExpressionError as error:
        what = str(error).removeprefix("compilation failed: ")
        return f"{resource.group}/{resource.version}, Kind={resource.kind}: {what}\n"
    return ""


def _matched(policy: Any) -> list[Resource]:
    """The built-in resources that the policy names, by group, version and kind; rules with wildcards name none."""
    constraints = policy.spec.matchConstraints
    found: dict[tuple[str, str, str], Resource] = {}
    for rule in (constraints.resourceRules if constraints is not None else None) or ():
        if any("*" in each for each in (*(rule.apiGroups or ()), *(rule.apiVersions or ()))):
            continue
        names = [each for each in rule.resources or () if "*" not in each and "/" not in each]
        count = 0
        for group, version, name in product(
            sorted(rule.apiGroups or ()), sorted(rule.apiVersions or ()), sorted(names)
        ):
            resource = SCHEME.served(group, version, name)
            if resource is not None and count < MOST_TYPES:
                found[group, version, resource.kind] = resource
                count += 1
        if count == MOST_TYPES:
            break
    return [found[key] for key in sorted(found)]
