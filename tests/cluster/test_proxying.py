"""The API server's proxies to Pods and Services."""

from __future__ import annotations

import ssl
import urllib.request

import pytest

from k8slab import Lab
from k8slab.apiserver.routes import request_for

BASE = "/api/v1/namespaces/default"


@pytest.fixture(scope="module")
def lab():
    lab = Lab(workers=1)
    lab.kubectl("create deployment web --image=nginx:1.29 --port=80", echo=False)
    lab.kubectl("expose deployment web --port=8080 --target-port=80 --name=front", echo=False)
    lab.kubectl("create service clusterip empty --tcp=80", echo=False)
    lab.run("20s")
    return lab


def ask(lab, path):
    response = lab.cluster.server.handle(request_for("GET", f"{BASE}/{path}"))
    return response.code, response.body if isinstance(response.body, str) else response.body["message"]


@pytest.mark.parametrize("name", ["front", "front:8080", "http:front:8080", "http:front:", "front:"])
def test_a_service_is_reached(lab, name):
    code, body = ask(lab, f"services/{name}/proxy/")
    assert (code, "Welcome to nginx!" in body) == (200, True)


def test_a_pod_is_reached(lab):
    name = lab.list("pods", "default")[0].metadata.name
    assert "Welcome to nginx!" in ask(lab, f"pods/{name}/proxy/index.html")[1]
    assert ask(lab, f"pods/{name}:80/proxy/absent")[0] == 404
    address = lab.get(f"pod/{name}").status.podIP
    text = f"error trying to reach service: dial tcp {address}:81: connect: connection refused"
    assert ask(lab, f"pods/{name}:81/proxy/") == (503, text)


@pytest.mark.parametrize(
    ("path", "code", "text"),
    [
        ("services/front:81/proxy/", 503, 'no service port 81 found for service "front"'),
        ("services/front:other/proxy/", 503, 'no endpoints available for service "front"'),
        ("services/empty:80/proxy/", 503, 'no endpoints available for service "empty"'),
        ("services/none/proxy/", 404, 'services "none" not found'),
        ("services/ftp:front:80/proxy/", 400, 'invalid service request "ftp:front:80"'),
        ("pods/a:b:c:d/proxy/", 400, 'invalid pod request "a:b:c:d"'),
    ],
)
def test_what_is_not_reached(lab, path, code, text):
    assert ask(lab, path) == (code, text)


def test_over_http_pages_are_pages(lab):
    pytest.importorskip("uvicorn", reason="the extra `serve` is not installed")
    with lab.serve(port=0) as server:
        context = ssl.create_default_context(cadata=server.authority.certificate.decode())
        request = urllib.request.Request(f"{server.url}{BASE}/services/front:8080/proxy/")
        request.add_header("Authorization", f"Bearer {server.token}")
        with urllib.request.urlopen(request, context=context) as answer:
            assert answer.headers["content-type"] == "text/html"
            assert b"Welcome to nginx!" in answer.read()
