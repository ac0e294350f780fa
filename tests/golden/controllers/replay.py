"""Runs a recorded scenario on our API server and controllers, and records what happens in the same form."""

from __future__ import annotations

import json
import re
from math import exp
from typing import Any

from k8slab.api.codec import from_dict, to_dict
from k8slab.apiserver import APIServer
from k8slab.client import Client
from k8slab.controllers import ControllerManager
from k8slab.errors import ApiError
from k8slab.etcd.store import Store
from k8slab.sim.clock import EPOCH_US, SECOND, Clock
from k8slab.sim.seed import Streams
from k8slab.sim.trace import Trace
from tests.golden.controllers.kubelets import Script, World
from tests.golden.controllers.recording import ABSENT, Scenario, flatten

STRATEGIC = "application/strategic-merge-patch+json"
JOINS = re.compile(r"^node (\S+) joins$")
STOPS = re.compile(r"^the kubelet of (\S+) stops$")
STARTS = re.compile(r"^the kubelet of (\S+) starts again$")
STANDBY = re.compile(r"^a second controller-manager starts")
SIGNAL = re.compile(r"^signal (\d+) to the leading controller-manager$")
LEAVES = re.compile(r"^node (\S+) leaves")
CREATE = re.compile(r"^create (\w+) (\S+)$")
DELETE = re.compile(r"^delete (\w+) (\S+?)(?: propagationPolicy=(\w+))?$")
UID = re.compile(r"<uid:(\w+)/([^<>]*(?:<[^<>]*>[^<>]*)*)>")
NEVER_MADE = re.compile(r'(pods \\"[^"\\]*)-[bcdfghjklmnpqrstvwxz2456789]{5}(\\")')
"""Names of Pods whose creation was refused."""
SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"
WAITING = ("WaitForFirstConsumer", "WaitForPodScheduled")
PROVISIONER = re.compile(r"external provisioner '([^']+)'")
NO_PROVISIONER = "kubernetes.io/no-provisioner"
LEASE = "Lease/kube-controller-manager"
KILL = 9
BOOT = 60 * SECOND
UNEVENNESS = (-2.0, 1.5)
"""Natural logarithms of the least and the most that a write takes, compared with the pace."""
WHILE = SECOND // 4
"""How long a machine keeps its speed."""
TAIL = 2 * SECOND


def replay(recorded: Scenario, latency: int, write_cost: int, seed: int = 7, uneven: bool = False) -> Scenario:
    """What our controllers make of the scenario.

    Args:
        recorded: the scenario.
        latency: of watches, in microseconds.
        write_cost: how long a controller is busy with each write, in microseconds.
        seed: of chance, such as when a candidate for a Lease looks at it.
        uneven: writes take now more, now less time, as on a busy machine; the seed says when.
    """
    return Replay(recorded, latency, write_cost, seed, uneven).run()


class Replay:
    """One run."""

    def __init__(self, recorded: Scenario, latency: int, write_cost: int, seed: int, uneven: bool) -> None:
        self.recorded = recorded
        self.write_cost = write_cost
        self.clock = Clock(start=-BOOT, epoch=_epoch(recorded))
        self.trace = Trace(self.clock)
        self.streams = streams = Streams(seed)
        self.store = Store()
        self.names = Names(recorded)
        self.result = Scenario(recorded.name, recorded.namespace, recorded.seconds, {}, [])
        server = APIServer(self.store, self.clock, streams, self.trace, watch_latency=latency)
        server.bootstrap()
        self.client = Client(server.handle, self.clock, self.trace, user_agent="recorder")
        self.seen: set[str] = set()
        self.known = {f"{line.get('kind')}/{line.get('name')}" for line in recorded.lines}
        self.known |= {line["name"] for line in recorded.events()}
        self.managers: list[ControllerManager] = []
        self._start_manager()
        self.world = World(self.client, self.clock, scripts(recorded), self.names.of_pod)
        for index in (1, 2, 3, 4):
            self.world.join(f"n{index}", f"192.168.9.{index}", _labels(f"n{index}"), [])
        self.clock.run_until(-1)
        if uneven:
            self._change_speed()
        self.store.watch("/registry/", self._observe, self.store.revision + 1)

    def _start_manager(self) -> None:
        """Another kube-controller-manager; they compete where the recording shows the Lease."""
        client = Client(self.client.handle, self.clock, self.trace, user_agent="kube-controller-manager")
        identity = f"<controller-manager-{len(self.managers) + 1}>" if LEASE in self.known else ""
        # The recorded cluster did not hand out Pod ranges, and its clients' limits were raised.
        options = {"allocate_node_cidrs": False, "request_time": self.write_cost, "kube_api_qps": 0}
        manager = ControllerManager(client, self.clock, self.streams, self.trace, identity=identity, **options)
        manager.start()
        self.managers.append(manager)

    def _change_speed(self) -> None:
        """Other work on the machine makes each controller slower or faster for a while."""
        rng = self.streams.stream("speed")
        for manager in self.managers:
            for controller in manager.controllers.values():
                controller.loop.write_cost = int(self.write_cost * exp(rng.uniform(*UNEVENNESS)))
        self.clock.call_after(WHILE, self._change_speed)

    def _signal(self, number: int) -> None:
        leader = next(manager for manager in self.managers if manager.leading)
        if number == KILL:
            leader.crash()
        else:
            leader.stop()

    def run(self) -> Scenario:
        if not any(line["type"] == "ACTION" and line["action"].startswith("create Namespace") for line in self._head()):
            self.client.create(from_dict(self._unrecorded("Namespace", self.recorded.namespace)))
        for position, line in enumerate(self.recorded.lines):
            if line["type"] == "ACTION":
                self.clock.run_until(max(self.clock.now, round(line["t"] * SECOND)))
                self._act(line, self.recorded.lines[position + 1 :])
        self.clock.run_until(max(self.clock.now, round(self.recorded.seconds * SECOND)))
        for manager in self.managers:
            for name, controller in manager.controllers.items():
                for failure in controller.loop.errors:
                    self.result.problems.append(f"{failure.time / SECOND:.2f} {name} {failure.key}: {failure.message}")
        return self.names.apply(self.result)

    def _head(self) -> list[dict[str, Any]]:
        return self.recorded.lines[:2]

    # --- actions

    def _act(self, line: dict[str, Any], later: list[dict[str, Any]]) -> None:
        action, body = line["action"], self._filled(line.get("body"))
        try:
            self._do(action, body, later)
        except ApiError as error:
            self.result.lines.append(
                {"type": "RESULT", "t": self.now, "action": f"-> {error.code} {error}", "of": action}
            )

    def _do(self, action: str, body: Any, later: list[dict[str, Any]]) -> None:
        if found := JOINS.match(action):
            self._join(found[1])
        elif found := STOPS.match(action):
            self.world.stop(found[1])
        elif found := STARTS.match(action):
            self.world.start(found[1], self._address(found[1]))
        elif found := LEAVES.match(action):
            self.world.stop(found[1])
            self.client.delete("nodes", found[1])
        elif STANDBY.match(action):
            self._start_manager()
        elif found := SIGNAL.match(action):
            self._signal(int(found[1]))
        elif found := CREATE.match(action):
            body = body or self._unrecorded(found[1], found[2])
            self.client.create(from_dict(body), namespace=self.recorded.namespace)
        elif action == "delete the namespace":
            self.client.delete("namespaces", self.recorded.namespace)
        elif found := DELETE.match(action):
            self._delete(found[1], self.names.actual(found[2]), found[3])
        elif action.startswith("kubectl "):
            self._kubectl(action)
        elif body is not None:
            self._patch(action, body, later)
        else:
            self.result.problems.append(f"unsupported: {action}")

    def _unrecorded(self, kind: str, name: str) -> dict[str, Any]:
        """An object whose body was not recorded. What a StorageClass was like, events about its claims tell."""
        if kind == "StorageClass":
            told = [event for event in self.recorded.events() if event["name"].startswith("PersistentVolumeClaim/")]
            waits = any(event["reason"] in WAITING for event in told)
            asked = [found[1] for event in told if (found := PROVISIONER.search(event["message"]))]
            mode = "WaitForFirstConsumer" if waits else "Immediate"
            more = {"provisioner": asked[0] if asked else NO_PROVISIONER, "volumeBindingMode": mode}
            return {"apiVersion": "storage.k8s.io/v1", "kind": kind, "metadata": {"name": name}, **more}
        return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}

    def _join(self, name: str) -> None:
        added = next(line for line in self.recorded.lines if line["type"] == "ADDED" and line.get("name") == name)[
            "object"
        ]
        given = [t for t in added["spec"].get("taints", []) if not t["key"].startswith("node.kubernetes.io/")]
        self.world.join(name, self._address(name), added["metadata"]["labels"], given)

    def _address(self, name: str) -> str:
        for line in self.recorded.lines:
            if line.get("kind") == "Node" and line["type"] == "MODIFIED" and line["name"] == name:
                for change in line["changes"]:
                    if change["path"] == "status.addresses[0].address":
                        return change["to"]
        return "192.168.9.99"

    def _delete(self, kind: str, name: str, policy: str | None) -> None:
        resource = self._resource(kind)
        namespace = self.recorded.namespace if resource.namespaced else None
        self.client.delete(resource.group_resource, name, namespace, propagation_policy=policy)

    def _patch(self, action: str, body: Any, later: list[dict[str, Any]]) -> None:
        kind, name = _target(action, body, later)
        resource = self._resource(kind)
        subresource = "status" if set(body) == {"status"} else ""
        namespace = self.recorded.namespace if resource.namespaced else None
        self.client.patch(
            resource.group_resource, self.names.actual(name), body, namespace, subresource, patch_type=STRATEGIC
        )

    def _resource(self, kind: str) -> Any:
        return self.client.scheme.resource(kind.lower())

    def _kubectl(self, command: str) -> None:
        try:
            from k8slab import kubectl
        except ImportError as error:
            self.result.problems.append(f"no kubectl: {error}")
            return
        result = kubectl.run(self.names.actual(command.removeprefix("kubectl ")), Session(self))
        text = "\n".join(part.strip() for part in (result.stdout, result.stderr) if part.strip())
        line = {"type": "RESULT", "t": self.now, "action": f"exit {result.exit_code}: {text}", "of": command}
        self.result.lines.append(line)

    def _filled(self, body: Any) -> Any:
        return json.loads(UID.sub(self._uid, json.dumps(body))) if body is not None else None

    def _uid(self, found: re.Match[str]) -> str:
        resource = self._resource(found[1])
        namespace = self.recorded.namespace if resource.namespaced else None
        return self.client.get(resource.group_resource, self.names.actual(found[2]), namespace).metadata.uid

    # --- what happens

    @property
    def now(self) -> float:
        return self.clock.now / SECOND

    def _observe(self, event: Any) -> None:
        obj = event.kv.value if event.type == "PUT" else event.prev.value
        if obj.kind == "Event":
            if obj.metadata.namespace in (self.recorded.namespace, "default", "kube-system") and event.type == "PUT":
                self._observe_event(obj)
            return
        if obj.metadata.namespace not in (None, self.recorded.namespace) and not self._is_lease(obj):
            return
        line: dict[str, Any] = {"t": self.now, "kind": obj.kind, "name": obj.metadata.name}
        if event.type != "PUT":
            self.result.lines.append({**line, "type": "DELETED"})
            return
        new = _plain(obj)
        if event.prev is None or event.prev.value is None:
            self.names.learn(obj)
            self.result.lines.append({**line, "type": "ADDED", "object": new})
            return
        before, after = flatten(_plain(event.prev.value)), flatten(new)
        if self._is_lease(obj) and obj.metadata.name not in self.seen:
            before = {path: value for path, value in after.items() if path.startswith("metadata.")}
            self.seen.add(obj.metadata.name)
        changes = [
            {"path": path, "from": before.get(path, ABSENT), "to": after.get(path, ABSENT)}
            for path in sorted(before.keys() | after.keys())
            if before.get(path, ABSENT) != after.get(path, ABSENT)
        ]
        for change in changes:
            for side in ("from", "to"):
                if change[side] == ABSENT:
                    del change[side]
        self.result.lines.append({**line, "type": "MODIFIED", "changes": changes})

    def _is_lease(self, obj: Any) -> bool:
        """One of the Leases for which components compete; the recorder saw them whole at their first change."""
        return obj.kind == "Lease" and f"Lease/{obj.metadata.name}" in self.known

    def _observe_event(self, obj: Any) -> None:
        about = obj.involvedObject
        if about.namespace not in (None, self.recorded.namespace) and about.kind != "Lease":
            return
        if about.kind == "Node" and f"Node/{about.name}" not in self.known:
            return
        self.result.lines.append(
            {
                "type": "EVENT",
                "t": self.now,
                "kind": "Event",
                "name": f"{about.kind}/{about.name}",
                "reason": obj.reason,
                "message": obj.message,
                "eventType": obj.type,
                "count": obj.count or 1,
                "source": (obj.source.component if obj.source else None) or obj.reportingComponent,
            }
        )


class Names:
    """Our names and the recording's: hashes by their value, generated suffixes by order of creation."""

    def __init__(self, recorded: Scenario) -> None:
        self.hashes = {value: label for label, value in recorded.hashes.items()}
        self.by_actual: dict[str, str] = {}
        self.by_alias: dict[str, str] = {}
        self.counts: dict[tuple[str, str], int] = {}
        self.values: dict[str, str] = {}

    def learn(self, obj: Any) -> None:
        metadata = obj.metadata
        self.values[metadata.uid] = f"<uid:{obj.kind}/{metadata.name}>"
        if obj.kind == "Job" and SCHEDULED in (metadata.annotations or {}):
            minute = metadata.name.rpartition("-")[2]
            self.hashes.setdefault(minute, f"<minute:{sum('minute' in h for h in self.hashes.values()) + 1}>")
        if not metadata.generateName or metadata.name in self.by_actual:
            return
        base = self._hashed(metadata.generateName.removesuffix("-"))
        key = (obj.kind, base)
        self.counts[key] = self.counts.get(key, 0) + 1
        alias = f"{base}-({self.counts[key]})"
        self.by_actual[metadata.name] = alias
        self.by_alias[alias] = metadata.name

    def of_pod(self, pod: Any) -> str:
        self.learn(pod)
        return self.by_actual.get(pod.metadata.name, self._hashed(pod.metadata.name))

    def _hashed(self, text: str) -> str:
        for value, label in self.hashes.items():
            text = text.replace(value, label)
        return text

    def actual(self, text: str) -> str:
        for alias, name in self.by_alias.items():
            text = text.replace(alias, name)
        for value, label in self.hashes.items():
            text = text.replace(label, value)
        return text

    def apply(self, result: Scenario) -> Scenario:
        text = json.dumps({"lines": result.lines, "problems": result.problems})
        for uid, label in self.values.items():
            text = text.replace(uid, label)
        for name in sorted(self.by_actual, key=len, reverse=True):
            text = text.replace(name, self.by_actual[name])
        text = NEVER_MADE.sub(r"\1-<rand5>\2", self._hashed(text))
        parsed = json.loads(text)
        result.lines, result.problems = parsed["lines"], parsed["problems"]
        return result


class Session:
    """What kubectl needs of a session."""

    def __init__(self, run: Replay) -> None:
        self.client = run.client
        self.clock = run.clock
        self.namespace = run.recorded.namespace

    def run_until(self, predicate: Any, timeout_us: int) -> bool:
        end = self.clock.now + timeout_us
        while not predicate():
            due = self.clock.next_time()
            if due is None or due > end:
                self.clock.run_until(end)
                return bool(predicate())
            self.clock.step()
        return True

    def read_file(self, path: str) -> str:
        raise FileNotFoundError(path)


def _labels(name: str) -> dict[str, str]:
    return {"kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}


def _epoch(recorded: Scenario) -> int:
    """The time of day at which the scenario began, so that CronJobs' minutes come when they came."""
    for line in recorded.lines:
        if line["type"] == "ADDED" and line["kind"] == "Job" and "<minute:1>" in line["name"]:
            return EPOCH_US + 60 * SECOND - round((line["t"] - 0.2) * SECOND)
    return EPOCH_US


def _plain(obj: Any) -> dict[str, Any]:
    data = to_dict(obj)
    data.pop("apiVersion", None)
    data.pop("kind", None)
    for name in ("resourceVersion", "managedFields", "generateName"):
        data["metadata"].pop(name, None)
    return data


def _target(action: str, body: Any, later: list[dict[str, Any]]) -> tuple[str, str]:
    """What a patch was for, which actions do not always say: what changed next in one of its fields, or was named."""
    wanted = [path.split("[")[0] for path in flatten(body)]
    for line in later:
        if line["type"] == "MODIFIED" and any(
            change["path"].startswith((path, path.rsplit(".", 1)[0] + "["))
            for change in line["changes"]
            for path in wanted
        ):
            return line["kind"], line["name"]
    for line in later:
        if line["type"] == "DELETED" and line["name"] in action.split():
            return line["kind"], line["name"]
    raise AssertionError(f"nothing changed after {body}")


def scripts(recorded: Scenario) -> dict[str, list[Script]]:
    """What kubelets and scheduler did to each Pod."""
    result: dict[str, list[Script]] = {}
    for key, lives in recorded.histories().items():
        if not key.startswith("Pod/"):
            continue
        for history in lives:
            script = Script()
            before: dict[str, Any] = {}
            for time, state in history.states:
                _note(script, before, state, time)
                before = state
            result.setdefault(history.name, []).append(script)
    return result


def _note(script: Script, before: dict[str, Any], state: dict[str, Any], time: float) -> None:
    def became(path: str, value: Any) -> bool:
        return state.get(path) == value and before.get(path) != value

    if state.get("spec.nodeName") and before and not before.get("spec.nodeName"):
        script.node, script.times["bound"] = state["spec.nodeName"], time
    if became("status.phase", "Running"):
        script.times["running"] = time
    if became("status.conditions[Ready].status", "True"):
        script.times["ready"] = time
    if (became("status.phase", "Failed") or became("status.phase", "Succeeded")) and "status.reason" not in state:
        script.times["ended"] = time
    if state.get("metadata.deletionTimestamp") and not before.get("metadata.deletionTimestamp"):
        script.was_deleted = True
    if became("metadata.deletionGracePeriodSeconds", 0):
        script.times["removed"] = time
