"""Code that learners bring into a cluster: scheduler plugins, schedulers, controllers and webhooks of their own.

What is brought in is an input to the lab, and journalled, but by its name only: a journal is data, and reading one
runs nobody's code. Who lives through a journal again gives the code along (`Library`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from k8slab.api.request import ADMIN, UserInfo
from k8slab.cluster.webhooks import CustomWebhook
from k8slab.controllers.custom import ControllerError, CustomController, Watching
from k8slab.controllers.learnerclient import LearnerClient
from k8slab.errors import K8sLabError
from k8slab.scheduler.custom import CustomScheduler
from k8slab.scheduler.framework import Plugin
from k8slab.scheduler.learners import make_plugin
from k8slab.sim.journal import JournalError

if TYPE_CHECKING:
    from k8slab.cluster.cluster import Cluster

PLUGIN, SCHEDULER, CONTROLLER, WEBHOOK = "plugin", "scheduler", "controller", "webhook"


class ExtensionError(K8sLabError):
    """Code that cannot be brought in where it was asked for."""


class Brought(NamedTuple):
    """Something brought in: `plugin`, `scheduler`, `controller` or `webhook`, its name, and the class or function."""

    kind: str
    name: str
    target: Any


class Library:
    """Where a replay finds the code that a journal names.

    Args:
        brought: in the order of the journal.
        plugins, schedulers, controllers, webhooks: learners' classes and functions, found by their names; all but the
            first may be dicts by name, as webhooks have to be, whose names are addresses.
    """

    def __init__(
        self,
        brought: Iterable[Brought] = (),
        plugins: Iterable[Any] = (),
        schedulers: Any = (),
        controllers: Any = (),
        webhooks: Any = (),
    ) -> None:
        self.brought = list(brought)
        made = [make_plugin(one) for one in plugins]
        self.by_name: dict[tuple[str, str], Any] = {(PLUGIN, one.name): one for one in made}
        for kind, given in ((SCHEDULER, schedulers), (CONTROLLER, controllers), (WEBHOOK, webhooks)):
            named = given.items() if isinstance(given, dict) else ((own_name(one), one) for one in given)
            self.by_name |= {(kind, name): one for name, one in named}

    def find(self, kind: str, name: str, number: int) -> Any:
        """The code of the `number`th thing brought in. Raises JournalError where it is not there."""
        if number < len(self.brought) and self.brought[number][:2] == (kind, name):
            return self.brought[number].target
        try:
            return self.by_name[(kind, name)]
        except KeyError:
            raise JournalError(
                f"this lab uses the learner's {kind} {name!r}, whose code is not kept in files: "
                f"define it, then give it along, as in Lab.load(path, {kind}s=[{name}])"
            ) from None


class Extensions:
    """A cluster's code of learners; everything goes through the gate."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.brought: list[Brought] = []
        self.library = Library()

    def add_plugin(self, target: Any, weight: int | None = None) -> None:
        """Build a plugin into kube-scheduler, in place of one of the same name; the process restarts with it.

        Raises ExtensionError without a kube-scheduler, PluginError or ConfigurationError where it is refused.
        """
        schedulers = self._cluster.schedulers
        if not schedulers:
            raise ExtensionError("this lab runs no kube-scheduler")
        plugin = make_plugin(target)
        if weight is not None and plugin.weight != weight:
            plugin = _weighted(plugin, weight)
        with self._cluster.gate.lock, self._cluster.trace.acting("learner", note=f"plugin {plugin.name}"):
            for scheduler in schedulers:
                scheduler.add_plugin(plugin)
            self._record(PLUGIN, plugin.name, plugin, {"weight": plugin.weight})

    def add_scheduler(self, target: Any, name: str = "") -> CustomScheduler:
        """Start a learner's scheduler, in place of one of the same name.

        Raises ExtensionError where the name is taken by kube-scheduler, PluginError where `target` is no scheduler.
        """
        name = name or own_name(target)
        cluster = self._cluster
        known = cluster.scheduler
        if known is not None and name in known.frameworks:
            raise ExtensionError(f"schedulerName {name!r} is served by kube-scheduler: choose another")
        made = CustomScheduler(
            cluster.component_client("kube-scheduler", name), cluster.clock, cluster.trace, name, target
        )
        component = f"scheduler/{name}"
        with cluster.gate.lock, cluster.trace.acting("learner", note=component):
            self._record(SCHEDULER, name, target, {})
            self._replace(component, made)
        return made

    def add_controller(self, target: Any, name: str, watching: Watching, service_account: str = "") -> CustomController:
        """Start a learner's controller, in place of one of the same name.

        Without a ServiceAccount it acts with the administrator's rights, as one that runs on a laptop does.
        Raises ControllerError where `target` is no controller.
        """
        name = name or own_name(target)
        cluster = self._cluster
        client = LearnerClient(
            cluster.server.handle,
            cluster.clock,
            cluster.trace,
            user=identity(service_account),
            user_agent=name,
            scheme=cluster.server.scheme,
        )
        made = CustomController(client, cluster.clock, cluster.streams, cluster.trace, name, target, watching)
        component = f"controller/{name}"
        with cluster.gate.lock, cluster.trace.acting("learner", note=component):
            data = {"watch": watching.watch, "owns": list(watching.owns), "also": list(watching.also)}
            self._record(CONTROLLER, name, target, data | {"service_account": service_account})
            self._replace(component, made)
        return made

    def add_webhook(self, target: Any, name: str, latency: int = 0) -> CustomWebhook:
        """Let a learner's function answer for a webhook, in place of one of the same name.

        Args:
            target: the function.
            name: the webhook's name, its URL, or the address of its Service, `name.namespace.svc`.
            latency: microseconds that it takes to answer.

        Raises WebhookError where `target` cannot be called so.
        """
        made = CustomWebhook(target, name, latency)
        cluster = self._cluster
        with cluster.gate.lock, cluster.trace.acting("learner", note=f"webhook {name}"):
            self._record(WEBHOOK, name, target, {"latency": latency})
            cluster.server.webhooks[name] = made
        return made

    def controllers(self) -> dict[str, CustomController]:
        """The learners' controllers by name."""
        return {one.name: one for one in self._cluster.components.values() if isinstance(one, CustomController)}

    def _replace(self, component: str, made: Any) -> None:
        cluster = self._cluster
        old = cluster.components.get(component)
        if old is not None:
            old.stop()
        cluster.components[component] = made
        cluster.faults.crashed.pop(component, None)
        made.start()

    def schedulers(self) -> list[CustomScheduler]:
        """The learners' schedulers."""
        return [one for one in self._cluster.components.values() if isinstance(one, CustomScheduler)]

    def apply(self, data: dict[str, Any]) -> None:
        """Bring in again what a journal's entry names. Raises JournalError where the library lacks it."""
        target = self.library.find(data["what"], data["name"], len(self.brought))
        if data["what"] == PLUGIN:
            self.add_plugin(target, data.get("weight"))
        elif data["what"] == CONTROLLER:
            watching = Watching(data["watch"], tuple(data["owns"]), tuple(data["also"]))
            self.add_controller(target, data["name"], watching, data["service_account"])
        elif data["what"] == WEBHOOK:
            self.add_webhook(target, data["name"], data["latency"])
        else:
            self.add_scheduler(target, data["name"])

    def _record(self, kind: str, name: str, target: Any, more: dict[str, Any]) -> None:
        self._cluster.gate.record("extension", {"what": kind, "name": name, **more})
        self.brought.append(Brought(kind, name, target))


def own_name(target: Any) -> str:
    """What a learner's scheduler or controller is called: its attribute `name`, else its own name in small letters."""
    name = getattr(target, "name", None)
    return name if isinstance(name, str) and name else str(getattr(target, "__name__", "")).lower().replace("_", "-")


def identity(service_account: str) -> UserInfo:
    """As whom a controller asks: a ServiceAccount given as `namespace/name`, or the administrator where none is given.

    Raises ControllerError for another text.
    """
    if not service_account:
        return ADMIN
    namespace, slash, name = service_account.partition("/")
    if not (namespace and slash and name):
        raise ControllerError(f"service_account is namespace/name, not {service_account!r}")
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
    return UserInfo(name=f"system:serviceaccount:{namespace}:{name}", groups=groups)


def _weighted(plugin: type[Plugin], weight: int) -> type[Plugin]:
    recipe = getattr(plugin, "recipe", None)
    if recipe:
        return make_plugin(recipe[0], recipe[1], weight, recipe[3])
    plugin.weight = weight
    return plugin
