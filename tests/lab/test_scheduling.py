"""A learner and the scheduler: explanations, plugins, schedulers of one's own, configurations compared."""

from __future__ import annotations

import copy
import pickle

import pytest

from k8slab import Lab
from k8slab.errors import K8sLabError
from k8slab.lab import CommandError
from k8slab.scheduler import PluginError
from k8slab.scheduler.profile import ConfigurationError
from k8slab.sim.journal import JournalError

POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  schedulerName: {scheduler}
  containers:
  - {{name: c, image: nginx, resources: {{requests: {{cpu: "{cpu}", memory: {memory}}}}}}}
"""
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 12
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: c, image: nginx, resources: {requests: {cpu: "500m", memory: 1Gi}}}
"""
KIND = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration"}


def pod(name="web", cpu="1", memory="1Gi", scheduler="default-scheduler"):
    return POD.format(name=name, cpu=cpu, memory=memory, scheduler=scheduler)


def node_of(lab, name):
    return lab.get("pod", name).spec.nodeName


def condition(lab, name):
    return next(one for one in lab.get("pod", name).status.conditions if one.type == "PodScheduled")


def reasons(lab, name):
    return [(one.reason, one.message) for one in lab.list("events") if one.involvedObject.name == name]


# -- explanations


def three_attempts():
    """A Pod that fits nowhere twice, since nodes are cordoned, and at last fits; then it is deleted."""
    lab = Lab(workers=2)
    for name in ("worker-1", "worker-2"):
        lab.kubectl(f"cordon {name}", echo=False)
    lab.apply(pod(cpu="7"), echo=False)
    lab.run("20s")
    lab.kubectl("uncordon worker-2", echo=False)
    lab.run("20s")
    lab.delete("pod/web", grace_period_seconds=0)
    lab.run("40s")
    return lab


def test_past_attempts_of_a_pod_that_is_gone_are_explained():
    lab = three_attempts()
    with pytest.raises(K8sLabError, match="not found"):
        lab.get("pod/web")
    first, last = lab.explain("web", attempt=1).graph, lab.explain("web").graph
    assert first.outcome == "unschedulable"
    assert {node.rejected_by for node in first.nodes} == {"TaintToleration", "NodeUnschedulable"}
    assert first.of("worker-1").advice == "kubectl uncordon worker-1"
    assert (last.outcome, last.node) == ("scheduled", "worker-2")
    assert last.attempt == last.attempts > 1
    with pytest.raises(CommandError, match="attempts to schedule default/web, not 99"):
        lab.explain("web", attempt=99)
    with pytest.raises(CommandError, match="nothing is known of pod/nobody: it never existed"):
        lab.explain("nobody")


def test_of_two_pods_with_one_name_the_uid_chooses():
    lab = Lab(workers=1)
    lab.apply(pod(cpu="1"), echo=False)
    lab.run("5s")
    uid = lab.get("pod/web").metadata.uid
    lab.delete("pod/web", grace_period_seconds=0)
    lab.run("40s")
    lab.apply(pod(cpu="100"), echo=False)
    lab.run("5s")
    assert lab.explain("web").graph.outcome == "unschedulable"
    assert lab.explain("web", uid=uid).graph.outcome == "scheduled"


def test_what_would_have_to_change_for_a_node_to_fit_names_every_filter():
    lab = Lab(workers=[{"cpu": "8"}, {"cpu": "2", "taints": [{"key": "k", "value": "v", "effect": "NoSchedule"}]}])
    lab.apply(pod(cpu="3"), echo=False)
    lab.run("5s")
    asked = lab.explain("web", node="worker-2").asked
    assert [one.plugin for one in asked.obstacles] == ["TaintToleration", "NodeResourcesFit"]
    assert asked.obstacles[0].advice == "tolerate, or remove, the taint k=v:NoSchedule"
    assert "Insufficient cpu" in asked.obstacles[1].reasons
    assert asked.obstacles[1].advice.startswith("free 1")
    with pytest.raises(CommandError, match="there was no node 'worker-9' then"):
        lab.explain("web", node="worker-9")


def test_a_weight_that_is_said_to_win_does_win():
    shapes = [{"cpu": "8", "memory": "64Gi"}, {"cpu": "16", "memory": "8Gi"}]
    lab = Lab(workers=shapes)
    lab.apply(pod(cpu="1", memory="3Gi"), echo=False)
    lab.run("5s")
    loser = next(name for name in ("worker-1", "worker-2") if name != node_of(lab, "web"))
    asked = lab.explain("web", node=loser).asked
    assert asked.total < asked.best and asked.best_node == node_of(lab, "web")
    ways = [one for one in asked.rivals if one.weight is not None]
    for way in ways:
        other = Lab(workers=shapes, scheduler_config={way.plugin: way.weight})
        other.apply(pod(cpu="1", memory="3Gi"), echo=False)
        other.run("5s")
        assert node_of(other, "web") == loser
    behind = sum(one.other.weighted - one.own.weighted for one in asked.rivals)
    assert asked.text.count("to win it needs") == 1 and (behind > 0 or ways)


# -- configurations


def test_the_configuration_is_part_of_the_journal(tmp_path):
    lab = Lab(workers=2, scheduler_config="MostAllocated")
    for name in ("a", "b", "c"):
        lab.apply(pod(name), echo=False)
        lab.run("2s")
    assert len({node_of(lab, name) for name in "abc"}) == 1
    lab.save(tmp_path / "x.k8slab")
    again = Lab.load(tmp_path / "x.k8slab")
    assert again.history.digest() == lab.history.digest()
    assert lab.fork(at="3s").cluster.scheduler.configuration == lab.cluster.scheduler.configuration


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"Magic": 3}, 'ScorePlugin "Magic" does not exist'),
        ({"NodeName": 3}, 'plugin "NodeName" does not extend ScorePlugin plugin'),
        ({"ImageLocality": 10**12}, "json: cannot unmarshal number 1000000000000 into Go struct field Plugin."),
        ("a: [", "yaml: line 1: "),
        ("- a", "couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value"),
        ({**KIND, "profiles": 5}, "KubeSchedulerConfiguration.profiles of type []v1.KubeSchedulerProfile"),
        ({**KIND, "podInitialBackoffSeconds": "x"}, "cannot unmarshal string into Go struct field"),
        ({**KIND, "profiles": [{"plugins": {"score": {"enabled": [{"weight": 3}]}}}]}, 'ScorePlugin "" does not exist'),
        ({**KIND, "profiles": [{"pluginConfig": ["x"]}]}, "of type v1.PluginConfig"),
        (
            {**KIND, "profiles": [{"pluginConfig": [{"name": "NodeResourcesFit", "args": {"colour": 5}}]}]},
            "strict decoding error: decoding .profiles[0].pluginConfig[0]: decoding args for plugin NodeResourcesFit: "
            'strict decoding error: unknown field "colour"',
        ),
        ({**KIND, "extenders": [{"urlPrefix": "http://x"}]}, "extenders: "),
        ({"x": object()}, "a dict of plain data"),
        (7, "YAML text or a dict, not int"),
    ],
)
def test_a_configuration_that_kube_scheduler_refuses(config, message):
    with pytest.raises(ConfigurationError) as error:
        Lab(workers=1, scheduler_config=config)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_nulls_in_a_configuration_are_as_if_they_were_not_there():
    config = {**KIND, "profiles": None, "podInitialBackoffSeconds": None, "parallelism": None}
    assert Lab(workers=1, scheduler_config=config).cluster.scheduler.configuration.initial_backoff == 1_000_000


def test_two_profiles_make_a_difference_that_is_told():
    lab = Lab(workers=[{"zone": "a"}, {"zone": "b"}])
    before = lab.history.digest()
    packing = {"PodTopologySpread": 0, "NodeResourcesBalancedAllocation": 0}
    packed = {
        **KIND,
        "profiles": [
            {
                "pluginConfig": [
                    {
                        "name": "NodeResourcesFit",
                        "args": {
                            "scoringStrategy": {"type": "MostAllocated", "resources": [{"name": "cpu", "weight": 1}]}
                        },
                    }
                ],
                "plugins": {"score": {"disabled": [{"name": name} for name in packing]}},
            }
        ],
    }
    found = lab.compare_profiles(DEPLOYMENT, None, packed, names=("spread", "packed"))
    a, b = found.graph.a, found.graph.b
    assert (a.summary["nodes used"], b.summary["nodes used"]) == (2, 1)
    assert (a.summary["Pods placed"], b.summary["Pods placed"]) == (12, 12)
    assert {use.name: len(use.pods) for use in b.nodes} in (
        {"control-plane-1": 0, "worker-1": 12, "worker-2": 0},
        {"control-plane-1": 0, "worker-1": 0, "worker-2": 12},
    )
    assert len(found.graph.differences) == 6
    assert b.summary["cpu: fullest node, %"] == 75
    assert str(found) == str(lab.compare_profiles(DEPLOYMENT, None, packed, names=("spread", "packed")))
    assert "<svg" in found._repr_mimebundle_()["text/html"]
    assert lab.history.digest() == before


def test_pods_without_a_node_are_compared_with_their_reasons():
    found = Lab(workers=1).compare_profiles(DEPLOYMENT.replace("500m", "1"), None, {"ImageLocality": 5}).graph
    assert found.a.summary["Pods without a node"] == 4
    assert all("1 Insufficient cpu" in why for why in found.a.failures.values())
    small = Lab(workers=1).compare_profiles(DEPLOYMENT.replace("500m", "1"), None, None, workers=3, seed=3).graph
    assert small.a.summary["Pods without a node"] == 0
    assert not small.differences


def test_a_plugin_can_be_compared_with_the_defaults():
    found = Lab(workers=3).compare_profiles(DEPLOYMENT, None, Quiet)
    assert (found.graph.a.name, found.graph.b.name) == ("default", "Quiet")
    loads = [{use.name: len(use.pods) for use in side.nodes} for side in (found.graph.a, found.graph.b)]
    assert loads[0]["worker-1"] == 4 and loads[1]["worker-1"] == 0
    assert found.svg.startswith("<svg") and "Quiet" in found.svg


def test_who_is_preempted_and_who_came_second_is_told():
    lab = Lab(workers=2)
    lab.kubectl("create priorityclass high --value=1000", echo=False)
    for name in ("a", "b"):
        lab.apply(pod(name, cpu="6"), echo=False)
        lab.run("5s")
    assert "runner-up, " in str(lab.explain(lab.get("pod/a")))
    urgent = pod("urgent", cpu="6").replace("  containers", "  priorityClassName: high\n  containers")
    lab.apply(urgent, echo=False)
    lab.run("5s")
    first = lab.explain("urgent", attempt=1)
    assert first.graph.outcome == "preempting"
    assert f"To make room, it preempts {first.graph.victims[0]}." in str(first)
    assert first.graph.victims[0] in ("default/a", "default/b")
    assert first.svg.startswith("<svg")


# -- plugins


class Quiet:
    """Keeps away from worker-1 and counts how often it was asked."""

    def __init__(self):
        self.asked = 0

    def filter(self, pod, node):
        self.asked += 1
        return node.name != "worker-1" or "node(s) were too loud"

    def score(self, pod, node):
        return self.asked % 7


def test_a_plugin_decides_and_is_explained_as_it_decided():
    lab = Lab(workers=4)
    lab.plugin(Quiet, weight=3)
    for index in range(6):
        lab.apply(pod(f"p{index}"), echo=False)
    lab.run("5s")
    for index in range(6):
        found = lab.explain(f"p{index}").graph
        assert found.node == node_of(lab, f"p{index}") != "worker-1"
        assert found.node in found.tied
        assert found.of("worker-1").reasons == ("node(s) were too loud",)
        assert found.of(found.node).scores["Quiet"].weight == 3
    assert len({lab.explain(f"p{i}").graph.of("worker-2").scores["Quiet"].raw for i in range(6)}) > 1


def test_an_old_attempt_is_explained_with_the_plugins_of_then():
    lab = Lab(workers=3)
    lab.apply(pod("before"), echo=False)
    lab.run("5s")
    lab.plugin(Quiet)
    lab.apply(pod("after"), echo=False)
    lab.run("5s")
    assert "Quiet" not in lab.explain("before").graph.filter_plugins
    assert "Quiet" in lab.explain("after").graph.filter_plugins


def test_functions_and_every_other_extension_point():
    lab = Lab(workers=3)
    told = []

    @lab.plugin("score", weight=100)
    def last(nodes):
        return [100 if node.name == "worker-3" else 0 for node in nodes]

    @lab.plugin
    class Whole:
        def pre_filter(self, pod, nodes, state):
            state["count"] = len(nodes)
            return [node for node in nodes if node.name != "control-plane-1"]

        def pre_score(self, nodes, state):
            told.append((state["count"], [node.name for node in nodes]))

        def reserve(self, pod, node):
            told.append(("reserve", node.name))

        def permit(self, pod, node):
            return 30

        def pre_bind(self, node, handle):
            told.append(("pre_bind", node.name, handle.now))

        def post_bind(self, pod, node):
            told.append(("post_bind", node.name))

    lab.apply(pod(), echo=False)
    lab.run("10s")
    assert not node_of(lab, "web")
    plugin = lab.cluster.scheduler.frameworks["default-scheduler"].plugins["Whole"]
    [waiting] = plugin.given.waiting
    plugin.given.allow(waiting)
    lab.run("1s")
    assert node_of(lab, "web") == "worker-3"
    assert told[0] == (4, ["worker-1", "worker-2", "worker-3"])
    assert [one[0] for one in told[1:]] == ["reserve", "pre_bind", "post_bind"]


class Raises:
    def filter(self, pod, node):
        return node.labels["disk"]


class WrongFilter:
    def filter(self, pod, node):
        return 3


class FloatScore:
    def score(self, pod, node):
        return 0.5


class TooHigh:
    def score(self, pod, node):
        return 101


class TooFew:
    def score(self, pod, nodes):
        return [1]


class Forgets:
    def score(self, pod, nodes):
        return {nodes[0].name: 1}


class BadReserve:
    def reserve(self, pod, node):
        raise ValueError("never\n\nagain")


class Unspeakable:
    def __repr__(self):
        raise RuntimeError

    def score(self, pod, node):
        return self


class Exits:
    def pre_filter(self, pod):
        raise SystemExit(3)


class Meddles:
    def filter(self, pod, node):
        node.labels["x"] = "y"


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        (Raises, "running Filter plugin \"Raises\": KeyError: 'disk' (filter, line "),
        (WrongFilter, 'running Filter plugin "WrongFilter": answer True, False or a text with the reason, not int 3'),
        (FloatScore, 'running Score plugin "FloatScore": a score must be a whole number, not float 0.5'),
        (
            TooHigh,
            'plugin "TooHigh" returns an invalid score 101, it should in the range of [0, 100] after normalizing',
        ),
        (TooFew, 'running Score plugin "TooFew": 1 answers for 3 nodes'),
        (Forgets, 'running Score plugin "Forgets": nothing was answered about node worker-'),
        (BadReserve, 'running Reserve plugin "BadReserve": ValueError: never again (reserve, line '),
        (Unspeakable, "a score must be a whole number, not Unspeakable (which cannot be shown)"),
        (Exits, 'running PreFilter plugin "Exits": SystemExit: 3'),
        (
            Meddles,
            "running Filter plugin \"Meddles\": TypeError: 'mappingproxy' object does not support item assignment",
        ),
    ],
)
def test_a_buggy_plugin_is_named_and_the_lab_goes_on(plugin, message):
    lab = Lab(workers=3)
    lab.plugin(plugin)
    lab.apply(pod(), echo=False)
    lab.run("5s")
    found = condition(lab, "web")
    assert found.reason == "SchedulerError" and message in found.message and "\n" not in found.message
    assert ("FailedScheduling", found.message) in reasons(lab, "web")
    explained = lab.explain("web")
    assert explained.graph.outcome == "error" and message in str(explained)

    class Fine:
        def filter(self, pod, node):
            return True

    lab.plugin(Fine, name=plugin.__name__)  # the learner mends the cell and runs it again
    lab.run("20s")
    assert node_of(lab, "web")


def test_a_lab_with_code_is_copied_pickled_and_lived_through_again(tmp_path):
    lab = Lab(workers=3)
    lab.plugin(Quiet)
    lab.scheduler(First, name="mine")
    for name in ("a", "b"):
        lab.apply(pod(name), echo=False)
    lab.apply(pod("own", scheduler="mine"), echo=False)
    lab.run("10s")
    digest = lab.history.digest()
    copied = pickle.loads(pickle.dumps(copy.deepcopy(lab.cluster)))
    assert copied.history.digest() == digest
    fork = lab.fork()
    for one in (lab, fork):
        one.apply(pod("c"), echo=False)
        one.run("5s")
    assert fork.history.digest() == lab.history.digest()
    assert node_of(lab.fork(at="10s"), "own") == node_of(lab, "own")
    lab.save(tmp_path / "x.k8slab")
    with pytest.raises(JournalError, match=r"uses the learner's plugin 'Quiet'.*Lab.load\(path, plugins=\[Quiet\]\)"):
        Lab.load(tmp_path / "x.k8slab")
    again = Lab.load(tmp_path / "x.k8slab", plugins=[Quiet], schedulers={"mine": First})
    assert again.history.digest() == lab.history.digest()


def test_code_that_cannot_be_copied_is_told_of():
    lab = Lab(workers=1)

    @lab.plugin
    class Files:
        def __init__(self):
            self.numbers = (number for number in range(3))

        def score(self, pod, node):
            return next(self.numbers)

    with pytest.raises(CommandError, match="this lab cannot be copied: cannot pickle 'generator' object: code that"):
        lab.fork()


def test_code_needs_something_to_run_it():
    lab = Lab(workers=1, components=["kube-apiserver"])
    with pytest.raises(K8sLabError, match="runs no kube-scheduler"):
        lab.plugin(Quiet)
    with pytest.raises(CommandError, match="runs no kube-scheduler"):
        lab.explain("web")


# -- schedulers of one's own


class First:
    """Takes the first node with room and no taints."""

    def schedule(self, pod, nodes):
        roomy = [node for node in nodes if node.has_room(pod) and not node.taints]
        return roomy[0] if roomy else "no node has room"


def test_a_scheduler_of_ones_own_binds_and_reports():
    lab = Lab(workers=2)
    assert lab.scheduler("mine")(First) is First
    for index in range(9):
        lab.apply(pod(f"p{index}", cpu="2", scheduler="mine"), echo=False)
    lab.run("5s")
    placed = [node_of(lab, f"p{index}") for index in range(9)]
    assert placed == ["worker-1"] * 4 + ["worker-2"] * 4 + [None]
    assert lab.get("pod/p0").status.phase == "Running"
    assert ("Scheduled", "Successfully assigned default/p0 to worker-1") in reasons(lab, "p0")
    assert condition(lab, "p8").message == "0/3 nodes are available: no node has room."
    assert condition(lab, "p8").reason == "Unschedulable"
    assert lab.explain("p8").graph.message == condition(lab, "p8").message
    lab.delete("pod/p0", grace_period_seconds=0)
    lab.run("10s")
    assert node_of(lab, "p8") == "worker-1"
    assert lab.explain("p8").graph.attempts == 2


def test_it_can_be_stopped_started_and_replaced():
    lab = Lab(workers=2)
    lab.scheduler(First)
    lab.faults.stop("scheduler/first")
    lab.apply(pod(scheduler="first"), echo=False)
    lab.run("60s")
    assert not node_of(lab, "web")
    lab.faults.start("scheduler/first")
    lab.run("5s")
    assert node_of(lab, "web") == "worker-1"

    @lab.scheduler("first")
    def last(nodes):
        return nodes[-1].name

    lab.apply(pod("later", scheduler="first"), echo=False)
    lab.run("5s")
    assert node_of(lab, "later") == "worker-2"
    with pytest.raises(K8sLabError, match="'default-scheduler' is served by kube-scheduler"):
        lab.scheduler(First, name="default-scheduler")
    with pytest.raises(PluginError, match=r"has no method schedule\(self, pod, nodes\)"):
        lab.scheduler(Quiet)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (KeyError("disk"), "scheduler \"mine\": KeyError: 'disk' (schedule, line "),
        (5, 'scheduler "mine": answer a node, its name, None, or a reason, not int 5'),
        (None, "0/3 nodes are available: mine found no node."),
        ("worker-9", "0/3 nodes are available: worker-9."),
    ],
)
def test_its_mistakes_stay_with_it(answer, message):
    lab = Lab(workers=2)

    @lab.scheduler("mine")
    class Mine:
        def schedule(self, pod, nodes):
            if isinstance(answer, Exception):
                raise answer
            return answer

    lab.apply(pod(scheduler="mine"), echo=False)
    lab.apply(pod("other"), echo=False)
    lab.run("60s")
    assert condition(lab, "web").message.startswith(message)
    assert ("FailedScheduling", condition(lab, "web").message) in reasons(lab, "web")
    assert node_of(lab, "other")


# -- bad input


def test_impossible_and_absurd_wishes_get_the_real_answers():
    lab = Lab(workers=3)
    constraints = [
        {
            "topologyKey": f"example.com/k{i}",
            "maxSkew": 1,
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": "x"}},
        }
        for i in range(3000)
    ]
    lab.apply(pod("huge", cpu="1000000000", memory="9000Pi"), echo=False)
    spread = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "keys", "labels": {"app": "x"}},
        "spec": {"containers": [{"name": "c", "image": "i"}], "topologySpreadConstraints": constraints},
    }
    with pytest.raises(CommandError, match=r"metadata\.annotations: Too long"):
        lab.apply(spread, echo=False)  # what kubectl would keep in an annotation
    lab.client.create(spread, "default")
    lab.run("5s")
    assert "3 Insufficient cpu, 3 Insufficient memory" in condition(lab, "huge").message
    assert (
        "3 node(s) didn't match pod topology spread constraints (missing required label)"
        in condition(lab, "keys").message
    )
    assert lab.explain("keys").graph.of("worker-1").rejected_by == "PodTopologySpread"
    soft = [{**one, "whenUnsatisfiable": "ScheduleAnyway"} for one in constraints]
    spec = {**spread["spec"], "topologySpreadConstraints": soft}
    lab.client.create({**spread, "metadata": {"name": "soft"}, "spec": spec}, "default")
    lab.run("5s")
    assert node_of(lab, "soft")
    with pytest.raises(CommandError, match="quantities must match the regular expression"):
        lab.apply(pod("wrong", cpu="many"), echo=False)
