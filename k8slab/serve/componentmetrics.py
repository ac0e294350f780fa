"""What the components tell about themselves, where real ones do: behind the API server's proxy to Pods and nodes.

`kubectl get --raw /api/v1/namespaces/kube-system/pods/kube-scheduler-control-plane-1:10259/proxy/metrics`, and the same
for kube-controller-manager (10257), etcd (2381) and `/api/v1/nodes/worker-1/proxy/metrics`. Durations are virtual time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from k8slab.serve.exposition import Family, Histogram
from k8slab.sim.clock import SECOND
from k8slab.sim.timestamps import parse_rfc3339

if TYPE_CHECKING:
    from k8slab.client.workqueue import WorkQueue
    from k8slab.cluster.cluster import Cluster
    from k8slab.scheduler import Scheduler

POD = re.compile(
    r"/api/v1/namespaces/kube-system/pods/(?:https?:)?([a-z-]+?)-(control-plane-\d+)(?::\d*)?/proxy/metrics"
)
NODE = re.compile(r"/api/v1/nodes/([^/:]+)(?::\d+)?/proxy/metrics")
WAITED = tuple(0.01 * 2**power for power in range(20))
TRIED, VICTIMS = (1, 2, 4, 8, 16), tuple(2**power for power in range(7))
SCHEDULER, MANAGER, ETCD, KUBELET = "kube-scheduler", "kube-controller-manager", "etcd", "kubelet"


def target_of(path: str) -> tuple[str, str] | None:
    """Component and node whose metrics a path asks for."""
    found = POD.fullmatch(path)
    if found is not None and found[1] in (SCHEDULER, MANAGER, ETCD):
        return found[1], found[2]
    found = NODE.fullmatch(path)
    return (KUBELET, found[1]) if found is not None else None


def families_of_components(cluster: Cluster) -> Iterable[Family | Histogram]:
    """What the control plane's components tell."""
    return (*families_of_scheduler(cluster), *families_of_manager(cluster))


def families_of_scheduler(cluster: Cluster) -> Iterable[Family | Histogram]:
    """What kube-scheduler tells (`pkg/scheduler/metrics`)."""
    scheduler = cluster.scheduler
    if scheduler is None:
        return
    pending = Family("scheduler_pending_pods", "Pods that wait, by part of the queue.", "gauge", ("queue",))
    for queue, pods in scheduler.queue.waiting().items():
        pending.set(len(pods), queue)
    yield pending
    about = "What the scheduler's cache holds."
    size = Family("scheduler_cache_size", about, "gauge", ("type",))
    size.set(len(scheduler.cache.nodes), "nodes")
    yield size
    yield from _attempts(scheduler)


def _attempts(scheduler: Scheduler) -> Iterable[Family | Histogram]:
    about = "Attempts to schedule Pods, by profile and result."
    attempts = Family("scheduler_schedule_attempts_total", about, "counter", ("profile", "result"))
    about = "Attempts that a Pod took until it had a node."
    tried = Histogram("scheduler_pod_scheduling_attempts", about, TRIED)
    about = "Seconds of virtual time from a Pod's creation until it had a node."
    waited = Histogram("scheduler_pod_scheduling_sli_duration_seconds", about, WAITED, ("attempts",))
    about = "Attempts to make room by deleting Pods."
    preemptions = Family("scheduler_preemption_attempts_total", about, "counter")
    preemptions.set(0)
    victims = Histogram("scheduler_preemption_victims", "Pods chosen to make room, for each attempt.", VICTIMS)
    for made in scheduler.decisions.attempts.values():
        for attempt in made:
            attempts.add(1, attempt.profile, "unschedulable" if attempt.outcome == "preempting" else attempt.outcome)
            if attempt.outcome == "preempting":
                preemptions.add(1)
                victims.observe(len(attempt.victims))
        last = made[-1]
        if last.outcome == "scheduled":
            created = parse_rfc3339(last.pod.metadata.creationTimestamp)
            tried.observe(last.number)
            delay = max(0, scheduler.clock.unix_at(last.time) - created) / SECOND
            waited.observe(delay, str(last.number) if last.number < 16 else "16+")
    return attempts, tried, waited, preemptions, victims


def families_of_manager(cluster: Cluster) -> Iterable[Family | Histogram]:
    """What kube-controller-manager tells of its work queues (`component-base/metrics/prometheus/workqueue`)."""
    depth = Family("workqueue_depth", "Keys that wait in a controller's queue.", "gauge", ("name",))
    adds = Family("workqueue_adds_total", "Keys that were put into a controller's queue.", "counter", ("name",))
    retries = Family("workqueue_retries_total", "Keys that were put back after a failure.", "counter", ("name",))
    about = "1 for who holds the Lease of that name, 0 for a stand-by."
    master = Family("leader_election_master_status", about, "gauge", ("name",))
    for manager in cluster.managers:
        master.set(max(int(manager.leading), master.values.get((manager.name,), 0)), manager.name)
        for controller in manager.controllers.values():
            _queue(controller.queue, controller.name.removesuffix("-controller"), depth, adds, retries)
    return depth, adds, retries, master


def _queue(queue: WorkQueue, name: str, depth: Family, adds: Family, retries: Family) -> None:
    depth.add(len(queue), name)
    adds.add(queue.adds, name)
    retries.add(queue.retries, name)


def families_of_kubelet(cluster: Cluster, node: str) -> Iterable[Family | Histogram]:
    """What a kubelet tells (`pkg/kubelet/metrics`). Raises KeyError for a node that there is not."""
    kubelet = cluster.kubelets[node]
    about = "Always 1; the label is the node's name."
    name = Family("kubelet_node_name", about, "gauge", ("node",))
    name.set(1, node)
    states: dict[str, int] = {}
    running = 0
    for worker in kubelet.workers.values():
        found = [str(container.state).lower() for container in worker.containers]
        running += "running" in found
        for state in found:
            states[state] = states.get(state, 0) + 1
    pods = Family("kubelet_running_pods", "Pods with a running container.", "gauge")
    pods.set(running)
    about = "Containers, by state."
    containers = Family("kubelet_running_containers", about, "gauge", ("container_state",))
    for state, count in states.items():
        containers.set(count, state)
    return name, pods, containers
