"""The scheduling queue: Pods to try now, Pods in back-off, and Pods waiting for an event that may help them.

Follows pkg/scheduler/backend/queue. Times are lab times in microseconds. The queue asks to be drained through
`on_ready`, a bound method.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cmp_to_key
from heapq import heappop, heappush
from typing import Any

from k8slab.scheduler.events import TIMEOUT, ClusterEvent, EventHint
from k8slab.scheduler.podinfo import PodInfo
from k8slab.scheduler.queuedpod import QueuedPod
from k8slab.sim.clock import MINUTE, SECOND

INITIAL_BACKOFF = 1 * SECOND
MAX_BACKOFF = 10 * SECOND
WINDOW = 1 * SECOND
"""Back-off times are cut down to whole windows; within one, Pods are ordered as in the active queue."""
MAX_UNSCHEDULABLE = 5 * MINUTE
FLUSH_UNSCHEDULABLE = 30 * SECOND

DEFAULT_NAME = "default-scheduler"
ACTIVE, BACKOFF, ERROR_BACKOFF, UNSCHEDULABLE, IN_FLIGHT = "active", "backoff", "error", "unschedulable", "inflight"


class SchedulingQueue:
    """The Pods that wait for a node.

    Args:
        clock: the lab's clock.
        on_ready: bound method, called when a Pod may be popped.
        pre_enqueue: bound method (pod) -> (gating plugin, text) or None.
        hints: bound method (scheduler name) -> [(plugin name, EventHint), ...].
        less: the QueueSort plugin's bound method for an order of its own; None is PrioritySort's.
        initial_backoff, max_backoff: microseconds.
    """

    def __init__(
        self,
        clock: Any,
        on_ready: Callable[[], None],
        pre_enqueue: Callable[[Any], tuple[str, str] | None],
        hints: Callable[[str], Sequence[tuple[str, EventHint]]],
        less: Callable[[Any, Any], bool] | None = None,
        initial_backoff: int = INITIAL_BACKOFF,
        max_backoff: int = MAX_BACKOFF,
    ) -> None:
        self.clock = clock
        self.on_ready = on_ready
        self.pre_enqueue = pre_enqueue
        self.hints = hints
        self.less = less
        self.initial_backoff = initial_backoff
        self.max_backoff = max_backoff
        self.pods: dict[tuple[str, str], QueuedPod] = {}
        self._active: list[tuple] = []
        self._backoff: dict[str, list[tuple]] = {BACKOFF: [], ERROR_BACKOFF: []}
        self._waiting: dict[str, dict[tuple[str, str], QueuedPod]] = {}
        self._in_flight: dict[tuple[str, str], QueuedPod] = {}
        self._sizes = {ACTIVE: 0, BACKOFF: 0, ERROR_BACKOFF: 0, UNSCHEDULABLE: 0, IN_FLIGHT: 0}
        self._seq = 0
        self._token = 0
        self._flush_timer: Any = None
        self._flush_at = 0
        self._timeout_timer: Any = None

    # --- what is where

    def __len__(self) -> int:
        return len(self.pods)

    def size(self, where: str) -> int:
        """How many Pods are in that part."""
        return self._sizes[where]

    @property
    def ready(self) -> bool:
        """Whether there is something to pop: an active Pod, or else one in (ordinary) back-off."""
        return bool(self._sizes[ACTIVE] or self._sizes[BACKOFF])

    def waiting(self) -> dict[str, list[tuple[str, str]]]:
        """(namespace, name) of all Pods by part of the queue, `gated` apart from `unschedulable`."""
        parts: dict[str, list[tuple[str, str]]] = {name: [] for name in ("active", "backoff", "unschedulable", "gated")}
        for key, queued in self.pods.items():
            if queued.where == UNSCHEDULABLE and queued.gated_by:
                parts["gated"].append(key)
            elif queued.where in (BACKOFF, ERROR_BACKOFF):
                parts["backoff"].append(key)
            elif queued.where in parts:
                parts[queued.where].append(key)
        return parts

    # --- Pods come, change and go

    def add(self, info: PodInfo, cause: int = 0) -> None:
        """A new Pod that wants a node."""
        queued = self.pods.get(info.key)
        if queued is None:
            queued = self.pods[info.key] = QueuedPod(info, self.clock.now)
        queued.info = info
        queued.causes = (cause,) if cause else ()
        self._to_active(queued)

    def update(self, old: Any, info: PodInfo, changes: Sequence[ClusterEvent], cause: int = 0) -> None:
        """A waiting Pod has changed: perhaps it can be scheduled now."""
        queued = self.pods.get(info.key)
        if queued is None:
            self.add(info, cause)
            return
        reordered = queued.info.priority != info.priority
        queued.info = info
        if queued.where == ACTIVE and reordered:
            self._to_active(queued)
        elif queued.where == UNSCHEDULABLE:
            self._update_waiting(queued, old, changes, cause)
        elif queued.where == IN_FLIGHT:
            queued.events.extend((event, old, info.pod) for event in changes)

    def _update_waiting(self, queued: QueuedPod, old: Any, changes: Sequence[ClusterEvent], cause: int) -> None:
        for event in changes:
            if self._worth(queued, event, old, queued.pod):
                self._wake(queued, event, cause)
                return

    def delete(self, key: tuple[str, str]) -> None:
        """The Pod is gone, or has a node."""
        queued = self.pods.pop(key, None)
        if queued is not None:
            self._place(queued, "")

    def clear(self) -> None:
        """Forget all Pods and timers."""
        for key in list(self.pods):
            self.delete(key)
        self.clock.cancel(self._flush_timer)
        self.clock.cancel(self._timeout_timer)
        self._flush_timer = self._timeout_timer = None

    # --- attempts

    def pop(self) -> QueuedPod | None:
        """The Pod to try next, or None. With nothing active, the first of those in back-off."""
        queued = self._pop_heap(self._active, ACTIVE)
        if queued is None:
            queued = self._pop_heap(self._backoff[BACKOFF], BACKOFF)
        if queued is None:
            return None
        self._place(queued, IN_FLIGHT)
        queued.attempts += 1
        if queued.initial_attempt is None:
            queued.initial_attempt = self.clock.now
        queued.events = []
        queued.rejected_by = set()
        queued.pending_plugins = set()
        return queued

    def give_back(self, queued: QueuedPod) -> None:
        """An attempt has failed; `rejected_by` and `pending_plugins` say through whom (nobody: an error)."""
        if self.pods.get(queued.info.key) is not queued:
            return
        queued.timestamp = self.clock.now
        if queued.rejected_by or queued.pending_plugins:
            queued.unschedulable_count += 1
            queued.consecutive_errors = 0
        else:
            queued.consecutive_errors += 1
        events, queued.events = queued.events, []
        queued.woken_by = ""
        if not queued.rejected_by and not queued.pending_plugins:
            self._to_backoff(queued)
            return
        for event, old, new in events:
            if self._worth(queued, event, old, new):
                self._wake(queued, event, 0)
                return
        self._to_unschedulable(queued)

    def done(self, key: tuple[str, str]) -> None:
        """The Pod in flight has its node."""
        self.delete(key)

    def activate(self, keys: Iterable[tuple[str, str]]) -> None:
        """Try these Pods at once, whatever they wait for."""
        for key in keys:
            queued = self.pods.get(key)
            if queued is not None and queued.where not in (ACTIVE, IN_FLIGHT):
                self._to_active(queued)

    # --- events

    def move(self, event: ClusterEvent, old: Any, new: Any, cause: int = 0) -> None:
        """Something has happened: wake the Pods that it may help."""
        for queued in self._in_flight.values():
            queued.events.append((event, old, new))
        if not self._sizes[UNSCHEDULABLE]:
            return
        found: dict[tuple[str, str], QueuedPod] = {}
        for plugin, pods in self._waiting.items():
            if any(name == plugin and one.covers(event) for name, one in self._all_hints(pods)):
                found.update(pods)
        for queued in sorted(found.values(), key=_by_token):
            if self._worth(queued, event, old, new):
                self._wake(queued, event, cause)

    def _all_hints(self, pods: dict[tuple[str, str], QueuedPod]) -> Iterable[tuple[str, EventHint]]:
        names = dict.fromkeys(one.pod.spec.schedulerName or DEFAULT_NAME for one in pods.values())
        return [hint for name in names for hint in self.hints(name)]

    def _worth(self, queued: QueuedPod, event: ClusterEvent, old: Any, new: Any) -> bool:
        rejectors = self._rejectors(queued)
        if not queued.gated_by and (not rejectors or event.resource == "*"):
            return True
        pod = queued.pod
        for plugin, one in self.hints(pod.spec.schedulerName or DEFAULT_NAME):
            if plugin in rejectors and one.covers(event) and (one.hint is None or one.hint(pod, old, new)):
                return True
        return False

    def _wake(self, queued: QueuedPod, event: ClusterEvent, cause: int) -> None:
        if cause:
            queued.causes = (cause,)
        queued.woken_by = event.label
        if queued.pending_plugins or queued.gated_by or not self._backing_off(queued):
            self._to_active(queued)
        else:
            self._to_backoff(queued)

    # --- parts

    def _to_active(self, queued: QueuedPod) -> None:
        gate = self.pre_enqueue(queued.pod)
        if gate is not None:
            queued.gated_by, queued.gated_text = gate
            self._to_unschedulable(queued)
            return
        queued.gated_by = queued.gated_text = ""
        self._place(queued, ACTIVE)
        heappush(self._active, (self._order(queued), queued.seq, queued.token, queued))
        self.on_ready()

    def _to_backoff(self, queued: QueuedPod) -> None:
        gate = self.pre_enqueue(queued.pod)
        if gate is not None:
            queued.gated_by, queued.gated_text = gate
            self._to_unschedulable(queued)
            return
        queued.gated_by = queued.gated_text = ""
        where = ERROR_BACKOFF if queued.consecutive_errors else BACKOFF
        queued.backoff_until = self.backoff_end(queued)
        self._place(queued, where)
        item = (queued.backoff_until, self._order(queued), queued.seq, queued.token, queued)
        heappush(self._backoff[where], item)
        self._flush_later(queued.backoff_until + WINDOW)
        if where == BACKOFF:
            self.on_ready()

    def _to_unschedulable(self, queued: QueuedPod) -> None:
        self._place(queued, UNSCHEDULABLE)
        if self._timeout_timer is None:
            self._timeout_timer = self.clock.call_after(FLUSH_UNSCHEDULABLE, self._flush_unschedulable)

    def _place(self, queued: QueuedPod, where: str) -> None:
        self._leave(queued)
        if where:
            self._sizes[where] += 1
        queued.where = where
        if where == IN_FLIGHT:
            self._in_flight[queued.info.key] = queued
        elif where == UNSCHEDULABLE:
            for plugin in self._rejectors(queued):
                self._waiting.setdefault(plugin, {})[queued.info.key] = queued
        self._token += 1
        queued.token = self._token
        if not queued.seq:
            self._seq += 1
            queued.seq = self._seq

    def _leave(self, queued: QueuedPod) -> None:
        where, key = queued.where, queued.info.key
        if not where:
            return
        self._sizes[where] -= 1
        if where == IN_FLIGHT:
            self._in_flight.pop(key, None)
        elif where == UNSCHEDULABLE:
            for plugin in list(self._waiting):
                pods = self._waiting[plugin]
                pods.pop(key, None)
                if not pods:
                    del self._waiting[plugin]

    def _rejectors(self, queued: QueuedPod) -> list[str]:
        return [queued.gated_by] if queued.gated_by else sorted(queued.rejected_by | queued.pending_plugins)

    def _order(self, queued: QueuedPod) -> Any:
        if self.less is None:
            return (-queued.info.priority, queued.timestamp)
        return cmp_to_key(self._compare)(queued)

    def _compare(self, one: QueuedPod, other: QueuedPod) -> int:
        return -1 if self.less(one, other) else int(self.less(other, one))

    def _pop_heap(self, heap: list[tuple], where: str) -> QueuedPod | None:
        while heap:
            queued, token = heap[0][-1], heap[0][-2]
            heappop(heap)
            if queued.where == where and queued.token == token:
                return queued
        return None

    # --- back-off

    def backoff_end(self, queued: QueuedPod) -> int:
        """When the Pod's back-off ends, cut down to a whole window (lab time, microseconds)."""
        count = queued.consecutive_errors or queued.unschedulable_count
        if count == 0:
            return 0
        delay = min(self.initial_backoff << min(count - 1, 30), self.max_backoff)
        return (queued.timestamp + delay) // WINDOW * WINDOW

    def _backing_off(self, queued: QueuedPod) -> bool:
        if not queued.consecutive_errors and not queued.unschedulable_count:
            return False
        return self.backoff_end(queued) >= self.clock.now // WINDOW * WINDOW

    def _flush_later(self, when: int) -> None:
        if self._flush_timer is not None and self._flush_at <= when:
            return
        self.clock.cancel(self._flush_timer)
        self._flush_at = when
        self._flush_timer = self.clock.call_at(when, self._flush_backoff)

    def _flush_backoff(self) -> None:
        self._flush_timer = None
        now = self.clock.now
        for where, heap in self._backoff.items():
            while heap:
                until, queued = heap[0][0], heap[0][-1]
                if queued.where != where or queued.token != heap[0][-2]:
                    heappop(heap)
                elif until + WINDOW <= now:
                    heappop(heap)
                    self._to_active(queued)
                else:
                    self._flush_later(until + WINDOW)
                    break

    def _flush_unschedulable(self) -> None:
        self._timeout_timer = None
        now = self.clock.now
        for queued in list(self.pods.values()):
            if (
                queued.where == UNSCHEDULABLE
                and now - queued.timestamp > MAX_UNSCHEDULABLE
                and self._worth(queued, TIMEOUT, None, None)
            ):
                self._wake(queued, TIMEOUT, 0)
        if self._sizes[UNSCHEDULABLE]:
            self._timeout_timer = self.clock.call_after(FLUSH_UNSCHEDULABLE, self._flush_unschedulable)


def _by_token(queued: QueuedPod) -> int:
    return queued.token
