"""How the node lifecycle controller holds back when whole zones fail."""

from k8slab import Lab

UNREACHABLE = "node.kubernetes.io/unreachable"


def make(east, west):
    shapes = [{"name": f"east-{n}", "zone": "east"} for n in range(east)]
    shapes += [{"name": f"west-{n}", "zone": "west"} for n in range(west)]
    return Lab(workers=shapes, worker={"cpu": "2"})


def evicted(lab):
    """Names of the nodes whose Pods have to go."""
    found = []
    for node in lab.list("nodes"):
        taints = {(taint.key, taint.effect) for taint in node.spec.taints or ()}
        if (UNREACHABLE, "NoExecute") in taints:
            found.append(node.metadata.name)
    return found


def unready(lab):
    return [
        node.metadata.name
        for node in lab.list("nodes")
        if any(each.type == "Ready" and each.status == "Unknown" for each in node.status.conditions)
    ]


def test_a_node_of_a_normal_zone_is_tainted():
    lab = make(4, 2)
    lab.fail_node("east-0")
    lab.run("2m")
    assert evicted(lab) == unready(lab) == ["east-0"]


def test_in_a_small_zone_in_which_most_nodes_failed_evictions_stop():
    lab = make(5, 2)
    for number in range(3):
        lab.fail_node(f"east-{number}")
    lab.run("2m")
    assert len(unready(lab)) == 3
    early = evicted(lab)
    assert len(early) <= 1, "at most the one that was missed before the zone was seen to be disturbed"
    lab.run("10m")
    assert evicted(lab) == early
    lab.fail_node("west-0")
    lab.run("2m")
    assert evicted(lab) == [*early, "west-0"], "the other zone is normal"
    lab.recover_node("east-0")
    lab.run("2m")
    assert evicted(lab) == ["east-1", "east-2", "west-0"], "the zone is normal again"


def test_of_a_zone_that_failed_altogether_all_are_evicted():
    lab = make(3, 2)
    for number in range(3):
        lab.fail_node(f"east-{number}")
    lab.run("3m")
    assert evicted(lab) == ["east-0", "east-1", "east-2"]


def test_when_all_zones_failed_nobody_is_evicted():
    lab = Lab(workers=3, control_planes=0)
    for number in range(1, 4):
        lab.fail_node(f"worker-{number}")
    lab.run("5m")
    assert len(unready(lab)) == 3
    assert evicted(lab) == []
    lab.recover_node("worker-1")
    lab.run("2m")
    assert evicted(lab) == ["worker-2", "worker-3"]
