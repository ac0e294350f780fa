"""kubectl replace."""

from __future__ import annotations

from typing import Any

from k8slab.errors import ApiError
from k8slab.kubectl import builder
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError, raise_all, with_source
from k8slab.kubectl.flags import DRY_RUN, FILES, PRINT, VALIDATE, boolean, integer, manager, period, text
from k8slab.kubectl.lastapplied import last_applied, with_annotation
from k8slab.kubectl.manifests import Info
from k8slab.kubectl.printers import Printer
from k8slab.kubectl.verbs.delete import remove, wait_gone


def run(inv: Any) -> None:
    """Put the objects of `-f` in the place of the live ones; with --force delete and create them."""
    if inv.args:
        raise inv.usage_error(f"Unexpected args: [{' '.join(inv.args)}]")
    if not builder.has_files(inv):
        raise CommandError("must specify one of -f and -k")
    infos, errors = builder.local(inv, validate=True)
    if not infos and not errors:
        raise CommandError("no objects passed to replace")
    if inv.flags["force"]:
        _delete_first(inv, infos, errors)
    printer = Printer(inv, "replaced")
    for info in infos:
        try:
            printer.show(_replace(inv, info))
        except ApiError as error:
            errors.append(with_source(error, "replacing", info.source))
    raise_all(errors)


def _replace(inv: Any, info: Info) -> dict[str, Any]:
    obj = with_annotation(info.object) if inv.flags["save-config"] or last_applied(info.object) else info.object
    options = {"field_validation": inv.validation, **inv.write_options()}
    if inv.dry_run == "client":
        return obj
    if inv.flags["force"]:
        return inv.access.create(info.resource, obj, info.namespace, **options)
    if not obj["metadata"].get("resourceVersion"):
        # Without a version the object is replaced whatever its state, as of the version read now.
        live = inv.access.get(info.resource, info.name, info.namespace)
        obj = {**obj, "metadata": {**obj["metadata"], "resourceVersion": live["metadata"]["resourceVersion"]}}
    return inv.access.update(info.resource, obj, info.namespace, inv.flags["subresource"], **options)


def _delete_first(inv: Any, infos: list[Info], errors: list[Exception]) -> None:
    for info in infos:
        try:
            uid = _delete(inv, info)
            wait_gone(inv, info, uid or None, None)
        except ApiError as error:
            if error.reason != "NotFound":
                errors.append(error)


def _delete(inv: Any, info: Info) -> str:
    """Deletion within a replacement says `deleted`, not `force deleted`."""
    force, inv.flags["force"] = inv.flags["force"], False
    try:
        return remove(inv, info)
    finally:
        inv.flags["force"] = force


COMMAND = Command(
    "replace",
    "Replace a resource by file name or stdin",
    "kubectl replace -f FILENAME [options]",
    run,
    (
        *FILES,
        *PRINT,
        *DRY_RUN,
        *VALIDATE,
        manager("kubectl-replace"),
        text("cascade", default="background", implied="background"),
        boolean("force"),
        integer("grace-period", default=-1),
        text("raw"),
        boolean("save-config"),
        text("subresource"),
        period("timeout"),
        boolean("wait"),
    ),
)
