"""What the disruption controller tells about budgets that it cannot judge."""

from __future__ import annotations

from typing import Any

from k8slab.api.codec import from_dict
from tests.controllers.lab import Lab, workload


def budget(lab: Lab, name: str = "b", **spec: Any) -> None:
    selector = {"matchLabels": {"app": "web"}}
    lab.apply("PodDisruptionBudget", name, {"selector": selector, **spec}, api="policy/v1")


def test_pods_without_controller_are_told_of_with_the_selector_as_go_prints_it():
    lab = Lab()
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "lone", "labels": {"app": "web"}}}
    spec = {"containers": [{"name": "c", "image": "app:1"}]}
    lab.client.create(from_dict({**body, "spec": spec}), "default")
    budget(lab, maxUnavailable=1)
    lab.run(3)
    shown = "(selector: &LabelSelector{MatchLabels:map[string]string{app: web,},MatchExpressions:[]LabelSelector"
    assert any(shown in text for text in lab.events("UnmanagedPods"))


def test_a_controller_without_scale_is_named_with_its_group():
    lab = Lab()
    lab.apply("DaemonSet", "web", workload("web"))
    lab.run(2)
    budget(lab, maxUnavailable="50%")
    lab.run(3)
    text = "daemonsets.apps does not implement the scale subresource"
    assert lab.events("CalculateExpectedPodCountFailed")[0].endswith(text)
    status = lab.get("poddisruptionbudgets", "b").status
    assert (status.conditions[0].reason, status.conditions[0].message) == ("SyncFailed", text)
    assert not status.observedGeneration


def test_two_budgets_for_one_pod_are_told_of():
    lab = Lab()
    lab.deployment(replicas=1)
    budget(lab, "a", minAvailable=1)
    budget(lab, "b", minAvailable=1)
    lab.run(1)
    pod = lab.pods()[0].metadata.name
    lab.client.patch("pods", pod, {"metadata": {"annotations": {"x": "y"}}}, "default")
    lab.run(1)
    text = f'Pod "default"/"{pod}" matches multiple PodDisruptionBudgets.  Chose "a" arbitrarily.'
    assert text in lab.events("MultiplePodDisruptionBudgets")
