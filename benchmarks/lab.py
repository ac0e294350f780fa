"""The whole path: start-up, a rollout on many nodes, idle time, the demo."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.measure import Figure, cpu, peak_mebibytes, wall

KWOK = "kwok's own gate: 10,000 Pods in 60 s"


def _deployment(replicas: int) -> dict:
    labels = {"app": "web"}
    container = {"name": "web", "image": "nginx:1.29", "resources": {"requests": {"cpu": "100m", "memory": "100Mi"}}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def _import_seconds() -> float:
    command = [sys.executable, "-c", "import k8slab"]
    bare = wall(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True), 5)
    return wall(lambda: subprocess.run(command, check=True), 5) - bare


def _rollout(nodes: int, pods: int) -> None:
    from k8slab import Lab

    lab = Lab(workers=nodes)
    lab.apply(_deployment(pods), echo=False)
    if not lab.run_until(lambda lab: (lab.get("deployment/web").status.readyReplicas or 0) == pods, "30m"):
        raise AssertionError(f"{lab.get('deployment/web').status} after 30 minutes")


def figures() -> list[Figure]:
    """The figures that the README's promises rest on."""
    from k8slab import Lab

    Lab(workers=3)
    found = [
        Figure("import k8slab", _import_seconds(), "s", "< 0.3 s"),
        Figure("Lab(workers=3) ready", cpu(lambda: Lab(workers=3), 5), "s CPU", "< 0.1 s"),
    ]
    demo = [sys.executable, "-m", "k8slab.cli", "demo"]
    found.append(
        Figure("make demo", wall(lambda: subprocess.run(demo, check=True, capture_output=True)), "s", "< 10 s")
    )
    idle = Lab(workers=100)
    found.append(Figure("10 idle minutes, 100 nodes", cpu(lambda: idle.run("10m")), "s CPU", "< 1 s"))
    rollout = cpu(lambda: _rollout(500, 5000))
    found.append(Figure("5,000 Pods on 500 nodes, apply to Ready", rollout, "s CPU", "< 10 s", KWOK))
    found.append(Figure("peak memory of this run", peak_mebibytes(), "MiB"))
    return found
