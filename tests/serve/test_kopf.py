"""kopf: an operator for a kind of its own, running on a thread as `kopf run` runs it, against a served cluster."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

kopf = pytest.importorskip("kopf", reason="the operator framework kopf is not installed")

from k8slab.serve.server import Server  # noqa: E402
from tests.serve.conftest import Caller  # noqa: E402

GROUP = "operators.example.com"
SHOPS = f"/apis/{GROUP}/v1/namespaces"
SCHEMA = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"shops.{GROUP}"},
    "spec": {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {"plural": "shops", "singular": "shop", "kind": "Shop"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": SCHEMA, "status": SCHEMA}}},
            }
        ],
    },
}


def registry(server: Server, call: Caller, log: list[str]) -> Any:
    """The operator: a ConfigMap for each Shop, its colour in the status, and a last word at its end."""
    found = kopf.OperatorRegistry()

    @kopf.on.login(registry=found)
    def login(**_: Any) -> Any:
        return kopf.ConnectionInfo(
            server=server.url, ca_data=server.authority.certificate.decode(), token=server.token, scheme="Bearer"
        )

    @kopf.on.startup(registry=found)
    def configure(settings: Any, **_: Any) -> None:
        settings.posting.enabled = True
        settings.watching.server_timeout = 60

    @kopf.on.create(GROUP, "v1", "shops", id="create", registry=found)
    def create(body: Any, spec: Any, name: str, namespace: str, **_: Any) -> dict[str, str]:
        kopf.info(body, reason="Opened", message=f"{name} is open")
        child = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name},
            "data": {"colour": spec["colour"]},
        }
        kopf.adopt(child)
        assert call("POST", f"/api/v1/namespaces/{namespace}/configmaps", child).code == 201
        return {"colour": spec["colour"]}

    @kopf.on.field(GROUP, "v1", "shops", field="spec.colour", registry=found)
    def repaint(old: Any, new: Any, name: str, namespace: str, patch: Any, **_: Any) -> None:
        if old is not None:
            path = f"/api/v1/namespaces/{namespace}/configmaps/{name}"
            body = f'{{"data": {{"colour": "{new}"}}}}'
            assert call("PATCH", path, body, {"Content-Type": "application/merge-patch+json"}).code == 200
            patch.status["repainted"] = new

    @kopf.on.delete(GROUP, "v1", "shops", registry=found)
    def delete(name: str, **_: Any) -> None:
        log.append(f"closing {name}")

    return found


class Operator:
    """An operator on a thread with an event loop of its own."""

    def __init__(self, operators: Any, namespace: str) -> None:
        self._ready, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, args=(operators, namespace), daemon=True)

    def __enter__(self) -> Operator:
        self._thread.start()
        assert self._ready.wait(60), "the operator does not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def _run(self, operators: Any, namespace: str) -> None:
        options = {"ready_flag": self._ready, "stop_flag": self._stop, "standalone": True}
        asyncio.run(kopf.operator(registry=operators, namespaces=[namespace], **options))


def until(condition: Callable[[], Any]) -> Any:
    """The first true value of a condition that comes about within some seconds."""
    for _ in range(400):
        found = condition()
        if found:
            return found
        time.sleep(0.025)
    raise AssertionError("it does not come about")


@pytest.fixture(scope="module")
def shops(call: Caller) -> Iterator[str]:
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert call("POST", path, DEFINITION).code == 201
    until(lambda: call("GET", f"/apis/{GROUP}/v1/shops").code == 200)
    yield SHOPS
    call("DELETE", f"{path}/shops.{GROUP}")


def test_an_operators_life(server: Server, call: Caller, shops: str, namespace: str) -> None:
    log: list[str] = []
    path, child = f"{shops}/{namespace}/shops", f"/api/v1/namespaces/{namespace}/configmaps/corner"
    shop = {"apiVersion": f"{GROUP}/v1", "kind": "Shop", "metadata": {"name": "corner"}, "spec": {"colour": "red"}}
    with Operator(registry(server, call, log), namespace):
        assert call("POST", path, shop).code == 201
        until(lambda: call("GET", child).code == 200)
        until(lambda: call("GET", f"{path}/corner").body.get("status", {}).get("create") == {"colour": "red"})
        made = call("GET", f"{path}/corner").body
        assert made["metadata"]["finalizers"] == ["kopf.zalando.org/KopfFinalizerMarker"]
        owner = call("GET", child).body["metadata"]["ownerReferences"][0]
        assert (owner["kind"], owner["uid"]) == ("Shop", made["metadata"]["uid"])
        merge = {"Content-Type": "application/merge-patch+json"}
        assert call("PATCH", f"{path}/corner", '{"spec": {"colour": "blue"}}', merge).code == 200
        until(lambda: call("GET", child).body["data"] == {"colour": "blue"})
        until(lambda: call("GET", f"{path}/corner").body["status"].get("repainted") == "blue")
        events = f"/api/v1/namespaces/{namespace}/events"
        reasons = lambda: {each["reason"] for each in call("GET", events).body["items"]}  # noqa: E731
        until(lambda: "Opened" in reasons())
        assert call("DELETE", f"{path}/corner").code == 200
        until(lambda: call("GET", f"{path}/corner").code == 404)
        until(lambda: call("GET", child).code == 404)
    assert log == ["closing corner"]
