"""Lab: a cluster with everything that a notebook wants on top."""

from __future__ import annotations

import copy
import pickle
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from k8slab.apiserver.registry.endpoint import storage_prefix
from k8slab.cluster.cluster import Cluster, replay
from k8slab.cluster.convergence import desired_actual
from k8slab.cluster.extensions import Library
from k8slab.cluster.history import History, Snapshot
from k8slab.cluster.learnerscode import LearnersCode
from k8slab.cluster.readiness import Stillness, all_ready
from k8slab.cluster.topology import Shape
from k8slab.errors import K8sLabError
from k8slab.kubectl.output import Output
from k8slab.scheduler.shorthand import Source, title
from k8slab.sim.clock import MILLISECOND, SECOND
from k8slab.sim.duration import format_duration, parse_duration
from k8slab.sim.journal import Journal
from k8slab.views.display import Display
from k8slab.widgets.decision import Decision
from k8slab.widgets.decision import Source as DecisionSource

if TYPE_CHECKING:
    from k8slab.client import Client
    from k8slab.cluster.audit import AuditLog
    from k8slab.cluster.console import Console
    from k8slab.cluster.faults import Faults
    from k8slab.cluster.machine import MachineHandle
    from k8slab.cluster.registry import Registry
    from k8slab.serve.server import Server

#: What a kubectl command that changes something takes.
COMMAND_TIME = 100 * MILLISECOND

Duration = str | float
"""A text such as ``30s`` or ``1h30m``, or a number of seconds."""


class CommandError(K8sLabError):
    """A command failed; the message is what it wrote to standard error."""


class Lab(LearnersCode):
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

    def _begin(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.namespace = "default"
        self.playing = False
        self.speed = 1.0
        self._player: Any = None
        self._server: Server | None = None

    @classmethod
    def _of(cls, cluster: Cluster) -> Lab:
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

    def run_until(self, condition: Callable[[Lab], object], timeout: Duration = "10m") -> bool:
        """Let time pass until ``condition(lab)`` is true, at most ``timeout``; returns whether it became true."""
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

    # -- asking and changing -------------------------------------------------------------

    def kubectl(self, command: str, stdin: str = "", echo: bool = True) -> Output:
        """Run a kubectl command and print what it prints; returns text and exit code.

        A command that changed something takes a tenth of a second of virtual time, about what a person's does: so the
        next command meets a cluster that has begun to act on this one.
        """
        from k8slab.kubectl import run

        before = self.cluster.store.revision
        result = run(command, self.session(), stdin)
        if self.cluster.store.revision != before:
            self.cluster.advance(COMMAND_TIME)
        output = Output(result.stdout, result.stderr, result.exit_code)
        if echo:
            sys.stdout.write(result.stdout)
            sys.stderr.write(result.stderr)
        return output

    def apply(self, manifest: Any, echo: bool = True) -> list[Any]:
        """``kubectl apply`` a path, YAML text, dict, typed object, or a list of these; returns the live objects.

        Raises CommandError with kubectl's own message where something was refused; what came before it in the
        manifest is applied, as with kubectl.
        """
        from k8slab.api.codec import decode_yaml

        text = "---\n".join(_texts(manifest))
        output = self.kubectl("apply -f -", text, echo=False)
        if echo:
            sys.stdout.write(output.stdout)
        if output.exit_code:
            raise CommandError(output.stderr.strip())
        return [self._live(obj) for obj in decode_yaml(text, scheme=self.client.scheme)]

    def get(self, target: str, name: str | None = None, namespace: str | None = None) -> Any:
        """One object: ``lab.get("deployment/web")``, ``lab.get("pod", "web", namespace="shop")``.

        Raises ApiError (NotFound) where it is not there.
        """
        resource, name = _split(target, name)
        return self.client.get(resource, name, self._namespace(resource, namespace))

    def list(self, resource: str, namespace: str | None = None, selector: str = "", fields: str = "") -> list[Any]:
        """All objects of a resource, in all namespaces unless one is named; ``selector="app=web"`` chooses by label."""
        body = self.client.list(resource, namespace, label_selector=selector, field_selector=fields)
        return list(body.items)

    def patch(self, target: str, patch: dict[str, Any], namespace: str | None = None) -> Any:
        """Change some fields (a JSON merge patch): ``lab.patch("deployment/web", {"spec": {"replicas": 5}})``."""
        resource, name = _split(target, None)
        namespace = self._namespace(resource, namespace)
        return self.client.patch(resource, name, patch, namespace, field_validation="Strict")

    def delete(self, target: str, namespace: str | None = None, **options: Any) -> None:
        """Delete one object: ``lab.delete("pod/web-1")``."""
        resource, name = _split(target, None)
        self.client.delete(resource, name, self._namespace(resource, namespace), **options)

    def _live(self, obj: Any) -> Any:
        resource = self.client.scheme.of(obj)
        namespace = (obj.metadata.namespace or self.namespace) if resource.namespaced else None
        return self.client.get(resource.plural, obj.metadata.name, namespace)

    def _namespace(self, resource: str, namespace: str | None) -> str | None:
        return (namespace or self.namespace) if self.client.scheme.resource(resource).namespaced else None

    def session(self) -> Session:
        """What kubectl needs of this lab: client, clock, namespace, files."""
        return Session(self)

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

    # -- explanation ---------------------------------------------------------------------

    def why(self, target: str, namespace: str | None = None) -> Display:
        """Why an object is as it is: the chain of writes that led to it, as text, picture and graph."""
        from k8slab.cluster.causes import cause_graph
        from k8slab.views.causes import causes_html, causes_text

        graph = cause_graph(self.history, self._key(target, namespace), inputs=self.cluster.journal)
        if not len(graph):
            raise CommandError(f"nothing is known of {target}: it never existed in this lab")
        return Display(causes_text(graph), causes_html(graph), graph)

    def explain(
        self, target: Any, namespace: str | None = None, attempt: int = -1, node: str = "", uid: str = ""
    ) -> Decision:
        """How the scheduler decided about a Pod: filters and scores of every node.

        ``target`` is a Pod's name or a Pod. ``attempt`` counts from 1, or back from -1, the last; it works for Pods
        that are gone as well (``uid`` chooses among Pods that had the same name). With ``node``, also what would have
        had to be different for the Pod to go there. ``.live()`` on what is returned steps through attempts and nodes.
        Raises CommandError where no scheduler has tried.
        """
        if not isinstance(target, str):
            namespace, uid = target.metadata.namespace, target.metadata.uid
            target = target.metadata.name
        resource, name = _split(target if "/" in target else f"pod/{target}", None)
        if resource not in ("pod", "pods", "po"):
            raise CommandError(f"the scheduler decides about Pods: name one, not {target!r}")
        try:
            return DecisionSource(self.cluster, namespace or self.namespace, name, uid).decision(attempt, node)
        except LookupError as error:
            raise CommandError(str(error.args[0])) from None

    def compare_profiles(
        self,
        workload: Any,
        profile_a: Any,
        profile_b: Any,
        workers: int | Sequence[Shape] | None = None,
        seed: int | None = None,
        names: tuple[str, str] | None = None,
        timeout: Duration = "10m",
    ) -> Display:
        """Run the same workload under two scheduler configurations, each in a fresh lab, and show what differs.

        ``workload`` is what ``apply`` takes. A profile is what ``Lab(scheduler_config=...)`` takes (None is the
        default one), or a plugin as ``lab.plugin`` takes it, which joins the default ones. The labs are set up as
        this one, unless ``workers`` or ``seed`` say otherwise; this one is left alone.
        """
        from k8slab.views.comparison import compare, comparison_html, comparison_svg, comparison_text, side

        setup = {**self.cluster.setup, "components": None}
        setup |= {"workers": workers} if workers is not None else {}
        setup |= {"seed": seed} if seed is not None else {}
        sides = []
        for label, profile in zip(names or _labels(profile_a, profile_b), (profile_a, profile_b), strict=True):
            lab = Lab(**{**setup, "scheduler_config": None if callable(profile) else profile})
            if callable(profile):
                lab.plugin(profile)
            before = [f"{pod.metadata.namespace}/{pod.metadata.name}" for pod in lab.list("pods")]
            lab.apply(workload, echo=False)
            lab.settle(timeout=timeout)
            sides.append(side(label, lab.at(), before))
        found = compare(*sides)
        return Display(comparison_text(found), comparison_html(found), found, comparison_svg)

    def recovery(self, target: str, namespace: str | None = None) -> Display:
        """Desired against actual copies of a workload over time, and how long each gap took to close."""
        from k8slab.views.timeline import desired_actual_html, desired_actual_text

        key = self._key(target, namespace)
        try:
            points = desired_actual(self.history, key)
        except AttributeError:
            raise CommandError(f"{target} is not a number of copies: name a deployment, for example") from None
        now = self.cluster.clock.now
        return Display(desired_actual_text(points, now), desired_actual_html(points, now), points)

    def _key(self, target: str, namespace: str | None) -> str:
        resource, name = _split(target, None)
        found = self.client.scheme.resource(resource)
        return storage_prefix(found) + (f"{namespace or self.namespace}/" if found.namespaced else "") + name

    # -- time travel ---------------------------------------------------------------------

    def at(self, time: Duration | None = None, revision: int | None = None) -> Snapshot:
        """The cluster as it was: ``lab.at("30s").list("pods")``, ``lab.at(revision=120)``."""
        return self.cluster.snapshot(None if time is None else self._past(time), revision)

    def _past(self, time: Duration) -> int:
        moment, now = parse_duration(time), self.cluster.clock.now
        if moment > now:
            raise CommandError(f"{time} has not come yet: this lab is {format_duration(now)} old")
        return moment

    def diff(self, before: Duration, after: Duration | None = None) -> Display:
        """What changed between two times (the second: now, unless given)."""
        rows = self.history.diff(self.at(before), self.at(after))
        text = "\n".join(
            "\n".join([f"{how:8}{key}", *(f"          {line}" for line in lines)]) for key, how, lines in rows
        )
        from html import escape

        return Display(text or "no difference", f"<pre>{escape(text or 'no difference')}</pre>", rows)

    def fork(self, at: Duration | None = None) -> Lab:
        """A lab of its own with the same past: from now on, or from an earlier time (lived through again)."""
        with self.lock:
            if at is None:
                try:
                    return copy.deepcopy(self)
                except (TypeError, pickle.PicklingError) as error:
                    text = "code that you brought in may keep plain data only (no files, locks or generators)"
                    raise CommandError(f"this lab cannot be copied: {error}: {text}") from None
            until = self._past(at)
            journal = Journal.loads(self.cluster.dump_journal())
            library = Library(self.cluster.extensions.brought)
        return Lab._of(replay(journal, until, library))

    def save(self, path: str | Path) -> None:
        """Save the lab to a file: its set-up and journal, as text; ``Lab.load`` lives through it again."""
        with self.lock:
            text = self.cluster.dump_journal()
        try:
            Path(path).write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f'the path "{path}" cannot be written: {error.strerror}') from None

    @classmethod
    def load(
        cls,
        path: str | Path,
        plugins: Iterable[Any] = (),
        schedulers: Any = (),
        controllers: Any = (),
        webhooks: Any = (),
    ) -> Lab:
        """The lab that ``save`` wrote. Raises JournalError where the file is none.

        ``plugins``, ``schedulers`` and ``controllers`` are the classes and functions that were brought in with
        ``lab.plugin``, ``lab.scheduler`` and ``lab.controller``, and ``webhooks`` a dict from the names given to
        ``lab.webhook`` to functions: a file holds data only, and their names.
        """
        journal = Journal.loads(_read(Path(path)))
        library = Library(plugins=plugins, schedulers=schedulers, controllers=controllers, webhooks=webhooks)
        return cls._of(replay(journal, library=library))

    @classmethod
    def restore(cls, data_dir: str | Path, plugins: Iterable[Any] = (), schedulers: Any = ()) -> Lab:
        """The lab that is kept in a directory, as it was last (``serve(data_dir=...)``, ``k8slab serve --data-dir``).

        It is a copy, for looking and trying: only while it is served (``lab.serve(data_dir=...)``) is it kept. Raises
        DataDirectoryError where there is none, or another process has the directory open.
        """
        from k8slab.cluster.keeping import restore

        return cls._of(restore(data_dir, Library(plugins=plugins, schedulers=schedulers)))

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


class Session:
    """What kubectl sees of a lab: the client, the clock, files, and a way to wait."""

    def __init__(self, lab: Lab) -> None:
        self.client, self.clock, self.namespace = lab.client, lab.clock, lab.namespace
        self._cluster = lab.cluster

    def run_until(self, predicate: Callable[[], object], timeout_us: int) -> bool:
        """Let virtual time pass until ``predicate()`` holds, at most ``timeout_us`` microseconds."""
        return self._cluster.run_until(predicate, timeout_us)

    def read_file(self, path: str) -> str:
        """The text of a file. Raises OSError."""
        return Path(path).read_text(encoding="utf-8")

    def write_file(self, path: str, data: bytes) -> None:
        """Write a file (`kubectl cp` out of a container). Raises OSError."""
        Path(path).write_bytes(data)


_COMMANDS = {
    "cordon": "cordon {}",
    "uncordon": "uncordon {}",
    "drain": "drain {} --ignore-daemonsets --delete-emptydir-data --force",
    "delete": "delete {} --wait=false",
}


def _labels(a: Any, b: Any) -> tuple[str, str]:
    a, b = (getattr(one, "__name__", "") if callable(one) else title(one) for one in (a, b))
    first, second = (name if 0 < len(name) <= 32 else other for name, other in ((a, "profile a"), (b, "profile b")))
    return (first, second) if first != second else (f"{first} (a)", f"{second} (b)")


def _split(target: str, name: str | None) -> tuple[str, str]:
    if name is not None:
        return target, name
    if not isinstance(target, str):
        raise CommandError(f"{target!r} names no object: write kind/name, for example 'deployment/web'")
    resource, slash, name = target.partition("/")
    if not slash or not name:
        raise CommandError(f"{target!r} names no object: write kind/name, for example 'deployment/web'")
    return resource, name


def _texts(manifest: Any) -> Iterable[str]:
    import msgspec

    from k8slab.api.codec import encode_yaml

    if isinstance(manifest, Path):
        yield _read(manifest)
    elif isinstance(manifest, str):
        # One line that ends like a file's name is one: no YAML document of Kubernetes is a single line without ": ".
        is_path = "\n" not in manifest and manifest.endswith((".yaml", ".yml", ".json"))
        yield _read(Path(manifest)) if is_path else manifest.rstrip("\n") + "\n"
    elif isinstance(manifest, (dict, msgspec.Struct)):
        try:
            yield encode_yaml(manifest)
        except (TypeError, RecursionError) as error:
            raise CommandError(f"cannot apply this {type(manifest).__name__}: {str(error).lower()}") from None
    elif isinstance(manifest, (list, tuple)):
        for part in manifest:
            yield from _texts(part)
    else:
        raise CommandError(f"cannot apply {type(manifest).__name__}: give a path, YAML text, dict or API object")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CommandError(f'the path "{path}" does not exist') from None
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f'the path "{path}" cannot be read: {getattr(error, "strerror", None) or error}') from None


__all__ = ["CommandError", "Display", "Lab", "Output"]
