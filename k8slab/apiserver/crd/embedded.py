"""Objects inside custom objects (`x-kubernetes-embedded-resource`) need a kind, an apiVersion and fit metadata.

Follows `apiextensions-apiserver/pkg/apiserver/schema/objectmeta`.
"""

from __future__ import annotations

from typing import Any

from k8slab.api.codec import DecodeError, convert
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.validation import metadata, names
from k8slab.apiserver.crd.structural import EMBEDDED
from k8slab.errors import FieldError


def object_errors(value: Any, schema: Any, path: str = "", is_root: bool = True) -> list[FieldError]:
    """What is wrong with the embedded objects at any depth."""
    if not isinstance(schema, dict):
        return []
    errors = [] if is_root or not schema.get(EMBEDDED) else _embedded_errors(value, path)
    if isinstance(value, list):
        for index, item in enumerate(value):
            errors += object_errors(item, schema.get("items"), f"{path}[{index}]", False)
    elif isinstance(value, dict):
        properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
        for name in sorted(value):
            if name in properties:
                child = f"{path}.{name}" if path else name
                errors += object_errors(value[name], properties[name], child, False)
            elif others is not None:
                errors += object_errors(value[name], others, f"{path}[{name}]", False)
    return errors


def _embedded_errors(value: Any, path: str) -> list[FieldError]:
    if not isinstance(value, dict):
        return []
    errors = [
        FieldError.required(f"{path}.{name}", "must not be empty")
        for name in ("apiVersion", "kind")
        if not value.get(name)
    ]
    found = value.get("metadata")
    if found is None:
        return errors
    try:
        meta = convert(found, ObjectMeta, False)
    except DecodeError as error:
        return [*errors, FieldError.invalid(f"{path}.metadata", found, str(error))]
    if not meta.name:
        meta = meta.replace(name="fakename")
    metadata.object_meta_general(meta, False, names.segment_name, errors, f"{path}.metadata")
    return errors
