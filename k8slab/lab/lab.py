"""Lab: a cluster with everything that a notebook wants on top."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from k8slab.cluster.cluster import Cluster
from k8slab.cluster.topology import Shape
from k8slab.lab.explanation import Explanation
from k8slab.lab.naming import CommandError
from k8slab.scheduler.shorthand import Source
from k8slab.views.display import Display

if TYPE_CHECKING:
    from k8slab.cluster.machine import MachineHandle
    from k8slab.serve.server import Server

_COMMANDS = {
    "cordon": "cordon {}",
    "uncordon": "uncordon {}",
    "drain": "drain {} --ignore-daemonsets --delete-emptydir-data --force",
    "delete": "delete {} --wait=false",
}


class Lab(Explanation):
    """A Kubernetes cluster to learn on, ready at once.

    ``workers``: how many, or a list of shapes (``{"cpu": "4", "memory": "8Gi", "zone": "a"}``); each has 8 CPU, 16Gi
    and room for 110 Pods unless ``worker`` says otherwise. ``seed`` feeds all randomness: the same seed and the same
    actions give the same history. ``components`` runs a subset of the components. ``scheduler_config`` is a
    KubeSchedulerConfiguration (YAML text or a dict), a strategy such as ``"MostAllocated"``, or weights by plugin such
    as ``{"ImageLocality": 5}``; ConfigurationError says what kube-scheduler says of a wrong one. ``replicas`` runs
    several of a component, which elect a leader (``{"kube-scheduler": 2}``). ``cloud=True`` puts the machines into a
    simulated cloud, with cloud-controller-manager; ``lab.cloud`` is its console. ``epoch`` is what the
    calendar says when the lab is ready, such as ``"2030-06-01T12:00:00Z"`` (2026-01-01T00:00:00Z if not given).

    >>> lab = Lab(workers=3)
    >>> lab.run("10s")
    >>> [node.metadata.name for node in lab.list("nodes")]
    ['control-plane-1', 'worker-1', 'worker-2', 'worker-3']
    """

    def __init__(
        self,
        workers: int | Sequence[Shape] = 3,
        control_planes: int = 1,
        seed: int = 7,
        *,
        worker: Shape | None = None,
        components: Sequence[str] | None = None,
        scheduler_config: Source = None,
        replicas: Mapping[str, int] | None = None,
        cloud: bool = False,
        epoch: str | None = None,
    ) -> None:
        options: dict[str, Any] = {"worker": worker, "components": components, "scheduler_config": scheduler_config}
        options |= {"replicas": replicas, "cloud": cloud, "epoch": epoch}
        self._begin(Cluster(workers, control_planes, seed, **options))

    # -- being served --------------------------------------------------------------------

    def serve(
        self,
        port: int = 0,
        speed: float = 1.0,
        kubeconfig: str | Path | None = None,
        data_dir: str | Path | None = None,
        **options: Any,
    ) -> Server:
        """Serve the API over HTTPS for real clients, in the background; time passes while it is served.

        Returns the server: ``server.url``, ``server.kubeconfig`` (a file), ``server.stop()``. A server that was
        started before is stopped. ``port`` 0 is any that is free; ``speed`` is virtual seconds in a second. With
        ``data_dir`` the lab is kept in that directory while it is served: its whole past, then each change before its
        client hears of it; ``Lab.restore`` and ``k8slab serve --data-dir`` go on from there. The lab's calendar stays
        what it is (``Lab(epoch=...)``). ``options``: the other arguments of ``serve.server.Server``.
        """
        try:
            from k8slab.serve.kept import keep_lab
            from k8slab.serve.server import Server
        except ImportError as error:
            raise CommandError(f"serving needs more than is installed ({error}): pip install 'k8slab[serve]'") from None
        if self._server is not None:
            self._server.stop()
        keeper = keep_lab(self.cluster, data_dir) if data_dir is not None else None
        try:
            server = Server(self.cluster, port=port, speed=speed, kubeconfig=kubeconfig, keeper=keeper, **options)
        except BaseException:
            if keeper is not None:
                keeper.directory.close()
            raise
        self._server = server.start()
        return self._server

    # -- faults --------------------------------------------------------------------------

    def fail_node(self, name: str) -> None:
        """Cut a node's power; the cluster finds out by itself (after 50 s without a heartbeat)."""
        self.faults.fail_node(name)

    def shutdown_node(self, name: str) -> None:
        """Shut a node down cleanly: its Pods are ended first, the critical ones last. `recover_node` boots it."""
        self.faults.shutdown_node(name)

    def node(self, name: str) -> MachineHandle:
        """A machine: its folder of static Pods (`manifests`), its kubelet's log (`journal()`), `stats()`, `reboot()`.

        Raises NoSuchTargetError for an unknown name.
        """
        from k8slab.cluster.machine import MachineHandle

        return MachineHandle(self.cluster, name)

    def recover_node(self, name: str) -> None:
        """Give a failed node its power back."""
        self.faults.recover_node(name)

    def submit(self, verb: str, target: str = "", args: dict[str, Any] | None = None) -> str:
        """Carry out an action from a picture: fail, recover, cordon, uncordon, drain, delete, step.

        Returns what it printed. Raises CommandError for an unknown verb.
        """
        if verb == "fail":
            self.fail_node(target)
        elif verb == "recover":
            self.recover_node(target)
        elif verb == "step":
            self.run((args or {}).get("duration", 1))
        elif verb in _COMMANDS:
            namespace = (args or {}).get("namespace") or self.namespace
            command = f"{_COMMANDS[verb].format(shlex.quote(target))} --namespace={shlex.quote(str(namespace))}"
            output = self.kubectl(command, echo=False)
            if output.exit_code:
                raise CommandError(output.stderr.strip())
            return output.text
        else:
            raise CommandError(f"there is no action {verb!r}")
        return ""

    # -- pictures ------------------------------------------------------------------------

    def view(self, **options: Any) -> Any:
        """The board: nodes and their Pods, live where there is a front end, a picture elsewhere."""
        try:
            from k8slab.widgets import ClusterView
        except ImportError:
            return self.picture()
        return ClusterView(self, **options)

    def picture(self) -> Display:
        """The board as it is now, as a still picture with a table."""
        from k8slab.views.board import board_html, board_model, board_text

        model = board_model(self.cluster.snapshot())
        return Display(board_text(model), board_html(model), model)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return self.picture()._repr_mimebundle_()
