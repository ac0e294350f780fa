"""What the scheduler decided, kept so that every attempt can be explained later.

An attempt holds references and a position in the cache's journal; verdicts and scores are worked out again, by the same
plugins on the same state, when somebody asks (`explanation`).
"""

from __future__ import annotations

from typing import Any

from k8slab.scheduler.cache import Entry
from k8slab.scheduler.recall import Answers

SCHEDULED, UNSCHEDULABLE, PREEMPTING, FAILED = "scheduled", "unschedulable", "preempting", "error"


class Attempt:
    """One attempt to schedule a Pod.

    Attributes:
        time: lab time in microseconds.
        number: 1 for the Pod's first attempt.
        pod: the Pod as it was.
        profile: the scheduler's name.
        outcome: `scheduled`, `unschedulable`, `preempting` or `error`.
        node: the node chosen ("" if none).
        message: why none, as in the event.
        nominated: the node being cleared for the Pod, with `victims` as (namespace, name).
        evaluated, feasible, tied: numbers of nodes looked at, that fit, and that shared the best total.
        answers: what plugins that are not built in said.
        woken_by: the event that made the scheduler try again.
        setting: the configuration and the plugin classes with which it was made.
    """

    __slots__ = (
        "answers",
        "evaluated",
        "feasible",
        "journal",
        "message",
        "node",
        "nominated",
        "number",
        "outcome",
        "pod",
        "position",
        "profile",
        "setting",
        "start",
        "tied",
        "time",
        "victims",
        "woken_by",
    )

    def __init__(self, time: int, number: int, pod: Any, profile: str, start: int, woken_by: str) -> None:
        self.time = time
        self.number = number
        self.pod = pod
        self.profile = profile
        self.start = start
        self.woken_by = woken_by
        self.outcome = ""
        self.node = ""
        self.message = ""
        self.nominated = ""
        self.victims: tuple[tuple[str, str], ...] = ()
        self.evaluated = self.feasible = self.tied = 0
        self.answers: dict[str, Answers] = {}
        self.journal: list[Entry] = []
        self.position = 0
        self.setting: Any = None

    def at(self, journal: list[Entry]) -> None:
        """Remember the state in which the attempt is made."""
        self.journal = journal
        self.position = len(journal)

    def __repr__(self) -> str:
        where = f" on {self.node or self.nominated}" if self.node or self.nominated else ""
        return f"<Attempt {self.number} {self.outcome}{where}>"


class Decisions:
    """All attempts, by Pod uid; and the latest uid of each name."""

    def __init__(self) -> None:
        self.attempts: dict[str, list[Attempt]] = {}
        self._uids: dict[tuple[str, str], str] = {}

    def record(self, attempt: Attempt) -> None:
        """Keep an attempt."""
        metadata = attempt.pod.metadata
        made = self.attempts.setdefault(metadata.uid, [])
        # Counted here: the queue starts to count anew when the scheduler is started again.
        attempt.number = len(made) + 1
        made.append(attempt)
        self._uids[(metadata.namespace, metadata.name)] = metadata.uid

    def of(self, namespace: str, name: str) -> list[Attempt]:
        """The attempts for the latest Pod of that name, oldest first."""
        return self.attempts.get(self._uids.get((namespace, name), ""), [])

    def __getitem__(self, uid: str) -> list[Attempt]:
        return self.attempts[uid]

    def __len__(self) -> int:
        return len(self.attempts)
