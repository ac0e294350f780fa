"""Autoscalers on metrics that learners provide."""

import json
from pathlib import Path

import pytest

from k8slab import Lab
from k8slab.errors import K8sLabError


def scaler(*metrics, name="web"):
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 10, "metrics": list(metrics)}
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name}, "spec": spec}


def average(value):
    return {"type": "AverageValue", "averageValue": value}


PODS = {"type": "Pods", "pods": {"metric": {"name": "http_requests"}, "target": average("100")}}
SERVICE = {"apiVersion": "v1", "kind": "Service", "name": "web"}
OBJECT = {
    "type": "Object",
    "object": {"metric": {"name": "hits"}, "describedObject": SERVICE, "target": {"type": "Value", "value": "10"}},
}
QUEUE = {"name": "queue_depth", "selector": {"matchLabels": {"queue": "orders"}}}
EXTERNAL = {"type": "External", "external": {"metric": QUEUE, "target": average("10")}}


@pytest.fixture(scope="module")
def template():
    lab = Lab(workers=2)
    lab.kubectl("create deployment web --image=nginx --replicas=2", echo=False)
    lab.kubectl("expose deployment web --port=80", echo=False)
    lab.settle()
    return lab


@pytest.fixture
def lab(template):
    return template.fork()


def replicas(lab):
    return lab.get("deployment/web").spec.replicas


def active(lab):
    conditions = lab.get("horizontalpodautoscaler/web").status.conditions
    return next((c.status, c.reason, c.message) for c in conditions if c.type == "ScalingActive")


def test_without_an_adapter_there_is_no_api(lab):
    lab.apply(scaler(PODS))
    lab.run("60s")
    why = "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered"
    assert active(lab)[:2] == ("False", "FailedGetPodsMetric")
    assert active(lab)[2].endswith(f"unable to get metric http_requests: {why}")
    told = lab.kubectl("get --raw /apis/custom.metrics.k8s.io/v1beta2", echo=False)
    assert "the server could not find the requested resource" in told.stderr


def test_pods_share_a_total(lab):
    lab.metrics.pods("http_requests", total=500, selector="app=web")
    lab.apply(scaler(PODS))
    lab.run("3m")
    assert replicas(lab) == 5
    assert active(lab) == (
        "True",
        "ValidMetricFound",
        "the HPA was able to successfully calculate a replica count from pods metric http_requests",
    )
    current = lab.get("horizontalpodautoscaler/web").status.currentMetrics[0].pods.current
    assert current.averageValue == "100"


def test_a_metric_of_an_object(lab):
    lab.metrics.object("hits", 40, "service/web")
    lab.apply(scaler(OBJECT))
    lab.run("60s")
    assert replicas(lab) == 10, "a value that stays too high calls for more each time"
    assert lab.get("horizontalpodautoscaler/web").status.currentMetrics[0].object.current.value == "40"
    lab.metrics.remove("hits")
    lab.metrics.object("misses", 1, "service/web")
    lab.run("60s")
    assert "the server could not find the metric hits for services web" in active(lab)[2]


def test_a_metric_from_outside(lab):
    lab.metrics.external("queue_depth", 55, labels={"queue": "orders"})
    lab.metrics.external("queue_depth", 900, labels={"queue": "mails"})
    lab.apply(scaler(EXTERNAL))
    lab.run("2m")
    assert replicas(lab) == 6
    lab.client.delete("apiservices", "v1beta1.external.metrics.k8s.io")
    lab.run("60s")
    assert "no external metrics API (external.metrics.k8s.io) registered" in active(lab)[2]


def raw(lab, path):
    return json.loads(lab.kubectl(f"get --raw {path}", echo=False).stdout)


def test_the_apis_answer(lab):
    lab.metrics.pods("http_requests", "1500m", selector="app=web")
    lab.metrics.external("queue_depth", 3, labels={"queue": "orders"})
    base = "/apis/custom.metrics.k8s.io/v1beta2"
    assert [one["name"] for one in raw(lab, base)["resources"]] == ["pods/http_requests"]
    found = raw(lab, f"{base}/namespaces/default/pods/*/http_requests")
    assert found["kind"] == "MetricValueList"
    assert [one["value"] for one in found["items"]] == ["1500m", "1500m"]
    name = found["items"][0]["describedObject"]["name"]
    assert len(raw(lab, f"{base}/namespaces/default/pods/{name}/http_requests")["items"]) == 1
    told = lab.kubectl(f"get --raw {base}/namespaces/default/pods/nobody/http_requests", echo=False).stderr
    assert "the server could not find the metric http_requests for pods nobody" in told
    outside = raw(lab, "/apis/external.metrics.k8s.io/v1beta1/namespaces/default/queue_depth")
    assert outside["items"][0]["metricLabels"] == {"queue": "orders"}
    services = lab.kubectl("get apiservices v1beta2.custom.metrics.k8s.io --no-headers", echo=False).stdout
    assert services.split()[1:3] == ["monitoring/prometheus-adapter", "True"]
    assert lab.kubectl("get pods", echo=False).stdout.startswith("NAME"), "the usual Pods are meant"


def test_metrics_are_repeated_in_a_replay(lab, tmp_path: Path):
    lab.metrics.pods("http_requests", total=300, selector="app=web")
    lab.apply(scaler(PODS))
    lab.run("2m")
    lab.save(tmp_path / "metrics.k8slab")
    loaded = Lab.load(tmp_path / "metrics.k8slab")
    assert loaded.history.digest() == lab.history.digest()
    assert repr(loaded.metrics) == repr(lab.metrics) == "pods{app=web} http_requests 300 together"


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda m: m.pods("x"), "a value for each of them or a total"),
        (lambda m: m.pods("x", 1, selector="a in b"), "unable to parse"),
        (lambda m: m.external("x", "many"), "a number or a quantity"),
        (lambda m: m.object("x", 1, "boat/a"), 'doesn\'t have a resource type "boat"'),
        (lambda m: m.object("x", 1, "service"), "such as service/web"),
        (lambda m: m.remove("x"), "there is no metric 'x': there are none"),
    ],
)
def test_what_is_no_metric(lab, call, why):
    before = lab.cluster.dump_journal()
    with pytest.raises(K8sLabError, match=why):
        call(lab.metrics)
    assert lab.cluster.dump_journal() == before


@pytest.mark.parametrize("verb", ["get", "describe", "explain"])
def test_what_has_no_schema_is_no_trouble(lab, verb):
    lab.metrics.external("queue_depth", 3)
    done = lab.kubectl(f"{verb} queue_depth", echo=False)
    assert "ExternalMetricValueList" in done.stdout if verb == "explain" else "No resources found" in done.stderr
    lab.kubectl("create namespace brief", echo=False)
    lab.kubectl("delete namespace brief", echo=False)
    lab.run("30s")
    assert "brief" not in [each.metadata.name for each in lab.list("namespaces")]
