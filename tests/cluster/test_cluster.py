"""Gate, journal, history, causes and convergence."""

from __future__ import annotations

import doctest

import networkx
import pytest

from k8slab import Lab
from k8slab.api.core_v1 import ConfigMap
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.request import Options, Request
from k8slab.cluster import Cluster, convergence
from k8slab.cluster.causes import cause_graph
from k8slab.cluster.cluster import replay
from k8slab.cluster.convergence import Gap, Point, gaps
from k8slab.cluster.gate import dump_request, load_request
from k8slab.sim import duration
from k8slab.sim.clock import MINUTE, SECOND
from k8slab.sim.journal import Journal, JournalError


@pytest.fixture
def cluster():
    return Cluster(workers=1)


def config(name, **data):
    return ConfigMap(metadata=ObjectMeta(name=name, namespace="default"), data=data)


@pytest.mark.parametrize("module", [convergence, duration])
def test_examples(module):
    assert doctest.testmod(module).failed == 0


def test_requests_survive_the_journal():
    request = Request(
        verb="create",
        resource="configmaps",
        namespace="default",
        body=config("a", b="c"),
        options=Options(field_manager="me", dry_run=True),
    )
    again = load_request(dump_request(request))
    assert again.options == request.options
    assert again.body["data"] == {"b": "c"}
    assert (again.verb, again.namespace, again.user) == (request.verb, request.namespace, request.user)


def test_only_what_changes_something_is_journalled(cluster):
    cluster.client.list("pods")
    assert len(cluster.journal) == 0
    cluster.client.create(config("a"))
    assert [entry.kind for entry in cluster.journal] == ["request"]


def test_advances_merge_and_replay_to_the_same_history(cluster):
    for _ in range(5):
        cluster.advance(SECOND)
    cluster.client.create(config("a"))
    cluster.advance(0)
    cluster.faults.fail_node("worker-1")
    cluster.advance(2 * MINUTE)
    cluster.client.delete("configmaps", "a", "default")
    text = cluster.dump_journal()
    kinds = [entry.kind for entry in Journal.loads(text)]
    assert kinds[0] == "setup"
    assert kinds.count("advance") == 2
    assert replay(Journal.loads(text)).history.digest() == cluster.history.digest()


def test_an_interrupted_instant_is_repeated_exactly(cluster):
    """Time may stop between two instants anywhere; what comes in then must come in there again."""
    seen = []
    cluster.client.create(config("a"))
    cluster.run_until(lambda: seen.append(1) or len(seen) > 7, MINUTE)
    cluster.client.create(config("b"))
    cluster.advance(MINUTE)
    assert replay(Journal.loads(cluster.dump_journal())).history.digest() == cluster.history.digest()


def test_a_journal_of_another_set_up_is_refused(cluster):
    cluster.advance(SECOND)
    cluster.client.create(config("a"))
    text = cluster.dump_journal()
    with pytest.raises(JournalError, match="begins with the set-up"):
        replay(Journal.loads("".join(text.splitlines(keepends=True)[1:])))
    shifted = text.replace(f'"time":{SECOND}', '"time":5')
    with pytest.raises(JournalError, match="not of this set-up"):
        replay(Journal.loads(shifted))
    with pytest.raises(JournalError, match="set-up is not one"):
        replay(Journal.loads('{"time":0,"kind":"setup","planets":9}\n'))


def test_snapshots_and_changes(cluster):
    before = cluster.store.revision
    cluster.client.create(config("a", x="1"))
    made = cluster.client.get("configmaps", "a", "default")
    cluster.client.update(made.replace(data={"x": "2"}))
    cluster.client.delete("configmaps", "a", "default")
    changes = [c for c in cluster.history.changes(before) if c.write.key.endswith("/a")]
    assert [(c.type, c.write.verb, c.write.actor) for c in changes] == [
        ("PUT", "create", "kubernetes-admin"),
        ("PUT", "update", "kubernetes-admin"),
        ("DELETE", "delete", "kubernetes-admin"),
    ]
    assert changes[2].object.data == {"x": "2"}
    snapshot = cluster.snapshot(revision=changes[0].write.revision)
    assert snapshot.get("configmaps", "default", "a").data == {"x": "1"}
    assert cluster.snapshot().get("configmaps", "default", "a") is None
    rows = cluster.history.diff(snapshot, cluster.snapshot(revision=changes[1].write.revision))
    assert rows == [("/registry/configmaps/default/a", "changed", rows[0][2])]
    assert ".data.x: '1' -> '2'" in rows[0][2]


def test_keys_are_those_of_the_real_server(cluster):
    snapshot = cluster.snapshot()
    assert {node.metadata.name for node in snapshot.list("nodes")} == {"control-plane-1", "worker-1"}
    assert snapshot.get("svc", "default", "kubernetes").spec.clusterIP == "10.96.0.1"
    assert snapshot.list("endpoints", "default")
    keys = {change.write.key for change in cluster.history.changes()}
    assert "/registry/minions/worker-1" in keys
    assert "/registry/services/specs/default/kubernetes" in keys
    assert "/registry/leases/kube-node-lease/worker-1" in keys


def test_causes_lead_back(cluster):
    graph = cause_graph(cluster.history, "/registry/serviceaccounts/default/default")
    actors = [data["actor"] for _, data in graph.nodes(data=True)]
    assert "serviceaccount-controller" in actors
    assert any(data["kind"] == "Namespace" for _, data in graph.nodes(data=True))


def test_gaps_close_and_stay_open():
    points = [Point(0, 0, 0), Point(1, 3, 0), Point(2, 3, 1), Point(5, 3, 3), Point(9, 2, 3)]
    assert gaps(points) == [Gap(1, 5), Gap(9, None)]
    assert (gaps(points)[0].duration, gaps(points)[1].duration) == (4, None)


def test_snapshots_find_objects_whose_keys_are_not_their_plural(cluster):
    now = cluster.history.snapshot()
    for resource in ("nodes", "services", "endpoints"):
        names = [item.metadata.name for item in now.list(resource)]
        assert names == [item.metadata.name for item in cluster.client.list(resource).items] != []


def test_summaries_name_conditions():
    from k8slab.api.core_v1 import Pod, PodCondition, PodStatus
    from k8slab.cluster.causes import summarise
    from k8slab.cluster.history import Change
    from k8slab.sim.trace import Write

    def pod(*conditions):
        return Pod(
            status=PodStatus(conditions=tuple(PodCondition(type=t, status=s, reason=r) for t, s, r in conditions))
        )

    write = Write(1, 0, "", (), "", "", "")
    before = pod(("Ready", "False", None))
    after = pod(("Ready", "True", None), ("DisruptionTarget", "True", "DeletionByTaintManager"))
    text = summarise(Change(write, "PUT", before, after))
    assert text == "Ready False -> True, DisruptionTarget=True (DeletionByTaintManager)"
    assert summarise(Change(write, "PUT", None, after)) == "created"


def test_why_leads_a_silent_node_back_to_the_fault_and_the_last_heartbeat():
    lab = Lab(workers=2)
    lab.kubectl("create deployment web --image=nginx --replicas=2", echo=False)
    lab.settle()
    lab.fail_node("worker-1")
    lab.run("7m")
    newest = max(lab.list("pods", "default"), key=lambda pod: pod.metadata.creationTimestamp)
    assert newest.spec.nodeName == "worker-2"
    graph = lab.why(f"pod/{newest.metadata.name}").graph
    fault = next(number for number in graph if number < 0)
    assert graph.nodes[fault]["summary"] == "power cut" and graph.nodes[fault]["name"] == "worker-1"
    (silence,) = graph.successors(fault)
    assert "Ready True -> Unknown" in graph.nodes[silence]["summary"]
    kinds = {graph.nodes[cause]["kind"] for cause in graph.predecessors(silence)}
    assert kinds == {"Node", "Lease"}
    own = [number for number, data in graph.nodes(data=True) if data["own"]]
    assert all(networkx.has_path(graph, fault, number) for number in own)
    assert "<svg" in str(lab.why(f"pod/{newest.metadata.name}")._repr_mimebundle_())
