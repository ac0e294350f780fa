"""StatefulSets with storage."""

from __future__ import annotations

from pathlib import Path

import pytest

CASSANDRA = Path(__file__).parents[3] / "shared" / "manifests" / "cassandra.yaml"
SET = """apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers:
      - name: db
        image: redis:7.4
        volumeMounts: [{name: %s, mountPath: /data}]
  volumeClaimTemplates:
  - metadata: {name: data}
    spec:
      accessModes: [ReadWriteOnce]
      resources: {requests: {storage: 1Gi}}
"""


def test_claims_are_volumes_that_containers_may_mount(lab, kubectl):
    kubectl("apply -f -", SET % "data")
    lab.run("5s")
    pod = lab.get("pod/db-0")
    assert [volume.persistentVolumeClaim.claimName for volume in pod.spec.volumes if volume.name == "data"] == [
        "data-db-0"
    ]
    assert lab.get("persistentvolumeclaim/data-db-0").spec.resources.requests == {"storage": "1Gi"}


def test_other_names_are_not(lab):
    output = lab.kubectl("apply -f -", SET % "date", echo=False)
    problem = 'spec.template.spec.containers[0].volumeMounts[0].name: Not found: "date"'
    assert output.stderr == f'The StatefulSet "db" is invalid: {problem}\n'


@pytest.mark.skipif(not CASSANDRA.exists(), reason="the shared manifests are not here")
def test_cassandra_is_taken(lab, kubectl):
    printed = kubectl(f"apply -f {CASSANDRA}")
    assert "statefulset.apps/cassandra created" in printed
    lab.run("10m")
    assert lab.get("statefulset/cassandra").status.readyReplicas == 3
    claims = [lab.get(f"persistentvolumeclaim/cassandra-data-cassandra-{number}") for number in range(3)]
    assert {claim.status.phase for claim in claims} == {"Bound"}
