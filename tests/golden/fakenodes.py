"""The nodes of the kubectl recordings: fakes that run every Pod, and end it a second after its deletion."""

from __future__ import annotations

from typing import Any

from k8slab.api.codec import from_dict
from k8slab.client import Client, Informer
from k8slab.errors import ApiError
from k8slab.sim.clock import SECOND

CAPACITY = {"cpu": "8", "memory": "16Gi", "pods": "110"}
SYSTEM = {
    "machineID": "m",
    "systemUUID": "s",
    "bootID": "b",
    "kernelVersion": "6.1.0",
    "osImage": "Linux",
    "operatingSystem": "linux",
    "architecture": "amd64",
    "containerRuntimeVersion": "containerd://2.1.0",
    "kubeletVersion": "v1.36.2",
    "kubeProxyVersion": "",
}
CONDITIONS = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


class FakeNodes:
    """n1 to n4."""

    def __init__(self, client: Client, clock: Any) -> None:
        self.client, self.clock = client, clock
        self.addresses = 1
        self.pods = Informer(client, clock, "pods")
        self.pods.add_handler(self._seen, self._changed, None)
        for number in range(1, 5):
            self._join(f"n{number}", f"192.168.9.{number}")
        self.pods.start()

    def _join(self, name: str, address: str) -> None:
        labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
        labels |= {"beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": "amd64"}
        now = self.clock.rfc3339()
        status = {
            "capacity": CAPACITY,
            "allocatable": CAPACITY,
            "nodeInfo": SYSTEM,
            "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
            "conditions": [
                {
                    "type": kind,
                    "status": state,
                    "reason": reason,
                    "message": message,
                    "lastHeartbeatTime": now,
                    "lastTransitionTime": now,
                }
                for kind, state, reason, message in CONDITIONS
            ],
        }
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "status": status}
        self.client.create(from_dict(node))
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}}
        spec = {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": self.clock.rfc3339_micro()}
        self.client.create(from_dict({**lease, "spec": spec}), "kube-node-lease")
        self.clock.call_after(10 * SECOND, self._renew, name)

    def _renew(self, name: str) -> None:
        patch = {"spec": {"renewTime": self.clock.rfc3339_micro()}}
        self.client.patch("leases", name, patch, "kube-node-lease")
        self.clock.call_after(10 * SECOND, self._renew, name)

    def _seen(self, pod: Any) -> None:
        self._changed(None, pod)

    def _changed(self, old: Any, pod: Any) -> None:
        if not pod.spec.nodeName:
            return
        name, namespace = pod.metadata.name, pod.metadata.namespace
        if pod.metadata.deletionTimestamp:
            if old is None or not old.metadata.deletionTimestamp:
                self.clock.call_after(SECOND, self._end, namespace, name, pod.metadata.uid)
        elif old is None or not old.spec.nodeName:
            self.clock.call_after(SECOND, self._run, namespace, name, pod.metadata.uid)

    def _run(self, namespace: str, name: str, uid: str) -> None:
        pod = self.pods.get(namespace, name)
        if pod is None or pod.metadata.uid != uid or pod.metadata.deletionTimestamp:
            return
        now = self.clock.rfc3339()
        self.addresses += 1
        done = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}}
        status = {
            "phase": "Running",
            "startTime": now,
            "hostIP": "192.168.9.1",
            "podIP": f"10.0.0.{self.addresses}",
            "podIPs": [{"ip": f"10.0.0.{self.addresses}"}],
            "initContainerStatuses": [_container(each, True, done) for each in pod.spec.initContainers or ()],
            "containerStatuses": [
                _container(each, True, {"running": {"startedAt": now}}) for each in pod.spec.containers
            ],
            "conditions": [
                {"type": kind, "status": "True", "lastTransitionTime": now}
                for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
            ],
        }
        status = {key: value for key, value in status.items() if value}
        self.client.patch("pods", name, {"status": status}, namespace, "status")

    def _end(self, namespace: str, name: str, uid: str) -> None:
        try:
            self.client.delete("pods", name, namespace, grace_period_seconds=0, uid=uid)
        except ApiError as error:
            if error.reason not in ("NotFound", "Conflict"):
                raise


def _container(container: Any, ready: bool, state: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": container.name,
        "image": container.image,
        "imageID": container.image,
        "containerID": f"containerd://{container.name}",
        "ready": ready,
        "started": ready,
        "restartCount": 0,
        "state": state,
    }
