"""The recordings' fake kubelets and scheduler: they do at the recorded times what they did then."""

from __future__ import annotations

import re
from typing import Any

from k8slab.api.codec import from_dict
from k8slab.api.selector import node_matches
from k8slab.api.taints import untolerated
from k8slab.client import Client, Informers
from k8slab.controllers.persistentvolume.matching import best, reference_to
from k8slab.errors import ApiError
from k8slab.sim.clock import MILLISECOND, SECOND

GENERATED = re.compile(r"-\(\d+\)$")
LEASES = "leases.coordination.k8s.io"
KILLED = 143
GOOD = {
    "MemoryPressure": ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    "DiskPressure": ("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    "PIDPressure": ("False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    "Ready": ("True", "KubeletReady", "kubelet is posting ready status"),
}


class Script:
    """When the recorded Pod of some name was bound, ran, became ready, ended and was removed."""

    def __init__(self) -> None:
        self.node = ""
        self.times: dict[str, float] = {}
        self.was_deleted = False


class World:
    """All fake kubelets, and the binder.

    Args:
        client: as system:nodes.
        clock: the lab's.
        scripts: by alias of the Pod (and life), what was recorded.
        name_of: bound method: alias of one of our Pods.
    """

    def __init__(self, client: Client, clock: Any, scripts: dict[str, list[Script]], name_of: Any) -> None:
        self.client = client
        self.clock = clock
        self.scripts = scripts
        self.name_of = name_of
        self.ends = _ends(scripts)
        self.alive: dict[str, str] = {}
        self.mine: dict[str, Script] = {}
        self.stages: dict[str, str] = {}
        self.addresses = 0
        self.informers = Informers(client, clock)
        self.pods = self.informers.of("pods")
        self.nodes = self.informers.of("nodes")
        self.pods.add_handler(self._added, self._updated, self._gone)
        self.nodes.add_handler(on_update=self._node_updated)
        self.informers.start()

    # --- nodes

    def join(self, name: str, address: str, labels: dict[str, str], taints: list[dict[str, Any]]) -> None:
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": labels},
            "spec": {"taints": taints} if taints else {},
        }
        self.client.create(from_dict(node))
        self.alive[name] = address
        self.clock.call_after(50 * MILLISECOND, self._beat, name, True)

    def _beat(self, name: str, first: bool = False) -> None:
        if name not in self.alive:
            return
        now = self.clock.rfc3339_micro()
        spec = {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": now}
        try:
            self.client.patch(LEASES, name, {"spec": {"renewTime": now}}, "kube-node-lease")
        except ApiError:
            lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "spec": spec}
            lease["metadata"] = {"name": name, "namespace": "kube-node-lease"}
            self.client.create(from_dict(lease))
        if first:
            self._report(name)
        self.clock.call_after(10 * SECOND, self._beat, name)

    def stop(self, name: str) -> None:
        self.alive.pop(name, None)

    def start(self, name: str, address: str) -> None:
        self.alive[name] = address
        self._beat(name, True)
        for pod in self.pods.items():
            if pod.spec.nodeName == name:
                self._plan(pod)

    def _report(self, name: str) -> None:
        now = self.clock.rfc3339()
        node = self.client.get("nodes", name)
        known = {c.type: c for c in node.status.conditions or ()}
        conditions = []
        for kind, (status, reason, message) in GOOD.items():
            same = kind in known and known[kind].status == status
            since = known[kind].lastTransitionTime if same else now
            conditions.append(
                {
                    "type": kind,
                    "status": status,
                    "reason": reason,
                    "message": message,
                    "lastHeartbeatTime": now,
                    "lastTransitionTime": since,
                }
            )
        resources = {"cpu": "8", "memory": "16Gi", "pods": "110"}
        address = self.alive[name]
        status = {
            "capacity": resources,
            "allocatable": resources,
            "conditions": conditions,
            "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
            "nodeInfo": {
                "architecture": "amd64",
                "bootID": "b",
                "containerRuntimeVersion": "containerd://2.1.0",
                "kernelVersion": "6.1.0",
                "kubeletVersion": "v1.36.2",
                "machineID": "m",
                "operatingSystem": "linux",
                "osImage": "Linux",
                "systemUUID": "s",
                "kubeProxyVersion": "",
            },
        }
        self.client.patch("nodes", name, {"status": status}, subresource="status")

    def _node_updated(self, old: Any, new: Any) -> None:
        name = new.metadata.name
        ready = [c for c in new.status.conditions or () if c.type == "Ready"] if new.status else []
        if name in self.alive and ready and ready[0].status != "True":
            self._report(name)

    # --- binding

    def _added(self, pod: Any) -> None:
        name = self.name_of(pod)
        scripts = self.scripts.get(name, [])
        script = self.mine[pod.metadata.uid] = scripts.pop(0) if scripts else Script()
        if pod.spec.nodeName:
            self._plan(pod)
        elif not pod.spec.schedulingGates:
            when = self._at(script, "bound", 30 * MILLISECOND)
            self.clock.call_at(when, self._bind, pod.metadata.namespace, pod.metadata.name, pod.metadata.uid)

    def _at(self, script: Script, what: str, default: int) -> int:
        recorded = script.times.get(what)
        if recorded is None:
            return self.clock.now + default
        return max(self.clock.now + MILLISECOND, round(recorded * SECOND))

    def _bind(self, namespace: str, name: str, uid: str) -> None:
        pod = self.pods.get(namespace, name)
        if pod is None or pod.metadata.uid != uid or pod.spec.nodeName or pod.metadata.deletionTimestamp:
            return
        node = self._choose(pod)
        if node:
            try:
                self.client.bind(pod, node)
                return
            except ApiError:
                pass
        self.clock.call_after(SECOND // 2, self._bind, namespace, name, uid)

    def _choose(self, pod: Any) -> str:
        script = self.mine[pod.metadata.uid]
        if self.unbound_claims(pod):
            return ""
        fitting = [node for node in self.nodes.items() if self._fits(pod, node)]
        names = [node.metadata.name for node in fitting]
        if script.node in names:
            return script.node
        counts = {name: sum(p.spec.nodeName == name for p in self.pods.items()) for name in names}
        return min(names, key=lambda name: (counts[name], name), default="")

    def unbound_claims(self, pod: Any) -> bool:
        for volume in pod.spec.volumes or ():
            if volume.persistentVolumeClaim is not None:
                claim = self.client.get(
                    "persistentvolumeclaims", volume.persistentVolumeClaim.claimName, pod.metadata.namespace
                )
                if claim.status.phase != "Bound":
                    self._prebind(pod, claim)
                    return True
        return False

    def _nominate(self, pod: Any) -> None:
        """The scheduler tells where a Pod will go before it waits for something that takes a while."""
        fitting = [node.metadata.name for node in self.nodes.items() if self._fits(pod, node)]
        script = self.mine[pod.metadata.uid]
        name = script.node if script.node in fitting else min(fitting, default="")
        if name:
            status = {"status": {"nominatedNodeName": name}}
            self.client.patch("pods", pod.metadata.name, status, pod.metadata.namespace, "status")

    def _prebind(self, pod: Any, claim: Any) -> None:
        """As the scheduler's VolumeBinding: choose the volume of a claim that waits for its first consumer."""
        found = self.client.get("storageclasses", claim.spec.storageClassName) if claim.spec.storageClassName else None
        if found is None or found.volumeBindingMode != "WaitForFirstConsumer":
            return
        volume = best(self.client.list("persistentvolumes").items, claim, delayed=False)
        if volume is not None and volume.spec.claimRef is None:
            self._nominate(pod)
            metadata = volume.metadata.replace(annotations={"pv.kubernetes.io/bound-by-controller": "yes"})
            spec = volume.spec.replace(claimRef=reference_to(claim))
            self.client.update(volume.replace(metadata=metadata, spec=spec))

    def _fits(self, pod: Any, node: Any) -> bool:
        return (
            node_matches(pod.spec, node)
            and not node.spec.unschedulable
            and untolerated(node.spec.taints, pod.spec.tolerations) is None
        )

    # --- running

    def _updated(self, old: Any, new: Any) -> None:
        if new.spec.nodeName and (
            old.spec.nodeName != new.spec.nodeName or old.metadata.deletionTimestamp != new.metadata.deletionTimestamp
        ):
            self._plan(new)

    def _gone(self, pod: Any) -> None:
        self.mine.pop(pod.metadata.uid, None)
        self.stages.pop(pod.metadata.uid, None)

    def _plan(self, pod: Any) -> None:
        uid = pod.metadata.uid
        script = self.mine.get(uid)
        if script is None or pod.spec.nodeName not in self.alive:
            return
        notes = pod.metadata.annotations or {}
        if pod.metadata.deletionTimestamp is not None:
            if self.stages.get(uid) != "ending":
                self.stages[uid] = "ending"
                delay = int(float(notes.get("fake/term", "1")) * SECOND)
                if pod.status.phase in ("Succeeded", "Failed"):
                    self.clock.call_after(30 * MILLISECOND, self._remove, pod)
                else:
                    self._take_end(pod, script)
                    self.clock.call_at(self._at(script, "ended", delay), self._end, pod, KILLED)
        elif uid not in self.stages:
            self.stages[uid] = "starting"
            delay = int(float(notes.get("fake/start", "1")) * SECOND)
            self.clock.call_at(self._at(script, "running", delay), self._run, pod)

    def _take_end(self, pod: Any, script: Script) -> None:
        """Which of several equal Pods is deleted is chance: the first to go ends when the first recorded one did."""
        ends = self.ends.get(GENERATED.sub("", self.name_of(pod)), [])
        for what in ("ended", "removed"):
            script.times.pop(what, None)
        if ends:
            script.times |= ends.pop(0)

    def _current(self, pod: Any) -> Any:
        current = self.pods.get(pod.metadata.namespace, pod.metadata.name)
        if current is None or current.metadata.uid != pod.metadata.uid:
            return None
        return current if current.spec.nodeName in self.alive else None

    def _run(self, pod: Any) -> None:
        pod = self._current(pod)
        if pod is None or pod.metadata.deletionTimestamp is not None or self._finished(pod):
            return
        self.stages[pod.metadata.uid] = "running"
        notes = pod.metadata.annotations or {}
        ready = notes.get("fake/ready") != "false" and "fake/ready-after" not in notes
        self.addresses += 1
        address = f"10.9.{self.addresses // 250}.{self.addresses % 250 + 1}"
        self._status(pod, "Running", ready, self._running(), {"podIP": address, "podIPs": [{"ip": address}]})
        script = self.mine[pod.metadata.uid]
        if "fake/ready-after" in notes:
            delay = int(float(notes["fake/ready-after"]) * SECOND)
            self.clock.call_at(self._at(script, "ready", delay), self._ready, pod)
        if "fake/run" in notes:
            delay = int(float(notes["fake/run"]) * SECOND)
            when = self.clock.now + delay if script.was_deleted else self._at(script, "ended", delay)
            self.clock.call_at(when, self._end, pod, self._exit_code(pod))

    def _finished(self, pod: Any) -> bool:
        return pod.status.phase in ("Succeeded", "Failed")

    def _exit_code(self, pod: Any) -> int:
        notes = pod.metadata.annotations or {}
        index = notes.get("batch.kubernetes.io/job-completion-index")
        if index is not None and index in notes.get("fake/exit-index", "").split(","):
            return 1
        return int(notes.get("fake/exit", "0"))

    def _ready(self, pod: Any) -> None:
        pod = self._current(pod)
        if pod is not None and not self._finished(pod) and self.stages.get(pod.metadata.uid) == "running":
            self._status(pod, "Running", True, None, {})

    def _running(self) -> dict[str, Any]:
        return {"running": {"startedAt": self.clock.rfc3339()}}

    def _end(self, pod: Any, code: int) -> None:
        pod = self._current(pod)
        if pod is None or (code != KILLED and self.stages.get(pod.metadata.uid) == "ending"):
            return
        if not self._finished(pod):
            self._terminate(pod, code)
        if pod.metadata.deletionTimestamp is not None:
            when = self._at(self.mine[pod.metadata.uid], "removed", 30 * MILLISECOND)
            self.clock.call_at(when, self._remove, pod)

    def _terminate(self, pod: Any, code: int) -> None:
        statuses = pod.status.containerStatuses or ()
        state: dict[str, Any] = {"waiting": {"reason": "ContainerCreating"}}
        more: dict[str, Any] = {}
        if statuses:
            started = statuses[0].state.running.startedAt
            state = {
                "terminated": {
                    "exitCode": code,
                    "reason": "Error" if code else "Completed",
                    "startedAt": started,
                    "finishedAt": self.clock.rfc3339(),
                }
            }
        else:
            self.addresses += 1
            address = f"10.9.{self.addresses // 250}.{self.addresses % 250 + 1}"
            more = {"podIP": address, "podIPs": [{"ip": address}]}
        self._status(pod, "Failed" if code else "Succeeded", False, state, more)

    def _remove(self, pod: Any) -> None:
        if self._current(pod) is None:
            return
        try:
            self.client.delete("pods", pod.metadata.name, pod.metadata.namespace, grace_period_seconds=0)
        except ApiError:
            return

    def _status(self, pod: Any, phase: str, ready: bool, state: Any, more: dict[str, Any]) -> None:
        now = self.clock.rfc3339()
        old = {c.type: c for c in pod.status.conditions or ()}
        conditions = []
        for kind, status, reason, message in _conditions(pod, phase, ready):
            same = kind in old and old[kind].status == status
            entry = {
                "type": kind,
                "status": status,
                "lastTransitionTime": old[kind].lastTransitionTime if same else now,
            }
            entry |= {"reason": reason} if reason else {}
            entry |= {"message": message} if message else {}
            conditions.append(entry)
        for kind, condition in old.items():
            if kind not in ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady"):
                fields = {f: getattr(condition, f) for f in ("type", "status", "reason", "message")}
                fields |= {
                    "lastTransitionTime": condition.lastTransitionTime,
                    "observedGeneration": condition.observedGeneration,
                }
                conditions.append({key: value for key, value in fields.items() if value is not None})
        containers = []
        running = phase == "Running"
        statuses = {s.name: s for s in pod.status.containerStatuses or ()}
        for container in pod.spec.containers:
            known = statuses.get(container.name)
            current = state
            if current is None and known is not None:
                current = {"running": {"startedAt": known.state.running.startedAt}}
            containers.append(
                {
                    "name": container.name,
                    "image": container.image,
                    "imageID": container.image,
                    "containerID": "containerd://x",
                    "lastState": {},
                    "ready": ready,
                    "restartCount": 0,
                    "started": running,
                    "state": current,
                }
            )
        status = {
            "phase": phase,
            "conditions": conditions,
            "containerStatuses": containers,
            "hostIP": self.alive[pod.spec.nodeName],
            "observedGeneration": pod.metadata.generation,
            **more,
        }
        if pod.status.startTime is None:
            status["startTime"] = now
        try:
            self.client.patch("pods", pod.metadata.name, {"status": status}, pod.metadata.namespace, "status")
        except ApiError:
            return


def _ends(scripts: dict[str, list[Script]]) -> dict[str, list[dict[str, float]]]:
    ends: dict[str, list[dict[str, float]]] = {}
    for name, lives in scripts.items():
        for script in lives:
            times = {what: script.times[what] for what in ("ended", "removed") if what in script.times}
            if script.was_deleted and "ended" in times:
                ends.setdefault(GENERATED.sub("", name), []).append(times)
    for group in ends.values():
        group.sort(key=lambda times: times["ended"])
    return ends


def _conditions(pod: Any, phase: str, ready: bool) -> list[tuple[str, str, str, str]]:
    if phase == "Running":
        names = ", ".join(container.name for container in pod.spec.containers)
        unready = ("False", "ContainersNotReady", f"containers with unready status: [{names}]")
        ok = ("True", "", "")
        result = [("PodReadyToStartContainers", *ok), ("Initialized", *ok)]
        return [*result, ("Ready", *(ok if ready else unready)), ("ContainersReady", *(ok if ready else unready))]
    reason = "PodFailed" if phase == "Failed" else "PodCompleted"
    old = {c.type: c for c in pod.status.conditions or ()}

    def message(kind: str) -> str:
        return (old[kind].message or "") if kind in old else ""

    return [
        ("PodReadyToStartContainers", "False", "", ""),
        ("Initialized", "True", "" if phase == "Failed" else reason, ""),
        ("Ready", "False", reason, message("Ready")),
        ("ContainersReady", "False", reason, message("ContainersReady")),
    ]
