"""What `k8slab demo` tells: apply, wait, fail a worker, and what the cluster does about it, with times."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any, NamedTuple

from k8slab.cluster.history import Change
from k8slab.lab import CommandError, Display, Lab
from k8slab.sim.clock import SECOND
from k8slab.sim.duration import format_duration

#: How long a worker stays without power: past NotReady (50 s) and past eviction (300 s more).
OUTAGE = 420


class StuckError(CommandError):
    """Not everything runs in the time given; the message holds the events of what is stuck."""


class Chapter(NamedTuple):
    """A chapter of a told run: its parts are texts and pictures, in the order in which they were told."""

    title: str
    parts: list[str | Display]


class Story:
    """A told run: lines as they happened, and pictures for the report.

    ``say`` gets each line at once; ``chapters`` collects everything for the report.
    """

    def __init__(self, lab: Lab, say: Callable[[str], object]) -> None:
        self.lab, self._say = lab, say
        self.chapters: list[Chapter] = []

    def chapter(self, title: str) -> None:
        """Begin a chapter."""
        self._say(f"\n== {title}")
        self.chapters.append(Chapter(title, []))

    def line(self, text: str = "") -> None:
        """Tell something in the current chapter."""
        self._say(text)
        parts = self.chapters[-1].parts
        if parts and isinstance(parts[-1], str):
            parts[-1] += "\n" + text
        else:
            parts.append(text)

    def show(self, picture: Display) -> None:
        """Put a picture into the current chapter of the report."""
        self.chapters[-1].parts.append(picture)

    def kubectl(self, command: str) -> None:
        """Run a command and tell what it printed."""
        self.line(f"$ kubectl {command}")
        self.line(self.lab.kubectl(command, echo=False).text.rstrip())


def tell(lab: Lab, manifest: str | None, say: Callable[[str], object], timeout: float = 600) -> Story:
    """Run the story on a lab: ``manifest`` (YAML; default: a guestbook) gets ``timeout`` virtual seconds to run.

    Raises CommandError where the manifest is refused, StuckError where not everything runs in time.
    """
    story = Story(lab, say)
    application = manifest if manifest is not None else files("k8slab.demo").joinpath("guestbook.yaml").read_text()
    _apply(story, application)
    _wait(story, timeout)
    victim = _busiest(lab)
    if victim:
        _fail(story, victim)
        _recover(story, victim, timeout)
    return story


def _apply(story: Story, application: str) -> None:
    story.chapter("A cluster, and an application for it")
    story.kubectl("get nodes")
    output = story.lab.kubectl("apply -f -", application, echo=False)
    story.line("$ kubectl apply -f -")
    story.line(output.text.rstrip())
    if output.exit_code:
        raise CommandError(output.stderr.strip())


def _wait(story: Story, timeout: float) -> None:
    story.chapter("Everything starts")
    lab, start = story.lab, story.lab.now
    if not lab.run_until_ready(timeout):
        raise StuckError(_stuck(lab, timeout))
    story.line(f"All Pods are Ready after {format_duration(round((lab.now - start) * SECOND))}.")
    story.kubectl("get pods -o wide")
    story.show(lab.picture())


def _fail(story: Story, victim: str) -> None:
    lab = story.lab
    story.chapter(f"{victim} loses its power")
    start, revision = lab.clock.now, lab.history.revision
    lab.fail_node(victim)
    lab.run(70)
    story.line(f"{format_duration(70 * SECOND)} later:")
    story.kubectl("get nodes")
    story.show(lab.picture())
    lab.run(OUTAGE - 70)
    story.line("What happened, from the moment of the power cut:")
    _tell_changes(story, revision, start)
    story.kubectl("get pods -o wide")
    story.show(lab.picture())


def _recover(story: Story, victim: str, timeout: float) -> None:
    lab = story.lab
    story.chapter(f"{victim} comes back")
    start, revision = lab.clock.now, lab.history.revision
    lab.recover_node(victim)
    lab.settle(timeout=timeout)
    if not lab.run_until_ready(timeout):
        raise StuckError(_stuck(lab, timeout))
    _tell_changes(story, revision, start)
    story.kubectl("get nodes")
    story.kubectl("get pods -o wide")
    story.show(lab.picture())
    story.line("Desired equals actual again.")


def _busiest(lab: Lab) -> str:
    """The worker with most Pods of users: the failure that shows most."""
    counts: dict[str, int] = {}
    for pod in lab.list("pods"):
        if pod.metadata.namespace != "kube-system" and pod.spec.nodeName:
            counts[pod.spec.nodeName] = counts.get(pod.spec.nodeName, 0) + 1
    return max(counts, key=lambda name: (counts[name], name)) if counts else ""


def _tell_changes(story: Story, since: int, start: int) -> None:
    told: dict[str, tuple[int, str, list[str]]] = {}
    for change in story.lab.history.changes(since):
        what, who = _news(change)
        if what:
            told.setdefault(f"{change.write.time // SECOND} {what}", (change.write.time - start, what, []))[2].append(
                who
            )
    for time, what, names in told.values():
        shown = ", ".join(dict.fromkeys(names[:4])) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        story.line(f"  {format_duration(round(time, -5)):>8}  {what}: {shown}")


def _news(change: Change) -> tuple[str, str]:
    """What a change means to the story and whom it concerns; empty where it is of no interest to it."""
    obj = change.object
    kind, name = type(obj).__name__, obj.metadata.name
    if kind == "Node" and change.before is not None and change.after is not None:
        return _node_news(change), name
    if kind == "Pod" and obj.metadata.namespace != "kube-system":
        return _pod_news(change), name
    return "", ""


def _node_news(change: Change) -> str:
    before, after = _condition(change.before, "Ready"), _condition(change.after, "Ready")
    if before != after:
        words = {"True": "Ready", "False": "NotReady", "Unknown": "NotReady (Unknown: no heartbeats)"}
        return f"node becomes {words.get(after, after)}"
    old = {f"{taint.key}:{taint.effect}" for taint in change.before.spec.taints or ()}
    new = {f"{taint.key}:{taint.effect}" for taint in change.after.spec.taints or ()}
    added, removed = sorted(new - old), sorted(old - new)
    return "; ".join([*(f"taint {taint} added" for taint in added), *(f"taint {taint} removed" for taint in removed)])


def _pod_news(change: Change) -> str:
    if change.before is None:
        return "Pod created"
    if change.after is None:
        return "Pod removed"
    if change.before.metadata.deletionTimestamp is None and change.after.metadata.deletionTimestamp is not None:
        return "Pod evicted (marked for deletion)"
    before, after = _condition(change.before, "Ready"), _condition(change.after, "Ready")
    return (
        {"True": "Pod Ready", "False": "Pod no longer Ready"}.get(after, "")
        if before != after and before
        else ("Pod Ready" if after == "True" and before != "True" else "")
    )


def _condition(obj: Any, kind: str) -> str:
    for condition in (obj.status.conditions if obj.status else None) or ():
        if condition.type == kind:
            return condition.status
    return ""


def _stuck(lab: Lab, timeout: float) -> str:
    """Which Pods do not run, with their events."""
    lines = [f"not everything runs after {format_duration(round(timeout * SECOND))} of virtual time:"]
    snapshot = lab.cluster.snapshot()
    events = snapshot.list("events")
    for pod in snapshot.list("pods"):
        if _condition(pod, "Ready") == "True" or (pod.status and pod.status.phase == "Succeeded"):
            continue
        phase = pod.status.phase if pod.status else "Pending"
        lines.append(f"pod {pod.metadata.namespace}/{pod.metadata.name} is {phase}")
        told = [event for event in events if event.involvedObject.uid == pod.metadata.uid]
        lines += [f"    {event.type:8} {event.reason:18} {event.message}" for event in told[-6:]]
    if len(lines) == 1:
        lines.append("a Deployment has fewer ready Pods than it wants; see kubectl get deployments -A")
    return "\n".join(lines)
