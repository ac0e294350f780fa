"""Webhooks: learners' functions that let writes in, refuse or change them."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from k8slab import Lab
from k8slab.errors import ApiError
from k8slab.sim.journal import JournalError

NAME = "guard.example.com"
PODS = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE", "DELETE"], "resources": ["pods"]}
MAPS = PODS | {"resources": ["configmaps"]}


def configuration(kind: str = "Validating", *, hooks: Any = None, **hook: Any) -> dict[str, Any]:
    service = {"name": "guard", "namespace": "default", "path": "/check"}
    base = {
        "name": NAME,
        "clientConfig": {"service": service},
        "rules": [MAPS],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    found = [base | each for each in hooks] if hooks else [base | hook]
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": kind.lower()},
        "webhooks": found,
    }


def config_map(name: str = "c", labels: Any = None, **data: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default"} | ({"labels": labels} if labels else {})
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


@pytest.fixture(scope="module")
def template() -> Lab:
    return Lab(components=["kube-apiserver"], workers=1)


@pytest.fixture
def lab(template: Lab) -> Lab:
    return template.fork()


def refusal(lab: Lab, body: dict[str, Any], **options: Any) -> ApiError:
    with pytest.raises(ApiError) as failure:
        lab.client.create(body, **options)
    return failure.value


def only_small(object: Any, request: Any) -> Any:  # the argument is called so
    if request["operation"] == "DELETE":
        return True
    return True if len(object["data"]) < 2 else "at most one key"


@pytest.mark.parametrize("name", [NAME, "guard.default.svc", "guard.default.svc/check"])
def test_a_webhook_refuses(lab: Lab, name: str) -> None:
    lab.client.create(configuration())
    lab.webhook(name)(only_small)
    lab.client.create(config_map(a="1"))
    refused = refusal(lab, config_map("d", a="1", b="2"))
    assert (refused.code, refused.reason) == (400, "")
    assert refused.line() == f'Error from server: admission webhook "{NAME}" denied the request: at most one key'
    lab.client.delete("configmaps", "c", "default")


@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        (False, 400, "denied the request without explanation"),
        ({"allowed": False, "status": {"code": 418, "reason": "Forbidden", "message": "no"}}, 418, "request: no"),
        ({"allowed": False, "status": {"reason": "Forbidden"}}, 400, "denied the request: Forbidden"),
        ({"allowed": False, "status": "why"}, 400, "denied the request: why"),
        ({}, 400, "without explanation"),
        (
            {"allowed": False, "status": {"code": "often"}},
            500,
            "failed to call webhook: expected int as response.status.code, got 'often'",
        ),
        (
            {"response": {"uid": "x", "allowed": True}},
            500,
            'failed calling webhook "guard.example.com": failed to call webhook: expected response.uid=',
        ),
        (7, 500, "webhook guard.example.com: answers int 7: it should answer True, False, a text"),
    ],
)
def test_answers(lab: Lab, answer: Any, code: int, message: str) -> None:
    lab.client.create(configuration())
    lab.webhook(NAME)(Constant(answer))
    refused = refusal(lab, config_map())
    assert refused.code == code and message in refused.message


class Constant:
    """Always the same answer."""

    def __init__(self, answer: Any) -> None:
        self.given = answer

    def __call__(self) -> Any:
        return self.given


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({}, 'Post "https://guard.default.svc:443/check?timeout=10s": service "guard" not found'),
        (
            {"clientConfig": {"url": "https://hooks.example.com/x"}, "timeoutSeconds": 3},
            'Post "https://hooks.example.com/x?timeout=3s": dial tcp: lookup hooks.example.com on 10.96.0.10:53: '
            "no such host",
        ),
    ],
)
def test_a_webhook_that_is_not_there(lab: Lab, config: dict[str, Any], why: str) -> None:
    lab.client.create(configuration(**config))
    refused = refusal(lab, config_map())
    text = f'Internal error occurred: failed calling webhook "{NAME}": failed to call webhook: {why}'
    assert (refused.code, refused.reason, refused.message) == (500, "InternalError", text)
    lab.client.update(lab.client.get("validatingwebhookconfigurations", "validating").replace(webhooks=()))
    lab.client.create(config_map())


def test_services_without_endpoints(lab: Lab) -> None:
    lab.client.create(configuration())
    spec = {"ports": [{"port": 443}], "selector": {"app": "guard"}}
    metadata = {"name": "guard", "namespace": "default"}
    lab.client.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    assert refusal(lab, config_map()).message.endswith('no endpoints available for service "guard"')


def test_failures_may_be_ignored(lab: Lab) -> None:
    lab.client.create(configuration(failurePolicy="Ignore"))
    lab.client.create(config_map())
    lab.webhook(NAME)(broken)
    lab.client.create(config_map("d"))


def broken(object: Any) -> Any:
    return object["nope"]


def test_an_exception_is_one_clear_line(lab: Lab) -> None:
    lab.client.create(configuration())
    lab.webhook(NAME)(broken)
    message = refusal(lab, config_map()).message
    assert "\n" not in message
    assert "webhook guard.example.com: KeyError: 'nope' (broken, line " in message
    assert message.endswith('") has prevented the request from succeeding')


def test_a_slow_webhook_times_out(lab: Lab) -> None:
    lab.client.create(configuration(timeoutSeconds=2))
    lab.webhook(NAME, latency="1s")(only_small)
    lab.client.create(config_map(a="1"))
    lab.webhook(NAME, latency="5s")(only_small)
    assert refusal(lab, config_map("d")).message.endswith('/check?timeout=2s": context deadline exceeded')


def test_dry_runs_ask_webhooks_without_side_effects(lab: Lab) -> None:
    lab.client.create(configuration())
    seen: list[Any] = []
    lab.webhook(NAME)(Recorder(seen))
    lab.client.create(config_map(), dry_run=True)
    assert seen[0]["dryRun"] is True and lab.list("configmaps", selector="a=b") == []


class Recorder:
    """Keeps the requests that it lets in."""

    def __init__(self, seen: list[Any]) -> None:
        self.seen = seen

    def __call__(self, request: Any) -> Any:
        self.seen.append(request)
        return {"allowed": True, "warnings": ["seen"]}


def test_what_a_webhook_is_sent(lab: Lab) -> None:
    lab.client.create(configuration())
    seen: list[Any] = []
    lab.webhook(NAME)(Recorder(seen))
    lab.apply(config_map(a="1"), echo=False)
    lab.apply(config_map(a="2"), echo=False)
    lab.client.delete("configmaps", "c", "default")
    created, updated, deleted = seen
    assert created["kind"] == {"group": "", "version": "v1", "kind": "ConfigMap"}
    assert created["resource"] == {"group": "", "version": "v1", "resource": "configmaps"}
    assert (created["operation"], created["name"], created["namespace"]) == ("CREATE", "c", "default")
    assert created["userInfo"]["username"] == "kubernetes-admin" and created["oldObject"] is None
    assert created["options"]["kind"] == "CreateOptions" and len(created["uid"]) == 36
    assert (updated["object"]["data"], updated["oldObject"]["data"]) == ({"a": "2"}, {"a": "1"})
    assert (deleted["operation"], deleted["object"], deleted["oldObject"]["data"]) == ("DELETE", None, {"a": "2"})


@pytest.mark.parametrize(
    ("hook", "asked"),
    [
        ({"objectSelector": {"matchLabels": {"app": "a"}}}, True),
        ({"objectSelector": {"matchLabels": {"app": "b"}}}, False),
        ({"namespaceSelector": {"matchExpressions": [{"key": "x", "operator": "Exists"}]}}, False),
        ({"rules": [MAPS | {"scope": "Cluster"}]}, False),
        ({"rules": [MAPS | {"resources": ["*/*"], "operations": ["*"]}]}, True),
        ({"matchConditions": [{"name": "c", "expression": "object.metadata.name != 'c'"}]}, False),
        ({"matchConditions": [{"name": "c", "expression": "request.userInfo.username == 'kubernetes-admin'"}]}, True),
    ],
)
def test_which_writes_are_asked_about(lab: Lab, hook: dict[str, Any], asked: bool) -> None:
    lab.client.create(configuration(**hook))
    if asked:
        assert "failed calling webhook" in refusal(lab, config_map("c", {"app": "a"})).message
    else:
        lab.client.create(config_map("c", {"app": "a"}))


# --- webhooks that change objects


def labelled(object: Any) -> Any:
    labels = object["metadata"].get("labels")
    base = [] if labels else [{"op": "add", "path": "/metadata/labels", "value": {}}]
    return {"patch": [*base, {"op": "add", "path": "/metadata/labels/seen", "value": "yes"}], "warnings": ["labelled"]}


def test_a_webhook_changes_objects(lab: Lab) -> None:
    lab.client.create(configuration("Mutating", rules=[PODS]))
    lab.webhook(NAME)(labelled)
    spec = {"containers": [{"name": "c", "image": "nginx"}]}
    metadata = {"name": "p", "namespace": "default"}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "default"}}
    lab.apply(account, echo=False)
    pod = lab.client.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    assert pod.metadata.labels == {"seen": "yes"}
    assert pod.spec.containers[0].terminationMessagePath == "/dev/termination-log"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"allowed": True, "patch": "!"}, "webhook returned response.patch but not response.patchType"),
        (
            {"allowed": True, "patch": "eA==", "patchType": "JSONPatch"},
            "received undecodable patch in webhook response",
        ),
        ({"allowed": True, "patch": "W10=", "patchType": "Merge"}, 'unsupported patch type "Merge"'),
        ({"patch": [{"op": "remove", "path": "/data/nope"}]}, "Internal error occurred:"),
    ],
)
def test_patches_that_cannot_be_used(lab: Lab, answer: Any, message: str) -> None:
    lab.client.create(configuration("Mutating"))
    lab.webhook(NAME)(Constant(answer))
    refused = refusal(lab, config_map())
    assert refused.code == 500 and message in refused.message


class Appender:
    """Adds its name to what the object says about itself."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, object: Any) -> Any:
        said = object["data"].get("said", "")
        if said.endswith(self.name) or len(said) > 8:
            return True
        return {"patch": [{"op": "add", "path": "/data/said", "value": said + self.name}]}


@pytest.mark.parametrize(("policy", "said"), [("Never", "ab"), ("IfNeeded", "aba")])
def test_webhooks_are_asked_again_where_they_want_it(lab: Lab, policy: str, said: str) -> None:
    hooks = [{"name": "a.example.com", "reinvocationPolicy": policy}, {"name": "b.example.com"}]
    lab.client.create(configuration("Mutating", hooks=hooks))
    for name in "ab":
        lab.webhook(f"{name}.example.com")(Appender(name))
    assert lab.client.create(config_map(x="1")).data["said"] == said


# --- as part of a lab


def test_labs_with_webhooks_are_copied_saved_and_loaded(lab: Lab, tmp_path: Any) -> None:
    lab.webhook(NAME)(only_small)
    lab.apply(configuration(), echo=False)
    lab.apply(config_map(a="1"), echo=False)
    for other in (lab.fork(), copy.deepcopy(lab), pickle.loads(pickle.dumps(lab.cluster))):
        assert "at most one key" in refusal(other, config_map("d", a="1", b="2")).message
    path = tmp_path / "lab.k8slab"
    lab.save(path)
    with pytest.raises(JournalError, match="whose code is not kept in files"):
        Lab.load(path)
    again = Lab.load(path, webhooks={NAME: only_small})
    assert again.get("configmap/c").metadata.uid == lab.get("configmap/c").metadata.uid
