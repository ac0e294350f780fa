"""What is noted for the audit log about webhooks that changed an object, or failed and were passed over.

Follows `apiserver/pkg/admission/plugin/webhook` (mutating/dispatcher.go, validating/dispatcher.go).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call

MUTATION, PATCH = "mutation.webhook.admission.k8s.io/", "patch.webhook.admission.k8s.io/"
"""What was patched is noted only where the audit policy wants requests' objects."""
FAILED_OPEN = {
    "mutating": "failed-open.mutation.webhook.admission.k8s.io/",
    "validating": "failed-open.validation.webhook.admission.k8s.io/",
}


def mutation(call: Call, place: tuple[int, int], configuration: str, hook: str, patch: Any, mutated: bool) -> None:
    """Note that a mutating webhook was asked.

    Args:
        call: the request.
        place: which round, and which of the webhooks.
        configuration, hook: names.
        patch: the operations that it answered.
        mutated: whether they changed anything.
    """
    key = _key(place)
    about = {"configuration": configuration, "webhook": hook}
    call.annotate(f"{MUTATION}{key}", _text({**about, "mutated": mutated}), replace=True)
    if mutated:
        call.annotate(f"{PATCH}{key}", _text({**about, "patch": patch, "patchType": "JSONPatch"}), replace=True)


def failed_open(call: Call, kind: str, place: tuple[int, int], hook: str) -> None:
    """Note that a webhook failed, which its configuration says to ignore."""
    call.annotate(f"{FAILED_OPEN[kind]}{_key(place)}", hook, replace=True)


def _key(place: tuple[int, int]) -> str:
    return f"round_{place[0]}_index_{place[1]}"


def _text(data: dict[str, Any]) -> str:
    return json.dumps(data, separators=(",", ":"))
