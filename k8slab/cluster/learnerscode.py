"""What a lab offers to bring learners' code in: plugins, schedulers, controllers and webhooks."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from k8slab.cluster.webhooks import WebhookError
from k8slab.scheduler.learners import make_plugin
from k8slab.sim.duration import parse_duration

if TYPE_CHECKING:
    from k8slab.cluster.cluster import Cluster
    from k8slab.controllers.custom import CustomController

Duration = int | float | str


class LearnersCode:
    """A part of `Lab`: everything goes through the cluster's `extensions`."""

    cluster: Cluster

    def plugin(self, target: Any = None, *, point: str = "", name: str = "", weight: int = 1) -> Any:
        """Build a scheduler plugin of your own into kube-scheduler: ``@lab.plugin`` above a class or function.

        A class has methods with the names of the extension points: ``pre_filter``, ``filter``, ``pre_score``,
        ``score``, ``normalize_score``, ``reserve``, ``unreserve``, ``permit``, ``pre_bind``, ``post_bind``,
        ``pre_enqueue``. A function needs ``point="score"``. Arguments are asked for by name: ``pod``, ``node`` (or
        ``nodes``, to judge all at once), ``scores``, ``state``, ``handle``. A filter answers True or the reason as
        text; a score is 0 to 100, times ``weight``. The same name again replaces the plugin.

        Code is not part of what ``save`` writes: ``Lab.load(path, plugins=[...])`` needs it again. A ``fork`` has it.
        Raises PluginError where it is no plugin.
        """
        if target is None or isinstance(target, str):
            return functools.partial(self.plugin, point=target or point, name=name, weight=weight)
        self.cluster.extensions.add_plugin(make_plugin(target, name, weight, point))
        return target

    def scheduler(self, target: Any = None, *, name: str = "") -> Any:
        """Run a scheduler of your own beside kube-scheduler: ``@lab.scheduler`` above a class or function.

        It is asked about Pods whose ``schedulerName`` is its name (``name``, else that of the class in small letters):
        ``def schedule(self, pod, nodes)`` answers a node or its name, or None or the reason why there is none.
        ``lab.faults.stop("scheduler/<name>")`` stops it. The same name again replaces it.
        """
        if target is None or isinstance(target, str):
            return functools.partial(self.scheduler, name=target or name)
        self.cluster.extensions.add_scheduler(target, name)
        return target

    def controller(
        self,
        target: Any = None,
        *,
        watch: str = "",
        owns: str | Sequence[str] = (),
        also: str | Sequence[str] = (),
        name: str = "",
        service_account: str = "",
    ) -> Any:
        """Run a controller of your own: ``@lab.controller(watch="websites", owns=["deployments"])``.

        Above a function ``reconcile(client, request)`` or a class with such a method. ``request`` has the ``namespace``
        and ``name`` of an object of the watched resource that changed, or that controls an owned object that did;
        ``client`` gets, lists, creates, updates, patches, deletes, and ``client.apply(obj, owner=site)`` applies an
        object with a controller reference. Answer None, or after how long to look again (``"30s"``). ``log(text)`` and
        ``event(obj, reason, message)`` may be asked for as arguments. ``also`` names further resources to watch; the
        class's ``requests_for(obj)`` answers which (namespace, name) to look at for them.

        What goes wrong is retried with back-off, and told in ``lab.controllers[name].logs`` and in an event. It acts
        as the administrator, or as ``service_account="namespace/name"``. ``lab.faults.pause(name)`` lets it rest,
        ``lab.faults.stop("controller/<name>")`` stops it; the same name again replaces it. Raises ControllerError
        where it is no controller.
        """
        from k8slab.controllers.custom import watching

        arguments: dict[str, Any] = {
            "watch": watch,
            "owns": owns,
            "also": also,
            "name": name,
            "service_account": service_account,
        }
        if target is None:
            return functools.partial(self.controller, **arguments)
        chosen = watching(target, watch, owns, also)
        self.cluster.extensions.add_controller(target, name, chosen, service_account)
        return target

    def webhook(self, target: Any = None, *, name: str = "", latency: Duration = 0) -> Any:
        """Answer for a webhook with a function: ``@lab.webhook("validate.example.com")``.

        The name is that of the webhook in its configuration, its URL, or the address of its Service
        (``guard.default.svc``, also with a path). Arguments are asked for by name: ``request`` (of the
        AdmissionReview, a dict), ``object``, ``old``, or the whole ``review``. Answer True or False, a text that says
        why not, or a dict with ``allowed``, ``status``, ``warnings``, and ``patch`` (a JSON patch as a list). For the
        conversion of custom resources answer the list of converted objects. ``latency`` is how long it takes to
        answer: more than ``timeoutSeconds`` is a failure. It must not write to the cluster.

        Code is not part of what ``save`` writes: ``Lab.load(path, webhooks={name: function})`` needs it again. The
        same name again replaces it. Raises WebhookError where it is no webhook.
        """
        if target is None or isinstance(target, str):
            return functools.partial(self.webhook, name=target or name, latency=latency)
        if not name:
            raise WebhookError("a webhook has to say what it answers for, as in @lab.webhook('validate.example.com')")
        self.cluster.extensions.add_webhook(target, name, parse_duration(latency) if latency else 0)
        return target

    @property
    def controllers(self) -> dict[str, CustomController]:
        """The learners' controllers by name: ``lab.controllers["website"].logs`` is its log."""
        return self.cluster.extensions.controllers()
