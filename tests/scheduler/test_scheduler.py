"""The scheduler on a real API server: decisions, events, conditions, preemption, restarts."""

from __future__ import annotations

import copy
import pickle

import pytest

from k8slab.scheduler import Code, Plugin, Status, unschedulable
from k8slab.sim.clock import SECOND
from tests.scheduler.objects import Lab, node_dict, pod_dict


def test_a_pod_is_bound_and_reported():
    lab = Lab(node_dict("n1"))
    lab.create(pod_dict("p", "1"))
    lab.run()
    assert lab.node_of("p") == "n1"
    (event,) = lab.events("p")
    assert (event.type, event.reason, event.action) == ("Normal", "Scheduled", "Binding")
    assert event.message == "Successfully assigned default/p to n1"
    assert event.reportingComponent == "default-scheduler"


def test_no_nodes():
    lab = Lab()
    lab.create(pod_dict("p"))
    lab.run()
    assert lab.condition("p").message == "no nodes available to schedule pods"
    assert lab.condition("p").reason == "Unschedulable"
    lab.create(node_dict("n1"))
    lab.seconds(3)
    assert lab.node_of("p") == "n1"


def test_reasons_are_counted_and_sorted():
    taint = {"key": "k", "value": "v", "effect": "NoSchedule"}
    lab = Lab(node_dict("n1", cpu="1"), node_dict("n2", cpu="1"), node_dict("n3", taints=[taint]))
    lab.create(pod_dict("p", "2"))
    lab.run()
    text = (
        "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. no new claims to deallocate, "
        "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )
    assert lab.condition("p").message == text
    assert lab.events("p")[0].message == text


def test_pods_of_other_schedulers_are_left_alone():
    lab = Lab(node_dict("n1"))
    lab.create(pod_dict("p", schedulerName="mine"))
    lab.seconds(10)
    assert lab.node_of("p") == ""
    assert lab.condition("p") is None
    with pytest.raises(LookupError, match="has not tried to schedule default/p"):
        lab.scheduler.explain("default", "p")


def test_gated_pods_wait_for_their_gates():
    lab = Lab(node_dict("n1"))
    lab.create(pod_dict("p", schedulingGates=[{"name": "a"}, {"name": "b"}]))
    lab.seconds(10)
    assert lab.node_of("p") == ""
    assert not lab.events("p")
    with pytest.raises(LookupError, match=r"waiting for scheduling gates: \[a b\]"):
        lab.scheduler.explain("default", "p")
    lab.client.patch("pods", "p", {"spec": {"schedulingGates": None}}, "default")
    lab.run()
    assert lab.node_of("p") == "n1"


def test_a_waiting_pod_is_bound_when_room_appears():
    lab = Lab(node_dict("n1", cpu="1"))
    lab.create(pod_dict("big", "1"))
    lab.run()
    lab.create(pod_dict("p", "1"))
    lab.seconds(3)
    assert lab.node_of("p") == ""
    assert len(lab.scheduler.decisions.of("default", "p")) == 1
    lab.client.delete("pods", "big", "default", grace_period_seconds=0)
    lab.run()
    assert lab.node_of("p") == "n1"
    assert lab.scheduler.explain("default", "p").woken_by == "AssignedPodDelete"


def test_a_terminated_pod_frees_its_room():
    lab = Lab(node_dict("n1", cpu="1"))
    lab.create(pod_dict("done", "1"))
    lab.run()
    lab.create(pod_dict("p", "1"))
    lab.run()
    lab.client.patch("pods", "done", {"status": {"phase": "Succeeded"}}, "default", "status")
    lab.run()
    assert lab.node_of("p") == "n1"


def preempted_lab():
    lab = Lab(node_dict("n1", cpu="2"), node_dict("n2", cpu="2"))
    for index, name in enumerate(("n1", "n2")):
        lab.create(pod_dict(f"v{index}", "2", priorityClassName="low", nodeName=name))
    lab.run()
    lab.create(pod_dict("p", "1", priorityClassName="high"))
    lab.run()
    return lab


def test_preemption_nominates_deletes_and_binds():
    lab = preempted_lab()
    pod = lab.pod("p")
    assert pod.status.nominatedNodeName in ("n1", "n2")
    victim = "v0" if pod.status.nominatedNodeName == "n1" else "v1"
    assert lab.pod(victim).metadata.deletionTimestamp is not None
    disruption = next(one for one in lab.pod(victim).status.conditions if one.type == "DisruptionTarget")
    assert disruption.reason == "PreemptionByScheduler"
    assert disruption.message == "default-scheduler: preempting to accommodate a higher priority pod"
    (event,) = [one for one in lab.events(victim) if one.reason == "Preempted"]
    assert event.message == f"Preempted by pod {pod.metadata.uid} on node {pod.status.nominatedNodeName}"
    assert lab.condition("p").message == "0/2 nodes are available: 2 Insufficient cpu."
    lab.client.delete("pods", victim, "default", grace_period_seconds=0)
    lab.run()
    assert lab.node_of("p") == pod.status.nominatedNodeName
    explanation = lab.scheduler.explain("default", "p", 1)
    assert explanation.outcome == "preempting"
    assert explanation.victims == (f"default/{victim}",)


def test_nobody_else_takes_the_room_made_for_a_nominated_pod():
    lab = preempted_lab()
    nominated = lab.pod("p").status.nominatedNodeName
    other = "n2" if nominated == "n1" else "n1"
    victim = "v0" if nominated == "n1" else "v1"
    lab.create(pod_dict("sneak", "1500m", priorityClassName="low"))
    lab.client.delete("pods", victim, "default", grace_period_seconds=0)
    lab.seconds(5)
    assert lab.node_of("p") == nominated
    assert lab.node_of("sneak") == ""
    assert other in ("n1", "n2")


def test_budgets_decide_between_victims():
    lab = Lab(node_dict("n1", cpu="1"), node_dict("n2", cpu="1"))
    for name, where in (("guarded", "n1"), ("free", "n2")):
        lab.create(pod_dict(name, "1", labels={"app": name}, priorityClassName="low", nodeName=where))
    lab.create(
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "b", "namespace": "default"},
            "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "guarded"}}},
        }
    )
    lab.run()
    lab.create(pod_dict("p", "1", priorityClassName="high"))
    lab.run()
    assert lab.pod("p").status.nominatedNodeName == "n2"


class Picky(Plugin):
    """Wants nodes whose name ends in 2, and says so by score as well."""

    def filter(self, state, pod, node):
        return None if node.name != "n3" else unschedulable("name ends in 3")

    def score(self, state, pod, node):
        return 100 if node.name.endswith("2") else 0


def test_a_plugin_of_ones_own_filters_and_scores():
    lab = Lab(*(node_dict(f"n{index}") for index in range(1, 5)), plugins=(Picky,))
    lab.create(pod_dict("p", "1"))
    lab.run()
    assert lab.node_of("p") == "n2"
    explanation = lab.scheduler.explain("default", "p")
    assert explanation.of("n3").reasons == ("name ends in 3",)
    assert explanation.of("n3").rejected_by == "Picky"
    assert explanation.of("n2").scores["Picky"].weighted == 100


class Moody(Plugin):
    """Answers differently each time it is asked."""

    asked = 0

    def score(self, state, pod, node):
        type(self).asked += 7
        return type(self).asked % 101


def test_answers_of_others_plugins_are_recorded():
    lab = Lab(*(node_dict(f"n{index}") for index in range(5)), plugins=(Moody,), ties="first")
    lab.create(pod_dict("p", "1"))
    lab.run()
    first = lab.scheduler.explain("default", "p")
    asked = Moody.asked
    assert lab.scheduler.explain("default", "p") == first
    assert Moody.asked == asked
    assert first.node in first.tied


class Broken(Plugin):
    def score(self, state, pod, node):
        return 1 // 0


class TooMuch(Plugin):
    def score(self, state, pod, node):
        return 101


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        (Broken, 'running Score plugin "Broken": ZeroDivisionError: integer division or modulo by zero (score, line'),
        (
            TooMuch,
            'plugin "TooMuch" returns an invalid score 101, it should in the range of [0, 100] after normalizing',
        ),
    ],
)
def test_a_buggy_plugin_gives_an_error_with_its_name(plugin, message):
    lab = Lab(node_dict("n1"), node_dict("n2"), plugins=(plugin,))
    lab.create(pod_dict("p", "1"))
    lab.run()
    assert lab.condition("p").reason == "SchedulerError"
    assert message in lab.condition("p").message
    assert lab.scheduler.explain("default", "p").outcome == "error"


class Doorman(Plugin):
    """Lets Pods wait."""

    def permit(self, state, pod, node_name):
        return Status(Code.WAIT), 5 * SECOND


def test_permit_lets_a_pod_wait_until_it_is_allowed_or_time_is_up():
    lab = Lab(node_dict("n1", cpu="1"), plugins=(Doorman,))
    lab.create(pod_dict("p", "1"))
    lab.run()
    assert lab.node_of("p") == ""
    lab.scheduler.binder.allow(lab.pod("p").metadata.uid, "Doorman")
    lab.run()
    assert lab.node_of("p") == "n1"
    lab.client.delete("pods", "p", "default", grace_period_seconds=0)
    lab.create(pod_dict("q", "1"))
    lab.seconds(5.1)
    assert lab.condition("q").message == "rejected due to timeout after waiting 5s at plugin Doorman"
    assert lab.scheduler.cache.nodes[0].requested_cpu in (0, 1000)


def test_a_failed_bind_gives_the_room_back():
    class Unbinding(Plugin):
        def bind(self, state, pod, node_name):
            return Status(Code.ERROR, "no luck")

    config = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "profiles": [{"plugins": {"multiPoint": {"disabled": [{"name": "DefaultBinder"}]}}}],
    }
    lab = Lab(node_dict("n1"), plugins=(Unbinding,), config=config)
    lab.create(pod_dict("p", "1"))
    lab.run()
    assert lab.condition("p").reason == "SchedulerError"
    assert lab.condition("p").message == "no luck"
    assert lab.scheduler.cache.nodes[0].requested_cpu == 0
    assert not lab.scheduler.cache.assumed


def test_a_crashed_scheduler_goes_on_where_the_cluster_is():
    lab = Lab(node_dict("n1", cpu="1"))
    lab.create(pod_dict("a", "1"))
    lab.run()
    lab.scheduler.crash()
    lab.create(pod_dict("b", "500m"))
    lab.client.delete("pods", "a", "default", grace_period_seconds=0)
    lab.seconds(5)
    assert lab.node_of("b") == ""
    lab.scheduler.start()
    lab.run()
    assert lab.node_of("b") == "n1"
    assert lab.scheduler.explain("default", "a").node == "n1"


def test_two_profiles_decide_differently():
    config = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "profiles": [
            {"schedulerName": "default-scheduler"},
            {
                "schedulerName": "packer",
                "pluginConfig": [{"name": "NodeResourcesFit", "args": {"scoringStrategy": {"type": "MostAllocated"}}}],
                "plugins": {"score": {"disabled": [{"name": "NodeResourcesBalancedAllocation"}]}},
            },
        ],
    }
    lab = Lab(node_dict("n1"), node_dict("n2"), config=config)
    lab.create(pod_dict("first", "1", "1Gi", nodeName="n1"))
    lab.run()
    lab.create(pod_dict("spread", "1", "1Gi"), pod_dict("pack", "1", "1Gi", schedulerName="packer"))
    lab.run(1)
    lab.seconds(1)
    assert lab.node_of("spread") == "n2"
    assert lab.scheduler.explain("default", "pack").scheduler == "packer"
    assert lab.scheduler.explain("default", "pack").of("n1").scores["NodeResourcesFit"].raw >= 25


def test_copies_and_pickles_go_on_in_the_same_way():
    lab = Lab(*(node_dict(f"n{index}") for index in range(6)))
    lab.create(*(pod_dict(f"a{index}", "500m") for index in range(5)))
    lab.run()
    copies = [copy.deepcopy(lab), pickle.loads(pickle.dumps(lab))]
    for one in (lab, *copies):
        one.create(*(pod_dict(f"b{index}", "500m") for index in range(20)))
        one.run()
    placed = [[one.node_of(f"b{index}") for index in range(20)] for one in (lab, *copies)]
    assert placed[0] == placed[1] == placed[2]
    assert all(placed[0])
    first, second = (one.scheduler.explain("default", "a1") for one in (lab, copies[1]))
    assert first == second


def test_causes_of_a_binding_are_the_pods_creation():
    lab = Lab(node_dict("n1"))
    lab.create(pod_dict("p", "1"))
    created = int(lab.pod("p").metadata.resourceVersion)
    lab.run()
    write = lab.trace.writes[int(lab.pod("p").metadata.resourceVersion)]
    assert write.actor == "kube-scheduler"
    assert write.causes == (created,)


def test_advice_says_what_would_help():
    taint = {"key": "k", "value": "v", "effect": "NoSchedule"}
    lab = Lab(
        node_dict("full", cpu="1"),
        node_dict("tainted", taints=[taint]),
        node_dict("cordoned", unschedulable=True),
        node_dict("good", labels={"disk": "ssd"}),
    )
    lab.create(pod_dict("p", "2", nodeSelector={"disk": "ssd"}))
    lab.create(pod_dict("q", "2"))
    lab.run()
    explanation = lab.scheduler.explain("default", "q")
    assert "free 1 of cpu" in explanation.of("full").advice
    assert explanation.of("tainted").advice == "tolerate, or remove, the taint k=v:NoSchedule"
    assert explanation.of("cordoned").advice == "kubectl uncordon cordoned"
    selected = lab.scheduler.explain("default", "p")
    assert "label the node disk=ssd" in selected.of("full").advice
    assert selected.of("full").filters["NodeAffinity"] == "rejected"
    assert selected.of("full").filters["NodeResourcesFit"] == "not reached"
