"""Breaking and mending a served cluster over HTTP."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

pytest.importorskip("uvicorn", reason="the extra `serve` is not installed")

from k8slab import Lab
from k8slab.api.request import UserInfo
from k8slab.cluster.cluster import replay
from k8slab.sim.journal import Journal
from tests.serve.conftest import Caller


@pytest.fixture
def lab():
    return Lab(workers=2)


@pytest.fixture
def server(lab):
    with lab.serve(port=0) as server:
        yield server


def test_a_machine_fails_and_comes_back(lab, server):
    call = Caller(server)
    answer = call("POST", "/faults", {"verb": "fail_node", "targets": ["worker-1"]})
    assert (answer.code, answer.body["failedNodes"]) == (200, ["worker-1"])
    assert not lab.cluster.kubelets["worker-1"].powered
    assert call("POST", "/faults", {"verb": "crash", "targets": ["kube-scheduler"]}).body["crashed"] == [
        "kube-scheduler"
    ]
    healed = call("POST", "/faults", {"verb": "heal"}).body
    assert healed == call("GET", "/faults").body
    assert (healed["failedNodes"], healed["crashed"]) == ([], [])
    server.stop()
    again = replay(Journal.loads(lab.cluster.dump_journal()))
    assert Lab._of(again).history.digest() == lab.history.digest()


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"verb": "fail_node", "targets": ["worker-9"]}, "there is no node 'worker-9'"),
        ({"verb": "fail_node"}, "fail_node takes 1 targets (name), not 0"),
        ({"verb": "apply", "targets": ["heal"]}, "there is no fault 'apply'"),
        ({"verb": "stop_machine", "targets": ["worker-1"]}, "this lab runs in no cloud"),
        ({"verb": "crash", "targets": "kube-scheduler"}, "targets is a list of names"),
        (["heal"], "there is no fault None"),
        ("nonsense", "the body is no JSON"),
    ],
)
def test_nonsense_is_refused(server, body, text):
    answer = Caller(server)("POST", "/faults", body)
    assert answer.code == 400
    assert text in answer.message


def test_only_who_may_post_there(lab, server):
    server.add_token("bobs", UserInfo(name="bob", groups=("system:authenticated",)))
    bob = Caller(server, "bob")
    headers = {"Authorization": "Bearer bobs"}
    answer = bob("POST", "/faults", {"verb": "heal"}, headers)
    assert (answer.code, answer.message) == (403, 'forbidden: User "bob" cannot post path "/faults"')
    assert Caller(server)("DELETE", "/faults").code == 405


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl here")
def test_with_kubectl(lab, server):
    command = ["kubectl", "--kubeconfig", str(server.kubeconfig), "create", "--raw", "/faults", "-f", "-"]
    wish = json.dumps({"verb": "pause", "targets": ["replicaset"]})
    found = subprocess.run(command, input=wish, capture_output=True, text=True, check=False)
    assert json.loads(found.stdout)["paused"] == ["replicaset-controller"], found.stderr
