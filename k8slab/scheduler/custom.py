"""A scheduler that a learner wrote, as a component of its own: for Pods whose `schedulerName` is its name.

    class Mine:
        def schedule(self, pod, nodes):
            roomy = [node for node in nodes if node.has_room(pod)]
            return roomy[0] if roomy else "no node has room"

It learns of the cluster through informers, binds through the API and writes the events that kube-scheduler writes.
What its code does wrong ends in an event and in the Pod's condition, never in the lab.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from k8slab.client import Informers, Loop, RateLimiter, Result, SeriesRecorder, WorkQueue
from k8slab.client.calls import Call, shown
from k8slab.client.client import STRATEGIC_PATCH
from k8slab.errors import ApiError
from k8slab.scheduler import decisions as outcomes
from k8slab.scheduler.cache import Cache
from k8slab.scheduler.diagnosis import NO_NODES
from k8slab.scheduler.eventhandlers import ended
from k8slab.scheduler.explanation import Explanation, NodeVerdict
from k8slab.scheduler.framework import PluginError
from k8slab.scheduler.nodeview import NodeView
from k8slab.sim.clock import SECOND

ARGUMENTS = ("pod", "nodes")
RETRY = 1 * SECOND
"""How long after a change of nodes or Pods a Pod that found no node is tried again."""
AT_LATEST = 30 * SECOND
"""How long a Pod that found no node waits where nothing changes."""


class CustomScheduler:
    """A learner's scheduler at work.

    Args:
        client: talks to the API server, as system:kube-scheduler.
        clock, trace: the lab's.
        name: the `schedulerName` of its Pods.
        target: a class with a method `schedule(pod, nodes)`, or a function of that kind. The answer is a node, a
            node's name, or None or another text: the reason why there is none.

    Raises PluginError where `target` is no such thing.
    """

    def __init__(self, client: Any, clock: Any, trace: Any, name: str, target: Any) -> None:
        self.client, self.clock, self.trace = client, clock, trace
        self.name = name
        self.target = target
        self.running = False
        self.explanations: dict[tuple[str, str], list[Explanation]] = {}
        self.queue = WorkQueue(clock, trace, name, RateLimiter(clock, base=SECOND, maximum=10 * SECOND, qps=0))
        self.loop = Loop(name, self.queue, self._reconcile, clock, trace)
        self._call = self._make()
        self._reset()

    def _make(self) -> Call:
        where = f'scheduler "{self.name}"'
        if not isinstance(self.target, type):
            if not callable(self.target):
                raise PluginError(f"{where} must be a class with a method schedule, or a function")
            return Call(self.target, where, ARGUMENTS, PluginError)
        if not callable(getattr(self.target, "schedule", None)):
            raise PluginError(f"{where}: the class {self.target.__name__} has no method schedule(self, pod, nodes)")
        made = Call(self.target, f"initializing {where}", (), PluginError)()
        return Call(made.schedule, where, ARGUMENTS, PluginError)

    def _reset(self) -> None:
        self.cache = Cache(journalled=False)
        self.recorder = SeriesRecorder(self.client, self.clock, self.trace, self.name)
        self.informers = Informers(self.client, self.clock)
        self.waiting: dict[tuple[str, str], None] = {}
        self.attempts: dict[str, int] = {}

    # -- life

    def start(self) -> None:
        """List and watch, then begin to schedule, with the learner's object made anew."""
        if self.running:
            return
        self._call = self._make()
        self._reset()
        self.running = True
        self.informers.of("nodes").add_handler(self._node_added, self._node_changed, self._node_gone)
        self.informers.of("pods").add_handler(self._pod_added, self._pod_changed, self._pod_gone)
        self.loop.start()
        self.informers.start()

    def stop(self) -> None:
        """End."""
        self.crash()

    def crash(self) -> None:
        """End at once."""
        self.running = False
        self.loop.stop()
        self.informers.stop()

    # -- what happens in the cluster

    def _node_added(self, node: Any) -> None:
        self.cache.set_node(node)
        self._wake()

    def _node_changed(self, old: Any, new: Any) -> None:
        before = self.cache.log_end
        self.cache.set_node(new)
        if self.cache.log_end != before or old.metadata.labels != new.metadata.labels:
            self._wake()

    def _node_gone(self, node: Any) -> None:
        self.cache.remove_node(node.metadata.name)

    def _pod_added(self, pod: Any) -> None:
        if ended(pod):
            return
        if pod.spec.nodeName:
            self.cache.set_pod(pod)
        elif pod.spec.schedulerName == self.name:
            self.queue.add(_key(pod))

    def _pod_changed(self, old: Any, new: Any) -> None:
        if old.metadata.uid != new.metadata.uid:
            self._pod_gone(old)
        if ended(new):
            if not ended(old):
                self._pod_gone(old)
        elif new.spec.nodeName or new.spec != old.spec or new.metadata.labels != old.metadata.labels:
            self._pod_added(new)

    def _pod_gone(self, pod: Any) -> None:
        self.waiting.pop(_key(pod), None)
        if _key(pod) in self.cache.pods:
            self.cache.remove_pod(_key(pod))
            self._wake()

    def _wake(self) -> None:
        for key in self.waiting:
            self.queue.add_after(key, RETRY)

    # -- scheduling

    def _reconcile(self, key: Any) -> Result | None:
        pod = self.informers.of("pods").get(*key)
        self.waiting.pop(key, None)
        if pod is None or pod.spec.nodeName or pod.metadata.deletionTimestamp or key in self.cache.pods:
            return None
        if pod.spec.schedulingGates:
            return None
        self.cache.refresh()
        nodes = [NodeView(node) for node in self.cache.nodes]
        try:
            chosen, reason = self._ask(pod, nodes)
        except PluginError as error:
            return self._failed(pod, key, str(error), "SchedulerError")
        if not chosen:
            text = f"0/{len(nodes)} nodes are available: {reason}." if nodes else NO_NODES
            return self._failed(pod, key, text, "Unschedulable")
        return self._bind(pod, key, chosen)

    def _ask(self, pod: Any, nodes: list[NodeView]) -> tuple[str, str]:
        """The name of the node, or "" and why there is none."""
        answer = self._call(pod=pod, nodes=nodes)
        if answer is None or answer is False:
            return "", f"{self.name} found no node"
        if isinstance(answer, NodeView):
            return answer.name, ""
        if isinstance(answer, str) and answer.strip():
            if any(node.name == answer for node in nodes):
                return answer, ""
            return "", " ".join(answer.split()).rstrip(".")
        raise PluginError(f"{self._call.where}: answer a node, its name, None, or a reason, not {shown(answer)}")

    def _bind(self, pod: Any, key: tuple[str, str], node: str) -> Result | None:
        try:
            self.client.bind(pod, node)
        except ApiError as error:
            return self._failed(pod, key, f"binding rejected: {error.message}", "SchedulerError")
        self.cache.assume(self.cache.interner.info(pod), node)
        self._note(pod, outcomes.SCHEDULED, "", node)
        message = f"Successfully assigned {key[0]}/{key[1]} to {node}"
        self.recorder.event(pod, "Normal", "Scheduled", message, "Binding")
        return None

    def _failed(self, pod: Any, key: tuple[str, str], message: str, reason: str) -> Result:
        outcome = outcomes.UNSCHEDULABLE if reason == "Unschedulable" else outcomes.FAILED
        self._note(pod, outcome, message, "")
        self.waiting[key] = None
        self.recorder.event(pod, "Warning", "FailedScheduling", message, "Scheduling")
        condition = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
        known = [one for one in (pod.status.conditions if pod.status else None) or () if one.type == "PodScheduled"]
        if not known or (known[0].reason, known[0].message) != (reason, message):
            condition["lastTransitionTime"] = self.clock.rfc3339()
            body = {"status": {"conditions": [condition]}}
            with suppress(ApiError):  # the Pod is gone, or the next attempt says it
                self.client.patch("pods", key[1], body, key[0], "status", STRATEGIC_PATCH)
        return Result(requeue_after=AT_LATEST)

    # -- looking back

    def _note(self, pod: Any, outcome: str, message: str, node: str) -> None:
        past = self.explanations.setdefault(_key(pod), [])
        if past and (past[-1].outcome, past[-1].message, past[-1].node) == (outcome, message, node):
            return  # the same again is one attempt to look back at
        verdicts = [
            NodeVerdict(one.name, examined=one.name == node, feasible=one.name == node) for one in self.cache.nodes
        ]
        past.append(
            Explanation(
                namespace=pod.metadata.namespace,
                pod=pod.metadata.name,
                attempt=len(past) + 1,
                attempts=len(past) + 1,
                time=self.clock.now,
                scheduler=self.name,
                outcome=outcome,
                message=message,
                node=node,
                runner_up="",
                tied=(),
                nominated_node="",
                victims=(),
                woken_by="",
                evaluated=len(verdicts),
                feasible=1 if node else 0,
                filter_plugins=(),
                score_plugins=(),
                skipped=(),
                nodes=verdicts,
            )
        )

    def explain(self, namespace: str, name: str, attempt: int = -1) -> Explanation:
        """What came out of an attempt. Raises LookupError if there was no such attempt."""
        found = self.explanations.get((namespace, name), [])
        if not found:
            raise LookupError(f"this scheduler has not tried to schedule {namespace}/{name}")
        if attempt == 0 or attempt > len(found) or -attempt > len(found):
            raise LookupError(f"there were {len(found)} attempts to schedule {namespace}/{name}, not {abs(attempt)}")
        return found[attempt - 1 if attempt > 0 else attempt]


def _key(pod: Any) -> tuple[str, str]:
    return pod.metadata.namespace, pod.metadata.name
