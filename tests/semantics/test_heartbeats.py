"""Heartbeats that change nothing are not made one by one: nobody can tell, whether somebody looks or not."""

from __future__ import annotations

import copy
import pickle

import pytest

from k8slab import Lab
from k8slab.api.codec import encode_json
from k8slab.apiserver.renewals import Renewals
from k8slab.cluster.epoch import set_calendar

LEASES = "/registry/leases/kube-node-lease/"
NODES = "/registry/minions/"


class Looker:
    """Somebody who watches, lists and reads everything all the time."""

    def __init__(self, lab: Lab, watches: bool) -> None:
        self.lab = lab
        self.seen: dict[str, list[tuple[str, int, bytes]]] = {}
        if watches:
            for resource in ("leases", "nodes"):
                self.seen[resource] = []
                lab.client.watch(resource, Sink(self.seen[resource]).take, resource_version=str(lab.history.revision))

    def look(self) -> None:
        """Read in every way that there is."""
        lab = self.lab
        lab.kubectl("get leases -A", echo=False)
        lab.at(lab.clock.now / 1_000_000 if lab.clock.now > 0 else "0s").list("leases")
        lab.get("node/worker-1")
        assert len(list(lab.history)) == len(lab.history)


class Sink:
    """Keeps what a watch delivers."""

    def __init__(self, events: list[tuple[str, int, bytes]]) -> None:
        self.events = events

    def take(self, event) -> None:
        self.events.append((event.type, event.revision, encode_json(event.object)))


class Nobody(Looker):
    """Does not look."""

    def look(self) -> None:
        pass


def troubled(looker: type[Looker] = Nobody, watches: bool = False) -> tuple[Lab, Looker]:
    """Nodes that fail, come back, are cordoned, deleted and restarted, and whose Leases others touch."""
    lab = Lab(workers=4, seed=11)
    other = looker(lab, watches)
    lab.apply(deployment(), echo=False)
    lab.run("47s")
    other.look()
    lab.fail_node("worker-2")
    lab.run("100s")
    lab.kubectl("cordon worker-3", echo=False)
    lab.run("4m")
    other.look()
    lab.recover_node("worker-2")
    lab.kubectl("delete lease worker-4 -n kube-node-lease", echo=False)
    lab.client.patch("leases", "worker-1", {"spec": {"holderIdentity": "me"}}, "kube-node-lease")
    lab.run("33s")
    lab.faults.crash("kubelet/worker-1")
    lab.run("30s")
    lab.faults.start("kubelet/worker-1")
    lab.run("6m")
    other.look()
    lab.kubectl("delete node worker-4", echo=False)
    lab.faults.crash("kube-controller-manager")
    lab.run("100s")
    lab.fail_node("worker-1")
    lab.run("20s")
    lab.faults.start("kube-controller-manager")
    lab.run("6m")
    other.look()
    return lab, other


def deployment() -> dict:
    labels = {"app": "web"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "replicas": 5,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "nginx"}]}},
        },
    }


@pytest.fixture(scope="module")
def quiet() -> Lab:
    return troubled()[0]


def test_the_history_is_that_of_beats_sent_one_by_one(quiet, monkeypatch):
    assert quiet.cluster.store.renewal_count > 200
    monkeypatch.setattr(Renewals, "begin", lambda *args: None)
    sent = troubled()[0]
    assert sent.cluster.store.renewal_count == 0
    assert [change.write for change in sent.history] == [change.write for change in quiet.history]
    assert sent.history.digest() == quiet.history.digest()


def test_looking_changes_nothing(quiet):
    assert troubled(Looker)[0].history.digest() == quiet.history.digest()


def test_watching_changes_nothing_and_shows_each_beat_in_time(quiet):
    lab, looker = troubled(Looker, watches=True)
    assert lab.history.digest() == quiet.history.digest()
    for resource, prefix in (("leases", "/registry/leases/"), ("nodes", NODES)):
        written = list(lab.history.changes(since=looker_start(looker, resource) - 1))
        expected = [
            (kind(change), change.write.revision)
            for change in written
            if change.write.key.startswith(prefix) and change.write.time + 1_000 <= lab.clock.now
        ]
        assert [event[:2] for event in looker.seen[resource]] == expected


def looker_start(looker: Looker, resource: str) -> int:
    return looker.seen[resource][0][1]


def kind(change) -> str:
    if change.after is None:
        return "DELETED"
    return "ADDED" if change.before is None else "MODIFIED"


def test_versions_of_a_lease_count_up_without_gaps(quiet):
    store = quiet.cluster.store
    versions = [event.kv for event in store.events(2) if event.kv.key == LEASES + "worker-3"]
    assert [kv.version for kv in versions] == list(range(1, len(versions) + 1))
    for kv in versions[:: len(versions) // 20]:
        assert store.get(kv.key, kv.mod_revision) == kv
        assert store.get(kv.key, kv.mod_revision - 1) != kv
        assert kv.value.metadata.resourceVersion == str(kv.mod_revision)
    times = [kv.value.spec.renewTime for kv in versions]
    assert times == sorted(set(times))
    assert store.get(LEASES + "worker-3") == versions[-1]
    assert versions[-1] in store.range(LEASES)


def test_copies_go_on_alike():
    lab = Lab(workers=2, seed=3)
    lab.run("95s")
    twins = [lab.fork(), pickle.loads(pickle.dumps(lab.cluster)), copy.deepcopy(lab.cluster)]
    lab.run("6m")
    for twin in twins:
        (twin.run("6m") if isinstance(twin, Lab) else twin.advance(360_000_000))
        assert twin.history.digest() == lab.history.digest()
    replayed = lab.fork(at="5m")
    replayed.run("155s")
    assert replayed.history.digest() == lab.history.digest()


def test_compaction_forgets_renewals_as_well():
    lab = Lab(workers=2, seed=3)
    lab.run("5m")
    store = lab.cluster.store
    cut = store.revision - 7
    expected = list(store.events(cut))
    kept = store.range(LEASES, cut)
    store.compact(cut)
    assert list(store.events(cut)) == expected
    assert store.range(LEASES, cut) == kept
    lab.run("1m")
    assert len({kv.mod_revision for kv in store.range(LEASES)}) == 3


def test_idle_nodes_set_no_timers():
    def timers(workers: int) -> tuple[int, int]:
        lab = Lab(workers=workers)
        lab.run("20s")
        fired, written = lab.clock.fired, lab.history.revision
        lab.run("10m")
        return lab.clock.fired - fired, lab.history.revision - written

    few, many = timers(1), timers(30)
    assert many[1] - few[1] >= 29 * 60
    assert abs(many[0] - few[0]) < 5


def test_heartbeats_follow_the_calendar() -> None:
    """Each renewal bears the date that the calendar showed at its time, whenever it is read."""
    lab = Lab(workers=1)
    lab.run("60s")
    before = lab.get("lease/worker-1", namespace="kube-node-lease").spec.renewTime
    set_calendar(lab.cluster, "2031-01-01T00:00:00Z")
    lab.run("60s")
    after = lab.get("lease/worker-1", namespace="kube-node-lease").spec.renewTime
    assert not before.startswith("2031-01-01T00:0")
    assert after.startswith("2031-01-01T00:0")
