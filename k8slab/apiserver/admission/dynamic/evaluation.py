"""Expressions of a policy or webhook on one write: the variables that they see, and what they may cost.

Follows `apiserver/pkg/admission/plugin/cel` (activation.go, composition.go) and
`plugin/webhook/matchconditions/matcher.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api.admission import CONDITIONS_BUDGET, ExpressionError, composed, expression
from k8slab.api.cel import PER_CALL_LIMIT, CelError, CostExceeded, Kind, Meter
from k8slab.api.cel.authorizer import AUTHORIZER, RESOURCE, Question
from k8slab.api.cel.interpreter import Lazy
from k8slab.api.codec import to_dict
from k8slab.api.request import UserInfo
from k8slab.api.scheme import Resource
from k8slab.apiserver.admission.dynamic.attributes import Attributes
from k8slab.apiserver.admission.dynamic.matching import namespace_of
from k8slab.apiserver.authorization import Attributes as Wanted

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call

NO_BUDGET = "validation failed due to running out of cost budget, no further validation rules will be run"
HIDDEN = ("managedFields", "ownerReferences", "selfLink")
"""Metadata of a Namespace that expressions do not see."""


class Failure(Exception):
    """An expression that could not be evaluated: the server's words."""


class Asker:
    """Puts expressions' questions to the server's authorizer."""

    __slots__ = ("call",)

    def __init__(self, call: Call) -> None:
        self.call = call

    def ask(self, user: str, given: dict[str, str]) -> tuple[bool, str]:
        """Whether it is allowed, and why."""
        who = self.call.user
        if user:
            namespace = user.split(":")[2]
            groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
            who = UserInfo(name=user, groups=groups)
        version = {} if "path" in given else {"version": "*"}
        decision = self.call.server.authorizer.authorize(Wanted(user=who, **version, **given))
        return decision.allowed, decision.reason


class Evaluation:
    """Evaluates expressions on one write, with one set of parameters.

    Args:
        attributes: the write.
        resource: the version in which the expressions see it.
        variables: the variables that the policy declares.
        has_params: whether it may use parameters.
        params: their values, None where there are none.
        budget: what all expressions together may cost.
        mutates: whether expressions make patches.
    """

    def __init__(
        self,
        attributes: Attributes,
        resource: Resource,
        variables: Any = (),
        has_params: bool = False,
        params: Any = None,
        budget: int = CONDITIONS_BUDGET,
        mutates: bool = False,
    ) -> None:
        self.has_params = has_params
        self.mutates = mutates
        self.left = budget
        self.declared = {each.name: each.expression for each in variables}
        self.kinds, self.problems = composed(variables, has_params, mutates)
        self.names = _names(attributes, resource)
        if has_params:
            self.names["params"] = params
        if self.declared:
            self.names["variables"] = Lazy(self._variable, self.declared)
        self._known: dict[str, Any] = {}

    def run(self, text: str, wanted: tuple[Kind, ...] = (), has_authorizer: bool = True) -> Any:
        """The value of an expression. Raises Failure."""
        try:
            program = expression(text, wanted, self.has_params, has_authorizer, tuple(self.kinds), self.mutates)
        except ExpressionError as error:
            raise Failure(f"compilation error: {error}") from None
        if self.left <= 0:
            raise Failure(NO_BUDGET)
        meter = Meter(min(PER_CALL_LIMIT, self.left))
        try:
            return program.run(self.names, meter)
        except CostExceeded:
            raise Failure(NO_BUDGET) from None
        except CelError as error:
            raise Failure(f"expression '{text}' resulted in error: {error}") from None
        finally:
            self.left -= meter.used

    def _variable(self, name: str) -> Any:
        """The value of a declared variable, worked out once."""
        if name in self._known:
            return self._known[name]
        if name not in self.declared:
            raise CelError(f"no such key: {name}")
        if name in self.problems:
            raise CelError(f'composited variable "{name}" fails to compile: {self.problems[name]}')
        before = tuple(self.kinds)[: list(self.declared).index(name)]
        meter = Meter(min(PER_CALL_LIMIT, max(self.left, 0)))
        try:
            program = expression(self.declared[name], (), self.has_params, True, before, self.mutates)
            self._known[name] = program.run(self.names, meter)
        except CostExceeded:
            raise
        except CelError as error:
            raise CelError(f'composited variable "{name}" fails to evaluate: {error}') from None
        finally:
            self.left -= meter.used
        return self._known[name]


def _names(attributes: Attributes, resource: Resource) -> dict[str, Any]:
    asker = Asker(attributes.call)
    question = Question(asker.ask, AUTHORIZER)
    return {
        "object": attributes.data("object", resource),
        "oldObject": attributes.data("oldObject", resource),
        "request": attributes.request(resource),
        "namespaceObject": _namespace_data(attributes),
        "authorizer": question,
        "authorizer.requestResource": question.also(RESOURCE, **_own_resource(attributes)),
    }


def _own_resource(attributes: Attributes) -> dict[str, str]:
    resource = attributes.resource
    return {
        "group": resource.group,
        "resource": resource.plural,
        "subresource": attributes.subresource,
        "namespace": attributes.namespace if resource.namespaced else "",
        "name": attributes.name,
    }


def _namespace_data(attributes: Attributes) -> Any:
    found = namespace_of(attributes)
    if found is None:
        return None
    data = to_dict(found)
    data["metadata"] = {key: value for key, value in data["metadata"].items() if key not in HIDDEN}
    return {key: data[key] for key in ("metadata", "spec", "status") if key in data}


def conditions_hold(evaluation: Evaluation, conditions: Any) -> bool:
    """Whether all matchConditions hold: one that is false decides. Raises Failure with what cannot be evaluated."""
    failures = []
    for each in conditions or ():
        try:
            if evaluation.run((each.expression or "").strip()) is not True:
                return False
        except Failure as error:
            failures.append(str(error))
    if failures:
        raise Failure(failures[0] if len(failures) == 1 else f"[{', '.join(failures)}]")
    return True
