"""kube-scheduler: takes Pods from its queue, one at a time, and finds each a node (pkg/scheduler).

A scheduling cycle happens at one instant of lab time; between two cycles passes `CYCLE_COST`. Binding follows at once
unless a Permit or PreBind plugin has to wait.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from k8slab.client.client import STRATEGIC_PATCH
from k8slab.client.informer import STEADY, Informers
from k8slab.client.leaderelection import LeaderElector
from k8slab.client.recorder import SeriesRecorder
from k8slab.errors import ApiError
from k8slab.scheduler import decisions as outcomes
from k8slab.scheduler.binding import Binder
from k8slab.scheduler.cache import LISTED, Cache
from k8slab.scheduler.cycle import Cycle
from k8slab.scheduler.decisions import Attempt, Decisions
from k8slab.scheduler.diagnosis import NO_NODES, Diagnosis
from k8slab.scheduler.eventhandlers import EventHandlers
from k8slab.scheduler.events import EventHint
from k8slab.scheduler.explanation import Explanation, explain
from k8slab.scheduler.framework import CycleState, Plugin, PluginError, PostFilterResult, Status
from k8slab.scheduler.nominator import Nominator
from k8slab.scheduler.plugins import REGISTRY
from k8slab.scheduler.profile import Configuration, load_configuration
from k8slab.scheduler.queuedpod import QueuedPod
from k8slab.scheduler.recall import answers_of
from k8slab.scheduler.runtime import Framework
from k8slab.scheduler.scheduling_queue import SchedulingQueue
from k8slab.sim.clock import MILLISECOND

CYCLE_COST = 1 * MILLISECOND
"""Lab time from one scheduling cycle to the next: about what the real scheduler needs per Pod in a large cluster."""

SEEDED, FIRST = "seeded", "first"
"""Ties: chosen by the seed, or the first in node order."""


class Scheduler:
    """The scheduler process.

    Args:
        client: talks to the API server as system:kube-scheduler.
        clock, streams, trace: the lab's.
        config: a KubeSchedulerConfiguration (YAML text or dict); None for the defaults.
        plugins: plugin classes of others than kube-scheduler; part of every profile that does not disable them.
        ties: `seeded` or `first`.
        host: the machine's name, under which it competes for its Lease; "" leads without asking.

    Raises ConfigurationError where kube-scheduler would refuse to start.
    """

    name = "kube-scheduler"

    def __init__(
        self,
        client: Any,
        clock: Any,
        streams: Any,
        trace: Any,
        config: str | Mapping[str, Any] | None = None,
        plugins: Sequence[type[Plugin]] = (),
        ties: str = SEEDED,
        host: str = "",
    ) -> None:
        self.client = client
        self.clock = clock
        self.trace = trace
        self.rng = streams.stream("scheduler")
        self.ties = ties
        self.registry = dict(REGISTRY) | {plugin.name: plugin for plugin in plugins}
        self.source = config
        self.configuration: Configuration = load_configuration(config, self.registry)
        self.decisions = Decisions()
        self.running = self.leading = False
        self.elector: LeaderElector | None = None
        if host:
            steps = (self._lead, self._follow, streams.stream(f"leader-election/{host}"))
            self.elector = LeaderElector(
                client, clock, trace, self.name, host, *steps, release_on_stop=True, streams=streams
            )
        self.incarnation = 0
        self._reset()

    def _reset(self) -> None:
        """Forget everything, as a new process does; decisions are the lab's memory and stay."""
        self.cache = Cache()
        self.nominator = Nominator(self.cache)
        self.next_start = 0
        self.recorders: dict[str, SeriesRecorder] = {}
        self.queue = self._make_queue()
        self.binder = Binder(self)
        self.setting = (self.configuration, self.registry)
        self.frameworks: dict[str, Framework] = {}
        self._hints: dict[str, list[tuple[str, EventHint]]] = {}
        self._make_frameworks()
        self.handlers = EventHandlers(self.cache, self.queue, self.nominator, self.frameworks)
        self.informers = Informers(self.client, self.clock, STEADY)
        self.cache.newest = self.informers.of("nodes").newest
        self._next: Any = None
        self._free_at = self.clock.now

    def _make_queue(self) -> SchedulingQueue:
        config = self.configuration
        return SchedulingQueue(
            self.clock,
            self._wake,
            self._pre_enqueue,
            self._hints_of,
            initial_backoff=config.initial_backoff,
            max_backoff=config.max_backoff,
        )

    def _make_frameworks(self) -> None:
        for profile in self.configuration.profiles:
            framework = Framework(profile, self.registry, self)
            self.frameworks[profile.scheduler_name] = framework
            self._hints[profile.scheduler_name] = [
                (plugin.name, hint) for plugin in framework.plugins.values() for hint in plugin.events_to_register()
            ]
            sort = framework.points["QueueSort"][0]
            if sort.name != "PrioritySort":
                self.queue.less = sort.less

    # --- life

    def start(self) -> None:
        """List and watch, then begin to schedule; with leader election, once this one leads."""
        if self.running:
            return
        self.running = True
        if self.elector is not None:
            self.elector.start()
        else:
            self._lead()

    def _lead(self) -> None:
        self.leading = True
        self.handlers.attach(self.informers, LISTED)
        self.informers.start()
        self._wake()

    def _follow(self) -> None:
        """The Lease is lost: the real process exits, and its supervisor starts it again."""
        self._halt()
        self.start()

    def stop(self) -> None:
        """End cleanly; the Lease is given back, so that another may lead at once."""
        self._halt()
        if self.elector is not None:
            self.elector.stop()

    def crash(self) -> None:
        """End at once; what was assumed or waiting is forgotten."""
        self._halt()
        if self.elector is not None:
            self.elector.crash()

    def _halt(self) -> None:
        if not self.running:
            return
        self.running = self.leading = False
        self.incarnation += 1
        self.informers.stop()
        self.queue.clear()
        self.clock.cancel(self._next)
        self._reset()

    def configure(self, config: str | Mapping[str, Any] | None) -> None:
        """Take another configuration. The process restarts with it. Raises ConfigurationError and changes nothing."""
        self.configuration = load_configuration(config, self.registry)
        self.source = config
        self._restart()

    def add_plugin(self, plugin: type[Plugin], config: str | Mapping[str, Any] | None = None) -> None:
        """Build in another plugin class; the process restarts. `config` may place it, or give it weight and args."""
        registry = self.registry | {plugin.name: plugin}
        self.configuration = load_configuration(config if config is not None else self.source, registry)
        self.registry = registry
        self._restart()

    def _restart(self) -> None:
        was_running = self.running
        self.stop()
        self._reset()
        if was_running:
            self.start()

    # --- what plugins and parts use

    def later(self, callback: Callable[..., None], *args: Any) -> None:
        """Do something after the running cycle, unless the process ends before."""
        causes = self.trace.causes
        self.clock.call_soon(self._run, self.incarnation, causes, callback, args)

    def _run(self, incarnation: int, causes: tuple[int, ...], callback: Callable[..., None], args: tuple) -> None:
        if incarnation == self.incarnation:
            with self.trace.acting(self.client.user_agent, causes):
                callback(*args)

    def recorder_for(self, pod: Any) -> SeriesRecorder:
        """The event recorder of the Pod's profile."""
        name = pod.spec.schedulerName or "default-scheduler"
        found = self.recorders.get(name)
        if found is None:
            found = self.recorders[name] = SeriesRecorder(self.client, self.clock, self.trace, name, self.name)
        return found

    def patch_condition(self, pod: Any, condition: dict[str, Any], nominated: str | None = None) -> None:
        """Set a condition in a Pod's status, and `nominatedNodeName` unless that is None. Nothing if all is so already.

        Raises ApiError.
        """
        status = pod.status
        conditions = (status.conditions if status is not None else None) or ()
        old = next((one for one in conditions if one.type == condition["type"]), None)
        patch: dict[str, Any] = {}
        wanted = dict(condition)
        if pod.metadata.generation:
            wanted["observedGeneration"] = pod.metadata.generation
        if old is None or any(getattr(old, name) != value for name, value in wanted.items()):
            same = old is not None and old.status == wanted["status"]
            wanted["lastTransitionTime"] = old.lastTransitionTime if same else self.clock.rfc3339()
            patch["conditions"] = [wanted]
        current = (status.nominatedNodeName if status is not None else None) or ""
        if nominated is not None and nominated != current:
            patch["nominatedNodeName"] = nominated or None
        if patch:
            metadata = pod.metadata
            body = {"status": patch}
            self.client.patch("pods", metadata.name, body, metadata.namespace, "status", STRATEGIC_PATCH)

    def _pre_enqueue(self, pod: Any) -> tuple[str, str] | None:
        framework = self.frameworks.get(pod.spec.schedulerName or "default-scheduler")
        for plugin in framework.points["PreEnqueue"] if framework is not None else ():
            status = plugin.pre_enqueue(pod)
            if status is not None and not status.is_success:
                return plugin.name, status.message
        return None

    def _hints_of(self, scheduler_name: str) -> Sequence[tuple[str, EventHint]]:
        return self._hints.get(scheduler_name, ())

    # --- the loop

    def _wake(self) -> None:
        if self.running and self._next is None and self.queue.ready:
            self._next = self.clock.call_at(self._free_at, self._turn, self.incarnation)

    def _turn(self, incarnation: int) -> None:
        if incarnation != self.incarnation:
            return
        self._next = None
        queued = self.queue.pop()
        if queued is not None:
            self._free_at = self.clock.now + CYCLE_COST
            with self.trace.acting(self.client.user_agent, queued.causes, queued.woken_by):
                self._schedule_one(queued)
        self._wake()

    def _schedule_one(self, queued: QueuedPod) -> None:
        pod = queued.pod
        if pod.metadata.deletionTimestamp is not None:
            text = f"skip schedule deleting pod: {pod.metadata.namespace}/{pod.metadata.name}"
            self.recorder_for(pod).event(pod, "Warning", "FailedScheduling", text, "Scheduling")
            self.queue.done(queued.info.key)
            return
        framework = self.frameworks[pod.spec.schedulerName or "default-scheduler"]
        attempt = Attempt(self.clock.now, queued.attempts, pod, framework.name, self.next_start, queued.woken_by)
        attempt.setting = self.setting
        self.cache.refresh()
        attempt.at(self.cache.journal)
        self.decisions.record(attempt)
        state = CycleState(queued.info, self.cache, framework)
        try:
            self._attempt(queued, state, attempt)
        except PluginError as error:
            self._broken(queued, attempt, str(error))

    def _attempt(self, queued: QueuedPod, state: CycleState, attempt: Attempt) -> None:
        if not self.cache.nodes:
            attempt.outcome = outcomes.UNSCHEDULABLE
            self._failed(queued, attempt, NO_NODES, "Unschedulable", set(), "")
            return
        cycle = Cycle(state.framework, state, self.next_start, self.nominator)
        cycle.filter()
        attempt.evaluated, attempt.feasible = cycle.examined, len(cycle.feasible)
        if state.framework.custom:
            attempt.answers = answers_of(cycle)
        self.next_start = (self.next_start + cycle.advance) % len(self.cache.nodes)
        if not cycle.feasible:
            self._no_node(queued, cycle, attempt)
            return
        attempt.node = self.cache.nodes[self._choose(cycle, attempt)].name
        attempt.outcome = outcomes.SCHEDULED
        self.cache.assume(queued.info, attempt.node)
        self.nominator.delete(queued.info.key)
        self.binder.begin(queued, state, attempt)

    def _choose(self, cycle: Cycle, attempt: Attempt) -> int:
        if len(cycle.feasible) == 1:
            attempt.tied = 1
            return cycle.feasible[0]
        cycle.score()
        if cycle.framework.custom:
            attempt.answers = answers_of(cycle)
        _, best = cycle.best()
        attempt.tied = len(best)
        return self.pick(best)

    def pick(self, slots: list[int]) -> int:
        """One of several equally good nodes."""
        if len(slots) == 1 or self.ties == FIRST:
            return slots[0]
        return slots[self.rng.randrange(len(slots))]

    # --- no node

    def _no_node(self, queued: QueuedPod, cycle: Cycle, attempt: Attempt) -> None:
        diagnosis = Diagnosis(cycle)
        framework = cycle.framework
        result: PostFilterResult | None = None
        if framework.points["PostFilter"]:
            result, status = framework.post_filter(cycle.state, diagnosis)
            diagnosis.post_filter = status.message
        attempt.outcome = outcomes.UNSCHEDULABLE
        nominated = None
        if result is not None:
            nominated = result.nominated_node
            if nominated:
                attempt.outcome = outcomes.PREEMPTING
                attempt.nominated = nominated
                attempt.victims = tuple(info.key for info in result.victims)
        self._failed(queued, attempt, diagnosis.text(), "Unschedulable", diagnosis.rejectors(), nominated)

    def _broken(self, queued: QueuedPod, attempt: Attempt, message: str) -> None:
        attempt.outcome = outcomes.FAILED
        attempt.node = ""
        self._failed(queued, attempt, message, "SchedulerError", set(), "")

    def rejected(self, queued: QueuedPod, attempt: Attempt, status: Status) -> None:
        """The Pod had a node, but lost it on the way to being bound."""
        attempt.outcome = outcomes.UNSCHEDULABLE if status.is_rejected else outcomes.FAILED
        attempt.node = ""
        rejectors = {status.plugin} if status.is_rejected and status.plugin else set()
        reason = "Unschedulable" if status.is_rejected else "SchedulerError"
        self._failed(queued, attempt, status.message, reason, rejectors, "")

    def _failed(
        self,
        queued: QueuedPod,
        attempt: Attempt,
        message: str,
        reason: str,
        rejectors: set[str],
        nominated: str | None,
    ) -> None:
        """Put the Pod back, and say why in an event and its condition."""
        attempt.message = message
        pod = queued.pod
        queued.rejected_by = rejectors
        if nominated:
            self.nominator.add(queued.info, nominated)
        elif nominated == "":
            self.nominator.delete(queued.info.key)
        self.queue.give_back(queued)
        self.recorder_for(pod).event(pod, "Warning", "FailedScheduling", message, "Scheduling")
        condition = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
        try:
            self.patch_condition(pod, condition, nominated)
        except ApiError:
            return  # the Pod is gone, or the next attempt will say it

    # --- looking back

    def attempts(self, namespace: str, name: str, uid: str = "") -> list[Attempt]:
        """The attempts for the latest Pod of that name, or the one with that uid. Raises LookupError if none."""
        found = self.decisions.attempts.get(uid, []) if uid else self.decisions.of(namespace, name)
        if not found:
            raise LookupError(self._why_not(namespace, name))
        return found

    def explain(self, namespace: str, name: str, attempt: int = -1, uid: str = "") -> Explanation:
        """How an attempt to schedule the Pod went, node by node; `attempt` counts from 1, or back from -1.

        Raises LookupError if there was no such attempt.
        """
        found = self.attempts(namespace, name, uid)
        if attempt == 0 or attempt > len(found) or -attempt > len(found):
            raise LookupError(f"there were {len(found)} attempts to schedule {namespace}/{name}, not {abs(attempt)}")
        chosen = found[attempt - 1 if attempt > 0 else attempt]
        return explain(self, chosen, len(found))

    def _why_not(self, namespace: str, name: str) -> str:
        queued = self.queue.pods.get((namespace, name))
        if queued is not None and queued.gated_by:
            return f"{namespace}/{name} was not tried: {queued.gated_text}"
        return f"this scheduler has not tried to schedule {namespace}/{name}"
