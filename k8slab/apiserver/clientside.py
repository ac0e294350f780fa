"""From client-side to server-side apply: what `kubectl apply` wrote before does not stand in its own way.

Follows `managedfields/internal/lastappliedmanager.go` and `lastappliedupdater.go`: only the manager `kubectl` is served
so, and only on objects with the annotation of client-side apply.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from k8slab.api.apply import Conflicted, Shape, leaves
from k8slab.errors import go_json

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call

KUBECTL = "kubectl"
ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
_MISSING = object()


def check_taken_over(call: Call, error: Conflicted, live: dict[str, Any], shape: Shape) -> None:
    """Raises the conflicts that are about fields which client-side apply did not set to what they are."""
    if call.options.field_manager != KUBECTL:
        raise error
    last = _last_applied(live)
    if last is None:
        raise error
    now, then = leaves(live, shape), leaves(last, shape)
    unchanged = {path for path, value in then.items() if now.get(path, _MISSING) == value}
    left = [(manager, path) for manager, path in error.conflicts if path not in unchanged]
    if left:
        raise Conflicted(left) from None


def _last_applied(live: dict[str, Any]) -> dict[str, Any] | None:
    text = (live["metadata"].get("annotations") or {}).get(ANNOTATION)
    if not text:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def sync_last_applied(merged: dict[str, Any], applied: dict[str, Any], live: dict[str, Any]) -> None:
    """Keep the annotation of client-side apply, where there is one, up to date with what is applied now."""
    if ANNOTATION not in (live["metadata"].get("annotations") or {}):
        return
    metadata = {key: value for key, value in (applied.get("metadata") or {}).items() if key != "managedFields"}
    if metadata.get("annotations"):
        metadata["annotations"] = {key: value for key, value in metadata["annotations"].items() if key != ANNOTATION}
    text = go_json(applied | {"metadata": metadata}) + "\n"
    after = dict(merged["metadata"])
    after["annotations"] = (after.get("annotations") or {}) | {ANNOTATION: text}
    merged["metadata"] = after
