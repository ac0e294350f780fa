from __future__ import annotations

import pytest

from k8slab.api.request import Preconditions
from k8slab.sim.clock import SECOND
from tests.apiserver.conftest import Lab

TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "app:1"}]}}
SPEC = {"selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE}


def test_unscheduled_pod_goes_at_once(lab: Lab) -> None:
    lab.pod("p")
    lab.ok("delete", "pods", "p")
    assert lab.send("get", "pods", "p").code == 404


def test_scheduled_pod_waits_for_its_kubelet(lab: Lab) -> None:
    lab.pod("p", node="n1")
    gone = lab.ok("delete", "pods", "p")
    assert gone.metadata.deletionTimestamp == "2026-01-01T00:00:30Z"
    assert gone.metadata.deletionGracePeriodSeconds == 30 and gone.metadata.generation == 2
    lab.ok("delete", "pods", "p", grace_period_seconds=0)
    assert lab.send("get", "pods", "p").code == 404


def test_grace_period_can_only_be_shortened(lab: Lab) -> None:
    lab.pod("p", node="n1")
    lab.ok("delete", "pods", "p", grace_period_seconds=20)
    lab.clock.run_for(5 * SECOND)
    longer = lab.ok("delete", "pods", "p", grace_period_seconds=60)
    assert longer.metadata.deletionGracePeriodSeconds == 20
    shorter = lab.ok("delete", "pods", "p", grace_period_seconds=10)
    assert shorter.metadata.deletionGracePeriodSeconds == 10
    assert shorter.metadata.deletionTimestamp == "2026-01-01T00:00:10Z"


def test_forced_deletion_is_seen_as_a_change_and_then_as_the_end(lab: Lab) -> None:
    lab.pod("p", node="n1")
    lab.settle()
    events = lab.watch("pods", resource_version=str(lab.store.revision))
    lab.ok("delete", "pods", "p", grace_period_seconds=0)
    lab.settle()
    assert [event.type for event in events] == ["MODIFIED", "DELETED"]


def test_finished_pod_goes_at_once(lab: Lab) -> None:
    lab.pod("p", node="n1")
    lab.patch("pods", "p", {"status": {"phase": "Succeeded"}}, subresource="status")
    lab.ok("delete", "pods", "p")
    assert lab.send("get", "pods", "p").code == 404


def test_object_stays_until_its_finalizers_are_gone(lab: Lab) -> None:
    body = {"metadata": {"name": "cm", "finalizers": ["example.com/a"]}}
    lab.create("configmaps", body)
    assert lab.ok("delete", "configmaps", "cm").metadata.deletionTimestamp
    revision = lab.store.revision
    lab.ok("delete", "configmaps", "cm")
    assert lab.store.revision == revision
    lab.patch("configmaps", "cm", {"metadata": {"finalizers": None}})
    assert lab.send("get", "configmaps", "cm").code == 404


@pytest.mark.parametrize(
    ("policy", "finalizers"), [("Foreground", ("foregroundDeletion",)), ("Orphan", ("orphan",)), ("Background", None)]
)
def test_propagation_policy(lab: Lab, policy: str, finalizers: tuple[str, ...] | None) -> None:
    lab.create("deployments.apps", {"metadata": {"name": "d"}, "spec": SPEC})
    lab.ok("delete", "deployments.apps", "d", propagation_policy=policy)
    response = lab.send("get", "deployments.apps", "d")
    assert (response.body.metadata.finalizers if response.code == 200 else None) == finalizers


def test_jobs_orphan_their_pods_unless_told_otherwise(lab: Lab) -> None:
    pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "app:1"}]}
    lab.create("jobs.batch", {"metadata": {"name": "j"}, "spec": {"template": {"spec": pod}}})
    response = lab.send("delete", "jobs.batch", "j")
    assert response.body.metadata.finalizers == ("orphan",)
    assert response.warnings[0].startswith("child pods are preserved by default when jobs are deleted")


def test_preconditions(lab: Lab) -> None:
    made = lab.create("configmaps", {"metadata": {"name": "cm"}})
    for wrong in (Preconditions(uid="other"), Preconditions(resourceVersion="1")):
        assert lab.send("delete", "configmaps", "cm", preconditions=wrong).code == 409
    right = Preconditions(uid=made.metadata.uid, resourceVersion=made.metadata.resourceVersion)
    lab.ok("delete", "configmaps", "cm", preconditions=right)


def test_delete_collection(lab: Lab) -> None:
    for name, label in (("a", "1"), ("b", "2"), ("c", "1")):
        lab.create("configmaps", {"metadata": {"name": name, "labels": {"x": label}}})
    lab.ok("deletecollection", "configmaps", label_selector="x=1")
    assert [item.metadata.name for item in lab.ok("list", "configmaps").items] == ["b"]


def test_namespace_lifecycle(lab: Lab) -> None:
    lab.create("namespaces", {"metadata": {"name": "team"}}, namespace=None)
    lab.create("configmaps", {"metadata": {"name": "cm"}}, namespace="team")
    assert lab.ok("delete", "namespaces", "team", namespace=None).status.phase == "Terminating"
    refused = lab.send("create", "configmaps", body={"metadata": {"name": "late"}}, namespace="team")
    assert refused.code == 403 and refused.body["details"]["causes"][0]["reason"] == "NamespaceTerminating"
    lab.ok("delete", "configmaps", "cm", namespace="team")
    namespace = lab.get("namespaces", "team", namespace=None)
    empty = namespace.replace(spec=namespace.spec.replace(finalizers=None))
    lab.ok("update", "namespaces", "team", empty, namespace=None, subresource="finalize")
    assert lab.send("get", "namespaces", "team", namespace=None).code == 404


def test_eviction_respects_the_budget(lab: Lab) -> None:
    for name in ("a", "b"):
        lab.pod(name, node="n1")
        lab.patch("pods", name, {"metadata": {"labels": {"app": "web"}}})
        ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        lab.patch("pods", name, {"status": ready}, subresource="status")
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}},
    }
    lab.create("poddisruptionbudgets.policy", budget)
    status = {
        "observedGeneration": 1,
        "disruptionsAllowed": 1,
        "currentHealthy": 2,
        "desiredHealthy": 1,
        "expectedPods": 2,
    }
    lab.patch("poddisruptionbudgets.policy", "web", {"status": status}, subresource="status")

    def evict(name: str) -> int:
        return lab.send("create", "pods", name, {"metadata": {"name": name}}, subresource="eviction").code

    assert (evict("a"), evict("b")) == (201, 429)
    assert lab.get("pods", "a").metadata.deletionTimestamp
    assert not lab.get("pods", "b").metadata.deletionTimestamp
