"""A controller that a learner wrote, as a component of its own, on the same informers and queues as the others.

    def website(client, request):
        site = client.find("websites", request.name, request.namespace)
        if site is not None:
            client.apply(deployment_of(site), owner=site)

Level-based as controller-runtime's: `reconcile(client, request)` is told which object to look at, never what happened.
Changes of the watched resource queue the object itself, changes of owned resources their controller. Errors are
retried with back-off (5 ms doubled up to 1000 s), logged, and said in an event; they never end the lab.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct

from k8slab.api.ownership import controller_of
from k8slab.api.scheme import NoMatch
from k8slab.client import Informers, Loop, RateLimiter, Recorder, Request, Result, WorkQueue
from k8slab.client.calls import Call, CodeError, shown
from k8slab.client.throttle import Throttle
from k8slab.controllers.learnerclient import LearnerClient
from k8slab.errors import ApiError
from k8slab.sim.clock import MILLISECOND
from k8slab.sim.duration import DurationError, format_duration, parse_duration

ARGUMENTS = ("client", "request", "log", "event")
REMEMBERED_LINES = 500
REQUEST_TIME = 5 * MILLISECOND
"""How long each of its writes takes: a controller that keeps changing its own object lets time pass as well."""
QPS, BURST = 20, 30
"""client-go's limits, as controller-runtime sets them."""


class ControllerError(CodeError):
    """A learner's controller cannot run, or its reconcile went wrong."""


class Watching(Struct, frozen=True):
    """What a controller watches: its own resource, those it owns, and others that it maps to requests itself."""

    watch: str
    owns: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


class LogLine(Struct, frozen=True):
    """A line of a controller's log: lab time in microseconds, and the text."""

    time: int
    text: str

    def __str__(self) -> str:
        return f"{format_duration(self.time):>9}  {self.text}"


class CustomController:
    """A learner's controller at work.

    Args:
        client: talks to the API server, as whom the controller acts.
        clock, streams, trace: the lab's.
        name: the actor of its writes, and its field manager.
        target: a function `reconcile(client, request)`, or a class with such a method (and `requests_for(obj)`, which
            answers (namespace, name) pairs, where `watching.also` names resources). `log(text)` and
            `event(obj, reason, message, type="Normal")` may be asked for as well. The answer is None, or after how
            long to look again: seconds, a text such as "30s", or a `Result`.
        watching: the resources.

    Raises ControllerError where `target` is no such thing.
    """

    def __init__(
        self, client: LearnerClient, clock: Any, streams: Any, trace: Any, name: str, target: Any, watching: Watching
    ) -> None:
        self.client, self.clock, self.trace = client, clock, trace
        self.name, self.target, self.watching = name, target, watching
        self.running = False
        self.lines: deque[LogLine] = deque(maxlen=REMEMBERED_LINES)
        self.queue = WorkQueue(clock, trace, name, RateLimiter(clock))
        self.loop = Loop(name, self.queue, self._reconcile, clock, trace, catch=(ApiError, NoMatch, CodeError))
        self.loop.write_cost = REQUEST_TIME
        self.loop.throttle = Throttle(clock, QPS, BURST)
        self._make()
        self._reset()

    def _make(self) -> None:
        where = f'controller "{self.name}"'
        self._requests_for: Call | None = None
        if not isinstance(self.target, type):
            if not callable(self.target):
                raise ControllerError(f"{where} must be a function or a class with a method reconcile")
            if self.watching.also:
                raise ControllerError(f"{where}: watching more needs a class with requests_for(self, obj)")
            self._call = Call(self.target, where, ARGUMENTS, ControllerError)
            return
        for method in ("reconcile", *(["requests_for"] if self.watching.also else [])):
            if not callable(getattr(self.target, method, None)):
                arguments = "client, request" if method == "reconcile" else "obj"
                raise ControllerError(
                    f"{where}: the class {self.target.__name__} has no method {method}(self, {arguments})"
                )
        made = Call(self.target, f"initializing {where}", (), ControllerError)()
        self._call = Call(made.reconcile, where, ARGUMENTS, ControllerError)
        if self.watching.also:
            self._requests_for = Call(made.requests_for, f"{where}: requests_for", ("obj",), ControllerError)

    def _reset(self) -> None:
        self.informers = Informers(self.client, self.clock)
        self.recorder = Recorder(self.client, self.clock, self.trace, self.name)

    def __repr__(self) -> str:
        state = "paused" if self.loop.paused else "running" if self.running else "stopped"
        return f"<controller {self.name}: {state}, {self.loop.syncs} reconciles, {len(self.queue)} queued>"

    @property
    def logs(self) -> str:
        """What the controller logged, with lab times: the last 500 lines."""
        return "".join(f"{line}\n" for line in self.lines)

    # -- life

    def start(self) -> None:
        """List and watch, then reconcile what is there, with the learner's object made anew."""
        if self.running:
            return
        self._make()
        self._reset()
        self.running = True
        watching = self.watching
        self._handle(watching.watch, self._queue_itself)
        for resource in watching.owns:
            self._handle(resource, self._queue_controller)
        for resource in watching.also:
            self._handle(resource, self._queue_answered)
        self.loop.start()
        self.informers.start()

    def _handle(self, resource: str, handler: Any) -> None:
        try:
            self.client.list(resource, limit=1)
        except (ApiError, NoMatch) as error:
            self.log(f"cannot watch {resource} yet: {error}")
        self.informers.of(resource).add_handler(handler, _New(handler), handler)

    def stop(self) -> None:
        """End."""
        self.crash()

    def crash(self) -> None:
        """End at once."""
        self.running = False
        self.loop.stop()
        self.informers.stop()

    def pause(self) -> None:
        """Do nothing until `resume`; what happens meanwhile is queued."""
        self.loop.pause()

    def resume(self) -> None:
        """Catch up with what happened, and go on."""
        self.loop.resume()

    # -- what happens in the cluster

    def _queue_itself(self, obj: Any) -> None:
        self.queue.add(Request(obj.metadata.namespace or "", obj.metadata.name))

    def _queue_controller(self, obj: Any) -> None:
        reference = controller_of(obj)
        if reference is None:
            return
        try:
            resource = self.client.scheme.resource(self.watching.watch)
        except NoMatch:
            return
        if reference.kind == resource.kind and reference.apiVersion.rpartition("/")[0] == resource.group:
            namespace = (obj.metadata.namespace or "") if resource.namespaced else ""
            self.queue.add(Request(namespace, reference.name))

    def _queue_answered(self, obj: Any) -> None:
        try:
            answered = self._requests_for(obj=obj) or ()
            for request in [_request(one, self._requests_for.where) for one in answered]:
                self.queue.add(request)
        except CodeError as error:
            self.log(str(error))

    # -- reconciling

    def _reconcile(self, request: Any) -> Result | None:
        try:
            answer = self._call(client=self.client, request=request, log=self.log, event=self.event)
            return _result(answer, self._call.where)
        except (ApiError, NoMatch, CodeError) as error:
            self.log(f"{request}: {error}")
            obj = self.informers.of(self.watching.watch).get(request.namespace, request.name)
            if obj is not None:
                self.recorder.event(obj, "Warning", "ReconcileError", str(error))
            raise

    def log(self, text: object) -> None:
        """Write a line into the controller's log; it is also why the next writes are made, for `lab.why`."""
        line = " ".join(str(text).split())
        self.lines.append(LogLine(self.clock.now, line))
        self.trace.note = line

    def event(self, obj: Any, reason: str, message: str, type: str = "Normal") -> None:
        """Write an event about an object."""
        self.recorder.event(obj, type, reason, message)


class _New:
    """An update as one call with the new object."""

    def __init__(self, handler: Any) -> None:
        self.handler = handler

    def __call__(self, old: Any, new: Any) -> None:
        self.handler(new)


def _request(answer: Any, where: str) -> Request:
    if isinstance(answer, (tuple, list)) and len(answer) == 2 and all(isinstance(one, str) for one in answer):
        return Request(*answer)
    raise ControllerError(f"{where}: answer (namespace, name) pairs, not {shown(answer)}")


def _result(answer: Any, where: str) -> Result | None:
    if answer is None or isinstance(answer, Result):
        return answer
    if isinstance(answer, (int, float, str)) and not isinstance(answer, bool):
        with suppress(DurationError):
            return Result(requeue_after=parse_duration(answer))
    raise ControllerError(f'{where}: answer None, or after how long to look again ("30s"), not {shown(answer)}')


def watching(target: Any, watch: Any, owns: Any, also: Any) -> Watching:
    """What a controller watches, from the decorator's arguments, else from the class's attributes of these names.

    Raises ControllerError where it is no resource.
    """
    name = getattr(target, "__name__", "controller")
    watch = watch or getattr(target, "watch", "")
    if not isinstance(watch, str) or not watch:
        raise ControllerError(f'controller "{name}": say what it watches, as in @lab.controller(watch="deployments")')
    return Watching(watch, *(_resources(name, what, target) for what in (("owns", owns), ("also", also))))


def _resources(name: str, what: tuple[str, Any], target: Any) -> tuple[str, ...]:
    attribute, given = what
    found: Sequence[Any] = given or getattr(target, attribute, ()) or ()
    listed = [found] if isinstance(found, str) else list(found) if isinstance(found, (list, tuple)) else [found]
    wrong = [one for one in listed if not isinstance(one, str) or not one]
    if wrong:
        raise ControllerError(
            f'controller "{name}": {attribute} names resources, such as "deployments", not {wrong[0]!r}'
        )
    return tuple(listed)
