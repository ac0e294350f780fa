"""Large clusters: rolling out and updating 10,000 Pods, idle nodes, deleting a namespace, memory. Each in a process of
its own, so that none pays for the garbage of another: ``python -m benchmarks.scale NAME`` runs one here."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

from benchmarks.lab import KWOK, _deployment
from benchmarks.measure import Figure, cpu, peak_mebibytes

PODS, NODES = 10_000, 500
IDLE_NODES, IDLE_MINUTES = 5_000, 10
CREATED = 150_000
REQUESTS = 5_000


def rollout() -> dict[str, float]:
    """CPU seconds from apply to all Ready, and of a rolling update to another image."""
    from k8slab import Lab

    lab = Lab(workers=NODES)
    first = cpu(lambda: _apply(lab, "nginx:1.29"))
    return {"rollout": first, "update": cpu(lambda: _apply(lab, "nginx:1.28"))}


def _apply(lab: object, image: str) -> None:
    wanted = _deployment(PODS)
    wanted["spec"]["template"]["spec"]["containers"][0]["image"] = image
    lab.apply(wanted, echo=False)
    generation = lab.get("deployment/web").metadata.generation

    def is_done(lab: object) -> bool:
        status = lab.get("deployment/web").status
        numbers = {status.replicas, status.readyReplicas, status.updatedReplicas} if status is not None else set()
        return numbers == {PODS} and status.observedGeneration == generation

    if not lab.run_until(is_done, "3h"):
        raise AssertionError(f"{lab.get('deployment/web').status} after three hours")


def idle() -> dict[str, float]:
    """CPU seconds to make a lab of many nodes, and for ten quiet minutes of it."""
    from k8slab import Lab

    labs: list[Lab] = []
    start = cpu(lambda: labs.append(Lab(workers=IDLE_NODES)))
    labs[0].run("1m")
    before = labs[0].history.revision
    spent = cpu(lambda: labs[0].run(f"{IDLE_MINUTES}m"))
    return {"start": start, "idle": spent, "revisions": labs[0].history.revision - before}


def namespace() -> dict[str, float]:
    """CPU seconds from deleting a namespace full of running Pods until it is gone."""
    from k8slab import Lab

    lab = Lab(workers=100)
    lab.kubectl("create namespace big", echo=False)
    lab.run("2s")
    for number in range(PODS):
        lab.client.create(_pod(number, "big"))
    lab.run("5m")

    def delete() -> None:
        lab.client.delete("namespaces", "big")
        if not lab.run_until(lambda lab: not _exists(lab), "3h"):
            raise AssertionError("the namespace is still there")

    return {"namespace": cpu(delete)}


def _exists(lab: object) -> bool:
    return any(each.metadata.name == "big" for each in lab.list("namespaces"))


def _pod(number: int, namespace: str) -> dict:
    container = {"name": "c", "image": "nginx:1.29", "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}}}
    metadata = {"name": f"p-{number}", "namespace": namespace, "labels": {"app": "web"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}


def memory() -> dict[str, float]:
    """Peak memory of a process that creates many Pods through the API, with all history and the journal."""
    from k8slab import Lab

    lab = Lab(workers=0, components=["kube-apiserver", "kube-controller-manager"])
    for number in range(CREATED):
        lab.client.create(_pod(number, "default"))
    if len(lab.list("pods")) != CREATED:
        raise AssertionError("Pods are missing")
    return {"memory": peak_mebibytes()}


def requests() -> dict[str, float]:
    """Requests a second of a client in the same process: creations and reads of ConfigMaps, one after the other."""
    from k8slab import Lab

    lab = Lab(workers=1)
    found = {}
    for name, client in (("client", lab.client), ("server", lab.cluster.component_client("kube-controller-manager"))):

        def work(client: object = client, name: str = name) -> None:
            for number in range(REQUESTS):
                metadata = {"name": f"{name}-{number}", "namespace": "default"}
                config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"k": "v"}}
                lab.client.create(config) if name == "client" else _direct(lab, config)
                lab.client.get("configmaps", metadata["name"], "default")

        found[name] = 2 * REQUESTS / cpu(work)
    return found


def _direct(lab: object, config: dict) -> None:
    from k8slab.api.request import Request

    metadata = config["metadata"]
    request = Request(verb="create", resource="configmaps", namespace=metadata["namespace"], body=config)
    if lab.cluster.server.handle(request).code != 201:
        raise AssertionError("not created")


PARTS: dict[str, Callable[[], dict[str, float]]] = {
    part.__name__: part for part in (rollout, idle, namespace, memory, requests)
}


def _measured(name: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.scale", name]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def figures() -> list[Figure]:
    """What large clusters cost."""
    rolled, quiet = _measured("rollout"), _measured("idle")
    many = f"{quiet['revisions']:.0f} revisions, {IDLE_MINUTES * 60 / quiet['idle']:.0f} times real time"
    asked = _measured("requests")
    return [
        Figure("10,000 Pods on 500 nodes, apply to Ready", rolled["rollout"], "s CPU", "< 20 s", KWOK),
        Figure("rolling update of them", rolled["update"], "s CPU", "< 40 s"),
        Figure("Lab(workers=5000)", quiet["start"], "s CPU", "< 5 s"),
        Figure("10 idle minutes, 5,000 nodes", quiet["idle"], "s CPU", "< 0.6 s", many),
        Figure("deleting a namespace with 10,000 Pods", _measured("namespace")["namespace"], "s CPU", "< 15 s"),
        Figure("create + get, lab.client", asked["client"], "requests/s", "> 20,000/s", "ConfigMaps, journalled"),
        Figure("create + get, the server's handle", asked["server"], "requests/s", "> 20,000/s", "ConfigMaps"),
        Figure("150,000 Pods created: peak memory", _measured("memory")["memory"], "MiB", "< 1,024 MiB"),
    ]


if __name__ == "__main__":
    print(json.dumps(PARTS[sys.argv[1]]()))
