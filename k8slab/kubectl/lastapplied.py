"""The annotation in which `kubectl apply` remembers the last configuration it was given."""

from __future__ import annotations

import json
from typing import Any

from k8slab.api.jsonpath import compact

ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"


def annotation_text(obj: dict[str, Any]) -> str:
    """The configuration as the annotation holds it: compact JSON with sorted keys and a final newline."""
    metadata = dict(obj.get("metadata") or {})
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != ANNOTATION}
    return compact({**obj, "metadata": {**metadata, "annotations": annotations}}) + "\n"


def with_annotation(obj: dict[str, Any]) -> dict[str, Any]:
    """The object with its own configuration in the annotation."""
    metadata = dict(obj.get("metadata") or {})
    annotations = {**(metadata.get("annotations") or {}), ANNOTATION: annotation_text(obj)}
    return {**obj, "metadata": {**metadata, "annotations": annotations}}


def last_applied(obj: dict[str, Any]) -> dict[str, Any] | None:
    """The configuration applied last, None where there is none."""
    text = ((obj.get("metadata") or {}).get("annotations") or {}).get(ANNOTATION)
    return json.loads(text) if text else None
