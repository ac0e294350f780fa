"""Replays recorded scheduling scenarios on an API server and a scheduler alone, and compares every decision.

The recordings' README says what is compared and how. Where the recorded scheduler chose one of several equally good
nodes, the replay takes the same one, so that later Pods meet the same state.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from k8slab.api.request import UserInfo
from k8slab.apiserver import APIServer
from k8slab.apiserver.admission import PLUGINS
from k8slab.client import Client
from k8slab.errors import ApiError
from k8slab.etcd.store import Store
from k8slab.scheduler import Scheduler
from k8slab.sim.clock import MILLISECOND, SECOND, Clock
from k8slab.sim.seed import Streams
from k8slab.sim.trace import Trace

ADMISSION_OFF = ("TaintNodesByCondition", "ServiceAccount", "StorageObjectInUseProtection")
NAMESPACES = ("team-a", "team-b", "team-c")
THROUGH_STATUS = ("Pod", "PodDisruptionBudget", "PersistentVolume", "PersistentVolumeClaim")
STEP = 5 * MILLISECOND
PLURALS = {
    "Pod": "pods",
    "Node": "nodes",
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "PersistentVolume": "persistentvolumes",
    "PodDisruptionBudget": "poddisruptionbudgets",
    "Namespace": "namespaces",
}


class Steered(Scheduler):
    """A scheduler that takes, among equally good nodes, the one which the recording took (`wanted`, by Pod)."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.wanted: dict[str, str] = {}
        self.current = ""

    def _schedule_one(self, queued: Any) -> None:
        self.current = "/".join(queued.info.key)
        super()._schedule_one(queued)

    def pick(self, slots: list[int]) -> int:
        for slot in slots:
            if self.cache.nodes[slot].name == self.wanted.get(self.current):
                return slot
        return super().pick(slots)


class Replay:
    """One scenario, played again."""

    def __init__(self, scenario: dict[str, Any]) -> None:
        self.scenario = scenario
        self.differences: list[str] = []
        self.clock = Clock()
        trace = Trace(self.clock)
        streams = Streams(scenario.get("seed", 1))
        self.server = APIServer(Store(), self.clock, streams, trace, admission=admission_plugins())
        self.server.bootstrap()
        self.client = Client(self.server.handle, self.clock, trace)
        user = UserInfo(name="system:kube-scheduler", groups=("system:authenticated",))
        component = Client(self.server.handle, self.clock, trace, user=user, user_agent="kube-scheduler")
        self.scheduler = Steered(component, self.clock, streams, trace)
        self.conditions: dict[str, Any] = {}

    def play(self) -> list[str]:
        given = {one["metadata"]["name"] for one in self.scenario["objects"] if one["kind"] == "Namespace"}
        for name in NAMESPACES:
            if name in given:
                continue
            self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        self.client.watch("pods", self.see)
        self.scheduler.start()
        for obj in self.scenario["objects"]:
            self.create(obj)
        self.clock.run_for(SECOND)
        for manifest, expected in zip(self.scenario["pods"], self.scenario["results"], strict=True):
            self.pod(manifest, expected)
        self.finish()
        return self.differences

    # --- playing

    def create(self, manifest: dict[str, Any]) -> None:
        obj = json.loads(json.dumps(manifest))
        metadata = obj["metadata"]
        for owner in metadata.get("ownerReferences", ()):
            if owner["uid"].startswith("<uid of "):
                namespace, name = owner["uid"][8:-1].split("/")
                owner["uid"] = self.client.get("replicasets.apps", name, namespace).metadata.uid
        status = obj.pop("status", None) if obj["kind"] in THROUGH_STATUS else None
        try:
            created = self.client.create(obj, metadata.get("namespace"))
        except ApiError as error:
            if error.reason == "AlreadyExists":
                return
            raise
        if status:
            resource = PLURALS[obj["kind"]]
            self.client.patch(resource, metadata["name"], {"status": status}, created.metadata.namespace, "status")

    def pod(self, manifest: dict[str, Any], expected: dict[str, Any]) -> None:
        namespace, name = expected["pod"].split("/")
        self.scheduler.wanted[expected["pod"]] = expected.get("nominatedNode") or expected.get("node") or ""
        self.create(manifest)
        for _ in range(20):
            self.clock.run_for(STEP)
            if expected["pod"] in self.conditions or self.node_of(expected["pod"]):
                break
        self.clock.run_for(4 * STEP)
        attempts = self.scheduler.decisions.of(namespace, name)
        preempting = next((one for one in attempts if one.outcome == "preempting"), None)
        victims: list[str] = []
        if preempting is not None:
            victims = self.preempted(self.client.get("pods", name, namespace).metadata.uid)
            self.scheduler.wanted[expected["pod"]] = expected.get("node") or ""
            self.play_kubelet(victims)
            self.wait_bound(name, namespace)
        self.compare(expected, preempting, victims)

    def preempted(self, uid: str = "") -> list[str]:
        """The victims deleted (for a Pod); those that were on their way out already are not."""
        found = self.client.list("events").items
        mine = [one for one in found if one.reason == "Preempted" and f"by pod {uid}" in one.message]
        return [f"{one.involvedObject.namespace}/{one.involvedObject.name}" for one in mine]

    def see(self, event: Any) -> None:
        """Keep the first reason why each Pod was not scheduled."""
        pod = event.object
        condition = unscheduled(pod) if event.type in ("ADDED", "MODIFIED") else None
        if condition is not None:
            self.conditions.setdefault(f"{pod.metadata.namespace}/{pod.metadata.name}", condition)

    def play_kubelet(self, victims: list[str]) -> None:
        if self.scenario.get("victimTermination") != "atEnd":
            self.remove(victims)

    def remove(self, victims: list[str]) -> None:
        for victim in victims:
            namespace, name = victim.split("/")
            try:
                self.client.delete("pods", name, namespace, grace_period_seconds=0)
            except ApiError as error:
                if error.code != 404:
                    raise

    def wait_bound(self, name: str, namespace: str) -> None:
        if self.scenario.get("victimTermination") == "atEnd":
            return
        for _ in range(200):
            self.clock.run_for(STEP)
            if self.client.get("pods", name, namespace).spec.nodeName:
                return

    def finish(self) -> None:
        self.scheduler.wanted.update((key, node) for key, node in (self.scenario.get("final") or {}).items() if node)
        for _ in range(3 if self.scenario.get("victimTermination") == "atEnd" else 1):
            self.remove(self.preempted())
            self.clock.run_for(2 * SECOND)
        final = self.scenario.get("final")
        accepted = [final, *self.scenario.get("finalAlternatives", ())]
        placed = {key: self.node_of(key) for key in final or {}}
        if final is not None and placed not in accepted and not self.tie_explains(placed, final):
            self.differ("final", final, placed)
        if "actions" in self.scenario:
            self.actions()
        for expected in self.scenario["results"]:
            self.compare_events(expected, expected["pod"])

    def actions(self) -> None:
        results = []
        for action, result in zip(self.scenario["actions"], self.scenario["actionResults"], strict=True):
            self.scheduler.wanted.update((key, node) for key, node in result["placements"].items() if node)
            self.act(action)
            self.clock.run_for(15 * SECOND)
            results.append(self.placements())
        accepted = [self.scenario["actionResults"], *self.scenario.get("actionAlternatives", ())]
        if results not in accepted:
            for index, (expected, actual) in enumerate(zip(accepted[0], results, strict=True)):
                if expected != actual:
                    self.differ(f"action {index}", expected, actual)

    def act(self, action: dict[str, Any]) -> None:
        kind, name, namespace = action.get("kind"), action.get("name"), action.get("namespace", "default")
        if action["op"] == "wait":
            self.clock.run_for(int(action["seconds"] * SECOND))
        elif action["op"] == "create":
            self.create(action["object"])
        elif action["op"] == "patch":
            subresource = (action.get("subresource") or "").strip("/")
            self.client.patch(PLURALS[kind], name, action["patch"], namespace, subresource)
        else:
            self.client.delete(PLURALS[kind], name, namespace, grace_period_seconds=0)

    def placements(self) -> dict[str, Any]:
        keys = [result["pod"] for result in self.scenario["results"]]
        conditions = {}
        for key in keys:
            namespace, name = key.split("/")
            pod = self.client.get("pods", name, namespace)
            found = next((one for one in pod.status.conditions or () if one.type == "PodScheduled"), None)
            conditions[key] = shown(found)
        return {"placements": {key: self.node_of(key) for key in keys}, "conditions": conditions}

    def node_of(self, key: str) -> str | None:
        namespace, name = key.split("/")
        try:
            return self.client.get("pods", name, namespace).spec.nodeName or None
        except ApiError:
            return None

    # --- comparing

    def differ(self, what: str, expected: Any, actual: Any) -> None:
        self.differences.append(f"{what}\n    recorded {json.dumps(expected)}\n    here     {json.dumps(actual)}")

    def tie_explains(self, placed: dict[str, Any], final: dict[str, Any]) -> bool:
        """Whether all differences are Pods that went to another of the best nodes at a later try."""
        for key, node in final.items():
            if placed[key] == node:
                continue
            if node is None or placed[key] is None:
                return False
            namespace, name = key.split("/")
            attempt = self.scheduler.decisions.of(namespace, name)[-1]
            if node not in self.scheduler.explain(namespace, name, attempt.number).tied:
                return False
        return True

    def compare(self, expected: dict[str, Any], preempting: Any, victims: list[str]) -> None:
        key = expected["pod"]
        actual = self.actual(expected, preempting, victims)
        for name in ("outcome", "node", "condition", "nominatedNode", "victims", "feasible", "evaluatedNodes"):
            wanted = [expected.get(name), *(one.get(name) for one in expected.get("alternatives", ()))]
            if name in expected and actual.get(name) not in wanted:
                self.differ(f"{key} {name}", expected[name], actual.get(name))
        for name in ("scores", "total", "tied"):
            if name in expected and actual.get(name) != expected[name]:
                self.differ(f"{key} {name}", *changed(expected[name], actual.get(name)))

    def actual(self, expected: dict[str, Any], preempting: Any, victims: list[str]) -> dict[str, Any]:
        namespace, name = expected["pod"].split("/")
        node = self.node_of(expected["pod"])
        condition = self.conditions.get(expected["pod"])
        attempts = self.scheduler.decisions.of(namespace, name)
        found: dict[str, Any] = {"node": node, "condition": shown(condition), "feasible": []}
        if not attempts:
            found["outcome"] = "preassigned" if node else "gated" if condition is not None else "ignored"
            return found
        found["outcome"] = attempts[0].outcome
        if preempting is not None:
            found["nominatedNode"] = preempting.nominated
            found["victims"] = sorted(victims)
        if attempts[-1].outcome == "scheduled":
            self.explained(found, namespace, name)
        return found

    def explained(self, found: dict[str, Any], namespace: str, name: str) -> None:
        explanation = self.scheduler.explain(namespace, name)
        found["evaluatedNodes"] = explanation.evaluated
        found["feasible"] = sorted(node.name for node in explanation.nodes if node.feasible)
        scored = [node for node in explanation.nodes if node.total is not None]
        found["scores"] = {
            node.name: {plugin: score.weighted for plugin, score in node.scores.items()} for node in scored
        }
        found["total"] = {node.name: node.total for node in scored}
        if len(explanation.tied) > 1:
            found["tied"] = sorted(explanation.tied)
        if scored and explanation.node not in explanation.tied:
            self.differ(f"{namespace}/{name} explanation", explanation.tied, explanation.node)

    def compare_events(self, expected: dict[str, Any], key: str) -> None:
        recorded = expected.get("events") or []
        actual = self.events(key)
        if not recorded or not actual:
            if recorded or actual:
                self.differ(f"{key} events", recorded[:1], actual[:1])
            return
        if plain(recorded[0]) != actual[0]:
            self.differ(f"{key} first event", plain(recorded[0]), actual[0])
        if recorded[-1]["reason"] == "Scheduled" and len(recorded) > 1 and expected["node"]:
            ours = actual[-1]
            if ours["reason"] != "Scheduled":
                self.differ(f"{key} last event", plain(recorded[-1]), ours)

    def events(self, key: str) -> list[dict[str, str]]:
        namespace, name = key.split("/")
        items = self.client.list("events", namespace).items
        mine = [one for one in items if one.involvedObject.name == name and one.involvedObject.kind == "Pod"]
        mine.sort(key=lambda one: int(one.metadata.resourceVersion))
        return [
            {"type": one.type, "reason": one.reason, "action": one.action, "message": self.without_uids(one.message)}
            for one in mine
        ]

    def without_uids(self, message: str) -> str:
        for pod in self.client.list("pods").items:
            uid = f"<uid of {pod.metadata.namespace}/{pod.metadata.name}>"
            message = message.replace(pod.metadata.uid, uid)
        return message


def admission_plugins() -> list[str]:
    return [name for name in (plugin.name for plugin in PLUGINS) if name not in ADMISSION_OFF]


def unscheduled(pod: Any) -> Any:
    for one in (pod.status.conditions if pod.status is not None else None) or ():
        if one.type == "PodScheduled" and one.status == "False":
            return one
    return None


def shown(condition: Any) -> dict[str, str] | None:
    if condition is None:
        return None
    fields = {"status": condition.status, "reason": condition.reason, "message": condition.message}
    return {name: value for name, value in fields.items() if value}


def plain(event: dict[str, Any]) -> dict[str, str]:
    return {name: event[name] for name in ("type", "reason", "action", "message")}


def changed(expected: Any, actual: Any) -> tuple[Any, Any]:
    """Only what differs of two dicts (of dicts)."""
    if not isinstance(expected, dict) or not isinstance(actual, dict):
        return expected, actual
    left, right = {}, {}
    for key in {**expected, **actual}:
        if expected.get(key) != actual.get(key):
            left[key], right[key] = changed(expected.get(key), actual.get(key))
    return left, right


def scenarios(folder: Path, only: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            scenario = json.loads(line)
            if not only or any(scenario["id"].startswith(one) for one in only):
                yield scenario


def main(folder: Path | str, *only: str) -> int:
    """Replay all scenarios (or those whose id begins with one of `only`); 0 if all are equal."""
    equal = total = 0
    for scenario in scenarios(Path(folder), only):
        total += 1
        try:
            differences = Replay(scenario).play()
        except Exception as error:
            if only:
                raise
            differences = [f"{type(error).__name__}: {error}"]
        if differences:
            print(f"{scenario['id']}:")
            for one in differences:
                print(f"  {one}")
        else:
            equal += 1
    print(f"scheduler: {equal}/{total}")
    return 0 if equal == total else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
