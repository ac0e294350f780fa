"""Why things are as they are: causes, the scheduler's decisions, comparisons, recoveries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8slab.cluster.convergence import desired_actual
from k8slab.cluster.topology import Shape
from k8slab.lab.core import Duration
from k8slab.lab.naming import CommandError, split
from k8slab.lab.objects import Objects
from k8slab.lab.travel import Travel
from k8slab.scheduler.shorthand import title
from k8slab.views.display import Display
from k8slab.widgets.decision import Decision
from k8slab.widgets.decision import Source as DecisionSource


class Explanation(Objects, Travel):
    """A cluster that explains itself."""

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
        resource, name = split(target if "/" in target else f"pod/{target}", None)
        if resource not in ("pod", "pods", "po"):
            raise CommandError(f"the scheduler decides about Pods: name one, not {target!r}")
        try:
            return DecisionSource(self.cluster, namespace or self.namespace, name, uid).decision(attempt, node)
        except LookupError as error:
            known = self.history.known(self._key(f"pod/{name}", namespace))
            if not known and self.cluster.scheduler is not None:
                raise CommandError(f"nothing is known of pod/{name}: it never existed in this lab") from None
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
            lab = type(self)(**{**setup, "scheduler_config": None if callable(profile) else profile})
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


def _labels(a: Any, b: Any) -> tuple[str, str]:
    a, b = (getattr(one, "__name__", "") if callable(one) else title(one) for one in (a, b))
    first, second = (name if 0 < len(name) <= 32 else other for name, other in ((a, "profile a"), (b, "profile b")))
    return (first, second) if first != second else (f"{first} (a)", f"{second} (b)")
