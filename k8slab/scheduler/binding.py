"""From a chosen node to a bound Pod: Reserve, Permit, PreBind, Bind, PostBind (pkg/scheduler/schedule_one.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.scheduler.decisions import Attempt
from k8slab.scheduler.eventhandlers import POD_DELETED
from k8slab.scheduler.framework import Code, CycleState, PluginError, Status, failed, unschedulable
from k8slab.scheduler.queuedpod import QueuedPod
from k8slab.scheduler.runtime import Framework
from k8slab.sim.clock import SECOND

if TYPE_CHECKING:
    from k8slab.scheduler.scheduler import Scheduler

POLL = 1 * SECOND
"""How often a PreBind plugin that waits is asked again."""


class Binding:
    """A Pod on its way to its node."""

    __slots__ = ("attempt", "info", "node_name", "queued", "state", "timers", "waits")

    def __init__(self, queued: QueuedPod, state: CycleState, attempt: Attempt) -> None:
        self.queued = queued
        self.info = queued.info
        self.state = state
        self.attempt = attempt
        self.node_name = attempt.node
        self.waits: dict[str, int] = {}
        self.timers: list[Any] = []

    @property
    def framework(self) -> Framework:
        """The Pod's profile."""
        return self.state.framework


class Binder:
    """Binds Pods, and keeps those that Permit or PreBind hold up. `waiting` has the former, by uid."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.waiting: dict[str, Binding] = {}

    def begin(self, queued: QueuedPod, state: CycleState, attempt: Attempt) -> None:
        """Reserve and ask for permission; go on unless some plugin wants to wait."""
        binding = Binding(queued, state, attempt)
        try:
            status = binding.framework.reserve(state, binding.node_name)
            if status is None:
                status, binding.waits = binding.framework.permit(state, binding.node_name)
        except PluginError as error:
            status = failed(str(error))
        if status is None:
            self._bind(binding)
        elif status.code is Code.WAIT:
            self._wait(binding)
        else:
            self._give_up(binding, status)

    # --- Permit

    def allow(self, uid: str, plugin: str) -> None:
        """A Permit plugin lets a waiting Pod go on; it does when all have."""
        binding = self.waiting.get(uid)
        if binding is None or binding.waits.pop(plugin, None) is None or binding.waits:
            return
        self._end_wait(binding)
        self.scheduler.later(self._bind, binding)

    def reject(self, uid: str, plugin: str, message: str) -> None:
        """A Permit plugin, or a preemptor, refuses a waiting Pod."""
        binding = self.waiting.get(uid)
        if binding is not None:
            self._end_wait(binding)
            self._give_up(binding, unschedulable(message, plugin=plugin))

    def _wait(self, binding: Binding) -> None:
        self.waiting[binding.state.pod.metadata.uid] = binding
        clock = self.scheduler.clock
        for plugin, timeout in binding.waits.items():
            timer = clock.call_after(timeout, self._timed_out, self.scheduler.incarnation, binding, plugin, timeout)
            binding.timers.append(timer)

    def _timed_out(self, incarnation: int, binding: Binding, plugin: str, timeout: int) -> None:
        if incarnation == self.scheduler.incarnation and plugin in binding.waits:
            seconds = timeout / SECOND
            text = f"rejected due to timeout after waiting {seconds:g}s at plugin {plugin}"
            self.reject(binding.state.pod.metadata.uid, plugin, text)

    def _end_wait(self, binding: Binding) -> None:
        del self.waiting[binding.state.pod.metadata.uid]
        for timer in binding.timers:
            self.scheduler.clock.cancel(timer)

    # --- PreBind, Bind

    def _bind(self, binding: Binding) -> None:
        framework, state = binding.framework, binding.state
        try:
            status = framework.pre_bind(state, binding.node_name)
            if status is not None and status.code is Code.WAIT:
                clock = self.scheduler.clock
                clock.call_after(POLL, self._bind_again, self.scheduler.incarnation, binding)
                return
            if status is None:
                status = framework.bind(state, binding.node_name)
        except PluginError as error:
            status = failed(str(error))
        if status is None:
            self._bound(binding)
        else:
            self._give_up(binding, status)

    def _bind_again(self, incarnation: int, binding: Binding) -> None:
        scheduler = self.scheduler
        if incarnation != scheduler.incarnation:
            return
        with scheduler.trace.acting(scheduler.client.user_agent, binding.queued.causes):
            if scheduler.cache.is_assumed(binding.info):
                self._bind(binding)
            else:
                binding.framework.unreserve(binding.state, binding.node_name)  # the Pod is gone

    def _bound(self, binding: Binding) -> None:
        scheduler, pod = self.scheduler, binding.state.pod
        namespace, name = binding.queued.info.key
        scheduler.queue.done(binding.queued.info.key)
        message = f"Successfully assigned {namespace}/{name} to {binding.node_name}"
        scheduler.recorder_for(pod).event(pod, "Normal", "Scheduled", message, "Binding")
        try:
            binding.framework.post_bind(binding.state, binding.node_name)
        except PluginError as error:
            binding.attempt.message = str(error)

    def _give_up(self, binding: Binding, status: Status) -> None:
        scheduler = self.scheduler
        try:
            binding.framework.unreserve(binding.state, binding.node_name)
        except PluginError as error:
            status = failed(*status.reasons, str(error), plugin=status.plugin)
        scheduler.cache.forget(binding.info)
        scheduler.rejected(binding.queued, binding.attempt, status)
        scheduler.queue.move(POD_DELETED, binding.state.pod, None)
