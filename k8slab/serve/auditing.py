"""The audit log of a served cluster: a line of JSON for each event (`--audit-log-path`, `--audit-policy-file`).

Follows `apiserver/pkg/endpoints/filters/audit.go` and `authn_audit.go`. What components ask in process is noted by the
cluster's own auditor; requests over HTTP bring a note along, which begins here and ends with their answer.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from k8slab.api.request import Request, Response, UserInfo
from k8slab.apiserver.audit import Asked, Auditor, Note, Policy, PolicyError
from k8slab.apiserver.audit.event import namespace_of, user_of
from k8slab.apiserver.routes import VERBS, Place, locate
from k8slab.cluster.audit import load
from k8slab.errors import ApiError

if TYPE_CHECKING:
    from k8slab.apiserver import APIServer
    from k8slab.serve.exchange import Exchange

LONG_VERBS, LONG_SUBRESOURCES = ("watch", "proxy"), ("attach", "exec", "proxy", "log", "portforward")


class FileLog:
    """Events, one a line, in a file that its owner alone may read (`-`: standard output).

    A copy of a lab writes nothing. Raises OSError where the file cannot be opened.
    """

    def __init__(self, path: str | Path = "") -> None:
        self.closed = not str(path)
        self._lock = threading.Lock()
        if self.closed:
            return
        if str(path) == "-":
            self._file = os.dup(sys.stdout.fileno())
        else:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._file = os.open(Path(path).expanduser(), flags, 0o600)

    def __reduce__(self) -> tuple[Any, ...]:
        return (FileLog, ())

    def write(self, event: dict[str, Any]) -> None:
        """Write an event; one that does not fit on the disk is lost, and the request goes on (`--audit-log-mode`)."""
        line = msgspec.json.encode(event) + b"\n"
        with self._lock, contextlib.suppress(OSError):
            if not self.closed:
                os.write(self._file, line)

    def close(self) -> None:
        """Write no more; closing twice is harmless."""
        with self._lock:
            if not self.closed:
                self.closed = True
                os.close(self._file)


class Auditing:
    """Notes the requests of a served cluster.

    Args:
        server: is told to note what its components ask.
        path: the log.
        policy: file of the audit Policy. Raises PolicyError, OSError.
    """

    def __init__(self, server: APIServer, path: str | Path, policy: str | Path) -> None:
        rules = Policy(load(Path(policy)))
        self._log = FileLog(path)
        self._server = server
        self.auditor = server.auditor = Auditor(server, rules, self._log.write)

    def close(self) -> None:
        """Note no more."""
        if self._server.auditor is self.auditor:
            self._server.auditor = None
        self._log.close()

    def begin(self, exchange: Exchange, audit_id: str) -> None:
        """Note a request whose user is known: `exchange.note`."""
        asked, about = self._about(exchange, exchange.user)
        note = self.auditor.note(asked, audit_id, about)
        if note is not None:
            exchange.note, exchange.is_long = note, _is_long(asked, exchange)
            note.received()

    def rejected(self, exchange: Exchange, audit_id: str, error: ApiError) -> None:
        """Note a request whose credential proves nothing (`WithFailedAuthenticationAudit`)."""
        asked, about = self._about(exchange, None)
        note = self.auditor.note(asked, audit_id, about)
        if note is None:
            return
        method = "x509" if exchange.certificate else exchange.header("authorization").partition(" ")[0].lower()
        attempted = f", attempted: {method}" if method else ""
        message = f"Authentication failed{attempted}"
        note.fields["responseStatus"] = {"metadata": {}, "status": "Failure", "message": message, "code": error.code}
        note.started()

    def _about(self, exchange: Exchange, user: UserInfo | None) -> tuple[Asked, dict[str, Any]]:
        asked, reference = _asked(exchange, user)
        about: dict[str, Any] = {"requestURI": exchange.uri, "verb": asked.verb}
        about["user"] = user_of(user) if user is not None else {}
        about |= {"sourceIPs": [exchange.client]} if exchange.client else {}
        about |= {"userAgent": exchange.header("user-agent")} if exchange.header("user-agent") else {}
        return asked, about | ({"objectRef": reference} if reference else {})


def finish(exchange: Exchange, code: int, error: BaseException | None = None) -> None:
    """The answer to a noted request is complete."""
    note = exchange.note
    if note is None:
        return
    if error is not None:
        note.panicked(error)
        return
    if "responseStatus" not in note.fields or note.fields["responseStatus"].get("code") != code:
        note.fields["responseStatus"] = {"metadata": {}, **({"code": code} if code else {})}
    note.completed()


def refused(note: Note, error: ApiError) -> None:
    """The request was refused before the cluster saw it."""
    note.answered(Response(error.code, error.status()))


def with_note(request: Request, exchange: Exchange) -> Request:
    """The request with the note that was begun of it."""
    return request if exchange.note is None else request.replace(note=exchange.note)


def _asked(exchange: Exchange, user: UserInfo | None) -> tuple[Asked, dict[str, str]]:
    name, groups = ("", ()) if user is None else (user.name, user.groups)
    try:
        place = locate(exchange.path)
    except ApiError:
        place = None
    if place is None:
        return Asked(user=name, groups=groups, verb=exchange.method.lower(), path=exchange.path), {}
    reference = {
        "resource": place.resource,
        "namespace": namespace_of(place),
        "name": place.name or "",
        "apiGroup": place.group,
        "apiVersion": place.version,
        "subresource": place.subresource,
    }
    asked = Asked(
        user=name,
        groups=groups,
        verb=verb_of(exchange, place),
        group=place.group,
        resource=place.resource,
        subresource=place.subresource,
        namespace=reference["namespace"],
        name=reference["name"],
    )
    return asked, {key: value for key, value in reference.items() if value}


def verb_of(exchange: Exchange, place: Place) -> str:
    """What an HTTP request wants to do."""
    verb = VERBS.get(exchange.method, exchange.method.lower())
    if place.name is None:
        verb = {"get": "list", "delete": "deletecollection"}.get(verb, verb)
    is_watch = place.is_watch or exchange.query.get("watch") in ("true", "1")
    return "watch" if verb == "list" and is_watch else verb


def _is_long(asked: Asked, exchange: Exchange) -> bool:
    return asked.verb in LONG_VERBS or asked.subresource in LONG_SUBRESOURCES


__all__ = ["Auditing", "FileLog", "PolicyError", "finish", "refused", "with_note"]
