"""kubectl delete, and waiting until what was deleted is gone."""

from __future__ import annotations

from typing import Any

from k8slab.errors import ApiError
from k8slab.kubectl import builder, duration
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError, raise_all
from k8slab.kubectl.flags import ALL_NAMESPACES, DRY_RUN, FILES, SELECTOR, boolean, integer, period, text
from k8slab.kubectl.manifests import Info
from k8slab.kubectl.watching import Collector

_AT_ONCE = (
    "Immediate deletion does not wait for confirmation that the running resource has been terminated. "
    "The resource may continue to run on the cluster indefinitely."
)
_POLICIES = {
    "background": "Background",
    "true": "Background",
    "foreground": "Foreground",
    "orphan": "Orphan",
    "false": "Orphan",
}


def run(inv: Any) -> None:
    """Delete the objects meant, print each, and wait until they are gone."""
    _check(inv)
    infos, errors = _meant(inv)
    ignoring = inv.flags["ignore-not-found"] or bool(inv.flags["all"] or inv.flags["selector"])
    deleted: list[Info] = []
    for info in infos:
        try:
            uid = remove(inv, info)
            if inv.flags["wait"] and uid:
                info.object = {"metadata": {"uid": uid}}
                deleted.append(info)
        except ApiError as error:
            if not (ignoring and error.reason == "NotFound"):
                errors.append(error)
    if not infos and not errors and not inv.flags["ignore-not-found"]:
        inv.print("No resources found")
    _wait(inv, deleted, errors)
    raise_all(errors)


def _check(inv: Any) -> None:
    flags = inv.flags
    if flags["output"] not in ("", "name"):
        raise CommandError(f"unexpected -o output mode: {flags['output']}. We only support '-o name'")
    if flags["all"] and flags["selector"]:
        raise CommandError("setting 'all' parameter but found a non empty selector. ")
    if flags["grace-period"] >= 0 and flags["now"]:
        raise CommandError("--now and --grace-period cannot be specified together")
    if flags["grace-period"] > 0 and flags["force"]:
        raise CommandError("--force and --grace-period greater than 0 cannot be specified together")
    if flags["cascade"] not in _POLICIES:
        raise CommandError(
            f'invalid cascade value ({flags["cascade"]}). Must be "background", "foreground", or "orphan"'
        )
    if flags["force"] and inv.dry_run == "none":
        inv.warn(_AT_ONCE)


def _meant(inv: Any) -> tuple[list[Info], list[Exception]]:
    if builder.has_files(inv):
        builder.refuse(inv.args)
        return builder.local(inv)
    found: list[Info] = []
    errors: list[Exception] = []
    wanted = builder.targets(inv, inv.args)
    if not wanted:
        raise CommandError(builder.MUST_PROVIDE)
    for target in wanted:
        if target.name is not None:
            found.append(Info(target.resource, inv.namespace if target.resource.namespaced else None, target.name))
            continue
        try:
            found += _matching(inv, target.resource)
        except ApiError as error:
            errors.append(error)
    return found, errors


def _matching(inv: Any, resource: Any) -> list[Info]:
    where = None if inv.all_namespaces else inv.namespace
    objects = inv.access.list(resource, where, inv.flags["selector"], inv.flags["field-selector"])
    return [builder.info_of(resource, obj) for obj in objects]


def grace_period(inv: Any) -> int | None:
    """Seconds to ask for, None for the object's own setting.

    A period of 0 without --force becomes 1, so that nothing is lost by accident.
    """
    given = inv.flags.get("grace-period", -1)
    if inv.flags.get("now"):
        return 1
    if given < 0:
        return 0 if inv.flags.get("force") else None
    return given if given or inv.flags.get("force") else 1


def remove(inv: Any, info: Info) -> str:
    """Delete one object and print it; returns its uid (empty for a dry run). Raises ApiError."""
    uid = ""
    if inv.dry_run != "client":
        answer = inv.access.delete(
            info.resource,
            info.name,
            info.namespace,
            propagation_policy=_POLICIES[inv.flags.get("cascade") or "background"],
            grace_period_seconds=grace_period(inv),
            dry_run=inv.dry_run == "server",
        )
        uid = (answer.get("metadata") or {}).get("uid") or (answer.get("details") or {}).get("uid") or ""
    operation = "force deleted" if inv.flags.get("force") and grace_period(inv) == 0 else "deleted"
    if inv.flags.get("output") == "name":
        inv.print(info.label)
    else:
        kind, _, name = info.label.partition("/")
        inv.print(f'{kind} "{name}" {operation}{inv.dry_run_suffix}')
    return "" if inv.dry_run != "none" else uid


def _wait(inv: Any, infos: list[Info], errors: list[Exception]) -> None:
    timeout = duration.parse(inv.flags["timeout"]) or None
    for info in infos:
        if not wait_gone(inv, info, info.object["metadata"]["uid"], timeout):
            errors.append(CommandError(f"timed out waiting for the condition on {info.resource.plural}/{info.name}"))


def wait_gone(inv: Any, info: Info, uid: str | None, timeout_us: int | None) -> bool:
    """Let time pass until the object of this uid is gone; whether it is."""
    if gone(inv, info, uid):
        return True
    collector = Collector()
    watch = inv.access.watch(info.resource, collector.receive, info.namespace, fields=f"metadata.name={info.name}")
    try:
        # The object may have gone between the look and the watch: so any news is followed by another look.
        return inv.wait_until(_Gone(inv, info, uid, collector), timeout_us)
    finally:
        watch.stop()


class _Gone:
    """Looks again whenever the watch has something new."""

    def __init__(self, inv: Any, info: Info, uid: str | None, collector: Collector) -> None:
        self.inv, self.info, self.uid, self.collector = inv, info, uid, collector
        self.seen = -1

    def __call__(self) -> bool:
        if len(self.collector.events) == self.seen:
            return False
        self.seen = len(self.collector.events)
        return gone(self.inv, self.info, self.uid)


def gone(inv: Any, info: Info, uid: str | None) -> bool:
    """Whether the object is not there any more, or another one has taken its name."""
    try:
        live = inv.access.get(info.resource, info.name, info.namespace)
    except ApiError as error:
        if error.reason in ("NotFound", "Forbidden"):
            return True
        raise
    return uid is not None and live["metadata"].get("uid") != uid


COMMAND = Command(
    "delete",
    "Delete resources by file names, stdin, resources and names, or by resources and label selector",
    "kubectl delete ([-f FILENAME] | [-k DIRECTORY] | TYPE [(NAME | -l label | --all)]) [options]",
    run,
    (
        *FILES,
        *DRY_RUN,
        *SELECTOR,
        *ALL_NAMESPACES,
        text("output", "o"),
        boolean("all"),
        text("cascade", default="background", implied="background"),
        text("field-selector"),
        boolean("force"),
        integer("grace-period", default=-1),
        boolean("ignore-not-found"),
        boolean("interactive", "i"),
        boolean("now"),
        text("raw"),
        period("timeout"),
        boolean("wait", default=True),
    ),
    examples="kubectl delete pod web-0\nkubectl delete deploy,svc -l app=web\nkubectl delete -f web.yaml",
)
