"""The scheduler's cache: node order, assumed Pods, journal."""

from __future__ import annotations

from k8slab.scheduler.cache import Cache
from k8slab.scheduler.snapshot import rebuild
from tests.scheduler.objects import node, node_info, pod


def test_nodes_take_turns_by_zone():
    cache = Cache()
    for name, zone in (("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b"), ("c1", "c"), ("c2", "c")):
        cache.set_node(node(name, zone))
    cache.refresh()
    assert [info.name for info in cache.nodes] == ["a1", "b1", "c1", "a2", "c2", "a3"]
    cache.remove_node("b1")
    cache.refresh()
    assert [info.name for info in cache.nodes] == ["a1", "c1", "a2", "c2", "a3"]
    assert [info.slot for info in cache.nodes] == [0, 1, 2, 3, 4]


def test_pods_of_an_unknown_node_count_once_it_appears():
    cache = Cache()
    cache.set_pod(pod("p", "1", nodeName="late"))
    cache.refresh()
    assert cache.nodes == []
    cache.set_node(node("late"))
    cache.refresh()
    assert cache.nodes[0].requested_cpu == 1000
    cache.remove_node("late")
    assert cache.by_name["late"].requested_cpu == 1000
    cache.remove_pod(("default", "p"))
    assert "late" not in cache.by_name


def test_an_assumed_pod_is_confirmed_or_forgotten():
    cache = Cache()
    cache.set_node(node("n"))
    cache.refresh()
    info = cache.interner.info(pod("p", "1"))
    cache.assume(info, "n")
    assert cache.nodes[0].requested_cpu == 1000
    cache.set_pod(pod("p", "1", nodeName="n"))
    assert not cache.assumed
    assert len(cache.nodes[0].pods) == 1
    other = cache.interner.info(pod("q", "1"))
    cache.assume(other, "n")
    cache.forget(other)
    assert cache.nodes[0].requested_cpu == 1000


def test_counts_return_to_zero():
    one = pod("p", "1", "1Gi", ports=[{"containerPort": 80, "hostPort": 80}])
    info = node_info("4", "8Gi", one)
    assert (info.requested_cpu, info.requested_memory, len(info.ports), info.classes) == (1000, 2**30, 1, {0: 1})
    info.remove_pod(next(iter(info.pods.values())))
    assert (info.requested_cpu, info.requested_memory, info.ports, info.classes) == (0, 0, {}, {})


def test_a_trial_copy_leaves_the_node_alone():
    info = node_info("4", "8Gi", pod("p", "1"))
    copy = info.clone()
    copy.remove_pod(next(iter(copy.pods.values())))
    assert len(info.pods) == 1
    assert info.requested_cpu == 1000
    assert copy.requested_cpu == 0


def test_equal_pods_share_shape_and_class_whatever_their_names_and_tokens():
    cache = Cache()
    token = {"name": "kube-api-access-x1", "projected": {"sources": []}}
    one = cache.interner.info(pod("a", "1", labels={"x": "1", "y": "2"}, volumes=[token]))
    two = cache.interner.info(pod("b", "1", labels={"y": "2", "x": "1"}))
    other = cache.interner.info(pod("c", "1", labels={"x": "2"}))
    assert one.cls is two.cls
    assert one.shape is other.shape
    assert one.cls is not other.cls


def test_heartbeats_are_not_journalled():
    cache = Cache()
    cache.set_node(node("n"))
    size = len(cache.journal)
    again = node("n")
    cache.set_node(again.replace(metadata=again.metadata.replace(resourceVersion="99")))
    assert len(cache.journal) == size
    assert cache.by_name["n"].node.metadata.resourceVersion == "99"


def test_an_earlier_state_is_rebuilt_from_the_journal():
    cache = Cache()
    cache.set_node(node("a", "z1"))
    cache.set_node(node("b", "z2"))
    cache.set_pod(pod("p", "1", nodeName="a"))
    position = len(cache.journal)
    cache.remove_pod(("default", "p"))
    cache.remove_node("b")
    then, _ = rebuild(cache.journal[:position])
    assert [(info.name, info.requested_cpu) for info in then.nodes] == [("a", 1000), ("b", 0)]


def test_host_ports_conflict_by_address():
    def taken(address, wanted):
        ports = [{"containerPort": 80, "hostPort": 80, "hostIP": address}]
        info = node_info("4", "8Gi", pod("p", ports=ports))
        return info.port_conflict((wanted,))

    assert taken("", ("0.0.0.0", "TCP", 80))
    assert taken("10.0.0.1", ("0.0.0.0", "TCP", 80))
    assert taken("", ("10.0.0.1", "TCP", 80))
    assert not taken("10.0.0.1", ("10.0.0.2", "TCP", 80))
    assert not taken("", ("0.0.0.0", "UDP", 80))
    assert not taken("", ("0.0.0.0", "TCP", 81))
