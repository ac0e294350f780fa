"""Command lines and manifests made up at random, always the same: one line about what is wrong, never a traceback."""

from __future__ import annotations

import contextlib
import copy
import random
from typing import Any

import pytest

from k8slab import Lab
from k8slab.errors import K8sLabError

LINES = """get describe delete apply create edit patch label annotate scale rollout logs exec top explain wait run
expose set taint cordon drain auth api-resources config cp diff events port-forward attach debug pods pod/web deploy
svc/x
nodes worker-1 all crd cm secret generic deployment namespace default -n --all-namespaces -A -o yaml -o=json
-ojsonpath {.items[*]} {.items[ -ocustom-columns= -o=custom-columns=A:.x[ -l a=b -l=, --field-selector=,=
--selector=!
-f - -k . -w=false --replicas=x --replicas=99999999999999999999 --timeout=1y --for=condition= --for=jsonpath={ -p {}
-p [
--type=json --type=nope --dry-run=x --dry-run=client --image= --image=:: --from-literal== --from-literal=a
--port=-1
--tail=-2 --since=x --grace-period=-5 --sort-by={.x --as= --as=x:y -- - -- sh -c --raw /api/../x --raw= 0 '' "" é $
--help
-h status history undo --to-revision=-1 a=b a- =b a=b:NoSchedule can-i '*' whoami -v=x --v=99999999999 --context=x
--server=: --chunk-size=-1"""
WORDS = LINES.split()
JUNK: tuple[Any, ...] = (
    None, "", 0, -1, 2**63, 10**30, 1.5, True, [], {}, [None], [[]], [{}], {"": ""}, {"a": None}, "a" * 300, "\x00",
    "é", "..", "1Gi", "-5%", "9999-99-99T00:00:00Z", "$(A", "(a+)+$", "10.0.0.0/99", "::1", "0 0 31 2 *",
    {"matchExpressions": [{"key": "a", "operator": "In"}]},
)  # fmt: skip
POD = {"containers": [{"name": "c", "image": "nginx:1.29", "ports": [{"containerPort": 80}], "env": [{"name": "A"}]}]}
META = {"name": "made-up", "labels": {"app": "made-up"}}
TEMPLATE = {"metadata": {"labels": {"app": "made-up"}}, "spec": POD}
SELECTOR = {"matchLabels": {"app": "made-up"}}
ROLLED = {"selector": SELECTOR, "template": TEMPLATE}
LIMITS = {"limits": [{"type": "Pod", "max": {"cpu": 1}}]}
MANIFESTS: tuple[dict[str, Any], ...] = (
    {"apiVersion": "v1", "kind": "Pod", "metadata": META, "spec": POD},
    {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": META, "spec": ROLLED},
    {"apiVersion": "v1", "kind": "Service", "metadata": META, "spec": {"type": "NodePort", "ports": [{"port": 80}]}},
    {"apiVersion": "v1", "kind": "LimitRange", "metadata": META, "spec": LIMITS},
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**META, "ownerReferences": [
        {"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "x"}]}, "data": {"a": "b"}},
    {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": META, "spec": {
        "maxReplicas": 2, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "made-up"}}},
)  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_command_lines(lab: Lab, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(60):
        line = " ".join(chance.choice(WORDS) for _ in range(chance.randint(1, 7)))
        output = lab.kubectl(line, stdin=chance.choice(("", "{", "a: b", "kind: List")), echo=False)
        assert "Traceback" not in output.text, line


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything in a manifest, except for its kind."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    below = [place for key, part in parts if key not in ("kind", "apiVersion") for place in places(part, (*path, key))]
    return ([path] if path else []) + below


def spoilt(chance: random.Random) -> dict[str, Any]:
    """A manifest with one to three parts replaced, lost, or repeated."""
    manifest = copy.deepcopy(chance.choice(MANIFESTS))
    for _ in range(chance.choice((1, 1, 2, 3))):
        *way, last = chance.choice(places(manifest) or [("spec",)])
        part: Any = manifest
        for key in way:
            part = part[key]
        if chance.random() < 0.15 and isinstance(part, dict):
            part.pop(last, None)
        elif chance.random() < 0.15 and isinstance(part, list):
            part.append(copy.deepcopy(part[last]))
        else:
            part[last] = copy.deepcopy(chance.choice(JUNK))
    return manifest


@pytest.mark.parametrize("seed", range(6))
def test_manifests(seed: int) -> None:
    lab, chance = Lab(workers=1), random.Random(seed)
    for number in range(60):
        with contextlib.suppress(K8sLabError):
            lab.apply(spoilt(chance))
        if number % 10 == 9:
            lab.run("40s")
