"""What questions about rights have to look like (`pkg/apis/authorization/validation`)."""

from __future__ import annotations

from typing import Any

from k8slab.api.meta_v1 import ObjectMeta
from k8slab.errors import FieldError

ONE_OF = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
OPERATORS = {"In": "=", "NotIn": "!="}


def spec_errors(spec: Any, about_self: bool) -> list[FieldError]:
    """What is wrong with a question: it is about a resource or about a path, and about somebody."""
    found = []
    wanted, path = spec.resourceAttributes, spec.nonResourceAttributes
    if wanted is not None and path is not None:
        why = "cannot be specified in combination with resourceAttributes"
        found.append(FieldError.invalid("spec.nonResourceAttributes", path, why))
    if wanted is None and path is None:
        found.append(FieldError.invalid("spec.resourceAttributes", None, ONE_OF))
    if not about_self and not spec.user and not spec.groups:
        why = "at least one of user or group must be specified"
        found.append(FieldError.invalid("spec.user", spec.user or "", why))
    for field in ("fieldSelector", "labelSelector"):
        found += _selector_errors(getattr(wanted, field, None), f"spec.resourceAttributes.{field}")
    return found


def _selector_errors(selector: Any, path: str) -> list[FieldError]:
    if selector is None:
        return []
    if selector.rawSelector and selector.requirements:
        why = "may not specified at the same time as requirements"
        return [FieldError.invalid(f"{path}.rawSelector", selector.rawSelector, why)]
    if not selector.rawSelector and not selector.requirements:
        why = f"when {path} is specified, requirements or rawSelector is required"
        return [FieldError.required(f"{path}.requirements", why)]
    return []


def metadata_errors(metadata: ObjectMeta, local: bool = False) -> list[FieldError]:
    """Questions have no names; local ones have a namespace."""
    rest = metadata.replace(managedFields=None, namespace=None if local else metadata.namespace)
    if rest == ObjectMeta():
        return []
    return [
        FieldError.invalid("metadata", metadata, "must be empty except for namespace" if local else "must be empty")
    ]


def local_errors(review: Any) -> list[FieldError]:
    """A local question is about its own namespace."""
    found = []
    wanted, path = review.spec.resourceAttributes, review.spec.nonResourceAttributes
    if wanted is not None and (wanted.namespace or "") != review.metadata.namespace:
        why = "must match metadata.namespace"
        found.append(FieldError.invalid("spec.resourceAttributes.namespace", wanted.namespace or "", why))
    if path is not None:
        found.append(FieldError.invalid("spec.nonResourceAttributes", path, "disallowed on this kind of request"))
    return found


def selector_text(selector: Any) -> str:
    """Field requirements in the form of a query; what no authorizer looks at is left out."""
    if selector is None:
        return ""
    if selector.rawSelector:
        return selector.rawSelector
    parts = [each for each in selector.requirements or () if each.operator in OPERATORS and len(each.values or ()) == 1]
    return ",".join(f"{each.key}{OPERATORS[each.operator]}{each.values[0]}" for each in parts)
