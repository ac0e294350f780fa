"""kubectl top, and the API behind it."""

import pickle

import pytest

from k8slab import Lab
from k8slab.cluster.load import paced
from k8slab.kubelet import Program
from k8slab.kubelet.usage import Want, shared


@pytest.fixture(scope="module")
def lab():
    lab = Lab(workers=2)
    lab.images["busy:1"] = Program(cpu=700, memory="50Mi")
    lab.kubectl("create deployment web --image=nginx --replicas=2", echo=False)
    lab.kubectl("run busy --image=busy:1 --labels=tier=back", echo=False)
    lab.run("60s")
    return lab


def kubectl(lab, command):
    output = lab.kubectl(command, echo=False)
    return output.stdout + output.stderr


def test_pods(lab):
    first, *rest = kubectl(lab, "top pods --sort-by=cpu").splitlines()
    assert first.split() == ["NAME", "CPU(cores)", "MEMORY(bytes)"]
    assert [line.split()[1:] for line in rest] == [["700m", "50Mi"], ["1m", "8Mi"], ["1m", "8Mi"]]
    assert kubectl(lab, "top pod busy --no-headers").split() == ["busy", "700m", "50Mi"]
    assert kubectl(lab, "top pod -l tier=back --no-headers").split() == ["busy", "700m", "50Mi"]


def test_containers_and_sums(lab):
    lines = kubectl(lab, "top pods --containers --sum -l app=web").splitlines()
    assert lines[0] == "POD                    NAME    CPU(cores)   MEMORY(bytes)   "
    assert [line.split()[1] for line in lines[1:3]] == ["nginx", "nginx"]
    assert lines[3] == "                               ________     ________        "
    assert lines[4].split() == ["2m", "16Mi"]


def test_all_namespaces(lab):
    lines = kubectl(lab, "top pods -A").splitlines()
    assert lines[0].split()[0] == "NAMESPACE"
    assert [line.split()[0] for line in lines[1:4]] == ["default"] * 3
    assert any(line.startswith("kube-system   etcd-control-plane-1 ") for line in lines)


def test_nodes(lab):
    lines = kubectl(lab, "top nodes").splitlines()
    assert lines[0] == "NAME              CPU(cores)   CPU(%)   MEMORY(bytes)   MEMORY(%)   "
    busy = next(line.split() for line in lines if "74" in line.split()[1])
    assert busy[2] == "9%"
    lab.faults.crash("kubelet/worker-2")
    lab.run("20s")
    assert kubectl(lab, "top nodes").splitlines()[-1].split() == ["worker-2", *["<unknown>"] * 4]
    lab.faults.heal()
    lab.run("60s")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("top pods --sort-by=name", "error: --sort-by accepts only cpu or memory\n"),
        ("top pods web -l app=web", "error: only one of NAME or selector can be provided\n"),
        ("top pods -n kube-public", "No resources found in kube-public namespace.\n"),
        ("top pod no", 'Error from server (NotFound): podmetrics.metrics.k8s.io "default/no" not found\n'),
        ("top node no", 'Error from server (NotFound): nodemetrics.metrics.k8s.io "no" not found\n'),
    ],
)
def test_refusals(lab, command, answer):
    assert kubectl(lab, command) == answer


def test_a_new_pod_has_not_been_measured():
    lab = Lab(workers=1)
    lab.kubectl("run web --image=nginx", echo=False)
    lab.run("20s")
    assert kubectl(lab, "top pods") == "error: metrics not available yet\n"
    lab.run("25s")
    assert "web" in kubectl(lab, "top pods")


def test_the_api_is_one_of_others(lab):
    row = kubectl(lab, "get apiservice v1beta1.metrics.k8s.io --no-headers").split()
    assert row[1:3] == ["kube-system/metrics-server", "True"]
    assert "metrics.k8s.io/v1beta1\n" in kubectl(lab, "api-versions")
    metrics = lab.get("podmetrics", "busy", namespace="default")
    assert metrics.containers[0].usage == {"cpu": "700000000n", "memory": "51200Ki"}
    assert (metrics.window, metrics.metadata.labels) == ("15s", {"tier": "back"})


def test_without_it_top_says_so():
    lab = Lab(workers=1)
    lab.faults.crash("metrics-server")
    lab.run(1)
    unable = "the server is currently unable to handle the request"
    assert (
        kubectl(lab, "top nodes") == f"Error from server (ServiceUnavailable): {unable} (list nodes.metrics.k8s.io)\n"
    )
    assert kubectl(lab, "get apiservices v1beta1.metrics.k8s.io --no-headers").split()[2:4] == [
        "False",
        "(ServiceNotFound)",
    ]
    lab.faults.heal()
    lab.run(1)
    assert "worker-1" in kubectl(lab, "top nodes")
    kubectl(lab, "delete apiservice v1beta1.metrics.k8s.io")
    assert kubectl(lab, "top nodes") == "error: Metrics API not available\n"


INSTALLED = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: metrics-server, namespace: kube-system}
spec:
  selector: {matchLabels: {k8s-app: metrics-server}}
  template:
    metadata: {labels: {k8s-app: metrics-server}}
    spec:
      containers:
      - name: metrics-server
        image: registry.k8s.io/metrics-server/metrics-server:v0.8.0
        ports: [{name: https, containerPort: 10250}]
        readinessProbe: {httpGet: {path: /readyz, port: https, scheme: HTTPS}, periodSeconds: 10}
---
apiVersion: v1
kind: Service
metadata: {name: metrics-server, namespace: kube-system}
spec:
  ports: [{name: https, port: 443, targetPort: https}]
  selector: {k8s-app: metrics-server}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.metrics.k8s.io}
spec:
  group: metrics.k8s.io
  groupPriorityMinimum: 100
  insecureSkipTLSVerify: true
  service: {name: metrics-server, namespace: kube-system}
  version: v1beta1
  versionPriority: 100
"""


def test_learners_can_install_it_themselves():
    parts = ("kube-apiserver", "kube-scheduler", "kube-controller-manager", "kubelet")
    lab = Lab(workers=1, components=parts)
    assert kubectl(lab, "top nodes") == "error: Metrics API not available\n"
    lab.apply(INSTALLED, echo=False)
    lab.run(1)
    assert kubectl(lab, "get apiservices v1beta1.metrics.k8s.io --no-headers").split()[2:4] == [
        "False",
        "(MissingEndpoints)",
    ]
    lab.run("60s")
    assert kubectl(lab, "get apiservices v1beta1.metrics.k8s.io --no-headers").split()[2] == "True"
    assert "worker-1" in kubectl(lab, "top nodes")
    kubectl(lab, "scale deployment metrics-server -n kube-system --replicas=0")
    lab.run("60s")
    assert "ServiceUnavailable" in kubectl(lab, "top nodes")


def test_a_loop_of_requests_is_load():
    lab = Lab(workers=2)
    lab.images["php:1"] = Program(cpu=1, cpu_per_request="50ms", latency="20ms")
    kubectl(lab, "create deployment php --image=php:1 --port=80")
    kubectl(lab, "expose deployment php --port=80")
    lab.run("60s")
    assert kubectl(lab, "top pods --no-headers").split()[1] == "1m"
    kubectl(lab, "run load --image=busybox:1.28 -- /bin/sh -c 'while sleep 0.01; do wget -q -O- http://php; done'")
    lab.run("60s")
    alone = int(kubectl(lab, "top pods --no-headers -l app=php").split()[1].removesuffix("m"))
    assert 500 < alone < 700
    kubectl(lab, "scale deployment php --replicas=2")
    lab.run("60s")
    both = [
        int(line.split()[1].removesuffix("m")) for line in kubectl(lab, "top pods --no-headers -l app=php").splitlines()
    ]
    assert len(both) == 2
    assert abs(sum(both) - alone) <= 3
    kubectl(lab, "set resources deployment php --limits=cpu=200m")
    lab.run("60s")
    capped = [line.split()[1] for line in kubectl(lab, "top pods --no-headers -l app=php").splitlines()]
    assert capped == ["200m", "200m"]
    pickle.loads(pickle.dumps(lab.cluster))


def test_shares():
    assert shared([Want(100, 2), Want(300, 2)], 1000) == [100, 300]
    assert shared([Want(900, 1024), Want(900, 512), Want(100, 2)], 1500) == [900, 597, 2]
    assert sum(shared([Want(1000, 2)] * 3, 1000)) in (999, 1000)
    assert paced(50.0, 20_000) == 25.0
