"""`kubectl run` with --attach, -i or --rm: stay with the Pod until it ends."""

from __future__ import annotations

from typing import Any

from k8slab.kubectl import duration
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.sessions import ENDED, phase
from k8slab.kubectl.verbs.attach import attach
from k8slab.kubectl.watching import LONGEST, Collector

Pod = dict[str, Any]


def check_flags(inv: Any) -> bool:
    """Whether the Pod is to be attached to. Raises CommandError where the flags do not fit together."""
    flags = inv.flags
    if flags["tty"] and not flags["stdin"]:
        raise inv.usage_error("-i/--stdin is required for containers with -t/--tty=true")
    attached = bool(flags["attach"] if "attach" in inv.given else flags["stdin"])
    if inv.dry_run != "none" and (attached or flags["stdin"] or flags["tty"]):
        raise inv.usage_error(
            "--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)"
        )
    if flags["rm"] and not attached:
        raise inv.usage_error("--rm should only be used for attached containers")
    return attached


def stay(inv: Any, pod: Pod) -> None:
    """Attach to a Pod that was just created, print what it says, and leave with its exit code."""
    try:
        _stay(inv, _Watched(inv, pod))
    finally:
        if inv.flags["rm"]:
            metadata = pod["metadata"]
            inv.access.delete(inv.access.scheme.resource("pods"), metadata["name"], metadata["namespace"])
            inv.print(f'pod "{metadata["name"]}" deleted')


def _stay(inv: Any, watched: _Watched) -> None:
    inv.flags.setdefault("container", "")
    timeout = duration.parse(inv.flags["pod-running-timeout"])
    if not watched.until(("Running", *ENDED), timeout):
        raise CommandError("timed out waiting for the condition")
    pod = watched.pod()
    metadata = pod["metadata"]
    if phase(pod) in ENDED:
        inv.write(inv.access.logs(metadata["name"], metadata["namespace"], {}))
    else:
        attach(inv, pod)
    if inv.flags["restart"] == "Always":
        return
    watched.until(ENDED, LONGEST)
    _leave(watched.pod())


def _leave(pod: Pod) -> None:
    if phase(pod) != "Failed":
        return
    states = [each.get("state") or {} for each in (pod["status"].get("containerStatuses") or ())]
    ending: dict[str, Any] = next((state["terminated"] for state in states if state.get("terminated")), {})
    metadata = pod["metadata"]
    text = f"pod {metadata['namespace']}/{metadata['name']} terminated ({ending.get('reason', '')})"
    raise CommandError(text, ending.get("exitCode") or 1, plain=True)


class _Watched:
    """A Pod as it is now, looked at again whenever a watch tells of a change."""

    def __init__(self, inv: Any, pod: Pod) -> None:
        self.inv = inv
        self.resource = inv.access.scheme.resource("pods")
        self.name, self.namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        self._collector = Collector()
        self._wanted: tuple[str, ...] = ()

    def pod(self) -> Pod:
        """The Pod. Raises ApiError where it is gone."""
        return self.inv.access.get(self.resource, self.name, self.namespace)

    def until(self, phases: tuple[str, ...], timeout_us: int) -> bool:
        """Let time pass until the Pod is in one of these phases; whether it is."""
        self._wanted = phases
        if phase(self.pod()) in phases:
            return True
        fields = f"metadata.name={self.name}"
        watch = self.inv.access.watch(self.resource, self._collector.receive, self.namespace, fields=fields)
        try:
            return self.inv.wait_until(self._reached, timeout_us)
        finally:
            watch.stop()

    def _reached(self) -> bool:
        if not self._collector.events:
            return False
        self._collector.events.clear()
        return phase(self.pod()) in self._wanted
