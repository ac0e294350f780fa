"""kube-controller-manager: one process, many control loops, one set of informers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8slab.client import Client, Informers, LeaderElector
from k8slab.client.informer import STEADY
from k8slab.controllers.controller import Context, Controller, Options
from k8slab.controllers.registry import CONTROLLERS
from k8slab.controllers.rootca import RootCAPublisher
from k8slab.controllers.serviceaccounts import TokensController, own
from k8slab.errors import K8sLabError
from k8slab.sim.clock import Clock
from k8slab.sim.seed import Streams
from k8slab.sim.trace import Trace


class ControllerManager:
    """The component that runs the controllers.

    Args:
        client: its connection and identity; each controller writes under its own name.
        clock: the lab's clock.
        streams: the lab's randomness.
        trace: who acts and why.
        controllers: names of those to run (`deployment-controller`); None runs all.
        identity: with leader election, the name under which it competes for the Lease; "" leads without asking.
        cloud: what the controllers of a cloud ask (`cloud.Cloud`).
        host: instead of `identity`: the machine's name, from which each start of the process makes an identity.
        metrics: what autoscalers measure with (`podautoscaler.Metrics`); None: no metrics API is installed.
        options: fields of `Options`.
    """

    name = "kube-controller-manager"
    lease = "kube-controller-manager"
    """Name of the Lease for which several of these compete."""
    known: tuple[type[Controller], ...] = CONTROLLERS
    """All controllers that this kind of manager has."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        streams: Streams,
        trace: Trace,
        controllers: Iterable[str] | None = None,
        identity: str = "",
        metrics: Any = None,
        host: str = "",
        cloud: Any = None,
        **options: Any,
    ) -> None:
        self.client = client
        self.clock = clock
        self.trace = trace
        self.informers = Informers(client, clock, STEADY)
        self.options = Options(**options)
        self.running = False
        self.leading = False
        context = Context(client, clock, streams, trace, self.informers, self.options, metrics, cloud)
        self.controllers: dict[str, Controller] = {made.name: made(context) for made in self._chosen(controllers)}
        self.elector: LeaderElector | None = None
        if identity or host:
            rng = streams.stream(f"leader-election/{identity or host}")
            steps = (self._lead, self._follow, rng)
            own = streams if host else None
            self.elector = LeaderElector(client, clock, trace, self.lease, host or identity, *steps, streams=own)

    @property
    def about(self) -> dict[str, str]:
        """One line on each controller."""
        return {name: controller.about for name, controller in self.controllers.items()}

    def start(self) -> None:
        """Start all controllers, at once or, with leader election, when this one leads."""
        if self.running:
            return
        self.running = True
        if self.elector is not None:
            self.elector.start()
        else:
            self._lead()

    def stop(self) -> None:
        """Stop cleanly. The Lease is not given back: the real one does not either."""
        self._halt()
        if self.elector is not None:
            self.elector.stop()

    def crash(self) -> None:
        """Stop without a word."""
        self._halt()
        if self.elector is not None:
            self.elector.crash()

    def trust(self, certificates: str) -> None:
        """Publish further authorities (PEM) besides the cluster's own (`--root-ca-file`)."""
        for name in (RootCAPublisher.name, TokensController.name):
            publisher: Any = self.controllers.get(name)
            if publisher is not None:
                publisher.trust(certificates)

    def pause(self, name: str) -> None:
        """Let one controller rest; what happens meanwhile waits in its queue. Raises K8sLabError for unknown names."""
        self._controller(name).pause()

    def resume(self, name: str) -> None:
        """Let a paused controller catch up. Raises K8sLabError for unknown names."""
        self._controller(name).resume()

    def _chosen(self, names: Iterable[str] | None) -> list[type[Controller]]:
        if names is None:
            return list(self.known)
        known = {made.name: made for made in self.known}
        chosen = []
        for name in names:
            found = known.get(name) or known.get(f"{name}-controller")
            if found is None:
                raise K8sLabError(f'no controller "{name}"; there are: {", ".join(known)}')
            chosen.append(found)
        return chosen

    def _controller(self, name: str) -> Controller:
        for candidate in (name, f"{name}-controller"):
            if candidate in self.controllers:
                return self.controllers[candidate]
        raise K8sLabError(f'no controller "{name}"; there are: {", ".join(self.controllers)}')

    def _lead(self) -> None:
        self.leading = True
        self._ensure_accounts()
        for controller in self.controllers.values():
            controller.start()
        self.informers.start()

    def _ensure_accounts(self) -> None:
        if self.name != ControllerManager.name:
            return  # others come with manifests of their own
        with self.trace.acting(self.name, note="every controller has a ServiceAccount of its own"):
            own.ensure(self.client, self.controllers)

    def _follow(self) -> None:
        """The Lease is lost: the real process exits, and its supervisor starts it again."""
        self._halt()
        self.start()

    def _halt(self) -> None:
        self.running = self.leading = False
        self.informers.stop()
        for controller in self.controllers.values():
            controller.stop()
