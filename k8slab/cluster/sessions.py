"""Sessions that are open in containers (exec, attach): what comes in through them is an input to the lab.

The request that opens a session is journalled like any other; what is typed afterwards names the session by its number,
which counts the sessions in the order of their opening, so that it is the same in a replay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from k8slab.cluster.cluster import Cluster

#: What may come in, and the values that it takes.
ACTIONS = ("input", "close", "resize", "detach")


class Sessions:
    """The open sessions of a cluster, by number."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._sessions: dict[int, Any] = {}
        self._count = 0

    def open(self, kind: str, namespace: str, pod: str, options: dict[str, Any], sink: Any) -> Any:
        """Open a session in a Pod, or its ports: called by the API server. Raises ApiError."""
        found = self._cluster.server.peek("pods", pod, namespace)
        kubelet = self._cluster.kubelets[found.spec.nodeName]
        session = kubelet.stream(kind, namespace, pod, options, sink)
        if kind != "portforward":
            self._forget_ended()
            self._count += 1
            session.number, session.inlet = self._count, self.send
            self._sessions[session.number] = session
        return session

    def send(self, session: Any, action: str, *values: Any) -> None:
        """Pass something from a session's client on: `input` (text), `close`, `resize` (rows, columns), `detach`."""
        self.apply({"session": session.number, "action": action, "values": list(values)})

    def apply(self, data: dict[str, Any]) -> None:
        """Do what a journal's entry says. Raises KeyError, TypeError or ValueError for one that says nothing."""
        gate = self._cluster.gate
        if data["action"] not in ACTIONS:
            raise ValueError(f"a session has no action {data['action']!r}")
        with gate.lock:
            session = self._sessions.get(data["session"])
            if session is None or session.status is not None:
                return
            gate.record("stream", data)
            with gate.trace.acting("client", note=f"session {session.number}"):
                self._act(session, data["action"], data["values"])

    def _act(self, session: Any, action: str, values: list[Any]) -> None:
        if action == "input":
            session.type(str(values[0]))
        elif action == "close":
            session.end_input()
        elif action == "resize":
            rows, columns = values
            session.resize(int(rows), int(columns))
        else:
            session.detach()

    def _forget_ended(self) -> None:
        self._sessions = {number: each for number, each in self._sessions.items() if each.status is None}
