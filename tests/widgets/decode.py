"""The front end's replica in Python, as plain as can be: what the messages say, forwards and backwards."""

from __future__ import annotations

from typing import Any

from k8slab.views.state import STATES
from k8slab.widgets.feed import Message
from k8slab.widgets.protocol import MARK, NO_NODE, NODE, NODE_GONE, NODE_RECORD, POD, RECORD


class Replica:
    """Pods and nodes by slot."""

    def __init__(self) -> None:
        self.seq = 0
        self.frames: list[tuple[float, list[tuple[int, ...]]]] = []

    def take(self, message: Message) -> None:
        content, buffers = message
        assert content["seq"] > self.seq
        self.seq = content["seq"]
        if content["k"] == "snap":
            self.nodes: dict[int, list[Any]] = {}
            self.pods: dict[int, list[Any]] = {}
            self.reasons = [""]
            self.frames = []
            self._learn(content, *buffers, placed=True)
        elif buffers:
            records, marks, nodes, pods, strings = buffers
            self._learn(content, nodes, pods, strings, placed=False)
            self._run(records, marks)

    def _learn(self, content: Any, nodes: bytes, pods: bytes, strings: bytes, placed: bool) -> None:
        self.reasons += content["reasons"]
        lines = iter(strings.decode().split("\n"))
        for slot, state, flags, cpu, memory, most, _ in NODE.iter_unpack(nodes):
            known = self.nodes.get(slot)
            word = known[0] if known and known[1] else [state, flags]
            self.nodes[slot] = [word, next(lines).split("\t"), (cpu, memory, most)]
        for slot, node, state, reason, cpu, memory in POD.iter_unpack(pods):
            word = [node, state, reason] if placed else [NO_NODE, 0, 0]
            self.pods[slot] = [word, next(lines).split("\t"), (cpu, memory)]

    def _run(self, records: bytes, marks: bytes) -> None:
        rows = list(RECORD.iter_unpack(records))
        begin = 0
        for time, end, _ in MARK.iter_unpack(marks):
            self.frames.append((time, rows[begin:end]))
            begin = end
        assert begin == len(rows), "a record without an instant"
        for row in rows:
            self._apply(row, back=False)

    def back(self) -> None:
        """Undo the last instant."""
        for row in reversed(self.frames.pop()[1]):
            self._apply(row, back=True)

    def _apply(self, row: tuple[int, ...], back: bool) -> None:
        slot, node, state, reason, old_state, old_reason, old_node = row
        new, old = [node, state, reason], [old_node, old_state, old_reason]
        if slot & NODE_RECORD:
            entry = self.nodes.setdefault(slot & 0xFFFF, [[NODE_GONE, 0], None, None])
            new, old = new[1:], old[1:]
        else:
            entry = self.pods[slot]
        assert entry[0] == (new if back else old), "a record does not fit what it changes"
        entry[0] = old if back else new

    def picture(self) -> Any:
        """What is shown, without slots."""
        names = {slot: line[0] for slot, (word, line, _) in self.nodes.items() if line and word[0] != NODE_GONE}
        nodes = sorted(
            (line[0], line[1], line[2], *word, *size)
            for word, line, size in self.nodes.values()
            if word[0] != NODE_GONE and line
        )
        pods = sorted(
            (*line, names.get(word[0], ""), STATES[word[1]].name, self.reasons[word[2]], *size)
            for word, line, size in self.pods.values()
            if word[1]
        )
        return nodes, pods
