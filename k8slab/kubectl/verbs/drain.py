"""kubectl cordon, uncordon and drain. Follows k8s.io/kubectl/pkg/drain."""

from __future__ import annotations

from typing import Any

from k8slab.api.request import STRATEGIC_MERGE_PATCH
from k8slab.errors import ApiError
from k8slab.kubectl import builder, duration
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError, Exit, describe_failure, raise_all
from k8slab.kubectl.flags import DRY_RUN, SELECTOR, boolean, integer, period, text
from k8slab.kubectl.manifests import Info
from k8slab.kubectl.verbs.delete import gone
from k8slab.sim.clock import SECOND

_DAEMON = "DaemonSet-managed Pods"
_LOCAL = "Pods with local storage"
_BARE = "Pods that declare no controller"
_BARE_REFUSED = f"cannot delete {_BARE}"
"""The doubled words are the real command's."""
_MIRROR = "kubernetes.io/config.mirror"
_RETRY = 5 * SECOND


def _cordon(inv: Any) -> None:
    _set_all(inv, True)


def _uncordon(inv: Any) -> None:
    _set_all(inv, False)


def _nodes(inv: Any) -> tuple[list[Info], list[Exception]]:
    if inv.args and inv.flags["selector"]:
        raise inv.usage_error("error: cannot specify both a node name and a --selector option")
    if not inv.args and not inv.flags["selector"]:
        raise inv.usage_error(f"USAGE: {inv.command.name} NODE [flags]")
    words = inv.args if any("/" in word for word in inv.args) else ["nodes", *inv.args]
    return builder.live(inv, words)


def _set_all(inv: Any, unschedulable: bool) -> None:
    infos, errors = _nodes(inv)
    raise_all(errors)
    for info in infos:
        _set(inv, info, unschedulable)


def _set(inv: Any, info: Info, unschedulable: bool) -> None:
    word = "cordoned" if unschedulable else "uncordoned"
    if bool((info.object.get("spec") or {}).get("unschedulable")) == unschedulable:
        inv.print(f"{info.label} already {word}{inv.dry_run_suffix}")
        return
    if inv.dry_run != "client":
        patch = {"spec": {"unschedulable": True if unschedulable else None}}
        dry_run = inv.dry_run == "server"
        inv.access.patch(info.resource, info.name, None, patch, STRATEGIC_MERGE_PATCH, dry_run=dry_run)
    inv.print(f"{info.label} {word}{inv.dry_run_suffix}")


def _drain(inv: Any) -> None:
    infos, errors = _nodes(inv)
    raise_all(errors)
    for info in infos:
        _set(inv, info, True)
    pending = [info.name for info in infos]
    failures: list[str] = []
    for info in infos:
        try:
            _Drain(inv, info.name).run()
            pending.remove(info.name)
            inv.print(f"{info.label} drained{inv.dry_run_suffix}")
        except (CommandError, _Refused) as error:
            lines = error.lines if isinstance(error, _Refused) else [error.text]
            shown = lines[0] if len(lines) == 1 else "[" + ", ".join(lines) + "]"
            inv.complain(f'error: unable to drain node "{info.name}" due to error: {shown}, continuing command...')
            failures += lines
    if pending:
        inv.complain("There are pending nodes to be drained:\n" + "\n".join(f" {name}" for name in pending))
        for line in failures:
            inv.complain(line if len(failures) > 1 or len(infos) == 1 else f"error: {line}")
        raise Exit(1)


class _Refused(Exception):
    def __init__(self, lines: list[str]) -> None:
        super().__init__("; ".join(lines))
        self.lines = lines


class _Eviction:
    """One Pod that has to go: whether that is granted, and when to look after it again (None: never)."""

    def __init__(self, pod: dict[str, Any]) -> None:
        self.pod = pod
        self.asked = self.accepted = False
        self.next_at: int | None = 0
        self.error = ""

    def fail(self, text: str) -> None:
        """Give the Pod up."""
        self.error, self.next_at = text, None


class _Drain:
    """Empties one node."""

    def __init__(self, inv: Any, node: str) -> None:
        self.inv, self.node = inv, node
        self.errors: dict[str, list[str]] = {}
        self.warnings: dict[str, list[str]] = {}

    def run(self) -> None:
        pods = self._pods()
        chosen = [pod for pod in pods if self._take(pod)]
        if self.errors:
            raise _Refused(
                [
                    f"cannot delete {reason}: {', '.join(names)}"
                    for reason, names in sorted(self.errors.items(), key=_rank)
                ]
            )
        if self.warnings:
            self.inv.warn("; ".join(f"{reason}: {', '.join(names)}" for reason, names in self.warnings.items()))
        self._evict(chosen)

    def _pods(self) -> list[dict[str, Any]]:
        inv = self.inv
        resource = inv.access.scheme.resource("pods")
        return inv.access.list(resource, None, inv.flags["pod-selector"], f"spec.nodeName={self.node}")

    def _take(self, pod: dict[str, Any]) -> bool:
        """Whether the Pod is to be deleted; notes why not, and what to warn of."""
        flags, metadata = self.inv.flags, pod["metadata"]
        finished = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
        if _MIRROR in (metadata.get("annotations") or {}):
            return False
        if self._is_daemon(pod) and not (finished and metadata.get("deletionTimestamp")):
            self._note(pod, _DAEMON, flags["ignore-daemonsets"], "--ignore-daemonsets to ignore", f"ignoring {_DAEMON}")
            return False
        if _has_local_storage(pod) and not finished:
            flag = flags["delete-emptydir-data"]
            self._note(pod, _LOCAL, flag, "--delete-emptydir-data to override", "")
            if not flag:
                return False
        if not _controller(pod) and not finished:
            self._note(pod, _BARE_REFUSED, flags["force"], "--force to override", f"deleting {_BARE}")
            if not flags["force"]:
                return False
        return True

    def _is_daemon(self, pod: dict[str, Any]) -> bool:
        owner = _controller(pod)
        if not owner or owner.get("kind") != "DaemonSet":
            return False
        resource = self.inv.access.scheme.resource("daemonsets.apps")
        try:
            self.inv.access.get(resource, owner["name"], pod["metadata"]["namespace"])
        except ApiError as error:
            return error.reason != "NotFound"
        return True

    def _note(self, pod: dict[str, Any], what: str, allowed: bool, hint: str, warning: str) -> None:
        name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        if allowed and warning:
            self.warnings.setdefault(warning, []).append(name)
        elif not allowed:
            self.errors.setdefault(f"{what} (use {hint})", []).append(name)

    def _evict(self, pods: list[dict[str, Any]]) -> None:
        inv = self.inv
        timeout = duration.parse(inv.flags["timeout"])
        deadline = inv.session.clock.now + timeout if timeout else None
        for pod in pods:
            name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
            verb = "deleting" if inv.flags["disable-eviction"] else "evicting"
            inv.print(f"{verb} pod {name}{inv.dry_run_suffix}")
        if inv.dry_run != "client":
            self._carry_out([_Eviction(pod) for pod in pods], deadline)

    def _carry_out(self, evictions: list[_Eviction], deadline: int | None) -> None:
        """All at the same time: one that has to wait does not keep the others waiting."""
        clock = self.inv.session.clock
        while True:
            for each in evictions:
                if each.next_at is not None and each.next_at <= clock.now:
                    self._go_on(each, deadline)
            times = [each.next_at for each in evictions if each.next_at is not None]
            if not times:
                break
            self.inv.let_pass(max(min(times) - clock.now, 0))
        self._tell_failures([each for each in evictions if each.error])

    def _go_on(self, eviction: _Eviction, deadline: int | None) -> None:
        now, metadata = self.inv.session.clock.now, eviction.pod["metadata"]
        about = f'error when evicting pods/"{metadata["name"]}" -n "{metadata["namespace"]}"'
        late = deadline is not None and now >= deadline
        timed_out = f"global timeout reached: {self.inv.flags['timeout']}"
        if eviction.accepted:
            self._look(eviction, timed_out if late else "")
            return
        if eviction.asked:
            self.inv.print(f"evicting pod {metadata['namespace']}/{metadata['name']}")
        if late:
            eviction.fail(f"{about}: {timed_out}")
        else:
            self._ask(eviction, about)

    def _ask(self, eviction: _Eviction, about: str) -> None:
        """Try to evict the Pod; a disruption budget may say "not now"."""
        now = self.inv.session.clock.now
        eviction.asked = True
        try:
            self._request(eviction.pod)
            eviction.accepted = True
            eviction.next_at = now if self.inv.dry_run == "none" else None
        except ApiError as error:
            if error.reason == "NotFound":
                eviction.next_at = None
            elif error.reason == "TooManyRequests":
                self.inv.complain(f"{about} (will retry after 5s): {error.message}")
                eviction.next_at = now + _RETRY
            else:
                eviction.fail(f"{about}: {describe_failure(error).removeprefix('error: ')}")

    def _look(self, eviction: _Eviction, timed_out: str) -> None:
        """See whether an evicted Pod is gone."""
        inv, metadata = self.inv, eviction.pod["metadata"]
        info = Info(inv.access.scheme.resource("pods"), metadata["namespace"], metadata["name"])
        if gone(inv, info, metadata["uid"]):
            inv.print(f"pod/{metadata['name']} {'deleted' if inv.flags['disable-eviction'] else 'evicted'}")
            eviction.next_at = None
        elif timed_out:
            place = f'pod "{info.name}" in namespace "{info.namespace}"'
            eviction.fail(f"error when waiting for {place} to terminate: {timed_out}")
        else:
            eviction.next_at = inv.session.clock.now + SECOND

    def _tell_failures(self, failed: list[_Eviction]) -> None:
        if not failed:
            return
        lines = [each.error for each in failed]
        shown = lines[0] if len(lines) == 1 else "[" + ", ".join(lines) + "]"
        self.inv.complain(f'There are pending pods in node "{self.node}" when an error occurred: {shown}')
        for each in failed:
            self.inv.complain(f"pod/{each.pod['metadata']['name']}")
        raise _Refused(lines)

    def _request(self, pod: dict[str, Any]) -> None:
        inv, metadata = self.inv, pod["metadata"]
        period_seconds = inv.flags["grace-period"]
        if not inv.flags["disable-eviction"]:
            inv.access.evict(pod, period_seconds, inv.dry_run == "server")
            return
        options: dict[str, Any] = {"grace_period_seconds": period_seconds} if period_seconds >= 0 else {}
        resource = inv.access.scheme.resource("pods")
        dry_run = inv.dry_run == "server"
        inv.access.delete(
            resource, metadata["name"], metadata["namespace"], metadata["uid"], dry_run=dry_run, **options
        )


def _rank(error: tuple[str, list[str]]) -> int:
    """The real command lists reasons in no certain order."""
    return next(index for index, what in enumerate((_LOCAL, _DAEMON, _BARE_REFUSED)) if error[0].startswith(what))


def _controller(pod: dict[str, Any]) -> dict[str, Any] | None:
    return next((owner for owner in pod["metadata"].get("ownerReferences") or () if owner.get("controller")), None)


def _has_local_storage(pod: dict[str, Any]) -> bool:
    return any("emptyDir" in volume for volume in (pod.get("spec") or {}).get("volumes") or ())


CORDON = Command(
    "cordon", "Mark node as unschedulable", "kubectl cordon NODE [options]", _cordon, (*DRY_RUN, *SELECTOR)
)
UNCORDON = Command(
    "uncordon", "Mark node as schedulable", "kubectl uncordon NODE [options]", _uncordon, (*DRY_RUN, *SELECTOR)
)
COMMAND = Command(
    "drain",
    "Drain node in preparation for maintenance",
    "kubectl drain NODE [options]",
    _drain,
    (
        *DRY_RUN,
        *SELECTOR,
        integer("chunk-size", default=500),
        boolean("delete-emptydir-data"),
        boolean("disable-eviction"),
        boolean("force"),
        integer("grace-period", default=-1),
        boolean("ignore-daemonsets"),
        text("pod-selector"),
        integer("skip-wait-for-delete-timeout"),
        period("timeout"),
    ),
    examples="kubectl drain worker-1 --ignore-daemonsets --delete-emptydir-data",
)
