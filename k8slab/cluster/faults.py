"""What can go wrong with a cluster, on purpose: machines fail, components crash; and how it is put right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from k8slab.controllers import ControllerManager
from k8slab.controllers.cloud import APIS, Cloud
from k8slab.controllers.cloud.provider import RUNNING, STOPPED, TERMINATED, UNAVAILABLE
from k8slab.controllers.controller import Controller
from k8slab.controllers.custom import CustomController
from k8slab.errors import K8sLabError

if TYPE_CHECKING:
    from k8slab.cluster.cluster import Cluster


class NoSuchTargetError(K8sLabError):
    """A fault was asked for something that is not there; the message lists what is."""


NODE_VERBS = ("fail_node", "recover_node", "shutdown_node", "write_manifest", "remove_manifest")
PROCESS_VERBS = ("crash", "stop", "start", "pause", "resume")
CLOUD_VERBS = ("stop_machine", "start_machine", "delete_machine", "fail_cloud", "recover_cloud", "limit_cloud")
VERBS = frozenset((*NODE_VERBS, *PROCESS_VERBS, *CLOUD_VERBS, "heal"))
"""What a journal may hold."""


class Faults:
    """Faults by name; each is an input to the lab, journalled and repeated in a replay.

    ``cluster.faults.crash("kube-scheduler")``, ``cluster.faults.fail_node("worker-1")``, ``cluster.faults.heal()``.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.failed_nodes: dict[str, None] = {}
        self.crashed: dict[str, None] = {}
        self.paused: dict[str, None] = {}

    def fail_node(self, name: str) -> None:
        """Cut a machine's power: its kubelet and containers stop at once, without a goodbye."""
        self._enter("fail_node", self._node(name))

    def recover_node(self, name: str) -> None:
        """Give a failed machine its power back: it boots, and its kubelet looks what is left for it to run."""
        self._enter("recover_node", self._node(name))

    def shutdown_node(self, name: str) -> None:
        """Shut a machine down cleanly: its kubelet ends the Pods first, the critical ones last; then it is off."""
        self._enter("shutdown_node", self._node(name))

    def write_manifest(self, node: str, file: str, text: str) -> None:
        """Put a file into a machine's `/etc/kubernetes/manifests`."""
        self._enter("write_manifest", self._node(node), file, text)

    def remove_manifest(self, node: str, file: str) -> None:
        """Remove a file from a machine's `/etc/kubernetes/manifests`."""
        self._enter("remove_manifest", self._node(node), file)

    def known_node(self, name: str) -> str:
        """The name, if there is such a machine. Raises NoSuchTargetError."""
        return self._node(name)

    def crash(self, component: str) -> None:
        """Kill a component's process (``kube-scheduler``, ``kubelet/worker-1``, ...); it stays down until ``start``."""
        self._enter("crash", self._component(component))

    def stop(self, component: str) -> None:
        """Stop a component cleanly."""
        self._enter("stop", self._component(component))

    def start(self, component: str) -> None:
        """Start a component that crashed or was stopped."""
        self._enter("start", self._component(component))

    def pause(self, controller: str) -> None:
        """Let one controller rest (``replicaset-controller``); all others go on. What happens meanwhile waits."""
        self._enter("pause", self._controller(controller))

    def resume(self, controller: str) -> None:
        """Let a paused controller catch up with what happened."""
        self._enter("resume", self._controller(controller))

    def stop_machine(self, machine: str) -> None:
        """Switch a machine off in the cloud, which knows that it is off."""
        self._enter("stop_machine", self._machine(machine))

    def start_machine(self, machine: str) -> None:
        """Switch a machine on again in the cloud."""
        self._enter("start_machine", self._machine(machine))

    def delete_machine(self, machine: str) -> None:
        """Delete a machine in the cloud, for good; ``heal`` does not bring it back."""
        self._enter("delete_machine", self._machine(machine))

    def fail_cloud(self, api: str, message: str = "") -> None:
        """Let a part of the cloud's API (``instances``, ``loadbalancers``, ``routes``) refuse every request."""
        self._enter("fail_cloud", _known("part of the cloud's API", api, dict.fromkeys(APIS)), message or UNAVAILABLE)

    def recover_cloud(self, api: str) -> None:
        """Let that part of the cloud's API work again."""
        self._enter("recover_cloud", _known("part of the cloud's API", api, dict.fromkeys(APIS)))

    def limit_cloud(self, api: str, limit: str) -> None:
        """Allow so many ``loadbalancers`` or ``routes``; "" takes the limit away."""
        if limit and not limit.isdecimal():
            raise NoSuchTargetError(f"a quota is a number, not {limit!r}")
        self._enter("limit_cloud", _known("quota", api, dict.fromkeys(APIS[1:])), limit)

    def heal(self) -> None:
        """Undo all faults: machines get power, components and controllers run, the cloud answers."""
        self._enter("heal")

    def apply(self, verb: str, *targets: str) -> None:
        """Do a fault by its name, as a journal holds it. Raises NoSuchTargetError for an unknown one."""
        if verb not in VERBS:
            raise NoSuchTargetError(f"there is no fault {verb!r}")
        getattr(self, verb)(*targets)

    def _enter(self, verb: str, *targets: str) -> None:
        self._cluster.gate.fault(getattr(self, f"_{verb}"), verb, *targets)

    def _fail_node(self, name: str) -> None:
        if name not in self.failed_nodes:
            self._cluster.kubelets[name].power_off()
            self.failed_nodes[name] = None

    def _shutdown_node(self, name: str) -> None:
        if name not in self.failed_nodes:
            self.failed_nodes[name] = None
            self._cluster.kubelets[name].shutdown.begin()

    def _write_manifest(self, node: str, file: str, text: str) -> None:
        self._cluster.kubelets[node].manifests[file] = text

    def _remove_manifest(self, node: str, file: str) -> None:
        self._cluster.kubelets[node].manifests.pop(file, None)

    def _recover_node(self, name: str) -> None:
        if name in self.failed_nodes:
            del self.failed_nodes[name]
            if self._is_on(name):
                self._cluster.kubelets[name].power_on()

    def _is_on(self, name: str) -> bool:
        """Whether the cloud, if there is one, has the machine switched on."""
        cloud = self._cluster.provider
        return cloud is None or name not in cloud.machines or cloud.machines[name].state == RUNNING

    def _crash(self, component: str) -> None:
        if component not in self.crashed:
            self._cluster.components[component].crash()
            self.crashed[component] = None

    def _stop(self, component: str) -> None:
        if component not in self.crashed:
            self._cluster.components[component].stop()
            self.crashed[component] = None

    def _start(self, component: str) -> None:
        if component in self.crashed:
            del self.crashed[component]
            self._cluster.components[component].start()

    def _heal(self) -> None:
        for name in list(self.failed_nodes):
            self._recover_node(name)
        for component in list(self.crashed):
            self._start(component)
        for controller in list(self.paused):
            self._resume(controller)
        if self._cluster.provider is not None:
            self._heal_cloud(self._cluster.provider)

    def _heal_cloud(self, cloud: Cloud) -> None:
        cloud.failing.clear()
        cloud.quotas.clear()
        for machine in cloud.machines:
            self._start_machine(machine)

    def _pause(self, name: str) -> None:
        self.paused[name] = None
        for controller in self._controllers()[name]:
            controller.pause()

    def _resume(self, name: str) -> None:
        if self.paused.pop(name, 0) is None:
            for controller in self._controllers()[name]:
                controller.resume()

    def _stop_machine(self, name: str) -> None:
        self._power_off(name, STOPPED)

    def _delete_machine(self, name: str) -> None:
        self._power_off(name, TERMINATED)

    def _power_off(self, name: str, state: str) -> None:
        machine = self._cluster.provider.machines[name]
        if machine.state != TERMINATED:
            machine.state = state
            self.failed_nodes.pop(name, None)
            if name in self._cluster.kubelets:
                self._cluster.kubelets[name].power_off()

    def _start_machine(self, name: str) -> None:
        machine = self._cluster.provider.machines[name]
        if machine.state == STOPPED:
            machine.state = RUNNING
            if name in self._cluster.kubelets:
                self._cluster.kubelets[name].power_on()

    def _fail_cloud(self, api: str, message: str) -> None:
        self._cluster.provider.failing[api] = message

    def _recover_cloud(self, api: str) -> None:
        self._cluster.provider.failing.pop(api, None)

    def _limit_cloud(self, api: str, limit: str) -> None:
        if limit:
            self._cluster.provider.quotas[api] = int(limit)
        else:
            self._cluster.provider.quotas.pop(api, None)

    def _controllers(self) -> dict[str, list[Controller | CustomController]]:
        """All controllers by name, in every process that has them."""
        found: dict[str, list[Controller | CustomController]] = {}
        for component in self._cluster.components.values():
            if isinstance(component, ControllerManager):
                for name, controller in component.controllers.items():
                    found.setdefault(name, []).append(controller)
            elif isinstance(component, CustomController):
                found.setdefault(component.name, []).append(component)
        return found

    def _controller(self, name: str) -> str:
        known = self._controllers()
        full = f"{name}-controller"
        return _known("controller", full if full in known and name not in known else name, known)

    def _machine(self, name: str) -> str:
        if self._cluster.provider is None:
            raise NoSuchTargetError("this lab runs in no cloud: make one with Lab(cloud=True)")
        return _known("machine", name, self._cluster.provider.machines)

    def _node(self, name: str) -> str:
        return _known("node", name, self._cluster.kubelets)

    def _component(self, name: str) -> str:
        return _known("component", name, self._cluster.components)


def _known(what: str, name: str, known: Mapping[str, object]) -> str:
    if name not in known:
        raise NoSuchTargetError(f"there is no {what} {name!r}: choose one of {', '.join(known)}")
    return name
