"""Label and node selectors, compiled once and asked often.

Follows apimachinery/pkg/labels and component-helpers/scheduling/corev1/nodeaffinity. A requirement is a tuple
(key, operator, values); a selector is a tuple of requirements, all of which must hold, or None, which matches nothing.
"""

from __future__ import annotations

from typing import Any

Requirement = tuple[str, str, tuple[str, ...]]
Selector = tuple[Requirement, ...] | None

EVERYTHING: Selector = ()
NOTHING: Selector = None


def of_labels(labels: dict[str, str] | None) -> Selector:
    """Selector for exactly these labels (a Service's `spec.selector`)."""
    return tuple((key, "In", (value,)) for key, value in sorted((labels or {}).items()))


def of_label_selector(selector: Any) -> Selector:
    """Compile a metav1.LabelSelector: absent matches nothing, empty matches everything."""
    if selector is None:
        return NOTHING
    requirements = list(of_labels(selector.matchLabels) or ())
    for expression in selector.matchExpressions or ():
        requirements.append((expression.key, expression.operator, tuple(expression.values or ())))
    return tuple(requirements)


def matches(selector: Selector, labels: dict[str, str]) -> bool:
    """Whether labels satisfy a selector."""
    if selector is None:
        return False
    return all(_holds(requirement, labels) for requirement in selector)


def _holds(requirement: Requirement, labels: dict[str, str]) -> bool:
    key, operator, values = requirement
    if operator == "In":
        return labels.get(key) in values
    if operator == "NotIn":
        return key not in labels or labels[key] not in values
    if operator == "Exists":
        return key in labels
    if operator == "DoesNotExist":
        return key not in labels
    return _compares(operator, labels.get(key), values)


def _compares(operator: str, label: str | None, values: tuple[str, ...]) -> bool:
    if label is None or len(values) != 1:
        return False
    try:
        left, right = int(label), int(values[0])
    except ValueError:
        return False
    if operator == "Gt":
        return left > right
    return operator == "Lt" and left < right


class NodeTerm:
    """One nodeSelectorTerm: label expressions and field matches, all of which must hold. An empty one matches none."""

    __slots__ = ("expressions", "fields")

    def __init__(self, term: Any) -> None:
        self.expressions = _compiled(term.matchExpressions)
        self.fields = _compiled(term.matchFields)

    @property
    def empty(self) -> bool:
        """Whether the term says nothing."""
        return not self.expressions and not self.fields

    def matches(self, node: Any) -> bool:
        """Whether a Node object satisfies the term."""
        if self.empty:
            return False
        labels = node.metadata.labels or {}
        if not all(_holds(requirement, labels) for requirement in self.expressions):
            return False
        if not self.fields:
            return True
        fields = {"metadata.name": node.metadata.name}
        return all(_holds(requirement, fields) for requirement in self.fields)


def _compiled(requirements: Any) -> tuple[Requirement, ...]:
    return tuple((one.key, one.operator, tuple(one.values or ())) for one in requirements or ())


class NodeRequirement:
    """A Pod's `nodeSelector` together with its required node affinity (nodeaffinity.GetRequiredNodeAffinity)."""

    __slots__ = ("labels", "terms")

    def __init__(self, node_selector: dict[str, str] | None, required: Any) -> None:
        self.labels = tuple((node_selector or {}).items())
        self.terms = None if required is None else tuple(NodeTerm(term) for term in required.nodeSelectorTerms or ())

    @property
    def empty(self) -> bool:
        """Whether every node will do."""
        return not self.labels and self.terms is None

    def matches(self, node: Any) -> bool:
        """Whether a Node object will do."""
        if self.labels:
            labels = node.metadata.labels or {}
            for key, value in self.labels:
                if labels.get(key) != value:
                    return False
        return self.terms is None or any(term.matches(node) for term in self.terms)
