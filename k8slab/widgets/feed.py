"""From the store's history to the live board's messages: each change is encoded once, when it is asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from k8slab.etcd.renewal import is_renewal
from k8slab.etcd.store import CompactedError
from k8slab.views.board.model import Requests, app_name
from k8slab.views.state import ABSENT, node_state, pod_state, roles
from k8slab.widgets.protocol import (
    CONTROL_PLANE,
    CORDONED,
    MARK,
    MAX_EVENTS,
    MAX_NODES,
    MAX_REASONS,
    NO_NODE,
    NODE,
    NODE_GONE,
    NODE_RECORD,
    POD,
    POWERED_OFF,
    RECORD,
)

PODS, NODES, EVENTS = "/registry/pods/", "/registry/minions/", "/registry/events/"

#: So many changes at once are not worth sending one by one: a snapshot is smaller.
MAX_RECORDS = 200_000

#: So many of the newest revisions a new front end can look back on.
MAX_PAST = 20_000


class Message(NamedTuple):
    """The JSON part and the buffers of one message."""

    content: dict[str, Any]
    buffers: list[bytes]


class Feed:
    """Follows a cluster (its ``store``, ``trace``, ``clock`` and ``faults``) for one live view.

    It reads the store's log when asked, so nothing of it lives in the cluster's state, and a cluster that is copied or
    saved knows nothing of who looks at it. The caller holds the lab's lock.
    """

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster
        self._requests = Requests()
        self.seq = 0
        self._begin()

    def _begin(self) -> None:
        self._revision = 0
        self._time = -1
        self._pods: dict[str, int] = {}  # store key -> slot
        self._nodes: dict[str, int] = {}  # name -> slot; a node that comes back has its old one
        self._pod_states: list[tuple[int, int, int]] = []  # by slot: node, state, reason
        self._node_states: list[tuple[int, int]] = []  # by slot: state, flags
        self._node_looks: list[str] = []  # by slot: what else is shown of it
        self._off: dict[str, None] = {}
        self._reasons: dict[str, int] = {"": 0}

    @property
    def behind(self) -> bool:
        """Whether something has happened since the last message."""
        cluster = self._cluster
        moved = cluster.store.revision != self._revision or cluster.clock.now != self._time
        return moved or cluster.faults.failed_nodes.keys() != self._off.keys()

    # -- snapshot -------------------------------------------------------------------------------------------------

    def story(self) -> list[Message]:
        """Everything as it was when the lab was ready, or as far back as is known, and what has happened since."""
        store, trace = self._cluster.store, self._cluster.trace
        revision = max(store.revision - MAX_PAST, store.compacted, 1)
        for number in range(revision + 1, store.revision + 1):
            write = trace.write(number)
            if write is not None and write.time > 0:
                break
            revision = number
        if revision >= store.revision:
            return [self.snapshot()]
        last = trace.write(revision)
        time = max(0, last.time) if last is not None else 0
        begin = self._snapshot(revision, time, {})
        since = self.pull()
        # Where too much has happened, the pull is a snapshot itself.
        return [begin, since or self.tick()]

    def snapshot(self) -> Message:
        """Everything as it is now; slots begin anew."""
        cluster = self._cluster
        return self._snapshot(cluster.store.revision, cluster.clock.now, cluster.faults.failed_nodes)

    def _snapshot(self, revision: int, time: int, off: dict[str, None]) -> Message:
        self._begin()
        store = self._cluster.store
        self._off = dict.fromkeys(off)
        out = _Frame()
        for kv in store.range(NODES, revision=revision):
            slot = self._node_slot(kv.value.metadata.name)
            self._node_states[slot] = self._node_word(kv.value)
            self._write_node(out, slot, kv.value)
        for kv in store.range(PODS, revision=revision):
            self._add_pod(out, kv.key, kv.value, self._pod_word(kv.value))
        self._revision, self._time = revision, time
        extra = {"reasons": list(self._reasons)[1:], "t": time}
        return self._message("snap", [out.nodes, out.pods, out.strings()], extra)

    # -- changes --------------------------------------------------------------------------------------------------

    def pull(self) -> Message | None:
        """What has changed since the last message, or None where nothing has but time.

        A snapshot instead where so much changed that it is smaller, or the changes are compacted away.
        """
        store = self._cluster.store
        known = len(self._reasons)
        out = _Frame()
        try:
            entries = store.entries(self._revision + 1)
        except CompactedError:
            return self.snapshot()
        writes = self._cluster.trace.writes
        for event in entries:
            if is_renewal(event):
                continue  # a heartbeat that changes nothing does not show
            take = self._taker(event.kv.key)
            if take is not None:
                write = writes.get(event.kv.mod_revision)
                out.at(write.time if write else self._cluster.clock.now)
                take(out, event)
        self._follow_power(out)
        self._revision, self._time = store.revision, self._cluster.clock.now
        if len(out.records) > MAX_RECORDS * RECORD.size:
            return self.snapshot()
        if out.empty:
            return None
        extra = {"reasons": list(self._reasons)[known:], "ev": list(out.events), "missed": out.missed}
        return self._message("d", [out.records, out.marks(), out.nodes, out.pods, out.strings()], extra)

    def tick(self) -> Message:
        """Only the time: nothing else has changed."""
        self._time = self._cluster.clock.now
        return self._message("d", [], {})

    def _message(self, kind: str, buffers: list[Any], extra: dict[str, Any]) -> Message:
        self.seq += 1
        content = {"k": kind, "seq": self.seq, "t": self._cluster.clock.now, **extra}
        return Message(content, [bytes(buffer) for buffer in buffers])

    def _taker(self, key: str) -> Callable[[_Frame, Any], None] | None:
        if key.startswith(PODS):
            return self._take_pod
        if key.startswith(NODES):
            return self._take_node
        return self._take_event if key.startswith(EVENTS) else None

    def _take_pod(self, out: _Frame, event: Any) -> None:
        key, pod = event.kv.key, event.kv.value
        slot = self._pods.get(key)
        if pod is None:
            if slot is None:
                return
            del self._pods[key]
            word = (NO_NODE, ABSENT, 0)
        else:
            word = self._pod_word(pod)
            if slot is None:
                slot = self._add_pod(out, key, pod, (NO_NODE, ABSENT, 0))
        old = self._pod_states[slot]
        if word != old:
            self._pod_states[slot] = word
            out.records += RECORD.pack(slot, word[0], word[1], word[2], old[1], old[2], old[0])

    def _take_node(self, out: _Frame, event: Any) -> None:
        node = event.kv.value
        name = (node or event.prev.value).metadata.name
        slot = self._node_slot(name)
        word = (NODE_GONE, 0) if node is None else self._node_word(node)
        if node is not None and self._look(node) != self._node_looks[slot]:
            self._write_node(out, slot, node)
        self._record_node(out, slot, word)

    def _record_node(self, out: _Frame, slot: int, word: tuple[int, int]) -> None:
        old = self._node_states[slot]
        if word != old:
            self._node_states[slot] = word
            out.records += RECORD.pack(slot | NODE_RECORD, NO_NODE, word[0], word[1], old[0], old[1], NO_NODE)

    def _follow_power(self, out: _Frame) -> None:
        """Machines that lost or got their power: no write to the store tells of it."""
        off = self._cluster.faults.failed_nodes
        for name in [*self._off, *off]:
            if (name in self._off) != (name in off) and name in self._nodes:
                slot = self._nodes[name]
                state, flags = self._node_states[slot]
                out.at(self._cluster.clock.now)
                self._record_node(out, slot, (state, flags & ~POWERED_OFF | (POWERED_OFF if name in off else 0)))
        self._off = dict.fromkeys(off)

    def _take_event(self, out: _Frame, event: Any) -> None:
        told = event.kv.value
        if told is None or getattr(told, "reason", None) is None:
            return
        out.missed += len(out.events) == MAX_EVENTS
        about = getattr(told, "involvedObject", None) or getattr(told, "regarding", None)
        target = f"{about.kind}/{about.name}" if about else ""
        text = getattr(told, "message", None) or getattr(told, "note", None) or ""
        out.events.append([out.time, told.type or "Normal", told.reason, target, text[:300]])

    # -- words and rows -------------------------------------------------------------------------------------------

    def _pod_word(self, pod: Any) -> tuple[int, int, int]:
        state, reason = pod_state(pod)
        name = pod.spec.nodeName if pod.spec else None
        return (self._node_slot(name) if name else NO_NODE), state, self._reason(reason)

    def _reason(self, text: str) -> int:
        code = self._reasons.get(text)
        if code is None:
            if len(self._reasons) > MAX_REASONS:
                return 0
            code = self._reasons[text] = len(self._reasons)
        return code

    def _node_word(self, node: Any) -> tuple[int, int]:
        state, cordoned = node_state(node)
        flags = CORDONED if cordoned else 0
        if "control-plane" in roles(node):
            flags |= CONTROL_PLANE
        if node.metadata.name in self._off:
            flags |= POWERED_OFF
        return state, flags

    def _node_slot(self, name: str) -> int:
        slot = self._nodes.get(name)
        if slot is None:
            slot = len(self._nodes)
            if slot > MAX_NODES:
                return NO_NODE
            self._nodes[name] = slot
            self._node_states.append((NODE_GONE, 0))
            self._node_looks.append("")
        return slot

    def _look(self, node: Any) -> str:
        taints = ", ".join(f"{t.key}{'=' + t.value if t.value else ''}:{t.effect}" for t in node.spec.taints or ())
        size = (node.status.allocatable or node.status.capacity or {}) if node.status else {}
        shape = "|".join(str(size.get(name, 0)) for name in ("cpu", "memory", "pods"))
        return f"{node.metadata.name}\t{', '.join(roles(node))}\t{taints}\n{shape}"

    def _write_node(self, out: _Frame, slot: int, node: Any) -> None:
        from k8slab.api.quantity import milli, value

        look = self._node_looks[slot] = self._look(node)
        line, _, shape = look.partition("\n")
        cpu, memory, pods = shape.split("|")
        state, flags = self._node_states[slot]
        most = min(value(pods), 0xFFFF)
        out.nodes += NODE.pack(slot, state, flags, _u32(milli(cpu)), _u32(value(memory) >> 20), most, 0)
        out.node_lines.append(line)

    def _add_pod(self, out: _Frame, key: str, pod: Any, word: tuple[int, int, int]) -> int:
        slot = self._pods[key] = len(self._pod_states)
        self._pod_states.append(word)
        cpu, memory = self._requests.of(pod)
        out.pods += POD.pack(slot, *word, _u32(cpu), _u32(memory >> 20))
        out.pod_lines.append(f"{pod.metadata.namespace}\t{pod.metadata.name}\t{app_name(pod)}")
        return slot


class _Frame:
    """A message in the making."""

    def __init__(self) -> None:
        self.time = 0
        self.records, self.nodes, self.pods = bytearray(), bytearray(), bytearray()
        self.node_lines: list[str] = []
        self.pod_lines: list[str] = []
        self.events: deque[list[Any]] = deque(maxlen=MAX_EVENTS)  # of a flood, the newest
        self.missed = 0
        self._marks: list[tuple[int, int]] = []  # time, records before it

    def at(self, time: int) -> None:
        """What follows happened at this lab time."""
        self.time = time
        if not self._marks or self._marks[-1][0] != time:
            self._marks.append((time, len(self.records)))

    def marks(self) -> bytes:
        """The instants at which records were made, each with the number of records up to its end."""
        ends = [before for _, before in self._marks[1:]] + [len(self.records)]
        rows = ((time, before, end) for (time, before), end in zip(self._marks, ends, strict=True) if end > before)
        return b"".join(MARK.pack(time, end // RECORD.size, 0) for time, _, end in rows)

    def strings(self) -> bytes:
        """Names, one a line."""
        return "\n".join(self.node_lines + self.pod_lines).encode()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self.records or self.nodes or self.pods or self.events)


def _u32(number: int) -> int:
    return min(max(number, 0), 0xFFFF_FFFF)
