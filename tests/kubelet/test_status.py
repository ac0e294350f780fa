"""Phases and conditions from container states (the table of kubelet's getPhase)."""

import doctest

import pytest

from k8slab.api import core_v1 as core
from k8slab.kubelet import backoff, images, status, text
from k8slab.kubelet.container import APP, INIT, SIDECAR, Container
from k8slab.network import cni


def container(kind, state):
    """state: `new`, `run`, or an exit code; `1!` is a failed one that waits for its restart."""
    made = Container(core.Container(name=f"{kind}-{state}"), kind)
    if state != "new":
        made.begin(None, "id", "image", "id", 0)
        made.ready = True
        if state != "run":
            made.finish(1, int(str(state).rstrip("!")), "Error")
            made.trouble = ("CrashLoopBackOff", "") if str(state).endswith("!") else None
    return made


def pod(*states):
    kinds = {"i": INIT, "s": SIDECAR, "a": APP}
    return [container(kinds[name[0]], name[1:]) for name in states]


@pytest.mark.parametrize(
    ("states", "policy", "ending", "wanted"),
    [
        (["anew"], "Always", False, "Pending"),
        (["arun"], "Always", False, "Running"),
        (["arun", "anew"], "Always", False, "Pending"),
        (["arun", "a1!"], "Always", False, "Running"),
        (["a1!"], "Always", False, "Running"),
        (["a0"], "Always", False, "Running"),
        (["a0"], "OnFailure", False, "Succeeded"),
        (["a1"], "OnFailure", False, "Running"),
        (["a1"], "Never", False, "Failed"),
        (["a0", "a1"], "Never", False, "Failed"),
        (["a0", "a0"], "Never", False, "Succeeded"),
        (["a0", "arun"], "Never", False, "Running"),
        (["irun", "anew"], "Always", False, "Pending"),
        (["i1!", "anew"], "Always", False, "Pending"),
        (["i1", "anew"], "Never", False, "Failed"),
        (["i0", "anew"], "Never", False, "Pending"),
        (["i0", "arun"], "Never", False, "Running"),
        (["srun", "anew"], "Always", False, "Pending"),
        (["srun", "arun"], "Always", False, "Running"),
        (["arun"], "Always", True, "Running"),
        (["a0"], "Always", True, "Succeeded"),
        (["a137"], "Always", True, "Failed"),
        (["anew"], "Always", True, "Failed"),
        (["s143", "a0"], "Never", True, "Succeeded"),
    ],
)
def test_phase(states, policy, ending, wanted):
    assert status.phase(pod(*states), policy, ending) == wanted


def test_restart_rules():
    made = container(APP, 42)
    codes = core.ContainerRestartRuleOnExitCodes(operator="In", values=(42,))
    rule = core.ContainerRestartRule(action="Restart", exitCodes=codes)
    assert not status.restarts(made, "Never")
    made.spec = made.spec.replace(restartPolicyRules=(rule,), restartPolicy="Never")
    assert status.restarts(made, "Never")
    made.exit_code = 1
    assert not status.restarts(made, "Always")


def test_transition_times_stay_while_nothing_changes():
    first = status.merged(None, [("Ready", False, "ContainersNotReady", "x")], "t1", 1)
    second = status.merged(first, [("Ready", False, "Other", "y")], "t2", 2)
    third = status.merged(second, [("Ready", True, "", "")], "t3", 2)
    assert [c[0].lastTransitionTime for c in (first, second, third)] == ["t1", "t1", "t3"]
    assert second[0].reason == "Other"


def test_conditions_of_others_are_kept():
    other = core.PodCondition(type="example.com/gate", status="True")
    assert other in status.merged((other,), [("Ready", True, "", "")], "t", 1)


@pytest.mark.parametrize("module", [text, backoff, images, cni])
def test_examples(module):
    results = doctest.testmod(module)
    assert results.attempted
    assert results.failed == 0
