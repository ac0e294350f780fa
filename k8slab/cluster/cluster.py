"""The composition root: the only module that knows all components."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from k8slab.api.request import ADMIN, UserInfo
from k8slab.apiserver import APIServer
from k8slab.apiserver.bootstrap import SECURE_PORT
from k8slab.client import Client
from k8slab.cluster import kubeadm, settings
from k8slab.cluster.adapter import Adapter
from k8slab.cluster.audit import AuditLog
from k8slab.cluster.console import Console
from k8slab.cluster.epoch import set_calendar, unix_seconds
from k8slab.cluster.extensions import Extensions, Library
from k8slab.cluster.faults import Faults
from k8slab.cluster.gate import Gate, load_request
from k8slab.cluster.history import History, Snapshot
from k8slab.cluster.metrics import MetricsProcess, MetricsServer
from k8slab.cluster.processes import (
    CLOUD_MANAGER,
    DRIVERS,
    MANAGER,
    METRICS,
    SCHEDULER,
    checked_replicas,
    chosen_parts,
    instances,
)
from k8slab.cluster.registry import Registry
from k8slab.cluster.sessions import Sessions
from k8slab.cluster.topology import Shape, machines, pod_network
from k8slab.controllers import CloudControllerManager, ControllerManager, StorageDrivers
from k8slab.controllers.cloud import Cloud
from k8slab.controllers.cloud.roles import manifests as cloud_roles
from k8slab.errors import K8sLabError
from k8slab.etcd.store import Store
from k8slab.kubelet import Kubelet
from k8slab.kubelet.addons import control_plane_manifests
from k8slab.kubelet.serving import answer as kubelet_answer
from k8slab.kubelet.storage import Storage
from k8slab.network.cni import CNI
from k8slab.pki.x509 import cluster_authority
from k8slab.scheduler import Scheduler
from k8slab.scheduler.shorthand import Source, expand, plain
from k8slab.sim.clock import EPOCH_US, SECOND, Clock
from k8slab.sim.journal import Entry, Journal, JournalError
from k8slab.sim.seed import Streams
from k8slab.sim.trace import Trace

#: How long a boot takes in virtual time; a cluster is handed over at lab time 0, when all nodes are Ready.
BOOT = 60 * SECOND


class Component(Protocol):
    """A process of the cluster: it can be started, stopped cleanly, and killed."""

    def start(self) -> None:
        """Begin, or begin again, from what the API server knows."""

    def stop(self) -> None:
        """End cleanly."""

    def crash(self) -> None:
        """End at once, without a goodbye."""


class Cluster:
    """A running cluster on its own virtual clock, ready at lab time 0.

    ``workers`` is a number or a list of shapes (``topology.machines``), ``worker`` the shape of each, ``seed`` feeds
    all randomness, ``components`` is a subset of ``processes.COMPONENTS``, ``scheduler_config`` a
    KubeSchedulerConfiguration (``scheduler.shorthand.Source``). ``replicas`` is how many there are of components that
    elect a leader, ``cloud`` puts the machines into a simulated cloud, ``epoch`` is what the calendar says at lab
    time 0 (RFC 3339, whole seconds; None: 2026-01-01T00:00:00Z). Raises TopologyError for impossible machines,
    EpochError for no time, ConfigurationError for a configuration with which kube-scheduler would not start.
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
        cloud = cloud or CLOUD_MANAGER in (components or ())
        parts = chosen_parts(components, cloud)
        self.replicas = checked_replicas(replicas, parts)
        specs = machines(workers, control_planes, worker)
        self.setup = _setup(workers, control_planes, seed, worker, components, scheduler_config, epoch)
        self.setup |= ({"replicas": dict(replicas)} if replicas else {}) | ({"cloud": True} if cloud else {})
        self.seed = seed
        self.clock = Clock(start=-BOOT, epoch=EPOCH_US if epoch is None else unix_seconds(epoch) * SECOND)
        self.streams = Streams(seed)
        self.trace = Trace(self.clock)
        self.store = Store()
        self.server = APIServer(
            self.store,
            self.clock,
            self.streams,
            self.trace,
            enable_admission=("NodeRestriction",),
            authorization_mode="Node,RBAC",
        )
        self.authority = cluster_authority(self.streams.secret("ca"), self.clock.epoch // SECOND)
        self.journal = Journal()
        self.gate = Gate(self.clock, self.server, self.journal, self.trace)
        scheme = self.server.scheme
        self.client = Client(self.gate.handle, self.clock, self.trace, user=ADMIN, user_agent="kubectl", scheme=scheme)
        self.history = History(self.clock, self.store, self.trace, self.server.scheme)
        self.images = Registry(self.gate)
        self.cni = CNI(self.streams)
        self.storage = Storage()
        self.components: dict[str, Component] = {}
        self.kubelets: dict[str, Kubelet] = {}
        self.followed: dict[str, dict[str, None]] = {}
        self.metrics = MetricsServer(self.clock, self.kubelets, self.server)
        self.schedulers: list[Scheduler] = []
        self.managers: list[ControllerManager] = []
        self.provider = Cloud(self.clock, self.streams) if cloud else None
        self.cloud = Console(self)
        self.faults = Faults(self)
        self.audit = AuditLog(self)
        self.extensions = Extensions(self)
        self.sessions = Sessions(self)
        self.metrics.adapter = Adapter(self)
        self._compose(parts, specs)
        self._boot(pod_network(len(specs)))

    # -- making -------------------------------------------------------------------------------------------------

    def _compose(self, parts: Sequence[str], specs: list[Any]) -> None:
        network = pod_network(len(specs))
        for name, count in self.replicas.items():
            for component, host in instances(name, count):
                self.components[component] = self._make(name, host, network)
        if DRIVERS in parts:
            client = self.component_client(DRIVERS)
            self.components[DRIVERS] = StorageDrivers(client, self.clock, self.streams, self.trace)
        if METRICS in parts:
            self.components[METRICS] = MetricsProcess(self.metrics)
        if "kubelet" in parts:
            for spec in specs:
                self._add_kubelet(spec, parts)
        if self.kubelets:
            self.server.node_proxy = self

    def _make(self, name: str, host: str, network: str) -> Component:
        """One process of those that elect a leader."""
        tools = (self.component_client(name), self.clock, self.streams, self.trace)
        if name == SCHEDULER:
            scheduler = Scheduler(*tools, expand(self.setup.get("scheduler_config")), host=host)
            if self.schedulers:
                scheduler.decisions = self.schedulers[0].decisions  # the lab remembers, whoever decided
            self.schedulers.append(scheduler)
            return scheduler
        if name == MANAGER:
            manager = ControllerManager(
                *tools,
                metrics=self.metrics,
                host=host,
                cluster_cidr=network,
                cluster_signing=self.authority,
                service_account_key=self.server.tokens,
            )
        else:
            manager = CloudControllerManager(*tools, host=host, cloud=self.provider, cluster_cidr=network)
        self.managers.append(manager)
        return manager

    @property
    def scheduler(self) -> Scheduler | None:
        """The kube-scheduler that leads, else the first; None where the cluster has none."""
        leading = [one for one in self.schedulers if one.leading]
        return (leading or self.schedulers or [None])[0]

    @property
    def manager(self) -> ControllerManager | None:
        """The kube-controller-manager that leads, else the first; None where the cluster has none."""
        known = [one for one in self.managers if one.name == MANAGER]
        leading = [one for one in known if one.leading]
        return (leading or known or [None])[0]

    def _add_kubelet(self, spec: Any, parts: Sequence[str]) -> None:
        user = UserInfo(name=f"system:node:{spec.name}", groups=("system:nodes", "system:authenticated"))
        client = Client(
            self.server.handle,
            self.clock,
            self.trace,
            user=user,
            user_agent=f"kubelet/{spec.name}",
            scheme=self.server.scheme,
            renewals=self.server.renewals,
        )
        if self.provider is not None:
            spec = self._in_cloud(spec)
        kubelet = Kubelet(spec, client, self.clock, self.streams, self.trace, self.images, self.cni, self.storage)
        kubelet.admin = Client(
            self.server.handle, self.clock, self.trace, user=ADMIN, user_agent="kubeadm", scheme=self.server.scheme
        )
        if spec.role == "control-plane":
            kubelet.manifests.update(control_plane_manifests(parts))
        self.kubelets[spec.name] = kubelet
        self.components[f"kubelet/{spec.name}"] = kubelet
        self.components[f"containerd/{spec.name}"] = kubelet.runtime

    def _in_cloud(self, spec: Any) -> Any:
        """The machine as the cloud has it, and what is left for the kubelet to say about it."""
        address = spec.address or self.cni.host(spec.name)
        self.provider.add_machine(spec.name, address, spec.cpu, spec.zone, spec.region, spec.instance_type)
        return replace(spec, cloud_provider="external", zone="", region="", instance_type="")

    def component_client(self, name: str, agent: str = "") -> Client:
        """A client with the rights of a component, as which others than itself may act (``agent``)."""
        user = UserInfo(name=f"system:{name}", groups=("system:authenticated",))
        parts = {"scheme": self.server.scheme, "renewals": self.server.renewals}
        return Client(self.server.handle, self.clock, self.trace, user=user, user_agent=agent or name, **parts)

    def _init(self, network: str) -> None:
        """What kubeadm leaves behind."""
        address = f"{self.server.advertise_addresses[0]}:{SECURE_PORT}"
        client = Client(self.server.handle, self.clock, self.trace, user=ADMIN, user_agent="kubeadm")
        with self.trace.acting("kube-apiserver"):
            self.server.create(settings.authentication(self.authority.certificate))
        with self.trace.acting("kubeadm"):
            for obj in kubeadm.objects(self.authority.certificate, address, network):
                client.create(obj)

    def _boot(self, network: str) -> None:
        with self.trace.acting("kube-apiserver"):
            self.server.bootstrap()
        self._init(network)
        self._install_cloud_manifests()
        for component in self.components.values():
            component.start()
        self.clock.run_until(0)
        self.gate.start()

    def _install_cloud_manifests(self) -> None:
        """What an administrator applies before cloud-controller-manager can work."""
        if self.provider is None:
            return
        scheme = self.server.scheme
        client = Client(self.server.handle, self.clock, self.trace, user=ADMIN, user_agent="kubectl", scheme=scheme)
        with self.trace.acting(ADMIN.name, note="manifests of the cloud provider"):
            for role in cloud_roles():
                client.create(role)

    # -- time ---------------------------------------------------------------------------------------------------

    def advance(self, delay: int) -> None:
        """Let ``delay`` microseconds of virtual time pass."""
        self.gate.advance(self.clock.now + delay)

    def run_until(self, predicate: Callable[[], object], timeout: int) -> bool:
        """Let time pass until ``predicate()`` holds, at most ``timeout`` microseconds; returns whether it does."""
        return self.gate.advance_until(predicate, self.clock.now + timeout)

    # -- trust --------------------------------------------------------------------------------------------------

    def trust(self, certificates: str) -> None:
        """Let the cluster publish further authorities (PEM) besides its own; journalled."""
        with self.gate.lock:
            self.gate.record("trust", {"certificates": certificates})
            with self.trace.acting("trust", note="another authority is trusted"):
                for manager in self.managers:
                    manager.trust(certificates)

    # -- reading ------------------------------------------------------------------------------------------------

    def snapshot(self, time: int | None = None, revision: int | None = None) -> Snapshot:
        """The cluster's objects now, at a lab time (microseconds), or at a revision."""
        return self.history.snapshot(time, revision)

    def logs(self, namespace: str, pod: str, container: str, **options: Any) -> str:
        """A container's log, asked of the kubelet that runs it (the API server's way to nodes)."""
        found = self.snapshot().get("pods", namespace, pod)
        kubelet = self.kubelets.get(found.spec.nodeName) if found is not None else None
        if kubelet is None:
            raise K8sLabError(f"no kubelet runs {namespace}/{pod}")
        return kubelet.logs(namespace, pod, container, **options)

    def stream(self, kind: str, namespace: str, pod: str, options: dict[str, Any], sink: Any) -> Any:
        """Open a session in a Pod (the API server's way to nodes); see `Sessions.open`."""
        return self.sessions.open(kind, namespace, pod, options, sink)

    def ask_kubelet(self, node: str, path: str) -> Any:
        """What a node's kubelet answers on its port. Raises K8sLabError where it does not."""
        kubelet = self.kubelets.get(node)
        if kubelet is None or not kubelet.running:
            address = kubelet.address if kubelet is not None else node
            raise K8sLabError(f"error trying to reach service: dial tcp {address}:10250: connect: connection refused")
        return kubelet_answer(kubelet, path, self.metrics.loads.at(self.clock.now))

    # -- again --------------------------------------------------------------------------------------------------

    def dump_journal(self) -> str:
        """The set-up and all inputs so far as text (``sim.journal``), enough to repeat this cluster's history."""
        self.gate.account()
        whole = Journal()
        whole.append(-BOOT, "setup", self.setup)
        whole.entries.extend(self.journal)
        return whole.dumps()


def replay(journal: Journal, until: int | None = None, library: Library | None = None) -> Cluster:
    """A new cluster that lives through a journal again, up to lab time ``until`` (default: all of it).

    ``library`` has the code that learners brought in. Raises JournalError where the journal does not fit: no set-up, an
    input at another time than recorded, or code that is not in the library.
    """
    entries = list(journal)
    if not entries or entries[0].kind != "setup":
        raise JournalError("a journal begins with the set-up of its cluster")
    cluster = from_setup(entries[0].data)
    cluster.extensions.library = library or Library()
    for number, entry in enumerate(entries[1:], 2):
        if until is not None and entry.time > until:
            break
        play(cluster, number, entry, until)
    if until is not None and cluster.clock.now < until:
        cluster.gate.advance(until)
    return cluster


def from_setup(setup: dict[str, Any]) -> Cluster:
    """A new cluster from a journal's set-up entry. Raises JournalError where it is none."""
    try:
        return Cluster(**setup)
    except TypeError as error:
        raise JournalError(f"journal: the set-up is not one of a cluster: {error}") from None


def play(cluster: Cluster, number: int, entry: Any, until: int | None = None) -> None:
    """Put one journal entry (``number`` names it in errors) into a cluster."""
    check_time(cluster, number, entry)
    try:
        enter(cluster, entry, until)
    except (KeyError, TypeError, ValueError) as error:
        raise JournalError(f"journal entry {number} ({entry.kind}): {error}") from None


def check_time(cluster: Cluster, number: int, entry: Entry) -> None:
    """Raises JournalError where an entry is not of the time that the clock reads."""
    if entry.time != cluster.clock.now:
        raise JournalError(
            f"journal entry {number} is of lab time {entry.time}, but the clock reads {cluster.clock.now}: "
            "the journal is not of this set-up"
        )


def enter(cluster: Cluster, entry: Entry, until: int | None = None) -> None:
    """Let an input come into a cluster as its entry says; time passes to ``until`` at most."""
    if entry.kind == "request":
        cluster.gate.handle(load_request(entry.data))
    elif entry.kind == "fault":
        cluster.faults.apply(entry.data["verb"], *entry.data["targets"])
    elif entry.kind == "metric":
        cluster.metrics.adapter.apply(entry.data)
    elif entry.kind == "image":
        cluster.images.apply(entry.data)
    elif entry.kind == "trust":
        cluster.trust(entry.data["certificates"])
    elif entry.kind == "extension":
        cluster.extensions.apply(entry.data)
    elif entry.kind == "stream":
        cluster.sessions.apply(entry.data)
    elif entry.kind == "calendar":
        set_calendar(cluster, entry.data["now"])
    elif entry.kind == "advance":
        target = int(entry.data["until"])
        cluster.gate.advance(target if until is None else min(target, until))


def _setup(
    workers: int | Sequence[Shape],
    control_planes: int,
    seed: int,
    worker: Shape | None,
    components: Any,
    scheduler_config: Source,
    epoch: str | None,
) -> dict[str, Any]:
    setup: dict[str, Any] = {
        "workers": workers if isinstance(workers, int) else [dict(shape) for shape in workers],
        "control_planes": control_planes,
        "seed": seed,
    }
    if worker:
        setup["worker"] = dict(worker)
    if components is not None:
        setup["components"] = list(components)
    if scheduler_config is not None:
        setup["scheduler_config"] = plain(scheduler_config)
    if epoch is not None:
        setup["epoch"] = epoch
    return setup
