"""Notes the requests that a server handles, as a policy says.

Requests that come over HTTP bring their note along (`Request.note`): the front knows more of them, and when their
answers are complete. All others, those of components and notebooks, are noted here from beginning to end.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from k8slab.api.request import Request, Response
from k8slab.apiserver.audit.event import Note, Sink, name_of, namespace_of, reference_of, user_of
from k8slab.apiserver.audit.policy import Asked, Policy
from k8slab.apiserver.authorization import attributes_of
from k8slab.errors import ApiError

if TYPE_CHECKING:
    from k8slab.apiserver.server import APIServer

#: Options that stand in a query under another name than ours, in the order of client-go.
_PARAMETERS = (
    ("allow_watch_bookmarks", "allowWatchBookmarks"),
    ("continue_", "continue"),
    ("dry_run", "dryRun"),
    ("field_manager", "fieldManager"),
    ("field_selector", "fieldSelector"),
    ("field_validation", "fieldValidation"),
    ("force", "force"),
    ("label_selector", "labelSelector"),
    ("limit", "limit"),
    ("resource_version", "resourceVersion"),
    ("resource_version_match", "resourceVersionMatch"),
    ("send_initial_events", "sendInitialEvents"),
    ("timeout_seconds", "timeoutSeconds"),
)


class Auditor:
    """What stands before a server's pipeline while requests are noted.

    Args:
        server: whose requests.
        policy: what is noted of which.
        sink: takes the events.
    """

    def __init__(self, server: APIServer, policy: Policy, sink: Sink) -> None:
        self.server, self.policy, self.sink = server, policy, sink

    def handle(self, request: Request) -> Response:
        """Have a request handled, and note it."""
        note = request.note
        if note is not None:
            return self._observe(request, note)
        note = self._begin(request)
        if note is None:
            return self.server.process(request)
        note.received()
        try:
            response = self._observe(request, note)
        except Exception as error:
            note.panicked(error)
            raise
        if request.verb == "watch" and response.is_success:
            note.started()
        else:
            note.completed()
        return response

    def note(self, asked: Asked, audit_id: str, about: dict[str, Any]) -> Note | None:
        """A note of a request that is about to be handled; None where the policy wants none."""
        decided = self.policy.decide(asked)
        if decided.level == "None":
            return None
        return Note(self.server.clock, decided, self.sink, audit_id, about)

    def _begin(self, request: Request) -> Note | None:
        about: dict[str, Any] = {"requestURI": uri_of(request), "verb": request.verb, "user": user_of(request.user)}
        about |= {"sourceIPs": ["127.0.0.1"]} | ({"userAgent": request.user_agent} if request.user_agent else {})
        about["objectRef"] = reference_of(request)
        return self.note(asked_of(request), self.server.streams.uid("audit"), about)

    def _observe(self, request: Request, note: Note) -> Response:
        note.asked(request)
        response = self.server.process(request, note)
        effective = note.effective
        if effective is not None:
            if request.impersonate is not None:
                note.impersonates(effective.user)
            with contextlib.suppress(ApiError):
                note.authorized(self.server.authorizer.authorize(attributes_of(effective)))
        note.answered(response)
        return response


def asked_of(request: Request) -> Asked:
    """A request as policies see it."""
    return Asked(
        user=request.user.name,
        groups=request.user.groups,
        verb=request.verb,
        group=request.group,
        resource=request.resource,
        subresource=request.subresource,
        namespace=namespace_of(request),
        name=name_of(request),
    )


def uri_of(request: Request) -> str:
    """The path and query with which the same would be asked over HTTP."""
    root = f"/apis/{request.group}/{request.version}" if request.group else f"/api/{request.version}"
    parts = [root, *(("namespaces", request.namespace) if request.namespace else ()), request.resource]
    parts += [part for part in (name_of(request), request.subresource) if part]
    query = [(theirs, _text(getattr(request.options, ours))) for ours, theirs in _PARAMETERS]
    query = [(name, value) for name, value in query if value]
    if request.verb == "watch":
        query.append(("watch", "true"))
    path = "/".join(parts)
    return f"{path}?{urlencode(sorted(query))}" if query else path


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else ""
    return str(value) if value else ""
