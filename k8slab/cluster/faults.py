"""What can go wrong with a cluster, on purpose: machines fail, components crash; and how it is put right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from k8slab.errors import K8sLabError

if TYPE_CHECKING:
    from k8slab.cluster.cluster import Cluster


class NoSuchTargetError(K8sLabError):
    """A fault was asked for something that is not there; the message lists what is."""


class Faults:
    """Faults by name; each is an input to the lab, journalled and repeated in a replay.

    ``cluster.faults.crash("kube-scheduler")``, ``cluster.faults.fail_node("worker-1")``, ``cluster.faults.heal()``.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.failed_nodes: dict[str, None] = {}
        self.crashed: dict[str, None] = {}

    def fail_node(self, name: str) -> None:
        """Cut a machine's power: its kubelet and containers stop at once, without a goodbye."""
        self._enter("fail_node", self._node(name))

    def recover_node(self, name: str) -> None:
        """Give a failed machine its power back: it boots, and its kubelet looks what is left for it to run."""
        self._enter("recover_node", self._node(name))

    def crash(self, component: str) -> None:
        """Kill a component's process (``kube-scheduler``, ``kubelet/worker-1``, ...); it stays down until ``start``."""
        self._enter("crash", self._component(component))

    def stop(self, component: str) -> None:
        """Stop a component cleanly."""
        self._enter("stop", self._component(component))

    def start(self, component: str) -> None:
        """Start a component that crashed or was stopped."""
        self._enter("start", self._component(component))

    def heal(self) -> None:
        """Undo all faults: machines get power, components run."""
        self._enter("heal")

    def apply(self, verb: str, *targets: str) -> None:
        """Do a fault by its name, as a journal holds it. Raises NoSuchTargetError for an unknown one."""
        if verb not in ("fail_node", "recover_node", "crash", "stop", "start", "heal"):
            raise NoSuchTargetError(f"there is no fault {verb!r}")
        getattr(self, verb)(*targets)

    def _enter(self, verb: str, *targets: str) -> None:
        self._cluster.gate.fault(getattr(self, f"_{verb}"), verb, *targets)

    def _fail_node(self, name: str) -> None:
        if name not in self.failed_nodes:
            self._cluster.kubelets[name].power_off()
            self.failed_nodes[name] = None

    def _recover_node(self, name: str) -> None:
        if name in self.failed_nodes:
            del self.failed_nodes[name]
            self._cluster.kubelets[name].power_on()

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

    def _node(self, name: str) -> str:
        return _known("node", name, self._cluster.kubelets)

    def _component(self, name: str) -> str:
        return _known("component", name, self._cluster.components)


def _known(what: str, name: str, known: Mapping[str, object]) -> str:
    if name not in known:
        raise NoSuchTargetError(f"there is no {what} {name!r}: choose one of {', '.join(known)}")
    return name
