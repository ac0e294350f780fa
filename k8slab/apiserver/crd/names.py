"""Names: those that a definition asks for against those that its group has given away.

Follows `apiextensions-apiserver/pkg/controller/status/naming_controller.go`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8slab.api.apiextensions_v1 import CustomResourceDefinitionCondition as Condition
from k8slab.api.apiextensions_v1 import CustomResourceDefinitionNames as Names
from k8slab.errors import aggregate, quote


def settle(definition: Any, others: Iterable[Any]) -> tuple[Names, Condition]:
    """The names that a definition gets, and the condition NamesAccepted.

    Args:
        definition: the CustomResourceDefinition.
        others: the definitions of the same group, which hold the names that they have got.
    """
    wanted, held = definition.spec.names, _held(definition)
    resources, kinds = _given(definition, others)
    problem: tuple[str, str] = ("", "")
    accepted = held
    for field, taken, reason in _CHECKS:
        name, current = getattr(wanted, field), getattr(held, field)
        if name == current or name not in (resources if taken == "resources" else kinds):
            accepted = accepted.replace(**{field: name})
        else:
            problem = (reason, f"{quote(name)} is already in use")
        if field == "singular":
            accepted, problem = _short_names(wanted, held, resources, accepted, problem)
    accepted = accepted.replace(categories=wanted.categories)
    if problem[0]:
        return accepted, Condition(type="NamesAccepted", status="False", reason=problem[0], message=problem[1])
    return accepted, Condition(type="NamesAccepted", status="True", reason="NoConflicts", message="no conflicts found")


_CHECKS = (
    ("plural", "resources", "PluralConflict"),
    ("singular", "resources", "SingularConflict"),
    ("kind", "kinds", "KindConflict"),
    ("listKind", "kinds", "ListKindConflict"),
)


def _held(definition: Any) -> Names:
    held = definition.status.acceptedNames if definition.status is not None else None
    return held if held is not None else Names()


def _short_names(
    wanted: Names, held: Names, taken: set[str], accepted: Names, problem: tuple[str, str]
) -> tuple[Names, tuple[str, str]]:
    current = held.shortNames or ()
    clashes = [name for name in wanted.shortNames or () if name in taken and name not in current]
    if not clashes:
        return accepted.replace(shortNames=wanted.shortNames), problem
    text = aggregate(f"{quote(name)} is already in use" for name in clashes)
    return accepted, ("ShortNamesConflict", text)


def _given(definition: Any, others: Iterable[Any]) -> tuple[set[str], set[str]]:
    resources: set[str] = set()
    kinds: set[str] = set()
    for other in others:
        if other.metadata.name == definition.metadata.name:
            continue
        held = _held(other)
        resources.update(name for name in (held.plural, held.singular, *(held.shortNames or ())) if name)
        kinds.update(name for name in (held.kind, held.listKind) if name)
    return resources, kinds
