"""The container runtime's own process: containers go on without it, but their kubelet can do nothing.

Follows pkg/kubelet/runtime.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.sim.clock import SECOND

if TYPE_CHECKING:
    from k8slab.kubelet.kubelet import Kubelet

PATIENCE = 30 * SECOND
"""After so long without an answer the kubelet says that the runtime is down (maxWaitForContainerRuntime)."""
DOWN = "container runtime is down"
RETRY = 10 * SECOND
REFUSED = (
    'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial unix '
    '/run/containerd/containerd.sock: connect: connection refused"'
)


class Containerd:
    """containerd on one node: a component that can crash.

    Attributes:
        up: it answers.
        noticed: the kubelet has noticed that it does not.
    """

    __slots__ = ("kubelet", "noticed", "timer", "up")

    def __init__(self, kubelet: Kubelet) -> None:
        self.kubelet = kubelet
        self.up = True
        self.noticed = False
        self.timer: Any = None

    def start(self) -> None:
        """Start it again; the kubelet looks what has become of its containers."""
        if self.up:
            return
        self.up, self.noticed = True, False
        kubelet = self.kubelet
        kubelet.clock.cancel(self.timer)
        if kubelet.running:
            with kubelet.acting("the container runtime is back"):
                kubelet.heartbeat.report()
            for worker in kubelet.workers.values():
                worker.request_sync()

    def stop(self) -> None:
        """Stop it; the containers go on."""
        self.crash()

    def crash(self) -> None:
        """It dies; the containers go on."""
        if self.up:
            self.up = False
            self.timer = self.kubelet.clock.call_after(PATIENCE, self._notice)

    def _notice(self) -> None:
        self.noticed = True
        kubelet = self.kubelet
        kubelet.log("Skipping pod synchronization", f'err="{DOWN}"', True, "kubelet.go:2476")
        if kubelet.running:
            with kubelet.acting("the container runtime does not answer"):
                kubelet.heartbeat.report()
