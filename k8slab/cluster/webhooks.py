"""Webhooks of learners' own: functions that answer the API server in the place of a server of their own."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from typing import Any

from k8slab.client.calls import Call, CodeError, shown

ARGUMENTS = ("review", "request", "object", "old")
ANSWERS = "True, False, a text that says why not, or a dict such as {'allowed': True}"


class WebhookError(CodeError):
    """A webhook that is none, or went wrong."""


class CustomWebhook:
    """A learner's function in the place of a webhook.

    Args:
        function: asks for some of `review` (the whole AdmissionReview or ConversionReview as a dict), `request`,
            `object`, `old`, by name.
        name: what it answers for.
        latency: microseconds that it takes to answer.

    Raises WebhookError where it cannot be called so.
    """

    def __init__(self, function: Callable[..., Any], name: str, latency: int = 0) -> None:
        self.name = name
        self.latency = latency
        self.call = Call(function, f"webhook {name}", ARGUMENTS, WebhookError)

    def answer(self, review: dict[str, Any]) -> dict[str, Any]:
        """The review with its response. Raises WebhookError."""
        given = copy.deepcopy(review)
        request = given["request"]
        found = self.call(review=given, request=request, object=request.get("object"), old=request.get("oldObject"))
        if isinstance(found, dict) and "response" in found:
            return {"apiVersion": review["apiVersion"], "kind": review["kind"], **found}
        uid = review["request"]["uid"]
        head = {"apiVersion": review["apiVersion"], "kind": review["kind"]}
        if review["kind"] == "ConversionReview":
            return head | {"response": {"uid": uid, **self._converted(found)}}
        return head | {"response": {"uid": uid, **self._response(found)}}

    def _response(self, found: Any) -> dict[str, Any]:
        """What a learner's answer means."""
        if isinstance(found, bool):
            return {"allowed": found}
        if isinstance(found, str):
            return {"allowed": False, "status": {"message": found}}
        if not isinstance(found, dict):
            raise WebhookError(f"webhook {self.name}: answers {shown(found)}: it should answer {ANSWERS}")
        status = found.get("status")
        response = found | ({"status": {"message": status}} if isinstance(status, str) else {})
        if isinstance(found.get("patch"), (list, tuple)):
            text = json.dumps(found["patch"]).encode()
            response |= {"patch": base64.b64encode(text).decode(), "patchType": "JSONPatch"}
        return {"allowed": True} | response if "patch" in found else response

    def _converted(self, found: Any) -> dict[str, Any]:
        if isinstance(found, (list, tuple)):
            return {"result": {"status": "Success"}, "convertedObjects": list(found)}
        if isinstance(found, str):
            return {"result": {"status": "Failed", "message": found}}
        what = "the list of converted objects, or a text that says why not"
        raise WebhookError(f"webhook {self.name}: answers {shown(found)}: it should answer {what}")
