"""What a list or watch asks for: a label selector and a field selector, understood and ready to match objects."""

from __future__ import annotations

from typing import Any

from k8slab.api.scheme import Resource
from k8slab.api.selector import parse_fields, parse_labels
from k8slab.apiserver.fields import Reader, reader_of, refusal_of
from k8slab.errors import bad_request


class Selection:
    """The objects that a request wants, within one resource.

    `exact` holds the fields that must have one value, for whoever can look such objects up.
    """

    __slots__ = ("exact", "labels", "namespace", "terms")

    def __init__(self, resource: Resource, label_selector: str, field_selector: str, namespace: str = "") -> None:
        """Understand both selectors. Raises ApiError (BadRequest) with the server's words."""
        self.namespace = namespace
        self.labels = parse_labels(label_selector) if label_selector else None
        self.terms: tuple[tuple[Reader, str, bool], ...] = ()
        self.exact: dict[str, str] = {}
        if field_selector:
            self._read_fields(resource, field_selector)

    def _read_fields(self, resource: Resource, field_selector: str) -> None:
        terms = []
        for path, operator, value in parse_fields(field_selector):
            read = reader_of(resource, path)
            if read is None:
                raise bad_request(refusal_of(resource, path))
            is_equal = operator != "!="
            terms.append((read, value, is_equal))
            if is_equal:
                self.exact[path] = value
        self.terms = tuple(terms)

    def matches(self, obj: Any) -> bool:
        """Whether the request wants this object."""
        metadata = obj.metadata
        if self.namespace and metadata.namespace != self.namespace:
            return False
        for read, value, is_equal in self.terms:
            if (read(obj) == value) is not is_equal:
                return False
        return self.labels is None or self.labels.matches(metadata.labels or {})


def selection_for(
    resource: Resource, label_selector: str, field_selector: str, namespace: str = ""
) -> Selection | None:
    """The selection, or None where everything in the namespace is wanted."""
    if not label_selector and not field_selector:
        return None
    return Selection(resource, label_selector, field_selector, namespace)
