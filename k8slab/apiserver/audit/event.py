"""One request as the audit log tells it: an event for each stage that it reaches (`apiserver/pkg/audit/request.go`)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from k8slab.api import documents
from k8slab.api.codec import to_dict
from k8slab.api.request import APPLY_PATCH, YAML, ListBody, Request, Response, UserInfo
from k8slab.apiserver.audit.policy import Decided
from k8slab.apiserver.authorization import Decision
from k8slab.apiserver.routes import Place

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call
    from k8slab.sim.clock import Clock

Sink = Callable[[dict[str, Any]], object]
STATUS_FIELDS = ("status", "message", "reason", "details", "code")
PATCHES = "patch.webhook.admission.k8s.io/"
"""Annotations that tell what webhooks patched: part of the request."""
DECISION, REASON = "authorization.k8s.io/decision", "authorization.k8s.io/reason"


class Note:
    """What is noted of one request, up to the level that the policy wants.

    Args:
        clock: stamps the stages.
        decided: the policy's word.
        sink: takes the events, plain data of kind Event.
        audit_id: tells requests apart.
        about: `requestURI`, `verb`, and what else is known of the request from the start.
    """

    def __init__(self, clock: Clock, decided: Decided, sink: Sink, audit_id: str, about: dict[str, Any]) -> None:
        self.clock, self.decided, self._sink = clock, decided, sink
        self.received_at = clock.rfc3339_micro()
        self.fields = {"auditID": audit_id, "stage": "", **about}
        self.annotations: dict[str, str] = {}
        self.effective: Request | None = None
        self.call: Call | None = None
        self._begun = False

    @property
    def with_request(self) -> bool:
        """Whether the request's object is wanted."""
        return self.decided.level in ("Request", "RequestResponse")

    def received(self) -> None:
        """The request is here, and nothing is done yet."""
        self._emit("RequestReceived")

    def impersonates(self, user: UserInfo) -> None:
        """The request was let in as one of another user."""
        self.fields["impersonatedUser"] = user_of(user)

    def authorized(self, decision: Decision) -> None:
        """Whether the user may do that, and why."""
        self.annotations[DECISION] = "allow" if decision.allowed else "forbid"
        self.annotations[REASON] = decision.reason

    def asked(self, request: Request) -> None:
        """The request's object, and what it adds to what is known of its name."""
        body = _plain(request.body, request.content_type)
        if isinstance(body, dict) and request.verb in ("create", "update"):
            metadata = body.get("metadata") or {}
            reference = self.fields.get("objectRef")
            if reference is not None and isinstance(metadata, dict):
                for name in ("namespace", "name", "uid", "resourceVersion"):
                    if metadata.get(name) and not reference.get(name):
                        reference[name] = metadata[name]
        if body is not None and self.with_request:
            self.fields["requestObject"] = self._trimmed(body)

    def answered(self, response: Response) -> None:
        """The answer, as far as it is wanted."""
        body = response.body
        self.fields["responseStatus"] = _status(response)
        if self.call is not None:
            self.annotations |= {
                key: text
                for key, text in self.call.annotations.items()
                if self.with_request or not key.startswith(PATCHES)
            }
        if self.decided.level == "RequestResponse" and not callable(getattr(body, "stop", None)):
            data = _plain(body, "")
            if isinstance(data, dict):
                self.fields["responseObject"] = self._trimmed(data)

    def started(self) -> None:
        """A long answer has begun."""
        if not self._begun:
            self._begun = True
            self._emit("ResponseStarted")

    def completed(self) -> None:
        """The answer is complete."""
        self._emit("ResponseComplete")

    def panicked(self, error: BaseException) -> None:
        """The server has failed in the middle of it."""
        message = f"APIServer panic'd: {error}"
        status = {"metadata": {}, "status": "Failure", "message": message, "reason": "InternalError", "code": 500}
        self.fields["responseStatus"] = status
        self._emit("Panic")

    def _trimmed(self, data: dict[str, Any]) -> dict[str, Any]:
        """Without managed fields where the policy leaves them out."""
        if not self.decided.omit_managed_fields:
            return data
        trimmed = dict(data)
        if isinstance(data.get("metadata"), dict):
            trimmed["metadata"] = {key: value for key, value in data["metadata"].items() if key != "managedFields"}
        if isinstance(data.get("items"), list):
            trimmed["items"] = [self._trimmed(item) if isinstance(item, dict) else item for item in data["items"]]
        return trimmed

    def _emit(self, stage: str) -> None:
        if stage in self.decided.omit:
            return
        event = {"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": self.decided.level, **self.fields}
        event["stage"] = stage
        event["requestReceivedTimestamp"] = self.received_at
        event["stageTimestamp"] = self.clock.rfc3339_micro()
        if self.annotations:
            event["annotations"] = dict(sorted(self.annotations.items()))
        if "objectRef" in event:
            event["objectRef"] = dict(event["objectRef"])
        self._sink(event)


def user_of(user: UserInfo) -> dict[str, Any]:
    """A user as events tell it."""
    found: dict[str, Any] = {"username": user.name} if user.name else {}
    if user.uid:
        found["uid"] = user.uid
    if user.groups:
        found["groups"] = list(user.groups)
    if user.extra:
        found["extra"] = {key: list(values) for key, values in sorted(user.extra.items())}
    return found


def reference_of(request: Request) -> dict[str, str]:
    """What a request is about, as an ObjectReference of events."""
    found = {
        "resource": request.resource,
        "namespace": namespace_of(request),
        "name": name_of(request),
        "apiGroup": request.group,
        "apiVersion": request.version,
        "subresource": request.subresource,
    }
    return {key: value for key, value in found.items() if value}


def namespace_of(place: Request | Place) -> str:
    """The namespace that a request is about: a Namespace is thought to be in itself (`RequestInfo`)."""
    return place.namespace or (place.name if place.resource == "namespaces" and not place.group else "") or ""


def name_of(request: Request) -> str:
    """The name in a request's path: an object is created by a request to its collection."""
    return "" if request.verb == "create" and not request.subresource else request.name or ""


def _status(response: Response) -> dict[str, Any]:
    body = response.body
    if isinstance(body, dict) and body.get("kind") == "Status":
        found = {name: body[name] for name in STATUS_FIELDS if body.get(name)}
        return {"metadata": {}, **found, "code": response.code}
    return {"metadata": {}, "code": response.code}


def _plain(body: Any, content_type: str) -> Any:
    """A body as plain data; None where there is none, or it cannot be read."""
    if isinstance(body, ListBody):
        items = [_plain(item, "") for item in body.items]
        metadata = {"resourceVersion": body.resourceVersion}
        return {"kind": body.kind, "apiVersion": body.apiVersion, "metadata": metadata, "items": items}
    if isinstance(body, msgspec.Struct) or hasattr(body, "to_dict"):
        return to_dict(body)
    if isinstance(body, bytes):
        body = body.decode(errors="replace")
    if not isinstance(body, str):
        return body
    try:
        return documents.load(body) if content_type in (YAML, APPLY_PATCH) else json.loads(body)
    except (ValueError, RecursionError, documents.DocumentError):
        return None
