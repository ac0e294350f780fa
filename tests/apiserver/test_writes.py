from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import ConfigMap
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.request import JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH
from tests.apiserver.conftest import Lab

CM = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cm"}, "data": {"k": "v"}}


def test_created_object_carries_the_revision_of_its_commit(lab: Lab) -> None:
    made = lab.create("configmaps", CM)
    assert made.metadata.resourceVersion == str(lab.store.revision)
    assert made.metadata.uid and made.metadata.creationTimestamp == "2026-01-01T00:00:00Z"
    assert lab.get("configmaps", "cm") is made
    write = lab.trace.writes[lab.store.revision]
    assert (write.verb, write.key) == ("create", "/registry/configmaps/default/cm")


def test_typed_body_is_taken_as_it_is(lab: Lab) -> None:
    made = lab.create("configmaps", ConfigMap(metadata=ObjectMeta(name="typed"), data={"k": "v"}))
    assert made.data == {"k": "v"} and made.metadata.namespace == "default"


def test_body_of_another_kind_is_refused(lab: Lab) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cm"}}
    response = lab.send("create", "configmaps", body=body)
    assert response.code == 400
    typed = lab.send("create", "secrets", body=ConfigMap(metadata=ObjectMeta(name="x")))
    assert typed.code == 400


def test_stale_update_is_a_conflict_and_changes_nothing(lab: Lab) -> None:
    old = lab.create("configmaps", CM)
    lab.patch("configmaps", "cm", {"data": {"k": "2"}})
    revision = lab.store.revision
    response = lab.send("update", "configmaps", "cm", old.replace(data={"k": "3"}))
    assert response.code == 409
    assert response.body["message"] == (
        'Operation cannot be fulfilled on configmaps "cm": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    assert lab.store.revision == revision


def test_update_without_a_change_writes_nothing(lab: Lab) -> None:
    made = lab.create("configmaps", CM)
    revision = lab.store.revision
    assert lab.ok("update", "configmaps", "cm", made) is made
    lab.patch("configmaps", "cm", {"data": {"k": "v"}})
    lab.patch("configmaps", "cm", {"metadata": {"finalizers": []}})
    assert lab.store.revision == revision


def test_dry_run_leaves_no_trace(lab: Lab) -> None:
    revision = lab.store.revision
    made = lab.create("configmaps", CM, dry_run=True)
    assert made.metadata.uid and made.metadata.resourceVersion is None
    assert lab.store.revision == revision
    assert lab.send("get", "configmaps", "cm").code == 404


def test_generated_names_are_tried_again_when_taken(lab: Lab) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "x-"}}
    taken = {Lab().create("configmaps", body).metadata.name}
    lab.create("configmaps", CM | {"metadata": {"name": next(iter(taken))}})
    made = lab.create("configmaps", body)
    assert made.metadata.name.startswith("x-") and made.metadata.name not in taken


def test_generated_name_that_stays_taken_is_refused(lab: Lab, monkeypatch) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "x-"}}
    monkeypatch.setattr(type(lab.server.streams), "suffix", lambda self, name, length=5: "same5")
    lab.create("configmaps", body)
    response = lab.send("create", "configmaps", body=body)
    assert response.code == 409
    assert response.body["message"].endswith("the server was not able to generate a unique name for the object")


def test_generation_counts_changes_of_the_spec_only(lab: Lab) -> None:
    spec = {
        "selector": {"matchLabels": {"a": "b"}},
        "template": {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": "c", "image": "app:1"}]},
        },
    }
    body = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "rs"}, "spec": spec}
    assert lab.create("replicasets.apps", body).metadata.generation == 1
    assert lab.patch("replicasets.apps", "rs", {"metadata": {"labels": {"x": "y"}}}).metadata.generation == 1
    assert lab.patch("replicasets.apps", "rs", {"spec": {"replicas": 3}}).metadata.generation == 2
    changed = lab.patch("replicasets.apps", "rs", {"status": {"replicas": 3}}, subresource="status")
    assert changed.metadata.generation == 2 and changed.status.replicas == 3


def test_status_and_spec_are_written_separately(lab: Lab) -> None:
    lab.pod("p")
    main = lab.patch("pods", "p", {"status": {"phase": "Running"}, "metadata": {"labels": {"x": "y"}}})
    assert main.status.phase == "Pending" and main.metadata.labels == {"x": "y"}
    status = lab.patch("pods", "p", {"spec": {"priority": 9}, "status": {"phase": "Running"}}, subresource="status")
    assert status.status.phase == "Running" and status.spec is main.spec


def test_json_patch_that_fails_halfway_changes_nothing(lab: Lab) -> None:
    lab.create("configmaps", CM)
    operations = [
        {"op": "add", "path": "/data/x", "value": "1"},
        {"op": "test", "path": "/data/k", "value": "nope"},
    ]
    response = lab.send("patch", "configmaps", "cm", operations, content_type=JSON_PATCH)
    assert response.code == 422
    assert lab.get("configmaps", "cm").data == {"k": "v"}


def test_unknown_fields_warn_or_are_refused(lab: Lab) -> None:
    body = CM | {"bogus": 1}
    response = lab.send("create", "configmaps", body=body)
    assert response.code == 201 and response.warnings == ('unknown field "bogus"',)
    strict = lab.send("create", "configmaps", body=body, field_validation="Strict")
    assert strict.code == 400 and 'strict decoding error: unknown field "bogus"' in strict.body["message"]


def test_unserved_resources_and_verbs(lab: Lab) -> None:
    assert lab.send("get", "gadgets", "x").code == 404
    assert lab.send("deletecollection", "namespaces", namespace=None).code == 405
    assert lab.send("get", "configmaps", "cm", subresource="status").code == 404
    assert lab.send("create", "pods", "p", {}, subresource="status").code == 405


def test_scale_changes_replicas_of_any_workload(lab: Lab) -> None:
    spec = {
        "replicas": 2,
        "selector": {"matchLabels": {"a": "b"}},
        "template": {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": "c", "image": "app:1"}]},
        },
    }
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}
    lab.create("deployments.apps", body)
    scale = lab.get("deployments.apps", "d", subresource="scale")
    assert (scale.spec.replicas, scale.status.selector) == (2, "a=b")
    lab.ok("update", "deployments.apps", "d", scale.replace(spec=scale.spec.replace(replicas=5)), subresource="scale")
    found = lab.get("deployments.apps", "d")
    assert found.spec.replicas == 5 and found.metadata.generation == 2
    stale = lab.send("update", "deployments.apps", "d", scale, subresource="scale")
    assert stale.code == 409
    lab.patch("deployments.apps", "d", {"spec": {"replicas": 1}}, subresource="scale")
    assert lab.get("deployments.apps", "d").spec.replicas == 1


def test_ephemeral_containers_are_only_added(lab: Lab) -> None:
    lab.pod("p", node="n1")
    debug = {"name": "debug", "image": "busybox:1"}

    def change(*containers: dict[str, str]) -> Any:
        body = {"spec": {"ephemeralContainers": list(containers), "nodeName": "ignored"}}
        where = {"subresource": "ephemeralcontainers", "content_type": MERGE_PATCH}
        return lab.send("patch", "pods", "p", body, **where)

    made = change(debug).body
    assert [each.name for each in made.spec.ephemeralContainers] == ["debug"]
    assert made.metadata.generation == 2 and made.spec.nodeName == "n1"
    assert change().code == 422
    assert change(debug | {"image": "busybox:2"}).code == 422
    assert change(debug, {"name": "c", "image": "busybox:1"}).code == 422
    assert change(debug, {"name": "more", "image": "busybox:1"}).code == 200


def test_resize_changes_processor_and_memory_only(lab: Lab) -> None:
    amounts = {"requests": {"cpu": "100m", "example.com/g": "1"}, "limits": {"cpu": "200m", "example.com/g": "1"}}
    lab.pod("p", containers=[{"name": "c", "image": "app:1", "resources": amounts}])

    def resize(**requests: str) -> Any:
        resources = {"requests": requests, "limits": {"cpu": "400m", "example.com/g": "1"}}
        body = {"spec": {"containers": [{"name": "c", "resources": resources}], "priority": 7}}
        where = {"subresource": "resize", "content_type": STRATEGIC_MERGE_PATCH}
        return lab.send("patch", "pods", "p", body, **where)

    resized = resize(cpu="300m").body
    assert resized.spec.containers[0].resources.requests["cpu"] == "300m"
    assert resized.spec.priority == 0 and resized.metadata.generation == 2
    assert resize(cpu="500m").code == 422
    lab.pod("q", containers=[{"name": "c", "image": "app:1"}])
    body = {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]}}
    refused = lab.send("patch", "pods", "q", body, subresource="resize", content_type=STRATEGIC_MERGE_PATCH)
    assert refused.code == 422 and "Pod QOS Class may not change as a result of resizing" in refused.body["message"]


def test_events_are_one_resource_in_two_groups(lab: Lab) -> None:
    event = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "e"},
        "regarding": {"kind": "Pod", "name": "p", "namespace": "default"},
        "reason": "Scheduled",
        "note": "done",
        "type": "Normal",
        "action": "Binding",
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": "default-scheduler",
        "reportingInstance": "s",
    }
    made = lab.create("events.events.k8s.io", event)
    assert made.note == "done" and made.apiVersion == "events.k8s.io/v1"
    core = lab.get("events", "e")
    assert core.message == "done" and core.involvedObject.name == "p"
    found = lab.ok("list", "events", field_selector="involvedObject.name=p,reason=Scheduled")
    assert [item.metadata.name for item in found.items] == ["e"]


def test_autoscalers_of_v1_keep_what_only_v2_can_say(lab: Lab) -> None:
    metrics = [
        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}},
        {"type": "Pods", "pods": {"metric": {"name": "rps"}, "target": {"type": "AverageValue", "averageValue": "10"}}},
        {
            "type": "Object",
            "object": {
                "describedObject": {"kind": "Ingress", "name": "i", "apiVersion": "networking.k8s.io/v1"},
                "metric": {"name": "hits", "selector": {"matchLabels": {"a": "b"}}},
                "target": {"type": "Value", "value": "2k"},
            },
        },
    ]
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"},
        "maxReplicas": 5,
        "metrics": metrics,
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}},
    }
    resource = "horizontalpodautoscalers.autoscaling"
    made = lab.create(resource, {"metadata": {"name": "h"}, "spec": spec}, version="v2")
    old = lab.get(resource, "h", version="v1")
    assert old.spec.targetCPUUtilizationPercentage == 60
    changed = old.replace(spec=old.spec.replace(maxReplicas=7, targetCPUUtilizationPercentage=70))
    lab.ok("update", resource, "h", changed, version="v1")
    found = lab.get(resource, "h", version="v2")
    assert found.spec.maxReplicas == 7 and found.spec.metrics[0].resource.target.averageUtilization == 70
    assert found.spec.metrics[1:] == made.spec.metrics[1:] and found.spec.behavior == made.spec.behavior
    assert found.metadata.annotations is None
