"""Messages say what the store says, each change once, and every change can be undone."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from k8slab.api import core_v1 as core
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.sim.clock import SECOND
from k8slab.views.board import board_model
from k8slab.views.state import STATES
from k8slab.widgets.feed import Feed
from k8slab.widgets.protocol import CONTROL_PLANE, CORDONED, MAX_EVENTS, POWERED_OFF, RECORD
from tests.views.sample import guestbook, node, pod
from tests.widgets.decode import Replica
from tests.widgets.sample import Cluster


def start(*objects):
    cluster = Cluster(*objects)
    feed, replica = Feed(cluster), Replica()
    replica.take(feed.snapshot())
    return cluster, feed, replica


def fresh(cluster):
    replica = Replica()
    replica.take(Feed(cluster).snapshot())
    return replica.picture()


def guestbook_cluster():
    sample = guestbook()
    return start(*sample.list("nodes"), *sample.list("pods"))


def test_snapshot_says_what_the_board_says():
    _, _, replica = guestbook_cluster()
    nodes, pods = replica.picture()
    board = board_model(guestbook())
    assert [(n[0], n[5], n[6] << 20, n[7]) for n in nodes] == [
        (box.name, box.cpu, box.memory, box.capacity) for box in board.nodes
    ]
    assert pods == sorted(
        (c.namespace, c.name, c.app, c.node, STATES[c.state].name, c.reason, c.cpu, c.memory >> 20)
        for c in board.pods()
    )


def test_a_pods_life_in_records_of_twelve_bytes():
    cluster, feed, replica = start(node("worker-1"))
    assert not feed.behind and feed.pull() is None
    steps = [
        pod("web", phase="Pending", ready=False),
        pod("web", "worker-1", phase="Pending", ready=False),
        pod("web", "worker-1", "Pending", False, waiting="ContainerCreating"),
        pod("web", "worker-1"),
    ]
    for second, step in enumerate(steps, 1):
        cluster.clock.run_until(second * SECOND)
        cluster.put(step)
    cluster.clock.run_until(9 * SECOND)
    cluster.drop(steps[0])
    message = feed.pull()
    assert RECORD.size == 12 and len(message.buffers[0]) == 5 * 12
    replica.take(message)
    assert [time / SECOND for time, _ in replica.frames] == [1, 2, 3, 4, 9]
    assert replica.picture()[1] == []
    replica.back()
    assert replica.picture()[1][0][3:6] == ("worker-1", "Running", "Running")
    replica.back()
    assert replica.picture()[1][0][3:6] == ("worker-1", "ContainerCreating", "ContainerCreating")


def test_what_does_not_show_is_not_sent():
    cluster, feed, _ = start(node("worker-1"), pod("web", "worker-1"))
    same = pod("web", "worker-1")
    cluster.put(same.replace(metadata=same.metadata.replace(annotations={"a": "b"})))
    cluster.store.put("/registry/leases/kube-node-lease/worker-1", "beat")
    assert feed.behind
    assert feed.pull() is None
    assert not feed.behind


def test_the_same_name_again_is_another_pod():
    cluster, feed, replica = start(node("worker-1"), pod("db-0", "worker-1", uid="first"))
    cluster.drop(pod("db-0"))
    cluster.put(pod("db-0", "worker-1", uid="second"))
    replica.take(feed.pull())
    assert len(replica.pods) == 2
    assert len(replica.picture()[1]) == 1


def test_nodes_change_state_flags_and_shape():
    cluster, feed, replica = start(node("worker-1"), node("control-plane-1", role="control-plane"))
    cluster.put(node("worker-1", ready="Unknown", cordoned=True))
    cluster.put(node("worker-2", cpu="32"))
    replica.take(feed.pull())
    nodes = {entry[0]: entry for entry in replica.picture()[0]}
    assert nodes["control-plane-1"][4] == CONTROL_PLANE
    assert nodes["worker-1"][3:5] == (2, CORDONED)
    assert "unreachable:NoExecute" in nodes["worker-1"][2]
    assert nodes["worker-2"][5] == 32_000
    cluster.store.delete("/registry/minions/worker-2")
    replica.take(feed.pull())
    assert "worker-2" not in {entry[0] for entry in replica.picture()[0]}


def test_power_is_told_though_no_write_tells_of_it():
    cluster, feed, replica = start(node("worker-1"))
    cluster.faults.failed_nodes["worker-1"] = None
    assert feed.behind
    replica.take(feed.pull())
    assert replica.picture()[0][0][4] == POWERED_OFF
    assert fresh(cluster) == replica.picture()
    del cluster.faults.failed_nodes["worker-1"]
    replica.take(feed.pull())
    assert replica.picture()[0][0][4] == 0


def test_events_are_passed_on_and_a_flood_is_counted():
    cluster, feed, _ = start()
    for number in range(MAX_EVENTS + 30):
        about = core.ObjectReference(kind="Pod", name="web")
        meta = ObjectMeta(name=f"web.{number}", namespace="default")
        text = f"again {number}"
        cluster.put(core.Event(metadata=meta, type="Warning", reason="BackOff", message=text, involvedObject=about))
    content = feed.pull().content
    assert content["ev"][0] == [0, "Warning", "BackOff", "Pod/web", "again 30"]
    assert content["ev"][-1][-1] == f"again {MAX_EVENTS + 29}"
    assert (len(content["ev"]), content["missed"]) == (MAX_EVENTS, 30)


def test_a_new_front_end_can_look_back_to_when_the_lab_was_ready():
    cluster = Cluster(node("worker-1"), pod("web", "worker-1"))
    for second in range(1, 6):
        cluster.clock.run_until(second * SECOND)
        cluster.put(pod("web", "worker-1", ready=second % 2 == 0))
    cluster.clock.run_until(9 * SECOND)
    begin, since = Feed(cluster).story()
    assert (begin.content["k"], begin.content["t"]) == ("snap", 0)
    assert (since.content["k"], since.content["t"]) == ("d", 9 * SECOND)
    replica = Replica()
    replica.take(begin)
    assert replica.picture()[1][0][4] == "Running"
    replica.take(since)
    assert replica.picture() == fresh(cluster)
    assert [time / SECOND for time, _ in replica.frames] == [1, 2, 3, 4, 5]


def test_how_far_back_is_limited(monkeypatch):
    monkeypatch.setattr("k8slab.widgets.feed.MAX_PAST", 3)
    cluster = Cluster(node("worker-1"))
    for second in range(1, 11):
        cluster.clock.run_until(second * SECOND)
        cluster.put(pod("web", "worker-1", ready=second % 2 == 0))
    begin, since = Feed(cluster).story()
    assert begin.content["t"] == 7 * SECOND
    assert len(since.buffers[0]) == 3 * RECORD.size


def test_the_story_of_a_compacted_cluster_begins_later():
    cluster = Cluster(node("worker-1"))
    for second in range(1, 5):
        cluster.clock.run_until(second * SECOND)
        cluster.put(pod("web", "worker-1", ready=second % 2 == 0))
    cluster.store.compact(cluster.store.revision - 1)
    begin, since = Feed(cluster).story()
    assert begin.content["t"] == 3 * SECOND
    replica = Replica()
    replica.take(begin)
    replica.take(since)
    assert replica.picture() == fresh(cluster)


def test_compacted_history_means_a_snapshot():
    cluster, feed, replica = start(node("worker-1"))
    cluster.put(pod("web", "worker-1"))
    cluster.put(pod("web", "worker-1", ready=False))
    cluster.put(pod("api", "worker-1"))
    cluster.store.compact(cluster.store.revision)
    message = feed.pull()
    assert message.content["k"] == "snap"
    replica.take(message)
    assert replica.picture() == fresh(cluster)


def test_a_tick_is_only_the_time():
    cluster, feed, _ = start()
    cluster.clock.run_until(3 * SECOND)
    assert feed.behind
    message = feed.tick()
    assert (message.content["t"], message.buffers) == (3 * SECOND, [])


def test_the_cluster_knows_nothing_of_its_feeds():
    cluster, feed, _ = start(node("worker-1"))
    assert not cluster.store._hub._by_path and not cluster.store._hub._others
    assert feed.seq == 1


NAMES = st.sampled_from(["a", "b", "c", "d"])
NODES = st.sampled_from(["worker-1", "worker-2", ""])
PHASES = st.sampled_from(["Pending", "Running", "Succeeded", "Failed"])
ACTIONS = st.one_of(
    st.tuples(st.just("pod"), NAMES, NODES, PHASES, st.booleans()),
    st.tuples(st.just("drop"), NAMES),
    st.tuples(st.just("node"), NODES.filter(bool), st.sampled_from(["True", "Unknown"]), st.booleans()),
    st.tuples(st.just("gone"), NODES.filter(bool)),
    st.tuples(st.just("power"), NODES.filter(bool)),
    st.tuples(st.just("time"), st.integers(1, 5)),
    st.tuples(st.just("pull")),
)


def do(cluster, action):
    kind, *rest = action
    if kind == "pod":
        name, on, phase, ready = rest
        cluster.put(pod(name, on, phase, ready))
    elif kind == "drop":
        cluster.drop(pod(rest[0]))
    elif kind == "node":
        cluster.put(node(rest[0], rest[1], rest[2]))
    elif kind == "gone":
        cluster.drop(node(rest[0]))
        cluster.faults.failed_nodes.pop(rest[0], None)
    elif kind == "power":
        off = cluster.faults.failed_nodes
        off.pop(rest[0]) if rest[0] in off else off.update({rest[0]: None})
    elif kind == "time":
        cluster.clock.run_for(rest[0] * SECOND)


@settings(max_examples=150, deadline=None)
@given(st.lists(ACTIONS, max_size=40))
def test_changes_lead_where_a_snapshot_is_and_back_again(actions):
    cluster, feed, replica = start(node("worker-1"), node("worker-2"))
    begin = replica.picture()
    for action in [*actions, ("pull",)]:
        if action[0] != "pull":
            do(cluster, action)
            continue
        message = feed.pull()
        if message is not None:
            replica.take(message)
    assert without_lost_power(replica.picture()) == without_lost_power(fresh(cluster))
    while replica.frames:
        replica.back()
    nodes, pods = replica.picture()
    assert pods == begin[1]
    # Names, taints and sizes of nodes are not undone; their states are.
    assert [entry[3:5] for entry in nodes] == [entry[3:5] for entry in begin[0]]


def without_lost_power(picture):
    """A machine whose Node object went and came while it was off: its flag comes with the next change of power."""
    return [(*entry[:4], entry[4] & ~POWERED_OFF) for entry in picture[0]], picture[1]
