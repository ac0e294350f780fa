"""What Jobs do with Pods that fail, that they stop, and that they find."""

from __future__ import annotations

from typing import Any

from k8slab.api.codec import from_dict
from k8slab.controllers.job.job import FINALIZER
from tests.controllers.lab import Lab


def job(lab: Lab, run: str = "2", code: str = "0", notes: dict[str, str] | None = None, **spec: Any) -> None:
    template = {
        "metadata": {"annotations": {"fake/run": run, "fake/exit": code, **(notes or {})}},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "app:1"}]},
    }
    template["metadata"].update(spec.pop("template_metadata", {}))
    lab.apply("Job", "work", {"template": template, **spec}, api="batch/v1")


def conditions(lab: Lab) -> list[tuple[str, str]]:
    return [(c.type, c.reason) for c in lab.get("jobs", "work").status.conditions or ()]


def test_pods_that_a_success_policy_stops_have_not_failed():
    lab = Lab()
    policy = {"rules": [{"succeededIndexes": "0"}]}
    notes = {"fake/run": "60"}
    job(lab, notes=notes, completionMode="Indexed", completions=3, parallelism=3, successPolicy=policy)
    lab.run(3)
    leader = next(pod for pod in lab.pods() if pod.metadata.name.startswith("work-0-"))
    done = {"status": {"phase": "Succeeded"}}
    lab.client.patch("pods", leader.metadata.name, done, "default", "status")
    lab.run(10)
    status = lab.get("jobs", "work").status
    assert conditions(lab) == [("SuccessCriteriaMet", "SuccessPolicy"), ("Complete", "SuccessPolicy")]
    assert (status.succeeded, status.failed, status.completedIndexes) == (1, None, "0")


def test_a_job_over_its_deadline_counts_its_pods_as_failed_before_it_lets_them_go():
    lab = Lab()
    job(lab, run="60", parallelism=2, completions=2, activeDeadlineSeconds=5)
    lab.run(7)
    ends = [w.note for w in lab.trace.writes.values() if w.note and "deadline" in w.note]
    assert ends
    lab.run(10)
    status = lab.get("jobs", "work").status
    assert conditions(lab) == [("FailureTarget", "DeadlineExceeded"), ("Failed", "DeadlineExceeded")]
    assert (status.failed, status.active, status.terminating) == (2, None, 0)
    assert lab.events("DeadlineExceeded") == ["Job was active longer than specified deadline"]


def test_a_job_that_is_being_deleted_holds_no_pod():
    lab = Lab()
    job(lab, run="60")
    lab.run(3)
    lab.client.delete("jobs", "work", "default", propagation_policy="Foreground")
    lab.run(0.5)
    assert [pod.metadata.finalizers for pod in lab.pods()] == [None]
    lab.run(5)
    assert lab.client.list("jobs", "default").items == ()
    assert lab.pods() == []


def test_ignored_failures_are_told_to_the_next_pod_of_an_index():
    lab = Lab()
    policy = {"rules": [{"action": "Ignore", "onExitCodes": {"operator": "In", "values": [3]}}]}
    indexed = {"completionMode": "Indexed", "completions": 1, "backoffLimitPerIndex": 1, "podFailurePolicy": policy}
    job(lab, run="1", code="3", **indexed)
    lab.run(20)
    notes = max(lab.pods(), key=lambda pod: pod.metadata.creationTimestamp).metadata.annotations
    assert notes["batch.kubernetes.io/job-index-failure-count"] == "0"
    assert notes["batch.kubernetes.io/job-index-ignored-failure-count"] == "1"


def test_an_index_that_waits_for_its_back_off_keeps_its_place():
    lab = Lab()
    indexed = {"completionMode": "Indexed", "completions": 3, "parallelism": 1, "backoffLimitPerIndex": 1}
    job(lab, run="1", notes={"fake/exit-index": "0"}, **indexed)
    lab.run(8)
    assert [pod.metadata.name.rsplit("-", 1)[0] for pod in lab.pods()] == ["work-0"]


def test_an_adopted_pod_is_held_until_it_is_counted():
    lab = Lab()
    metadata = {"name": "found", "labels": {"app": "work"}, "annotations": {"fake/run": "5"}}
    spec = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "app:1"}]}
    lab.client.create(from_dict({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}), "default")
    labels = {"labels": {"app": "work"}}
    job(lab, manualSelector=True, selector={"matchLabels": {"app": "work"}}, template_metadata=labels)
    lab.run(2)
    found = lab.get("pods", "found")
    assert found.metadata.finalizers == (FINALIZER,)
    assert found.metadata.ownerReferences[0].kind == "Job"
    lab.run(10)
    assert lab.get("jobs", "work").status.succeeded == 1
    assert not lab.get("pods", "found").metadata.finalizers
