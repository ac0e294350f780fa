"""kubectl on a living lab, and recorded sessions of the real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8slab.lab import Lab

RECORDINGS = Path(__file__).parents[2] / ".." / "shared" / "golden" / "kubectl"
ALIKE = ("create-errors", "cronjob", "delete", "drain", "events", "label-annotate", "quota-limits", "statefulset")


@pytest.fixture(scope="module")
def lab():
    lab = Lab(workers=2)
    lab.kubectl("create deployment web --image=nginx --replicas=2", echo=False)
    lab.kubectl("rollout status deployment/web", echo=False)
    return lab


def call(lab, command):
    return lab.kubectl(command, echo=False)


def test_rollout_status_ends_with_the_rollout(lab):
    call(lab, "set image deployment/web nginx=nginx:1.28")
    lines = call(lab, "rollout status deployment/web").stdout.splitlines()
    assert lines[-1] == 'deployment "web" successfully rolled out'
    assert any("new replicas have been updated" in line for line in lines)
    history = call(lab, "rollout history deployment/web").stdout
    assert history == "deployment.apps/web \nREVISION  CHANGE-CAUSE\n1         <none>\n2         <none>\n\n"


def test_undo_brings_the_old_template_back(lab):
    assert call(lab, "rollout undo deployment/web --to-revision=1").stdout == "deployment.apps/web rolled back\n"
    assert call(lab, "get deploy web -o jsonpath={..image}").stdout == "nginx"
    call(lab, "rollout status deployment/web")
    assert "already matches revision 3" in call(lab, "rollout undo deployment/web --to-revision=3").stdout


def test_delete_waits_for_the_end(lab):
    before = lab.now
    call(lab, "run slow --image=busybox --restart=Never -- sleep 1000")
    call(lab, "wait --for=condition=Ready pod/slow")
    assert call(lab, "delete pod slow").stdout == 'pod "slow" deleted\n'
    assert call(lab, "get pod slow").exit_code == 1
    assert lab.now - before > 30


def test_logs_come_from_the_kubelet(lab):
    call(lab, "run once --image=busybox --restart=Never -- echo hello")
    call(lab, "wait --for=jsonpath='{.status.phase}'=Succeeded pod/once")
    assert call(lab, "logs once").stdout == "hello\n"
    assert call(lab, "logs once -c nope").stderr == "error: container nope is not valid for pod once\n"


def test_drain_moves_pods_to_the_other_node(lab):
    result = call(lab, "drain worker-1 --force --ignore-daemonsets")
    assert result.stdout.splitlines()[-1] == "node/worker-1 drained"
    call(lab, "rollout status deployment/web")
    nodes = call(lab, "get pods -l app=web -o jsonpath={.items[*].spec.nodeName}").stdout
    assert set(nodes.split()) == {"worker-2"}
    call(lab, "uncordon worker-1")


def test_describe_shows_events_of_the_pod(lab):
    text = call(lab, "describe pod -l app=web").stdout
    assert "Controlled By:  ReplicaSet/web-" in text
    assert "Successfully assigned default/web-" in text


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings of the real kubectl are not beside the repository")
@pytest.mark.parametrize("case", ALIKE)
def test_recorded_sessions_come_out_alike(case):
    from tests.golden.kubectl import cases, differences, replay

    commands = next(commands for name, commands in cases(RECORDINGS) if name == case)
    for recorded, got in replay(commands):
        assert differences(recorded, got) == [], recorded["id"]


def test_the_comparison_sees_a_difference():
    from k8slab.kubectl import Result
    from tests.golden.kubectl import differences

    recorded = {"command": ["kubectl", "get", "pods"], "exit": 0, "stdout": "web-abc   1/1\n", "stderr": ""}
    assert differences(recorded, Result("web-abc 1/1\n", "", 0)) == []
    assert len(differences(recorded, Result("web-abc 0/1\n", "x", 1))) == 3
