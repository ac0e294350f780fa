"""The words are kubectl's, the states are few."""

from __future__ import annotations

import pytest

from k8slab.api import core_v1 as core
from k8slab.views.state import CODES, node_state, node_status, pod_state
from tests.views.sample import node, pod


def with_status(made, **changes):
    return made.replace(status=made.status.replace(**changes))


def ended(code, reason=None, signal=None):
    return core.ContainerState(terminated=core.ContainerStateTerminated(exitCode=code, reason=reason, signal=signal))


CASES = {
    "unscheduled": (pod("a", phase="Pending", ready=False), "Pending", "Pending"),
    "bound, kubelet has not seen it": (pod("a", "w", phase="Pending", ready=False), "Pending", "Pending"),
    "creating": (
        pod("a", "w", "Pending", False, waiting="ContainerCreating"),
        "ContainerCreating",
        "ContainerCreating",
    ),
    "running": (pod("a", "w"), "Running", "Running"),
    "running, not ready": (pod("a", "w", ready=False), "NotReady", "Running"),
    "crashing": (pod("a", "w", ready=False, waiting="CrashLoopBackOff"), "CrashLoop", "CrashLoopBackOff"),
    "no image": (pod("a", "w", "Pending", False, waiting="ImagePullBackOff"), "CrashLoop", "ImagePullBackOff"),
    "between restarts": (pod("a", "w", ready=False, terminated="OOMKilled"), "NotReady", "OOMKilled"),
    "done": (pod("a", "w", "Succeeded", False), "Succeeded", "Completed"),
    "failed": (pod("a", "w", "Failed", False, terminated="Error"), "Failed", "Error"),
    "evicted": (with_status(pod("a", "w", "Failed", False), reason="Evicted"), "Failed", "Evicted"),
    "going": (pod("a", "w", deleted="2026-01-01T00:00:00Z"), "Terminating", "Terminating"),
    "lost": (
        with_status(pod("a", "w", deleted="2026-01-01T00:00:00Z"), reason="NodeLost"),
        "Unknown",
        "Unknown",
    ),
    "unknown": (pod("a", "w", "Unknown", False), "Unknown", "Unknown"),
}


@pytest.mark.parametrize(("made", "state", "word"), CASES.values(), ids=list(CASES))
def test_pod(made, state, word):
    assert pod_state(made) == (CODES[state], word)


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (ended(1, "Error"), "Init:Error"),
        (ended(3), "Init:ExitCode:3"),
        (core.ContainerState(waiting=core.ContainerStateWaiting(reason="CrashLoopBackOff")), "Init:CrashLoopBackOff"),
        (core.ContainerState(running=core.ContainerStateRunning()), "PodInitializing"),
    ],
)
def test_init_containers_come_first(state, word):
    status = core.ContainerStatus(name="init", state=state)
    made = with_status(pod("a", "w", "Pending", False, waiting="PodInitializing"), initContainerStatuses=(status,))
    assert pod_state(made)[1] == word


def test_finished_init_containers_say_nothing():
    status = core.ContainerStatus(name="init", state=ended(0, "Completed"))
    assert pod_state(with_status(pod("a", "w"), initContainerStatuses=(status,)))[1] == "Running"


def test_scheduling_gates_are_told():
    condition = core.PodCondition(type="PodScheduled", status="False", reason="SchedulingGated")
    made = with_status(pod("a", phase="Pending", ready=False), conditions=(condition,))
    assert pod_state(made) == (CODES["Pending"], "SchedulingGated")


@pytest.mark.parametrize(
    ("ready", "cordoned", "word"),
    [
        ("True", False, "Ready"),
        ("False", False, "NotReady"),
        ("Unknown", False, "NotReady"),
        ("True", True, "Ready,SchedulingDisabled"),
        ("Unknown", True, "NotReady,SchedulingDisabled"),
    ],
)
def test_node(ready, cordoned, word):
    assert node_status(*node_state(node("w", ready, cordoned))) == word


def test_node_nobody_has_reported_on_is_not_ready():
    assert node_status(*node_state(core.Node())) == "NotReady"
