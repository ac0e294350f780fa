"""Scheduling throughput with the shapes of upstream's scheduler_perf, beside the thresholds that it demands.

    python -m benchmarks.scheduler [--scale PERCENT] [NAME ...]

A real API server and a scheduler in one process; CPU seconds of everything that scheduling causes (informers, cycles,
bindings, events) are measured, creating the Pods is not. `scheduling only` leaves the API server's share out.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from k8slab.api.request import UserInfo
from k8slab.apiserver import APIServer
from k8slab.client import Client
from k8slab.etcd.store import Store
from k8slab.scheduler import Scheduler
from k8slab.sim.clock import SECOND, Clock
from k8slab.sim.seed import Streams
from k8slab.sim.trace import Trace

ZONES = ("zone1", "zone2", "zone3")


class Case(NamedTuple):
    """One workload: numbers of nodes, placed and measured Pods, makers of both, and upstream's threshold in Pods/s."""

    name: str
    nodes: int
    placed: int
    measured: int
    threshold: int
    pod: Callable[[int], dict[str, Any]]
    placed_pod: Callable[[int], dict[str, Any]] | None = None
    churn: bool = False
    unschedulable: bool = False
    small_nodes: bool = False


class Bench:
    """A cluster of an API server and a scheduler."""

    def __init__(self, nodes: int, small: bool = False) -> None:
        self.clock = Clock()
        trace = Trace(self.clock)
        streams = Streams(1)
        admission = ["NamespaceLifecycle", "Priority", "DefaultTolerationSeconds"]
        self.server = APIServer(Store(), self.clock, streams, trace, admission=admission)
        self.server.bootstrap()
        self.client = Client(self.server.handle, self.clock, trace)
        user = UserInfo(name="system:kube-scheduler")
        component = Client(self.server.handle, self.clock, trace, user=user, user_agent="kube-scheduler")
        self.scheduler = Scheduler(component, self.clock, streams, trace)
        for name, value in (("low", -10), ("high", 1000)):
            self.client.create(
                {
                    "apiVersion": "scheduling.k8s.io/v1",
                    "kind": "PriorityClass",
                    "metadata": {"name": name},
                    "value": value,
                }
            )
        for index in range(nodes):
            self.client.create(node(index, small))
        self.scheduler.start()

    def create(self, pods: list[dict[str, Any]]) -> None:
        for pod in pods:
            self.client.create(pod)

    def settle(self, seconds: int) -> None:
        self.clock.run_for(seconds * SECOND)


def node(index: int, small: bool = False) -> dict[str, Any]:
    name = f"node-{index:05}"
    capacity = {"cpu": "4", "memory": "32Gi", "pods": "110"}
    labels = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": ZONES[index % 3]}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {"capacity": capacity, "allocatable": capacity, "conditions": [{"type": "Ready", "status": "True"}]},
    }


def pod(name: str, cpu: str = "100m", labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    resources = {"requests": {"cpu": cpu, "memory": "500Mi"}, "limits": {"cpu": cpu, "memory": "500Mi"}}
    container = {
        "name": "pause",
        "image": "registry.k8s.io/pause:3.10.1",
        "ports": [{"containerPort": 80}],
        "resources": resources,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": labels or {}},
        "spec": {"containers": [container], **spec},
    }


def term(key: str, color: str) -> dict[str, Any]:
    return {"labelSelector": {"matchLabels": {"color": color}}, "topologyKey": key}


def affine(kind: str, key: str, color: str, index: int, preferred: bool = False, prefix: str = "p") -> dict[str, Any]:
    if preferred:
        rule: Any = {
            "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": term(key, color)}]
        }
    else:
        rule = {"requiredDuringSchedulingIgnoredDuringExecution": [term(key, color)]}
    return pod(f"{prefix}{index}", labels={"color": color}, affinity={kind: rule})


def basic(index: int) -> dict[str, Any]:
    return pod(f"p{index}")


def basic_placed(index: int) -> dict[str, Any]:
    return pod(f"init{index}")


def anti_affine(index: int) -> dict[str, Any]:
    return affine("podAntiAffinity", "kubernetes.io/hostname", "green", index)


def anti_affine_placed(index: int) -> dict[str, Any]:
    return affine("podAntiAffinity", "kubernetes.io/hostname", "green", index, prefix="init")


def matching_anti_affinity(index: int) -> dict[str, Any]:
    return pod(f"p{index}", labels={"color": "green"})


def near(index: int) -> dict[str, Any]:
    return affine("podAffinity", "topology.kubernetes.io/zone", "blue", index)


def near_placed(index: int) -> dict[str, Any]:
    return affine("podAffinity", "topology.kubernetes.io/zone", "blue", index, prefix="init")


def preferred_near(index: int) -> dict[str, Any]:
    return affine("podAffinity", "kubernetes.io/hostname", "red", index, preferred=True)


def preferred_near_placed(index: int) -> dict[str, Any]:
    return affine("podAffinity", "kubernetes.io/hostname", "red", index, preferred=True, prefix="init")


def preferred_far(index: int) -> dict[str, Any]:
    return affine("podAntiAffinity", "kubernetes.io/hostname", "yellow", index, preferred=True)


def node_affine(index: int) -> dict[str, Any]:
    expression = {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["zone1", "zone2"]}
    required = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    return pod(f"p{index}", affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}})


def spread(index: int, action: str = "DoNotSchedule") -> dict[str, Any]:
    constraint = {
        "maxSkew": 5,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": action,
        "labelSelector": {"matchLabels": {"color": "blue"}},
    }
    return pod(f"p{index}", labels={"color": "blue"}, topologySpreadConstraints=[constraint])


def spread_preferred(index: int) -> dict[str, Any]:
    return spread(index, "ScheduleAnyway")


def low_priority(index: int) -> dict[str, Any]:
    return pod(f"init{index}", "900m", priorityClassName="low", terminationGracePeriodSeconds=0)


def high_priority(index: int) -> dict[str, Any]:
    return pod(f"p{index}", "3000m", priorityClassName="high")


def small_placed(index: int) -> dict[str, Any]:
    return pod(f"init{index}", "1m")


def too_large(index: int) -> dict[str, Any]:
    return pod(f"p{index}", "9")


def mixed(index: int) -> dict[str, Any]:
    return (basic_placed, near_placed, anti_affine_placed, preferred_near_placed, small_placed)[index % 5](index)


CASES = (
    Case("Small (3 nodes)", 3, 0, 90, 0, basic),
    Case("SchedulingBasic/500", 500, 500, 5000, 0, basic, basic_placed),
    Case("SchedulingBasic", 5000, 1000, 10000, 270, basic, basic_placed),
    Case("SchedulingNodeAffinity", 5000, 5000, 10000, 220, node_affine, basic_placed),
    Case("TopologySpreading", 5000, 5000, 5000, 85, spread, basic_placed),
    Case("PreferredTopologySpreading", 5000, 5000, 5000, 125, spread_preferred, basic_placed),
    Case("SchedulingPodAntiAffinity", 5000, 1000, 2000, 60, anti_affine, anti_affine_placed),
    Case("SchedulingPodMatchingAntiAffinity", 5000, 1000, 5000, 600, matching_anti_affinity, anti_affine_placed),
    Case("SchedulingPodAffinity", 5000, 5000, 5000, 35, near, near_placed),
    Case("SchedulingPreferredPodAffinity", 5000, 5000, 5000, 90, preferred_near, preferred_near_placed),
    Case("SchedulingPreferredPodAntiAffinity", 5000, 5000, 5000, 90, preferred_far, preferred_near_placed),
    Case("MixedSchedulingBasePod", 5000, 10000, 5000, 140, basic, mixed),
    Case("PreemptionAsync", 5000, 20000, 5000, 160, high_priority, low_priority),
    Case("Unschedulable", 5000, 100, 10000, 140, too_large, small_placed, unschedulable=True),
    Case("SchedulingWithMixedChurn", 5000, 0, 10000, 265, basic, churn=True),
)


def run(case: Case, scale: int) -> tuple[float, float, int]:
    """CPU seconds in all, those of cycles alone, and Pods done."""
    nodes, placed, measured = (max(number * scale // 100, 1) for number in case[1:4])
    bench = Bench(nodes if case.nodes > 10 else case.nodes)
    if case.placed and case.placed_pod is not None:
        bench.create([case.placed_pod(index) for index in range(placed)])
        bench.settle(placed // 900 + 5)
    bench.create([case.pod(index) for index in range(measured)])
    meter = Meter(bench.scheduler)
    gc.collect()
    gc.disable()
    start = time.process_time()
    if case.churn:
        churn(bench, measured)
    else:
        bench.settle(measured // 900 + 20)
    spent = time.process_time() - start
    gc.enable()
    done = meter.count if case.unschedulable else bound(bench, measured)
    return spent, meter.spent, done


def churn(bench: Bench, measured: int) -> None:
    for round_ in range(measured // 900 + 5):
        bench.client.create(node(90_000 + round_))
        bench.client.create(too_large(1_000_000 + round_))
        bench.settle(1)
        bench.client.delete("nodes", f"node-{90_000 + round_}")


def bound(bench: Bench, measured: int) -> int:
    return sum(1 for one in bench.client.list("pods").items if one.spec.nodeName and one.metadata.name[0] == "p")


class Meter:
    """Measures the scheduling cycles, the API server's part left out."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.spent = 0.0
        self.count = 0
        self.cycle = scheduler._schedule_one
        self.handle = scheduler.client.handle
        scheduler._schedule_one = self.measured
        scheduler.client.handle = self.outside

    def measured(self, queued: Any) -> None:
        start = time.perf_counter()
        self.cycle(queued)
        self.spent += time.perf_counter() - start
        self.count += 1

    def outside(self, request: Any) -> Any:
        start = time.perf_counter()
        response = self.handle(request)
        self.spent -= time.perf_counter() - start
        return response


def main(arguments: Sequence[str] = ()) -> int:
    """Run the cases named in the arguments, or all; 1 if one missed its threshold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=int, default=100, help="percent of nodes and Pods")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args(arguments)
    print(f"{'workload':36}{'nodes':>7}{'Pods':>7}{'CPU s':>9}{'Pods/s':>9}{'cycle ms':>10}{'threshold':>11}")
    worst = 0
    for case in CASES:
        if args.names and case.name not in args.names:
            continue
        spent, cycles, done = run(case, args.scale)
        rate = done / spent if spent else 0
        shown = f"{case.threshold or '-':>11}" + (" MISSED" if rate < case.threshold else "")
        line = f"{case.name:36}{case.nodes:>7}{done:>7}{spent:>9.2f}{rate:>9.0f}{1000 * cycles / max(done, 1):>10.3f}"
        print(line + shown, flush=True)
        worst |= rate < case.threshold
    return worst


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
