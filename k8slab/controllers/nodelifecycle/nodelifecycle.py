"""Watches nodes' heartbeats; marks silent nodes Unknown, taints them, and marks their Pods not ready.

Follows pkg/controller/nodelifecycle/node_lifecycle_controller.go.
"""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import Node, NodeStatus, ObjectReference, Pod
from k8slab.client import Request, Result
from k8slab.client.informer import revision_of
from k8slab.controllers import pods as podlib
from k8slab.controllers.controller import Controller
from k8slab.controllers.nodelifecycle import health as healthlib
from k8slab.controllers.nodelifecycle import taints, zones
from k8slab.controllers.nodelifecycle.health import Health
from k8slab.controllers.nodelifecycle.watchlist import LEASES, Watchlist
from k8slab.controllers.nodelifecycle.zones import FULL, Census, ZoneQueue
from k8slab.controllers.podgc import on_node
from k8slab.errors import ApiError
from k8slab.sim.clock import MILLISECOND

TAINTING_PERIOD = 100 * MILLISECOND
MARKING_DELAY = 20 * MILLISECOND
EXCLUDED = "node.kubernetes.io/exclude-disruption"
COPIED_LABELS = (
    ("kubernetes.io/os", "beta.kubernetes.io/os"),
    ("kubernetes.io/arch", "beta.kubernetes.io/arch"),
)


class NodeLifecycleController(Controller):
    """Looks at all nodes every 5 seconds (save those that are surely in order), and at each when it changes."""

    name = "node-lifecycle-controller"
    about = "marks nodes that stop reporting as Unknown, taints them, and marks their Pods not ready"
    source = "node-controller"

    def setup(self) -> None:
        """Watch Nodes, their Leases and Pods."""
        self.health: dict[str, Health] = {}
        self.known: dict[str, Node] = {}
        self.retries: dict[str, None] = {}
        self.states: dict[str, str] = {}
        self.queues: dict[str, ZoneQueue] = {}
        self._tainting: Any = None
        self.nodes = self.informer("nodes")
        self.nodes.add_handler(self._node_added, self._node_updated, self._node_deleted)
        self.leases = self.informer("leases.coordination.k8s.io")
        self.census = Census()
        self.watchlist = Watchlist(self.nodes, self.leases, self.options.node_monitor_grace_period)
        self.pods = self.informer("pods")
        self.pods.add_index("node", on_node)
        self.pods.add_handler(self._pod_added, self._pod_updated)
        self.every(self.options.node_monitor_period, self.monitor)

    def reset(self) -> None:
        """All observations are in memory only."""
        self.health.clear()
        self.known.clear()
        self.retries.clear()
        self.states.clear()
        self.queues.clear()
        self.census.clear()
        self.watchlist.clear()
        self.clock.cancel(self._tainting)
        self._tainting = None

    # --- a node or Pod changed

    def _node_added(self, node: Node) -> None:
        self.watchlist.added(node.metadata.name)
        self.enqueue(node)

    def _node_updated(self, old: Node, new: Node) -> None:
        self.watchlist.changed(new.metadata.name)
        self.enqueue(new)

    def _node_deleted(self, node: Node) -> None:
        self.watchlist.removed(node.metadata.name)
        self.retries.pop(node.metadata.name, None)

    def _pod_added(self, pod: Pod) -> None:
        if pod.spec.nodeName:
            self._check_pod(pod)

    def _pod_updated(self, old: Pod, new: Pod) -> None:
        if new.spec.nodeName and (old.spec.nodeName != new.spec.nodeName or not podlib.is_ready(old)):
            self._check_pod(new)

    def _check_pod(self, pod: Pod) -> None:
        """A Pod that says it is ready on a node that does not report is not believed."""
        node = self.nodes.get("", pod.spec.nodeName)
        if node is None or not podlib.is_ready(pod):
            return
        ready = healthlib.ready_of(node)
        if ready is not None and ready.status != "True":
            self.queue.add(Request(pod.metadata.namespace, pod.metadata.name))

    def reconcile(self, request: Request) -> Result | None:
        """A node (no namespace): its taints by condition and its labels. A Pod: mark it not ready."""
        if request.namespace:
            pod = self.pods.get(request.namespace, request.name)
            node = self.nodes.get("", pod.spec.nodeName) if pod is not None else None
            ready = healthlib.ready_of(node) if node is not None else None
            if ready is not None and ready.status != "True":
                self._mark_not_ready([pod])
            return None
        node = self.nodes.get("", request.name)
        if node is not None:
            node = self._taint_by_condition(node)
        if node is not None:
            self._copy_labels(node)
        return None

    def _taint_by_condition(self, node: Node) -> Node | None:
        wanted, present = taints.wanted_no_schedule(node), taints.present(node, "NoSchedule")
        add = [key for key in wanted if key not in present]
        remove = [key for key in present if key not in wanted]
        if not add and not remove:
            return node
        self.say(f"conditions of {node.metadata.name} ask for NoSchedule taints {wanted or 'none'}")
        return taints.swap(self.client, node, "NoSchedule", add, remove, self.clock.rfc3339())

    def _copy_labels(self, node: Node) -> None:
        labels = node.metadata.labels or {}
        wanted = {beta: labels[stable] for stable, beta in COPIED_LABELS if stable in labels}
        missing = {key: value for key, value in wanted.items() if labels.get(key) != value}
        if missing:
            self.say("labels that older versions used are kept in step")
            self.client.patch("nodes", node.metadata.name, {"metadata": {"labels": missing}})

    # --- every 5 seconds

    def monitor(self) -> None:
        """Look at the heartbeats of all nodes."""
        due = self.watchlist.due(self.health)
        nodes = [self.nodes.get("", name) for name in due]
        self._notice_joins(nodes)
        self._notice_leaves()
        for node in nodes:
            try:
                self._check(node)
            except ApiError:
                self.census.drop(node.metadata.name)  # the next round tries again
        self.watchlist.rounds.append(self.clock.now)
        self._judge_zones()

    def _notice_joins(self, nodes: list[Node]) -> None:
        joined = self.watchlist.joined
        for node in nodes:
            name, zone = node.metadata.name, zones.zone_of(node)
            if zone not in self.queues:
                self.queues[zone] = ZoneQueue(self.clock, self.options.node_eviction_rate)
            if name not in self.known:
                self._event(node, "RegisteredNode", f"Node {name} event: Registered Node {name} in Controller")
                self._mark_reachable(node)
            elif name in joined:
                del self.known[name]  # it left and came back: it is the youngest now
            self.known[name] = node
        joined.clear()

    def _notice_leaves(self) -> None:
        left = self.watchlist.left
        for name in [name for name in self.known if name in left] if left else ():
            if self.nodes.held("", name) is None:
                node = self.known.pop(name)
                self._event(node, "RemovingNode", f"Node {name} event: Removing Node {name} from Controller")
                self.health.pop(name, None)
                self.census.drop(name)
                self.queues[zones.zone_of(node)].remove(name)
        left.clear()

    def _event(self, node: Node, reason: str, message: str) -> None:
        metadata = node.metadata
        about = ObjectReference(apiVersion="v1", kind="Node", name=metadata.name, uid=metadata.uid)
        self.recorder.event(about, "Normal", reason, message)

    def _check(self, node: Node) -> None:
        name, now = node.metadata.name, self.clock.now
        lease = self.leases.get(LEASES, name)
        health = healthlib.observe(self.health.get(name), node, lease, now, self.clock.epoch)
        self.health[name] = health
        before = healthlib.ready_of(node)
        if healthlib.is_silent(health, node, now, self.options):
            node = self._mark_unknown(node, health)
        after = healthlib.ready_of(node)
        if after is None or EXCLUDED in (node.metadata.labels or {}):
            self.census.drop(name)
        else:
            self.census.put(name, zones.zone_of(node), after.status == "True")
        if after is None:
            return
        self._taint_no_execute(node, after.status)
        turned = after.status != "True" and (before is not None and before.status == "True")
        if turned:
            self._event(node, "NodeNotReady", f"Node {name} status is now: NodeNotReady")
        if turned or (name in self.retries and after.status != "True"):
            # Each request takes a while: the node's NoSchedule taint, put on by its own worker, comes before these.
            causes = (health.marked,) if health.marked else (revision_of(node),)
            self.clock.call_after(MARKING_DELAY, self._mark_pods_of, name, causes)
        if after.status == "True" and name not in self.retries and not taints.present(node, "NoExecute"):
            self.watchlist.relax(name, lease)

    def _mark_unknown(self, node: Node, health: Health) -> Node:
        changed = healthlib.unknown_conditions(node, self.clock.rfc3339())
        if changed == (node.status.conditions or () if node.status is not None else ()):
            return node
        silent = (self.clock.now - health.probed_at) // 1_000_000
        self.say(f"no heartbeat of {node.metadata.name} for {silent} s: its state is unknown")
        status = (node.status or NodeStatus()).replace(conditions=changed)
        causes, self.trace.causes = self.trace.causes, self._last_sign(node)
        try:
            updated = self.client.update_status(node.replace(status=status))
        finally:
            self.trace.causes = causes
        health.conditions = changed
        health.marked = revision_of(updated)
        return updated

    def _last_sign(self, node: Node) -> tuple[int, ...]:
        """The last that was heard of a node: silence itself is no revision that could be named as a cause."""
        lease = self.leases.get(LEASES, node.metadata.name)
        return (revision_of(lease if lease is not None else node),)

    def _mark_pods_of(self, name: str, causes: tuple[int, ...]) -> None:
        if not self.running:
            return
        self.retries.pop(name, None)
        with self.trace.acting(self.name, causes):
            try:
                self._mark_not_ready(self.pods.by_index("node", name))
            except ApiError:
                self.retries[name] = None

    def _mark_not_ready(self, pods: list[Pod]) -> None:
        for pod in pods:
            if not podlib.is_ready(pod):
                continue
            metadata = pod.metadata
            self.say(f"{pod.spec.nodeName} does not report: {metadata.name} counts as not ready")
            stamp = self.clock.rfc3339()
            conditions = tuple(
                c.replace(status="False", lastTransitionTime=stamp) if c.type == "Ready" else c
                for c in pod.status.conditions
            )
            try:
                self.client.update_status(pod.replace(status=pod.status.replace(conditions=conditions)))
            except ApiError as error:
                if error.code == 404:
                    continue
                raise
            self.recorder.event(pod, "Warning", "NodeNotReady", "Node is not ready")

    # --- NoExecute taints, zone by zone

    def _taint_no_execute(self, node: Node, status: str) -> None:
        if status == "True":
            self._mark_reachable(node)
            return
        wanted, other = taints.NOT_READY, taints.UNREACHABLE
        if status == "Unknown":
            wanted, other = other, wanted
        if taints.has(node, other, "NoExecute"):
            self._swap_no_execute(node, wanted, other)
            return
        queue = self.queues[zones.zone_of(node)]
        if not taints.has(node, wanted, "NoExecute"):
            queue.remove(node.metadata.name)
        if queue.add(node.metadata.name):
            self._plan_tainting()

    def _swap_no_execute(self, node: Node, wanted: str, other: str) -> None:
        self.say(f"{node.metadata.name} is not ready: it gets {wanted}:NoExecute")
        taints.swap(self.client, node, "NoExecute", [wanted], [other], self.clock.rfc3339())

    def _mark_reachable(self, node: Node) -> None:
        present = [key for key in (taints.UNREACHABLE, taints.NOT_READY) if taints.has(node, key, "NoExecute")]
        if present:
            self.say(f"{node.metadata.name} reports again: its NoExecute taints go")
            taints.swap(self.client, node, "NoExecute", [], present, self.clock.rfc3339())
        queue = self.queues.get(zones.zone_of(node))
        if queue is not None:
            queue.remove(node.metadata.name)

    def _plan_tainting(self) -> None:
        if self._tainting is not None:
            return
        waits = [queue.next_token() for queue in self.queues.values() if queue.waiting]
        pending = [wait for wait in waits if wait is not None]
        if pending:
            # The real loop runs every 100 ms; here it runs only in those rounds that have something to do.
            due = self.clock.now + max(min(pending), 1)
            rounds = -(-due // TAINTING_PERIOD)
            self._tainting = self.clock.call_at(rounds * TAINTING_PERIOD, self._taint_waiting)

    def _taint_waiting(self) -> None:
        self._tainting = None
        if self.paused:
            return
        with self.trace.acting(self.name):
            for queue in self.queues.values():
                while queue.waiting and queue.accept():
                    self._taint_first(queue)
        self._plan_tainting()

    def _taint_first(self, queue: ZoneQueue) -> None:
        name = queue.waiting.pop(0)
        node = self.nodes.get("", name)
        ready = healthlib.ready_of(node) if node is not None else None
        if ready is None or ready.status == "True":
            return
        wanted, other = taints.NOT_READY, taints.UNREACHABLE
        if ready.status == "Unknown":
            wanted, other = other, wanted
        health = self.health.get(name)
        because = health.marked if health is not None and health.marked else revision_of(node)
        try:
            with self.trace.acting(self.name, (because,)):
                self._swap_no_execute(node, wanted, other)
        except ApiError:
            queue.waiting.append(name)

    def resume(self) -> None:
        """Catch up, also with nodes that wait for their taint."""
        super().resume()
        self._plan_tainting()

    def _judge_zones(self) -> None:
        threshold, census = self.options.unhealthy_zone_threshold, self.census
        new = {zone: zones.zone_state(census.ready[zone], size, threshold) for zone, size in census.sizes.items()}
        states = {zone: self.states.get(zone, "Initial") for zone in new}
        all_down = all(state == FULL for state in new.values())
        were_down = all(state == FULL for state in states.values())
        self.states = states
        if all_down and were_down:
            return
        if all_down:
            self._enter_full_disruption()
        elif were_down:
            self._leave_full_disruption(new)
        else:
            for zone, state in new.items():
                if states[zone] != state:
                    self.queues[zone].set_rate(zones.rate_for(state, census.sizes[zone], self.options))
                    states[zone] = state
        self._plan_tainting()

    def _enter_full_disruption(self) -> None:
        """When no node reports, the fault is more likely here than there: evict nobody."""
        for node in self.nodes.items():
            try:
                self._mark_reachable(node)
            except ApiError:
                continue
        for zone in self.states:
            self.queues[zone].set_rate(0.0)
            self.states[zone] = FULL

    def _leave_full_disruption(self, new: dict[str, str]) -> None:
        for health in self.health.values():
            health.probed_at = self.clock.now
        for zone, state in new.items():
            self.queues[zone].set_rate(zones.rate_for(state, self.census.sizes[zone], self.options))
            self.states[zone] = state
