"""The scheduler's decision about a Pod, live: step through its attempts, and ask about single nodes."""

from __future__ import annotations

from typing import Any

from k8slab.scheduler.counterfactual import Counterfactual, counterfactual
from k8slab.sim.duration import format_duration
from k8slab.views.display import Display
from k8slab.views.frame import details, esc, frame, table
from k8slab.views.scheduling import explanation_html, explanation_svg, explanation_text

ALL_NODES = "all nodes"


class Decision(Display):
    """An attempt to schedule a Pod, explained; `graph` is the scheduler's Explanation, `asked` the what-if of a node.

    Shown as text, or as picture and tables; `live()` is the same with controls.
    """

    def __init__(self, source: Source, explanation: Any, asked: Counterfactual | None = None) -> None:
        text, html = explanation_text(explanation), explanation_html(explanation)
        if asked is not None:
            text, html = f"{text}\n\n{asked.text}", html + asked_html(asked)
        super().__init__(text, html, explanation, explanation_svg)
        self.source, self.asked = source, asked

    def live(self) -> Any:
        """Controls to step through attempts and nodes; this still picture where there are no widgets."""
        try:
            from k8slab.widgets.stepper import Stepper
        except ImportError:
            return self
        return Stepper(self.source, self.graph, self.asked.node if self.asked else ALL_NODES)


class Source:
    """Where the explanations of one Pod come from: its scheduler, asked under the cluster's lock."""

    def __init__(self, cluster: Any, namespace: str, name: str, uid: str = "") -> None:
        self.cluster, self.namespace, self.name, self.uid = cluster, namespace, name, uid

    def explain(self, attempt: int = -1) -> Any:
        """An attempt's Explanation. Raises LookupError."""
        with self.cluster.gate.lock:
            for scheduler in self.cluster.extensions.schedulers():
                if (self.namespace, self.name) in scheduler.explanations:
                    return scheduler.explain(self.namespace, self.name, attempt)
            if self.cluster.scheduler is None:
                raise LookupError("this lab runs no kube-scheduler")
            return self.cluster.scheduler.explain(self.namespace, self.name, attempt, self.uid)

    def headlines(self) -> list[str]:
        """All attempts so far, in a few words each. Raises LookupError."""
        with self.cluster.gate.lock:
            key = (self.namespace, self.name)
            found = [one.explanations[key] for one in self.cluster.extensions.schedulers() if key in one.explanations]
            every = found[0] if found else self.cluster.scheduler.attempts(*key, self.uid)
            return [headline(number, one) for number, one in enumerate(every, 1)]

    def ask(self, attempt: int, node: str) -> Counterfactual:
        """What would have to have been different for the Pod to go to a node. Raises LookupError."""
        with self.cluster.gate.lock:
            explanation = self.explain(attempt)
            scheduler = self.cluster.scheduler
            if scheduler is None or explanation.scheduler not in scheduler.frameworks:
                raise LookupError(f"scheduler {explanation.scheduler!r} has no plugins to ask about a node")
            attempts = scheduler.attempts(self.namespace, self.name, self.uid)
            return counterfactual(scheduler, attempts[attempt - 1 if attempt > 0 else attempt], node)

    def decision(self, attempt: int = -1, node: str = "") -> Decision:
        """Both together. Raises LookupError."""
        asked = self.ask(attempt, node) if node and node != ALL_NODES else None
        return Decision(self, self.explain(attempt), asked)


def asked_html(asked: Counterfactual) -> str:
    """What would have to change for one node, in sentences, with the scores in question as a table."""
    lines = "".join(f"<div>{esc(line)}</div>" for line in asked.text.splitlines())
    parts = [f'<div class="note" style="white-space:pre-wrap"><b>What if it were {esc(asked.node)}?</b>{lines}</div>']
    if asked.rivals:
        rows = [
            (one.plugin, one.own.weighted, one.other.weighted, one.own.weight, "" if one.weight is None else one.weight)
            for one in asked.rivals
        ]
        head = ("Plugin", asked.node, asked.best_node, "Weight", "Weight to win")
        parts.append(details("Scores in question", table(head, rows, numbers=range(1, 5)), opened=True))
    return frame(*parts)


def headline(number: int, attempt: Any) -> str:
    """An attempt in a few words, for a list of them."""
    nominated = getattr(attempt, "nominated", "")
    where = {"scheduled": f"→ {attempt.node}", "preempting": f"makes room on {nominated}"}
    text = where.get(attempt.outcome, attempt.outcome)
    time = format_duration(attempt.time) if attempt.time else "0s"
    return f"{number}: {text} at {time}"
