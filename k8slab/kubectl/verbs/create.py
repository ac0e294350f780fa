"""kubectl create: objects of a manifest as they stand, or one object from flags."""

from __future__ import annotations

from typing import Any

from k8slab.errors import ApiError
from k8slab.kubectl import builder
from k8slab.kubectl.access import plain
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError, UsageError, raise_all, with_source
from k8slab.kubectl.flags import DRY_RUN, FILES, PRINT, SELECTOR, VALIDATE, boolean, manager, text
from k8slab.kubectl.generate import config, policy, rbac, service, workload
from k8slab.kubectl.lastapplied import with_annotation
from k8slab.kubectl.manifests import Info
from k8slab.kubectl.printers import Printer


def run(inv: Any) -> None:
    """Create what `-f` holds. Each document is attempted, whatever became of the others."""
    if inv.args:
        raise UsageError(f"Unexpected args: [{' '.join(inv.args)}]", inv.path)
    if inv.flags["edit"]:
        raise CommandError("there is no editor in a notebook: change the manifest and create it without --edit")
    if not builder.has_files(inv):
        raise CommandError("must specify one of -f and -k")
    printer, dry_run, validation = Printer(inv, "created"), inv.dry_run, inv.validation
    infos, unread = builder.local(inv, validate=True)
    errors: list[Exception] = []
    if not infos and not unread:
        raise CommandError("no objects passed to create")
    for info in infos:
        try:
            obj = with_annotation(info.object) if inv.flags["save-config"] else info.object
            printer.show(obj if dry_run == "client" else create_one(inv, info, obj, validation))
        except ApiError as error:
            errors.append(with_source(error, "creating", info.source))
    raise_all([*errors, *unread])


def create_one(inv: Any, info: Info, obj: dict[str, Any], validation: str) -> dict[str, Any]:
    """Send one object of a manifest; returns it as stored."""
    stored = inv.access.create(info.resource, obj, info.namespace, field_validation=validation, **inv.write_options())
    return plain(stored)


_GENERATORS = (*rbac.COMMANDS, *config.COMMANDS, *workload.COMMANDS, *service.COMMANDS, *policy.COMMANDS)

COMMAND = Command(
    "create",
    "Create a resource from a file or from stdin",
    "kubectl create -f FILENAME [options]",
    run,
    (
        *FILES,
        *PRINT,
        *DRY_RUN,
        *SELECTOR,
        *VALIDATE,
        manager("kubectl-create"),
        boolean("edit"),
        text("raw"),
        boolean("save-config"),
        boolean("windows-line-endings"),
    ),
    commands=tuple(sorted(_GENERATORS, key=lambda command: command.name)),
    examples="kubectl create -f web.yaml\nkubectl create deployment web --image=nginx --replicas=3\n"
    "kubectl create configmap conf --from-literal=colour=red",
)
