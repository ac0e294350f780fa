"""Selectors as controllers use them."""

from __future__ import annotations

from typing import Any

from k8slab.api.meta_v1 import LabelSelector
from k8slab.api.selector import from_label_selector


class PodMatcher:
    """Whether an object's labels are selected. No selector selects nothing, an empty one everything."""

    __slots__ = ("_selector",)

    def __init__(self, selector: LabelSelector | None) -> None:
        self._selector = from_label_selector(selector)

    def matches(self, obj: Any) -> bool:
        """Whether the object's labels fit."""
        return self._selector.matches(obj.metadata.labels)
