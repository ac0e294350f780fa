"""The audit log of a lab, in memory: who asked the API server for what, and whether it was allowed."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from k8slab.api import documents
from k8slab.apiserver.audit import Auditor, Policy, PolicyError
from k8slab.apiserver.audit.event import DECISION

if TYPE_CHECKING:
    from k8slab.cluster.cluster import Cluster

#: What is noted where no policy is given: everything, once, without the objects.
EVERYTHING = {"omitStages": ["RequestReceived"], "rules": [{"level": "Metadata"}]}
#: So many events are kept; the oldest go first.
LIMIT = 50_000


class Row(NamedTuple):
    """One event in short."""

    time: str
    user: str
    verb: str
    target: str
    code: int
    decision: str
    agent: str


class AuditLog:
    """What the API server is asked for, from `start` to `stop`. Noting changes nothing in the lab's history.

    >>> from k8slab import Lab
    >>> lab = Lab(workers=1)
    >>> lab.audit.start()
    >>> _ = lab.kubectl("get pods --as=alice", echo=False)
    >>> lab.audit.rows()[-1][1:6]
    ('kubernetes-admin as alice', 'list', 'pods in default', 403, 'forbid')
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._events: deque[dict[str, Any]] = deque(maxlen=LIMIT)

    def __len__(self) -> int:
        return len(self._events)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events as kube-apiserver would write them (audit.k8s.io/v1), oldest first."""
        return list(self._events)

    def start(self, policy: Any = None) -> None:
        """Note requests from now on.

        Args:
            policy: an audit Policy as YAML text, path or dict; None notes everything at level Metadata.

        Raises PolicyError where it is none.
        """
        server = self._cluster.server
        server.auditor = Auditor(server, Policy(EVERYTHING if policy is None else load(policy)), self.append)

    def stop(self) -> None:
        """Note no more; what was noted stays."""
        auditor = self._cluster.server.auditor
        if auditor is not None and auditor.sink == self.append:
            self._cluster.server.auditor = None

    def clear(self) -> None:
        """Forget what was noted."""
        self._events.clear()

    def append(self, event: dict[str, Any]) -> None:
        """Take an event."""
        self._events.append(event)

    def rows(self, user: str = "", verb: str = "", resource: str = "") -> list[Row]:
        """The events in short: time, user, verb, what, code, decision, agent; of one user, verb or resource only."""
        return [
            row_of(event)
            for event in self._events
            if event["stage"] != "RequestReceived"
            and (not user or user in _users(event))
            and (not verb or event["verb"] == verb)
            and (not resource or event.get("objectRef", {}).get("resource") == resource)
        ]

    def __repr__(self) -> str:
        state = "noting" if self._cluster.server.auditor is not None else "not noting: start() it"
        return f"<AuditLog of {len(self)} events, {state}>"


def load(policy: Any) -> dict[str, Any]:
    """A policy as plain data, of YAML text, a path or a dict. Raises PolicyError."""
    if isinstance(policy, dict):
        return policy
    text = str(policy)
    try:
        if isinstance(policy, Path) or ("\n" not in text and text.endswith((".yaml", ".yml", ".json"))):
            text = Path(policy).read_text(encoding="utf-8")
        data = documents.load(text)
    except OSError as error:
        raise PolicyError(f"failed to read file path {policy!s}: {error.strerror}") from None
    except (ValueError, documents.DocumentError) as error:
        raise PolicyError(f"failed decoding: {error}") from None
    if not isinstance(data, dict):
        raise PolicyError("failed decoding: the policy is not an object")
    return data


def row_of(event: dict[str, Any]) -> Row:
    """An event in short."""
    about = event.get("objectRef", {})
    what = "/".join(part for part in (about.get("resource"), about.get("name"), about.get("subresource")) if part)
    where = f" in {about['namespace']}" if about.get("namespace") else ""
    return Row(
        event["stageTimestamp"],
        " as ".join(_users(event)),
        event["verb"],
        f"{what}{where}" or event["requestURI"],
        event.get("responseStatus", {}).get("code", 0),
        event.get("annotations", {}).get(DECISION, ""),
        event.get("userAgent", ""),
    )


def _users(event: dict[str, Any]) -> list[str]:
    return [event[name].get("username", "") for name in ("user", "impersonatedUser") if name in event]
