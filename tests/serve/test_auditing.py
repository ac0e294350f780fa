"""The audit log of a served cluster, and that of a lab."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from k8slab import Lab
from k8slab.api.request import UserInfo
from k8slab.apiserver.audit import Asked, Policy, PolicyError
from k8slab.cluster.cluster import Cluster
from k8slab.serve.server import Server
from tests.serve.conftest import ALICE, Caller

CONFIGMAPS = "/api/v1/namespaces/default/configmaps"
POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: ["system:kube-scheduler", "system:kube-controller-manager", "system:csi-drivers"]
- level: None
  userGroups: ["system:nodes"]
- level: RequestResponse
  verbs: [create, delete]
  omitManagedFields: true
  resources: [{group: "", resources: [configmaps]}]
- level: None
  nonResourceURLs: ["/healthz*"]
- level: Metadata
"""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("audit") / "audit.log"


@pytest.fixture(scope="module")
def server(log: Path) -> Iterator[Server]:
    policy = log.with_name("policy.yaml")
    policy.write_text(POLICY)
    cluster = Cluster(workers=1)
    with Server(cluster, port=0, audit_log_path=log, audit_policy_file=policy, anonymous=True) as served:
        served.add_token("alices-token", ALICE)
        yield served
    assert cluster.server.auditor is None


@pytest.fixture
def events(log: Path) -> Iterator[Any]:
    begin = len(log.read_text())

    def read(count: int) -> list[dict[str, Any]]:
        deadline = time.monotonic() + 60
        while True:
            found = [json.loads(line) for line in log.read_text()[begin:].splitlines()]
            found = [event for event in found if event.get("userAgent", "tester/1") == "tester/1"]
            if len(found) >= count or time.monotonic() > deadline:
                assert len(found) == count, found
                return found
            time.sleep(0.01)

    return read


def test_a_write_is_told_with_its_objects(server: Server, events: Any, log: Path) -> None:
    call = Caller(server)
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v"}}
    answer = call("POST", f"{CONFIGMAPS}?fieldManager=me", body, {"User-Agent": "tester/1"})
    (event,) = events(1)
    assert (event["kind"], event["apiVersion"]) == ("Event", "audit.k8s.io/v1")
    assert (event["level"], event["stage"], event["verb"]) == ("RequestResponse", "ResponseComplete", "create")
    assert event["auditID"] == answer.headers["audit-id"]
    assert event["requestURI"] == f"{CONFIGMAPS}?fieldManager=me"
    assert event["user"]["username"] == "kubernetes-admin"
    assert "system:masters" in event["user"]["groups"]
    assert event["sourceIPs"] == ["127.0.0.1"]
    assert event["userAgent"] == "tester/1"
    assert event["objectRef"] == {"resource": "configmaps", "namespace": "default", "name": "a", "apiVersion": "v1"}
    assert event["requestObject"] == body
    assert event["responseStatus"] == {"metadata": {}, "code": 201}
    assert event["responseObject"]["data"] == {"k": "v"}
    assert "managedFields" not in event["responseObject"]["metadata"]
    assert event["annotations"] == {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""}
    assert event["requestReceivedTimestamp"] <= event["stageTimestamp"]
    assert log.stat().st_mode & 0o777 == 0o600
    call("DELETE", f"{CONFIGMAPS}/a")
    assert events(2)[1]["responseStatus"]["code"] == 200


def test_an_audit_id_of_the_clients_own(server: Server, events: Any) -> None:
    answer = Caller(server)("GET", CONFIGMAPS, headers={"Audit-ID": "mine"})
    assert answer.headers["audit-id"] == "mine"
    (event,) = events(1)
    assert (event["auditID"], event["level"], event["verb"]) == ("mine", "Metadata", "list")
    assert "responseObject" not in event


def test_refusals_are_told(server: Server, events: Any) -> None:
    nobody = Caller(server, "nobody")
    nobody("GET", "/api/v1/nodes", headers={"Authorization": "Bearer alices-token"})
    nobody("GET", "/api/v1/nodes")
    nobody("GET", "/api/v1/nodes", headers={"Authorization": "Bearer wrong"})
    Caller(server)("POST", CONFIGMAPS, "{", {"Content-Type": "application/json"})
    Caller(server)("GET", "/api/v1/nosuchthings")
    alice, anonymous, wrong, broken, unknown = events(5)
    assert alice["user"]["username"] == "alice"
    assert alice["annotations"]["authorization.k8s.io/decision"] == "forbid"
    assert alice["responseStatus"]["reason"] == "Forbidden"
    assert alice["responseStatus"]["code"] == 403
    assert anonymous["user"] == {"username": "system:anonymous", "groups": ["system:unauthenticated"]}
    assert wrong["stage"] == "ResponseStarted"
    assert wrong["user"] == {}
    message = "Authentication failed, attempted: bearer"
    assert wrong["responseStatus"] == {"metadata": {}, "status": "Failure", "message": message, "code": 401}
    assert broken["responseStatus"]["code"] == 400
    assert unknown["responseStatus"]["code"] == 404


def test_who_acts_as_whom(server: Server, events: Any) -> None:
    Caller(server)("GET", CONFIGMAPS, headers={"Impersonate-User": "bob", "Impersonate-Group": "devs"})
    Caller(server)("GET", "/version", headers={"Impersonate-User": "bob"})
    for event in events(2):
        assert event["user"]["username"] == "kubernetes-admin"
        assert event["impersonatedUser"]["username"] == "bob"
        assert event["annotations"]["authorization.k8s.io/decision"] in ("allow", "forbid")


def test_paths_that_are_no_resources(server: Server, events: Any) -> None:
    Caller(server)("GET", "/healthz?verbose")
    Caller(server)("GET", "/apis")
    (event,) = events(1)
    assert (event["verb"], event["requestURI"]) == ("get", "/apis")
    assert "objectRef" not in event


def test_a_watch_has_a_beginning_and_an_end(server: Server, events: Any) -> None:
    Caller(server)("GET", f"{CONFIGMAPS}?watch=true&timeoutSeconds=1")
    started, complete = events(2)
    assert (started["verb"], started["stage"]) == ("watch", "ResponseStarted")
    assert complete["stage"] == "ResponseComplete"
    assert started["auditID"] == complete["auditID"]
    assert complete["responseStatus"]["code"] == 200


def test_components_are_noted_too(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n")
    log = tmp_path / "log"
    with Server(
        Cluster(workers=1), port=0, speed=30, audit_log_path=log, audit_policy_file=tmp_path / "policy.yaml"
    ) as server:
        pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
        assert Caller(server)("POST", "/api/v1/namespaces/default/pods", pod).code == 201
        deadline = time.monotonic() + 60
        while '"system:node:worker-1"' not in log.read_text() and time.monotonic() < deadline:
            time.sleep(0.02)
    users = {json.loads(line)["user"].get("username") for line in log.read_text().splitlines()}
    assert {"kubernetes-admin", "system:kube-scheduler", "system:node:worker-1"} <= users


# -- in process --------------------------------------------------------------------------------------------------------


def test_noting_changes_nothing_and_is_the_same_each_time() -> None:
    def live(audited: bool) -> tuple[str, list[Any]]:
        lab = Lab(workers=2)
        if audited:
            lab.audit.start()
        lab.kubectl("create deployment web --image=nginx --replicas=2", echo=False)
        lab.kubectl("get pods --as=alice", echo=False)
        lab.run("1m")
        return lab.history.digest(), lab.audit.events

    (digest, events), (again, same), (plain, nothing) = live(True), live(True), live(False)
    assert digest == again == plain
    assert events == same
    assert nothing == []
    assert any(event["annotations"]["authorization.k8s.io/reason"].startswith("RBAC: allowed by") for event in events)


def test_rows_and_stopping() -> None:
    lab = Lab(workers=1)
    lab.audit.start({"rules": [{"level": "Metadata", "users": ["alice", "kubernetes-admin"]}]})
    lab.kubectl("create ns shop", echo=False)
    lab.kubectl("delete ns shop --as=alice", echo=False)
    rows = lab.audit.rows(verb="delete")
    assert [row[1:6] for row in rows] == [
        ("kubernetes-admin as alice", "delete", "namespaces/shop in shop", 403, "forbid")
    ]
    assert lab.audit.rows(user="alice") == rows
    fork = lab.fork()
    lab.audit.stop()
    lab.kubectl("get ns", echo=False)
    assert lab.audit.rows(verb="list") == []
    fork.kubectl("get ns", echo=False)
    assert len(fork.audit.rows(verb="list")) == 1


def asked(**fields: Any) -> Asked:
    return Asked(**{"user": "alice", "groups": ("devs",), "verb": "get", **fields})


@pytest.mark.parametrize(
    ("rule", "fits", "fits_not"),
    [
        ({"users": ["alice"]}, {}, {"user": "bob"}),
        ({"userGroups": ["a", "devs"]}, {}, {"groups": ("ops",)}),
        ({"verbs": ["get"]}, {}, {"verb": "list"}),
        ({"namespaces": ["shop"]}, {"resource": "pods", "namespace": "shop"}, {"resource": "pods", "namespace": "x"}),
        ({"namespaces": [""]}, {"resource": "nodes"}, {"resource": "pods", "namespace": "x"}),
        ({"resources": [{"group": "apps"}]}, {"group": "apps", "resource": "deployments"}, {"resource": "pods"}),
        (
            {"resources": [{"resources": ["pods"]}]},
            {"resource": "pods"},
            {"resource": "pods", "subresource": "log"},
        ),
        (
            {"resources": [{"resources": ["pods/log"]}]},
            {"resource": "pods", "subresource": "log"},
            {"resource": "pods"},
        ),
        ({"resources": [{"resources": ["*/log"]}]}, {"resource": "pods", "subresource": "log"}, {"resource": "pods"}),
        ({"resources": [{"resources": ["pods/*"]}]}, {"resource": "pods", "subresource": "log"}, {"resource": "nodes"}),
        (
            {"resources": [{"resources": ["pods"], "resourceNames": ["web"]}]},
            {"resource": "pods", "name": "web"},
            {"resource": "pods", "name": "db"},
        ),
        ({"resources": [{"resources": ["*"]}]}, {"resource": "pods", "subresource": "log"}, {"path": "/version"}),
        ({"nonResourceURLs": ["/healthz*"]}, {"path": "/healthz/ping"}, {"path": "/version"}),
        ({"nonResourceURLs": ["*"]}, {"path": "/version"}, {"resource": "pods"}),
    ],
)
def test_rules(rule: dict[str, Any], fits: dict[str, Any], fits_not: dict[str, Any]) -> None:
    policy = Policy({"rules": [rule | {"level": "Request"}, {"level": "Metadata"}]})
    assert policy.decide(asked(**fits)).level == "Request"
    assert policy.decide(asked(**fits_not)).level == "Metadata"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"rules": []}, "loaded illegal policy with 0 rules"),
        ({"kind": "Pod", "rules": [{}]}, 'no kind "Pod" is registered for version "audit.k8s.io/v1"'),
        ({"rules": [{}]}, "rules[0].level: Required value"),
        (
            {"rules": [{"level": "All"}]},
            'rules[0].level: Unsupported value: "All": supported values: "None", "Metadata", "Request", "RequestRe',
        ),
        (
            {"rules": [{"level": "None", "nonResourceURLs": ["x"]}]},
            "rules[0].nonResourceURLs[0]: Invalid value: \"x\": non-resource URL rules must begin with a '/' character",
        ),
        ({"rules": [{"level": "None", "omitStages": ["End"]}]}, "allowed stages are RequestReceived,ResponseStarted"),
        ({"rules": [{"level": "None", "user": "x"}]}, 'strict decoding error: unknown field "rules[0].user"'),
    ],
)
def test_policies_that_are_none(data: dict[str, Any], message: str) -> None:
    with pytest.raises(PolicyError) as error:
        Policy(data)
    assert message in str(error.value)


def test_a_policy_that_cannot_be_read(tmp_path: Path) -> None:
    lab = Lab(workers=1)
    for policy in (tmp_path / "none.yaml", "rules: [", "- x\n- y\n"):
        with pytest.raises(PolicyError) as error:
            lab.audit.start(policy)
        assert "\n" not in str(error.value)


def test_users_are_told_in_full() -> None:
    from k8slab.apiserver.audit.event import user_of

    user = UserInfo(name="a", uid="1", groups=("g",), extra={"k": ("v",)})
    assert user_of(user) == {"username": "a", "uid": "1", "groups": ["g"], "extra": {"k": ["v"]}}
