"""MutatingAdmissionPolicy: expressions that change what is written.

Follows `apiserver/pkg/admission/plugin/policy/mutating/dispatcher.go` and `policy/generic/policy_dispatcher.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from k8slab.api.admission import REQUEST_BUDGET
from k8slab.api.apply import Shape, custom_shape, shape_of
from k8slab.apiserver.admission.dynamic.attributes import Attributes
from k8slab.apiserver.admission.dynamic.changes import changed
from k8slab.apiserver.admission.dynamic.evaluation import Evaluation, Failure, conditions_hold
from k8slab.apiserver.admission.dynamic.hooks import MUTATING, Bound
from k8slab.apiserver.admission.dynamic.matching import is_exempt, matched
from k8slab.apiserver.admission.dynamic.mutations import mutated
from k8slab.apiserver.admission.dynamic.params import ParamsError, UnknownKind, params_for
from k8slab.apiserver.admission.plugin import Plugin, refuse
from k8slab.errors import ApiError

if TYPE_CHECKING:
    from k8slab.api.scheme import Resource
    from k8slab.apiserver.call import Call


class Problem(NamedTuple):
    """What went wrong with a policy."""

    message: str
    reason: str = "Forbidden"


class MutatingAdmissionPolicy(Plugin):
    """Applies the policies that are bound."""

    name = "MutatingAdmissionPolicy"
    operations = frozenset({"CREATE", "UPDATE"})
    sees_subresources = True

    def admit(self, call: Call, obj: Any, old: Any) -> Any:
        """The object as the policies want it. Raises ApiError where one cannot be applied."""
        bound = call.server.hooks.policies(MUTATING)
        if not bound:
            return obj
        attributes = Attributes(call, obj, old)
        if is_exempt(attributes):
            return obj
        call.reinvocation.begin(self.name, obj)
        problems: list[Problem] = []
        for each in bound:
            attributes = self._policy(attributes, each, problems)
        call.reinvocation.end(self.name, attributes.obj)
        if problems:
            raise _refusal(attributes, problems)
        return attributes.obj

    def _policy(self, attributes: Attributes, bound: Bound, problems: list[Problem]) -> Attributes:
        policy = bound.policy
        resource = matched(attributes, policy.spec.matchConstraints)
        if resource is None:
            return attributes
        for binding in bound.bindings:
            match = binding.spec.matchResources
            if match is not None and matched(attributes, match) is None:
                continue
            for params in _params(attributes, policy, binding, problems):
                attributes = self._invoke(attributes, policy, binding, resource, params, problems)
        return attributes

    def _invoke(
        self,
        attributes: Attributes,
        policy: Any,
        binding: Any,
        resource: Resource,
        params: Any,
        problems: list[Problem],
    ) -> Attributes:
        spec, rounds = policy.spec, attributes.call.reinvocation
        has_params = spec.paramKind is not None
        try:
            conditions = Evaluation(attributes, resource, (), has_params, params)
            if not conditions_hold(conditions, spec.matchConditions):
                return attributes
        except Failure as error:
            _report(problems, policy, binding, str(error), "Invalid")
            return attributes
        key = (policy.metadata.name, binding.metadata.name, _key(params))
        if rounds.skips(self.name, key):
            return attributes
        before = attributes.obj
        for mutation in spec.mutations or ():
            try:
                attributes = _mutate(attributes, policy, mutation, resource, params)
            except Failure as error:
                _report(problems, policy, binding, str(error), "Invalid")
        rounds.note(self.name, key, attributes.obj != before, spec.reinvocationPolicy)
        return attributes


def _key(params: Any) -> tuple[str, str]:
    metadata = (params or {}).get("metadata") or {}
    return metadata.get("namespace", ""), metadata.get("name", "")


def _params(attributes: Attributes, policy: Any, binding: Any, problems: list[Problem]) -> list[Any]:
    try:
        return params_for(attributes, policy.spec.paramKind, binding.spec.paramRef)
    except UnknownKind as error:
        _report(problems, policy, None, f"failed to configure policy: {error}")
    except ParamsError as error:
        _report(problems, policy, binding, f"failed to configure binding: {error}")
    return []


def _mutate(attributes: Attributes, policy: Any, mutation: Any, resource: Resource, params: Any) -> Attributes:
    """The write after one mutation; the next one sees what it did."""
    spec = policy.spec
    variables, has_params = spec.variables or (), spec.paramKind is not None
    evaluation = Evaluation(attributes, resource, variables, has_params, params, REQUEST_BUDGET, mutates=True)
    data = mutated(evaluation, mutation, attributes.data("object", resource), _shape(attributes, resource))
    return Attributes(attributes.call, changed(attributes, resource, data), attributes.old)


def _shape(attributes: Attributes, resource: Resource) -> Shape:
    versions = attributes.call.server.custom.versions
    version = versions.get((resource.group, resource.version, resource.plural))
    return shape_of(type(attributes.obj)) if version is None else custom_shape(version.schema)


def _report(problems: list[Problem], policy: Any, binding: Any, message: str, reason: str = "Forbidden") -> None:
    if policy.spec.failurePolicy == "Ignore":
        return
    name = policy.metadata.name
    subject = f"policy '{name}' with binding '{binding.metadata.name}'" if binding is not None else f'policy "{name}"'
    problems.append(Problem(f"{subject} denied request: {message}", reason))


def _refusal(attributes: Attributes, problems: list[Problem]) -> ApiError:
    refused = refuse(attributes.call, attributes.obj, "")
    causes = tuple({"message": each.message} for each in problems)
    return ApiError(403, problems[0].reason, problems[0].message, refused.details, causes)
