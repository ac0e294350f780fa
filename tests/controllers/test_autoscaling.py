from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

import k8slab
from k8slab.api.codec import from_dict
from k8slab.api.core_v1 import Pod
from k8slab.controllers.podautoscaler import MetricsError, NoMetrics, Sample
from k8slab.controllers.podautoscaler.behaviour import Memory, limit, stabilize
from k8slab.controllers.podautoscaler.calculator import (
    Groups,
    Patience,
    Tolerance,
    by_share,
    by_total,
    by_utilization,
    by_value,
    group,
)
from k8slab.kubelet.program import Program
from k8slab.sim.clock import EPOCH_US, SECOND
from tests.controllers.lab import Lab, workload

CPU = ("", "cpu")
PATIENT = Patience(EPOCH_US + 3600 * SECOND, 300 * SECOND, 30 * SECOND)
LATE = EPOCH_US + 3599 * SECOND


def pod(name: str, cpu: str = "100m", phase: str = "Running", ready: str = "True", started: str = "00:00:00") -> Pod:
    at = f"2026-01-01T{started}Z"
    status = {"phase": phase, "startTime": at}
    status["conditions"] = [{"type": "Ready", "status": ready, "lastTransitionTime": at}]
    containers = [{"name": "c", "image": "a", "resources": {"requests": {"cpu": cpu} if cpu else {}}}]
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": containers}}
    return from_dict({**body, "status": status})


def samples(**values: int) -> dict[str, Sample]:
    return {name: Sample(value, LATE) for name, value in values.items()}


def utilization(pods: list[Pod], found: dict[str, Sample], target: int, current: int | None = None) -> int:
    groups = group(pods, found, "cpu", PATIENT)
    wanted = len(pods) if current is None else current
    return by_utilization(wanted, target, found, pods, groups, CPU, Tolerance()).replicas


def test_replicas_follow_the_ratio_of_usage_to_target():
    pods = [pod("a"), pod("b")]
    assert utilization(pods, samples(a=100, b=100), 50) == 4
    assert utilization(pods, samples(a=90, b=60), 50) == 3
    assert utilization(pods, samples(a=20, b=20), 50) == 1


@pytest.mark.parametrize(("usage", "replicas"), [(45, 2), (55, 2), (56, 3), (44, 2), (40, 2), (24, 1)])
def test_near_the_target_nothing_changes(usage: int, replicas: int):
    assert utilization([pod("a"), pod("b")], samples(a=usage, b=usage), 50) == replicas


def test_pods_without_measurement_are_taken_for_idle_going_up_and_for_busy_going_down():
    pods = [pod("a"), pod("b"), pod("c"), pod("d")]
    assert utilization(pods, samples(a=100, b=100, c=100), 50) == 6
    assert utilization(pods, samples(a=10, b=10, c=10), 50) == 3


def test_what_is_assumed_never_turns_the_direction_round():
    pods = [pod("a"), pod("b"), pod("c"), pod("d")]
    assert utilization(pods, samples(a=60), 50) == 4
    assert utilization(pods, samples(a=40), 50) == 4


def test_starting_pods_count_as_idle_when_scaling_up_and_not_at_all_when_scaling_down():
    starting = pod("c", phase="Pending", ready="False")
    assert utilization([pod("a"), pod("b"), starting], samples(a=100, b=100), 50) == 4
    assert utilization([pod("a"), pod("b"), starting], samples(a=20, b=20), 50) == 1


def test_cpu_of_a_pod_counts_when_it_was_ready_for_a_whole_window():
    young = pod("a", started="00:59:50")
    assert group([young], samples(a=1), "cpu", PATIENT).unready == ["a"]
    assert group([young], samples(a=1), "memory", PATIENT).ready == 1
    assert group([pod("a", started="00:58:00")], samples(a=1), "cpu", PATIENT).ready == 1


def test_pods_on_their_way_out_are_left_alone():
    leaving = pod("a").replace(metadata=pod("a").metadata.replace(deletionTimestamp="2026-01-01T00:00:00Z"))
    assert group([leaving, pod("b", phase="Failed")], samples(a=1, b=1), "cpu", PATIENT).ignored == ["a", "b"]


def test_what_requests_nothing_has_no_utilization():
    with pytest.raises(MetricsError, match="missing request for cpu in container c of Pod a"):
        utilization([pod("a", cpu="")], samples(a=10), 50)
    with pytest.raises(MetricsError, match="did not receive metrics for targeted pods"):
        utilization([pod("a", phase="Pending")], samples(a=10), 50)


def test_absolute_targets():
    groups = Groups(ready=2)
    assert by_value(2, 100, samples(a=150, b=250), groups, Tolerance()).replicas == 4
    assert by_total(2, 2, 30_000, 10_000, Tolerance()).replicas == 6
    assert by_total(0, 0, 30_000, 10_000, Tolerance()).replicas == 3
    assert by_share(2, 30_000, 10_000, Tolerance()).replicas == 3
    assert by_share(3, 31_000, 10_000, Tolerance()).replicas == 3


# --- behaviour


def scaler(behavior: dict[str, Any] | None = None, least: int = 1, most: int = 100) -> Any:
    spec = {"minReplicas": least, "maxReplicas": most, "scaleTargetRef": {"kind": "Deployment", "name": "web"}}
    if behavior is not None:
        rules = {"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}
        up = {"stabilizationWindowSeconds": 0, **rules, **behavior.get("scaleUp", {})}
        spec["behavior"] = {"scaleUp": up, "scaleDown": {**rules, **behavior.get("scaleDown", {})}}
    body = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}}
    return from_dict({**body, "spec": spec})


def test_scaling_down_waits_for_five_quiet_minutes():
    memory = Memory()
    given = [(0, 8), (60, 3), (299, 3), (301, 3), (400, 2)]
    told = [stabilize(scaler(), memory, 8, n, at * SECOND, 300 * SECOND).replicas for at, n in given]
    assert told == [8, 8, 8, 3, 3]


def test_a_window_of_its_own_for_each_direction():
    slow = scaler({"scaleUp": {"stabilizationWindowSeconds": 60}, "scaleDown": {"stabilizationWindowSeconds": 0}})
    memory = Memory()
    assert stabilize(slow, memory, 2, 2, 0, 300 * SECOND).replicas == 2
    verdict = stabilize(slow, memory, 2, 9, 30 * SECOND, 300 * SECOND)
    assert (verdict.replicas, verdict.reason) == (2, "ScaleUpStabilized")
    assert stabilize(slow, memory, 2, 9, 61 * SECOND, 300 * SECOND).replicas == 9
    assert stabilize(slow, Memory(), 9, 1, 62 * SECOND, 300 * SECOND).replicas == 1


@pytest.mark.parametrize(
    ("current", "desired", "verdict"),
    [
        (1, 10, (4, "ScaleUpLimit")),
        (5, 20, (10, "ScaleUpLimit")),
        (60, 110, (100, "TooManyReplicas")),
        (3, 1, (2, "TooFewReplicas")),
        (3, 5, (5, "DesiredWithinRange")),
    ],
)
def test_limits_without_rules(current: int, desired: int, verdict: tuple[int, str]):
    found = limit(scaler(least=2), Memory(), current, desired, 0)
    assert (found.replicas, found.reason) == verdict


def test_rates_count_what_was_changed_in_their_period():
    pods = [{"type": "Pods", "value": 2, "periodSeconds": 60}]
    rules = scaler({"scaleUp": {"policies": pods}, "scaleDown": {"policies": pods}})
    assert limit(rules, Memory(), 10, 20, 0).replicas == 12
    assert limit(rules, Memory(ups=[(0, 1)]), 10, 20, 30 * SECOND).replicas == 11
    assert limit(rules, Memory(ups=[(0, 1)]), 10, 20, 61 * SECOND).replicas == 12
    assert limit(rules, Memory(downs=[(0, 2)]), 10, 1, 30 * SECOND).reason == "ScaleDownLimit"
    disabled = scaler({"scaleDown": {"selectPolicy": "Disabled"}})
    assert limit(disabled, Memory(), 10, 1, 0).replicas == 10


def test_of_several_policies_the_chosen_one_counts():
    both = [{"type": "Pods", "value": 4, "periodSeconds": 60}, {"type": "Percent", "value": 10, "periodSeconds": 60}]
    for select, up in (("Max", 24), ("Min", 22)):
        rules = scaler({"scaleUp": {"policies": both, "selectPolicy": select}})
        assert limit(rules, Memory(), 20, 90, 0).replicas == up


# --- the loop


class Load(NoMetrics):
    """Every Pod uses as much as it is told."""

    def __init__(self) -> None:
        self.cpu = 100
        self.queue = 0
        self.now = None

    def resource(self, name: str, namespace: str, pods: Iterable[Pod], container: str) -> dict[str, Sample]:
        return {pod.metadata.name: Sample(self.cpu, self.clock.unix_us, 0) for pod in pods if pod.spec.nodeName}

    def external(self, name: str, namespace: str, selector: str) -> list[int]:
        return [self.queue * 1000]


def scaled_lab(*metrics: dict[str, Any], **spec: Any) -> tuple[Lab, Load]:
    load = Load()
    lab = Lab(metrics=load)
    load.clock = lab.clock
    template = workload("web")
    template["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "100m"}}
    lab.apply("Deployment", "web", {"replicas": 2, **template})
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    cpu = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
    body = {"scaleTargetRef": target, "maxReplicas": 10, "metrics": list(metrics) or [cpu], **spec}
    lab.apply("HorizontalPodAutoscaler", "web", body, api="autoscaling/v2")
    return lab, load


def replicas(lab: Lab) -> int:
    return lab.get("deployments", "web").spec.replicas


def test_load_scales_a_deployment_up_and_its_end_down_again():
    lab, load = scaled_lab()
    lab.run(20)
    assert replicas(lab) == 4
    assert lab.events("SuccessfulRescale") == [
        "New size: 4; reason: cpu resource utilization (percentage of request) above target"
    ]
    load.cpu = 50
    lab.run(60)
    assert replicas(lab) == 4
    load.cpu = 10
    lab.run(200)
    assert replicas(lab) == 4
    conditions = {c.type: c.reason for c in lab.get("hpa", "web").status.conditions}
    assert conditions["AbleToScale"] == "ScaleDownStabilized"
    lab.run(150)
    assert replicas(lab) == 1
    assert lab.events("SuccessfulRescale")[-1] == "New size: 1; reason: All metrics below target"
    status = lab.get("hpa", "web").status
    assert status.currentMetrics[0].resource.current.averageUtilization == 10
    assert status.currentReplicas == status.desiredReplicas == 1


def test_the_metric_that_wants_most_decides_and_a_missing_one_only_stops_scaling_down():
    target = {"type": "AverageValue", "averageValue": "5"}
    queue = {"type": "External", "external": {"metric": {"name": "queue"}, "target": target}}
    pods = {"type": "Pods", "pods": {"metric": {"name": "rps"}, "target": target}}
    lab, load = scaled_lab(queue, pods)
    load.queue = 30
    lab.run(20)
    assert replicas(lab) == 4
    lab.run(15)
    assert replicas(lab) == 6
    load.queue = 5
    lab.run(600)
    assert replicas(lab) == 6
    conditions = {c.type: (c.status, c.reason) for c in lab.get("hpa", "web").status.conditions}
    assert conditions["ScalingActive"] == ("False", "FailedGetPodsMetric")


def test_bounds_hold_without_any_metric():
    lab, load = scaled_lab(minReplicas=5)
    load.cpu = 50
    lab.run(20)
    assert replicas(lab) == 5
    assert lab.events("SuccessfulRescale") == ["New size: 5; reason: Current number of replicas below Spec.MinReplicas"]


def test_no_replicas_means_no_scaling():
    lab, _ = scaled_lab()
    lab.client.patch("deployments", "web", {"spec": {"replicas": 0}}, "default")
    lab.run(60)
    assert replicas(lab) == 0
    conditions = {c.type: c.reason for c in lab.get("hpa", "web").status.conditions}
    assert conditions["ScalingActive"] == "ScalingDisabled"


def test_two_autoscalers_of_the_same_pods_stand_still():
    lab, _ = scaled_lab()
    spec = lab.get("hpa", "web").spec
    lab.client.create(lab.get("hpa", "web").replace(metadata=from_dict(HPA).metadata, spec=spec), "default")
    lab.run(60)
    assert lab.events("AmbiguousSelector")[0].endswith("[{other default} {web default}]")


HPA = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "other"}}


def test_a_lab_measures_what_its_programs_use():
    lab = k8slab.Lab(workers=3, seed=7)
    lab.images["shop:v1"] = Program(cpu=300, ready_after="1s")
    container = {"name": "c", "image": "shop:v1", "resources": {"requests": {"cpu": "200m"}}}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}
    lab.apply({**deployment, "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template}})
    lab.kubectl("autoscale deployment web --min=1 --max=3 --cpu-percent=80", echo=False)
    lab.run("3m")
    assert lab.get("deployment/web").spec.replicas == 3
