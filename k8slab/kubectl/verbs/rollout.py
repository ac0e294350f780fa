"""kubectl rollout: status, history, undo, restart, pause, resume."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8slab.api.request import JSON_PATCH, STRATEGIC_MERGE_PATCH
from k8slab.errors import ApiError
from k8slab.kubectl import builder, duration, tabular
from k8slab.kubectl.command import Command
from k8slab.kubectl.describe.template import describe_template
from k8slab.kubectl.describe.writer import Writer
from k8slab.kubectl.failure import CommandError, raise_all
from k8slab.kubectl.flags import DRY_RUN, FILES, PRINT, SELECTOR, Flag, boolean, integer, manager, period
from k8slab.kubectl.manifests import Info
from k8slab.kubectl.printers import Printer
from k8slab.kubectl.revisions import Revision, history, pick
from k8slab.kubectl.statusviewer import rollout_message
from k8slab.kubectl.watching import Collector

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
_HASH = "pod-template-hash"
_KEPT = ("kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision",
         "deployment.kubernetes.io/revision-history", "deployment.kubernetes.io/desired-replicas",
         "deployment.kubernetes.io/max-replicas", "deprecated.deployment.rollback.to")  # fmt: skip


def _infos(inv: Any) -> list[Info]:
    if not inv.args and not builder.has_files(inv) and not inv.flags["selector"]:
        raise CommandError("required resource not specified")
    infos, errors = builder.live(inv, allow_all=True)
    raise_all(errors)
    return infos


def _status(inv: Any) -> None:
    infos = _infos(inv)
    if not infos:
        inv.complain("No resources found" + (f" in {inv.namespace} namespace." if not inv.all_namespaces else ""))
    for info in infos:
        _follow_status(inv, info)


def _follow_status(inv: Any, info: Info) -> None:
    collector = Collector()
    watch = inv.access.watch(info.resource, collector.receive, info.namespace, fields=f"metadata.name={info.name}")
    timeout = duration.parse(inv.flags["timeout"])
    deadline = inv.session.clock.now + timeout if timeout else None
    last = None
    try:
        while True:
            obj = inv.access.get(info.resource, info.name, info.namespace)
            seen = len(collector.events)
            if obj["metadata"].get("resourceVersion") != last:
                last = obj["metadata"].get("resourceVersion")
                text, done = rollout_message(obj, inv.flags["revision"])
                inv.print(text)
                if done or not inv.flags["watch"]:
                    return
            _await_news(inv, collector, seen, deadline)
    except ApiError as error:
        raise CommandError("object has been deleted") if error.reason == "NotFound" and last else error from None
    finally:
        watch.stop()


def _await_news(inv: Any, collector: Collector, seen: int, deadline: int | None) -> None:
    left = None if deadline is None else max(deadline - inv.session.clock.now, 0)
    if not inv.wait_until(lambda: len(collector.events) > seen, left):
        raise CommandError("timed out waiting for the condition")


def _history(inv: Any) -> None:
    wanted = inv.flags["revision"]
    if wanted < 0:
        raise CommandError(f"revision must be a positive integer: {wanted}")
    for info in _infos(inv):
        revisions = history(inv, info)
        if inv.flags["output"]:
            _show_revision_object(inv, revisions, wanted)
        elif wanted:
            found = next((each for each in revisions if each.number == wanted), None)
            if found is None:
                raise CommandError("unable to find the specified revision")
            inv.print(f"{info.label} with revision #{wanted}\n{_template_text(found)}")
        else:
            inv.print(f"{info.label} \n{_table(revisions)}")


def _show_revision_object(inv: Any, revisions: list[Revision], wanted: int) -> None:
    printer = Printer(inv)
    for revision in revisions:
        if wanted in (0, revision.number):
            printer.show(revision.source)


def _table(revisions: list[Revision]) -> str:
    rows = [["REVISION", "CHANGE-CAUSE"], *([str(each.number), each.cause or "<none>"] for each in revisions)]
    return tabular.table(rows, 0, 2) if revisions else "No rollout history found."


def _template_text(revision: Revision) -> str:
    writer = Writer()
    describe_template(writer, revision.template)
    # kubectl writes this text without aligning its columns.
    return writer.raw()


def _undo(inv: Any) -> None:
    wanted = inv.flags["to-revision"]
    if wanted < 0:
        raise CommandError(f"revision must be a positive integer: {wanted}")
    printer = Printer(inv)
    errors: list[Exception] = []
    for info in _infos(inv):
        try:
            _undo_one(inv, info, wanted, printer)
        except (ApiError, CommandError) as error:
            errors.append(error)
    raise_all(errors)


def _undo_one(inv: Any, info: Info, wanted: int, printer: Printer) -> None:
    if (info.object.get("spec") or {}).get("paused"):
        raise CommandError(
            "you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again"
        )
    label = f'{info.resource.kind.lower()} "{info.name}"'
    revision = pick(history(inv, info), wanted, label)
    template = _plain_template(revision.template)
    if inv.dry_run == "client":
        inv.print(f"{info.label} {_template_text(revision)}{inv.dry_run_suffix}")
        return
    if template == _plain_template(info.object["spec"]["template"]):
        printer.show(info.object, f"skipped rollback (current template already matches revision {revision.number})")
        return
    dry_run = inv.dry_run == "server"
    patch: Any
    if info.resource.kind == "Deployment":
        patch, kind = _deployment_patch(info, revision, template), JSON_PATCH
    else:
        patch, kind = revision.source.get("data") or {}, STRATEGIC_MERGE_PATCH
    inv.access.patch(info.resource, info.name, info.namespace, patch, kind, dry_run=dry_run)
    printer.show(info.object, "rolled back")


def _plain_template(template: dict[str, Any]) -> dict[str, Any]:
    metadata = dict(template.get("metadata") or {})
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != _HASH}
    metadata = {key: value for key, value in metadata.items() if key != "creationTimestamp"} | (
        {"labels": labels} if labels else {}
    )
    return {**template, "metadata": metadata}


def _deployment_patch(info: Info, revision: Revision, template: dict[str, Any]) -> list[dict[str, Any]]:
    """Template and annotations of the old ReplicaSet; what belongs to the Deployment itself stays."""
    own = info.object["metadata"].get("annotations") or {}
    old = revision.source["metadata"].get("annotations") or {}
    annotations = {key: value for key, value in own.items() if key in _KEPT}
    annotations |= {key: value for key, value in old.items() if key not in _KEPT}
    return [
        {"op": "replace", "path": "/spec/template", "value": template},
        {"op": "replace", "path": "/metadata/annotations", "value": annotations},
    ]


def _patching(operation: str, make: Callable[[Any, Info], dict[str, Any]]) -> Callable[[Any], None]:
    def run(inv: Any) -> None:
        printer = Printer(inv, operation)
        errors: list[Exception] = []
        infos = _infos(inv)
        if not infos:
            inv.complain(f"No resources found in {inv.namespace} namespace.")
        for info in infos:
            try:
                patch = make(inv, info)
                options = {"field_manager": inv.flags["field-manager"]}
                stored = inv.access.patch(
                    info.resource, info.name, info.namespace, patch, STRATEGIC_MERGE_PATCH, **options
                )
                printer.show(stored)
            except (ApiError, CommandError) as error:
                errors.append(error)
        raise_all(errors)

    return run


def _restart(inv: Any, info: Info) -> dict[str, Any]:
    if info.resource.kind not in ("Deployment", "DaemonSet", "StatefulSet"):
        raise CommandError(f'{info.resource.group_resource} "{info.name}" restarting is not supported')
    if (info.object.get("spec") or {}).get("paused"):
        raise CommandError(
            f'{info.resource.group_resource} "{info.name}" can\'t restart paused deployment (run rollout resume first)'
        )
    annotations = {RESTARTED_AT: inv.session.clock.rfc3339()}
    return {"spec": {"template": {"metadata": {"annotations": annotations}}}}


def _pause(inv: Any, info: Info) -> dict[str, Any]:
    return _set_paused(info, True, "pausing", "already")


def _resume(inv: Any, info: Info) -> dict[str, Any]:
    return _set_paused(info, None, "resuming", "not")


def _set_paused(info: Info, value: bool | None, doing: str, word: str) -> dict[str, Any]:
    name = f'{info.resource.group_resource} "{info.name}"'
    if info.resource.kind != "Deployment":
        raise CommandError(f"{name} {doing} is not supported")
    if bool(info.object["spec"].get("paused")) == bool(value):
        raise CommandError(f"{name} is {word} paused")
    return {"spec": {"paused": value}}


def _command(name: str, about: str, usage: str, run: Any, flags: tuple[Flag, ...], printing: bool = True) -> Command:
    common = (*FILES, *SELECTOR, *(PRINT if printing else ()))
    return Command(name, about, f"kubectl rollout {name} {usage} [options]", run, (*common, *flags))


_MANAGER = (manager("kubectl-rollout"),)
_EITHER = "(TYPE NAME | TYPE/NAME) [flags]"
COMMAND = Command(
    "rollout",
    "Manage the rollout of a resource",
    "kubectl rollout SUBCOMMAND [options]",
    commands=(
        _command("history", "View rollout history", _EITHER, _history, (integer("revision"),)),
        _command("pause", "Mark the provided resource as paused", "RESOURCE", _patching("paused", _pause), _MANAGER),
        _command("restart", "Restart a resource", "RESOURCE", _patching("restarted", _restart), _MANAGER),
        _command("resume", "Resume a paused resource", "RESOURCE", _patching("resumed", _resume), _MANAGER),
        _command(
            "status",
            "Show the status of the rollout",
            _EITHER,
            _status,
            (integer("revision"), period("timeout"), boolean("watch", "w", default=True)),
            printing=False,
        ),
        _command("undo", "Undo a previous rollout", _EITHER, _undo, (*DRY_RUN, integer("to-revision"))),
    ),
    details=" Works on deployments, daemonsets and statefulsets.",
    examples="kubectl rollout status deployment/web\nkubectl rollout undo deployment/web --to-revision=2",
)
