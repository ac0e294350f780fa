"""From client-side to server-side apply: who owned the fields then owns them now (`client-go/util/csaupgrade`)."""

from __future__ import annotations

from typing import Any

from k8slab.api.apply import decode, encode
from k8slab.kubectl.lastapplied import ANNOTATION

_MARK = ("f:metadata", "f:annotations", f"f:{ANNOTATION}")


def upgraded(entries: list[dict[str, Any]], manager: str) -> list[dict[str, Any]] | None:
    """managedFields in which those who wrote the annotation of client-side apply are one with the applying manager.

    None where nobody did.
    """
    old = [each for each in entries if _is_client_side(each)]
    if not old:
        return None
    ours = next((each for each in entries if _is_applier(each, manager)), old[0])
    fields = decode(ours["fieldsV1"]).union(*(decode(each["fieldsV1"]) for each in old)) - {_MARK}
    joined = ours | {"manager": manager, "operation": "Apply", "fieldsV1": encode(fields)}
    return [joined if each is ours else each for each in entries if each is ours or each not in old]


def _is_client_side(entry: dict[str, Any]) -> bool:
    return entry["operation"] == "Update" and not entry.get("subresource") and _MARK in decode(entry["fieldsV1"])


def _is_applier(entry: dict[str, Any], manager: str) -> bool:
    return entry["operation"] == "Apply" and entry["manager"] == manager and not entry.get("subresource")
