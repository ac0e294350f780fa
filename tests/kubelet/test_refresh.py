"""Files in volumes follow their ConfigMaps and Secrets; environment and subPath do not. Tokens are real and renewed."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from k8slab import Lab

TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"
POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "labels": {"a": "1"}},
    "spec": {
        "containers": [
            {
                "name": "c",
                "image": "busybox",
                "command": ["sleep", "infinity"],
                "env": [{"name": "K", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}],
                "volumeMounts": [
                    {"name": "c", "mountPath": "/c"},
                    {"name": "c", "mountPath": "/sub", "subPath": "k"},
                    {"name": "s", "mountPath": "/s"},
                    {"name": "d", "mountPath": "/d"},
                ],
            }
        ],
        "volumes": [
            {"name": "c", "configMap": {"name": "c"}},
            {"name": "s", "secret": {"secretName": "s", "optional": True}},
            {"name": "d", "downwardAPI": {"items": [{"path": "a", "fieldRef": {"fieldPath": "metadata.labels['a']"}}]}},
        ],
    },
}


@pytest.fixture(scope="module")
def fresh() -> Lab:
    lab = Lab(workers=1)
    lab.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"k": "one", "gone": "x"}})
    lab.apply(POD)
    lab.run("10s")
    return lab


@pytest.fixture
def lab(fresh: Lab) -> Lab:
    return fresh.fork()


def run(lab: Lab, *words: str, pod: str = "p") -> str:
    kubelet = lab.cluster.kubelets[lab.get(f"pod/{pod}").spec.nodeName]
    code, output = kubelet.execute("default", pod, "c", list(words))
    return output.strip() if code == 0 else f"[{code}]"


def set_key(lab: Lab, value: str) -> None:
    lab.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"k": value}})


def claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def test_files_follow_within_a_sync_period(lab: Lab) -> None:
    set_key(lab, "two")
    lab.run("1s")
    before = run(lab, "cat", "/c/k")
    lab.run("90s")
    assert (before, run(lab, "cat", "/c/k")) == ("one", "two")
    assert run(lab, "cat", "/c/gone") == "[1]"


def test_what_does_not_follow(lab: Lab) -> None:
    set_key(lab, "two")
    lab.run("5m")
    assert run(lab, "cat", "/sub") == "one"
    assert run(lab, "sh", "-c", "echo $K") == "one"


def test_a_secret_that_comes_later(lab: Lab) -> None:
    assert run(lab, "cat", "/s/password") == "[1]"
    lab.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"password": "x"}})
    lab.run("90s")
    assert run(lab, "cat", "/s/password") == "x"


def test_a_change_of_the_pod_refreshes_at_once(lab: Lab) -> None:
    set_key(lab, "two")
    lab.kubectl("label pod p a=2 --overwrite")
    lab.run("1s")
    assert (run(lab, "cat", "/d/a"), run(lab, "cat", "/c/k")) == ("2", "two")


def test_what_is_deleted_stays_and_is_told(lab: Lab) -> None:
    lab.kubectl("delete configmap c")
    lab.run("90s")
    assert run(lab, "cat", "/c/k") == "one"
    told = [each for each in lab.list("events") if each.reason == "FailedMount"]
    assert 'configmap "c" not found' in told[0].message


def test_a_restarted_kubelet_catches_up(lab: Lab) -> None:
    lab.faults.crash("kubelet/worker-1")
    set_key(lab, "two")
    lab.run("5s")
    assert run_on(lab, "/c/k") == "one"
    lab.faults.start("kubelet/worker-1")
    lab.run("10s")
    assert run_on(lab, "/c/k") == "two"


def run_on(lab: Lab, path: str) -> str:
    """What the container reads, kubelet or not."""
    worker = lab.cluster.kubelets["worker-1"].find("default", "p")
    return worker.containers[0].process.execute(["cat", path], lab.cluster.clock.now)[1].strip()


def test_every_pod_has_a_token(lab: Lab) -> None:
    token = run(lab, "cat", f"{TOKEN}/token")
    pod = lab.get("pod/p")
    assert claims(token)["sub"] == "system:serviceaccount:default:default"
    assert claims(token)["kubernetes.io"]["pod"] == {"name": "p", "uid": pod.metadata.uid}
    assert claims(token)["kubernetes.io"]["node"]["name"] == "worker-1"
    assert run(lab, "cat", f"{TOKEN}/namespace") == "default"
    assert run(lab, "cat", f"{TOKEN}/ca.crt") == lab.cluster.authority.certificate.strip()
    assert run(lab, "cat", f"{TOKEN}/token") == token


def test_the_token_is_renewed_at_four_fifths_of_its_life(lab: Lab) -> None:
    first = claims(run(lab, "cat", f"{TOKEN}/token"))
    lab.run("47m")
    assert claims(run(lab, "cat", f"{TOKEN}/token")) == first
    lab.run("3m")
    second = claims(run(lab, "cat", f"{TOKEN}/token"))
    assert second["iat"] - first["iat"] == 3607 * 4 // 5
    assert second["jti"] != first["jti"]


def test_looking_at_a_token_changes_none(lab: Lab) -> None:
    """Reading is in no journal: a replay, which reads nothing, must come to the same tokens."""
    quiet = lab.fork()
    for _ in range(4):
        lab.run("50m")
        run(lab, "cat", f"{TOKEN}/token")
        quiet.run("50m")
    assert run(quiet, "cat", f"{TOKEN}/token") == run(lab, "cat", f"{TOKEN}/token")


def test_a_pod_waits_for_its_account(lab: Lab) -> None:
    """The token cannot be had when the account went between admission and the start."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "bot"}}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "q"},
        "spec": {"serviceAccountName": "bot", "containers": [{"name": "c", "image": "nginx"}]},
    }
    lab.apply([account, pod])
    lab.kubectl("delete serviceaccount bot")
    lab.run("5s")
    assert lab.get("pod/q").status.phase == "Pending"
    told = [each for each in lab.list("events") if each.reason == "FailedMount"]
    assert 'failed to fetch token: serviceaccounts "bot" not found' in told[0].message
    lab.apply(account)
    lab.run("30s")
    assert lab.get("pod/q").status.phase == "Running"
