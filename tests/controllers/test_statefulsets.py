"""What StatefulSets tell about their Pods, and with whom their claims go."""

from __future__ import annotations

from tests.controllers.lab import Lab, workload

CLAIM = {
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}


def test_a_failed_pod_is_replaced_without_a_word_of_its_own():
    lab = Lab()
    lab.apply("StatefulSet", "db", {"replicas": 1, "serviceName": "db", **workload("db")})
    lab.run(3)
    first = lab.pods()[0]
    lab.client.patch("pods", "db-0", {"status": {"phase": "Failed"}}, "default", "status")
    lab.run(5)
    assert lab.pods()[0].metadata.uid != first.metadata.uid
    assert lab.events("RecreatingFailedPod") == []
    assert lab.events("SuccessfulDelete") == ["Delete Pod db-0 in StatefulSet db successful"]


def test_claims_that_go_with_their_set_are_given_to_it_once_the_pod_runs():
    lab = Lab()
    volume = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}
    lab.apply("PersistentVolume", "a", volume, api="v1")
    lab.run(1)
    policy = {"whenDeleted": "Delete", "whenScaled": "Retain"}
    storage = {"volumeClaimTemplates": [CLAIM], "persistentVolumeClaimRetentionPolicy": policy}
    lab.apply("StatefulSet", "db", {"replicas": 1, "serviceName": "db", **workload("db"), **storage})
    lab.run(5)
    claim = lab.get("persistentvolumeclaims", "data-db-0")
    assert [reference.kind for reference in claim.metadata.ownerReferences] == ["StatefulSet"]
    assert lab.events("SuccessfulUpdate") == ["Update Pod db-0 in StatefulSet db successful"]
