"""A cluster, its parts, and the passing of its time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

from k8slab.cluster.cluster import Cluster
from k8slab.cluster.history import History
from k8slab.cluster.learnerscode import LearnersCode
from k8slab.cluster.readiness import Stillness, all_ready
from k8slab.lab.naming import CommandError
from k8slab.sim.clock import SECOND
from k8slab.sim.duration import format_duration, parse_duration

if TYPE_CHECKING:
    from k8slab.client import Client
    from k8slab.cluster.adapter import Adapter
    from k8slab.cluster.audit import AuditLog
    from k8slab.cluster.console import Console
    from k8slab.cluster.faults import Faults
    from k8slab.cluster.registry import Registry
    from k8slab.serve.server import Server

Duration = str | float
"""A text such as ``30s`` or ``1h30m``, or a number of seconds."""


class Core(LearnersCode):
    """A cluster in a notebook: its parts, and time."""

    def _begin(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.namespace = "default"
        self.playing = False
        self.speed = 1.0
        self._player: Any = None
        self._server: Server | None = None

    @classmethod
    def _of(cls, cluster: Cluster) -> Self:
        lab = cls.__new__(cls)
        lab._begin(cluster)
        return lab

    def __getstate__(self) -> dict[str, Any]:
        # A copy is neither played nor served: those threads belong to this process and this lab.
        return {**self.__dict__, "playing": False, "_player": None, "_server": None}

    def __repr__(self) -> str:
        nodes = len(self.cluster.kubelets)
        return f"<Lab of {nodes} nodes, {format_duration(self.cluster.clock.now)} old, seed {self.cluster.seed}>"

    # -- parts ---------------------------------------------------------------------------

    @property
    def client(self) -> Client:
        """The administrator's API client."""
        return self.cluster.client

    @property
    def clock(self) -> Any:
        """The virtual clock (read it; let time pass with ``run``)."""
        return self.cluster.clock

    @property
    def lock(self) -> Any:
        """The gate's lock: held while somebody changes the cluster."""
        return self.cluster.gate.lock

    @property
    def faults(self) -> Faults:
        """Things that go wrong: ``lab.faults.crash("kube-scheduler")``, ``lab.faults.heal()``."""
        return self.cluster.faults

    @property
    def cloud(self) -> Console:
        """The cloud's console, with ``Lab(cloud=True)``: ``lab.cloud.stop("worker-1")``, ``print(lab.cloud)``."""
        return self.cluster.cloud

    @property
    def history(self) -> History:
        """All changes since the boot, with who made them, when and why."""
        return self.cluster.history

    @property
    def audit(self) -> AuditLog:
        """Who asked the API server for what: ``lab.audit.start()``, then ``lab.audit.rows()``."""
        return self.cluster.audit

    @property
    def metrics(self) -> Adapter:
        """Metrics for autoscalers: ``lab.metrics.pods("http_requests", total=300, selector="app=web")``."""
        return self.cluster.metrics.adapter

    @property
    def images(self) -> Registry:
        """The image registry; ``lab.images["shop:v2"] = Program(...)`` adds one, kept by `save`."""
        return self.cluster.images

    @property
    def now(self) -> float:
        """Virtual seconds since the lab was ready."""
        return self.cluster.clock.now / SECOND

    # -- time ----------------------------------------------------------------------------

    def run(self, duration: Duration) -> None:
        """Let virtual time pass: ``lab.run("30s")``."""
        self.cluster.advance(parse_duration(duration))

    def run_until(self, condition: Callable[[Self], object], timeout: Duration = "10m") -> bool:
        """Let time pass until ``condition(lab)`` is true, at most ``timeout``; returns whether it became true."""
        if not callable(condition):
            raise CommandError(f"run_until takes a function of the lab, not {condition!r}")
        return self.cluster.run_until(lambda: condition(self), parse_duration(timeout))

    def settle(self, quiet: Duration = "10s", timeout: Duration = "10m") -> bool:
        """Let time pass until nothing has changed for ``quiet`` but heartbeats and events.

        Returns False where something still changed after ``timeout``.
        """
        watch = Stillness(self.cluster, parse_duration(quiet))
        return self.cluster.run_until(watch.reached, parse_duration(timeout))

    def run_until_ready(self, timeout: Duration = "10m") -> bool:
        """Let time pass until every Pod runs and is ready (or has completed), at most ``timeout``."""
        self.cluster.run_until(self._all_ready, parse_duration(timeout))
        return self._all_ready()

    def _all_ready(self) -> bool:
        return all_ready(self.cluster.snapshot())

    def play(self, speed: float = 1.0) -> None:
        """Let virtual time pass by itself, ``speed`` virtual seconds a second, until ``pause``; the cell returns."""
        from k8slab.widgets.player import Player

        if self._player is None:
            self._player = Player(self)
        self._player.play(speed)

    def pause(self) -> None:
        """Stop what ``play`` began."""
        if self._player is not None:
            self._player.pause()
