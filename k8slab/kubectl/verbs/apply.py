"""kubectl apply: make the cluster's objects what the manifest says, keeping what others set."""

from __future__ import annotations

import json
from typing import Any

from k8slab.api import patch as patches
from k8slab.api.jsonpath import compact
from k8slab.api.request import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH
from k8slab.errors import ApiError
from k8slab.kubectl import builder, goyaml
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError, raise_all, with_source
from k8slab.kubectl.flags import (
    DRY_RUN,
    FILES,
    PRINT,
    SELECTOR,
    VALIDATE,
    boolean,
    integer,
    manager,
    period,
    several,
    text,
)
from k8slab.kubectl.lastapplied import ANNOTATION, last_applied, with_annotation
from k8slab.kubectl.manifests import Info
from k8slab.kubectl.printers import Printer
from k8slab.kubectl.takeover import upgraded
from k8slab.kubectl.verbs.delete import gone, remove

_MISSING = (
    "resource {name} is missing the {annotation} annotation which is required by kubectl apply. "
    "kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or "
    "kubectl apply. The missing annotation will be patched automatically."
)
_CONFLICT = """{message}
Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the `--force-conflicts` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts"""
_RETRIES = 5


def run(inv: Any) -> None:
    """Apply what `-f` holds, document by document; a failure does not keep the others from being applied."""
    if inv.args:
        raise inv.usage_error(f"Unexpected args: [{' '.join(inv.args)}]")
    if not builder.has_files(inv):
        raise CommandError("must specify one of -f and -k")
    _check(inv)
    infos, errors = builder.local(inv, validate=True)
    if not infos and not errors:
        raise CommandError("no objects passed to apply")
    applier = _Applier(inv)
    for info in infos:
        try:
            applier.apply(info)
        except (ApiError, CommandError) as error:
            errors.append(error)
    applier.finish()
    raise_all(errors)


def _check(inv: Any) -> None:
    if inv.flags["force-conflicts"] and not inv.flags["server-side"]:
        raise CommandError("--force-conflicts only works with --server-side")
    if inv.flags["server-side"] and inv.dry_run == "client":
        raise CommandError("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)")
    if inv.flags["prune"]:
        raise CommandError("--prune is not part of this lab: delete what you no longer want by name or label")


class _Applier:
    def __init__(self, inv: Any) -> None:
        self.inv = inv
        self.printer = Printer(inv)
        self.validation = inv.validation
        self.structured: list[dict[str, Any]] = []

    def apply(self, info: Info) -> None:
        if info.object["metadata"].get("generateName") and not info.name:
            prefix = info.object["metadata"]["generateName"]
            raise CommandError(f"from {prefix}: cannot use generate name with apply")
        if self.inv.flags["server-side"]:
            self._server_side(info)
        else:
            self._three_way(info)

    def finish(self) -> None:
        """Structured output comes at the end, as a List when there is more than one object."""
        if len(self.structured) == 1:
            self.printer.show(self.structured[0])
        elif self.structured:
            self.printer.show(
                {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": self.structured}
            )

    def _done(self, obj: dict[str, Any], operation: str) -> None:
        if self.printer.form in ("", "name"):
            self.printer.show(obj, operation)
        else:
            self.structured.append(obj)

    def _server_side(self, info: Info) -> None:
        inv = self.inv
        options = inv.write_options()
        if "field-manager" not in inv.given:
            options["field_manager"] = "kubectl"
        try:
            stored = inv.access.patch(
                info.resource,
                info.name,
                info.namespace,
                info.object,
                APPLY_PATCH,
                force=inv.flags["force-conflicts"],
                field_validation=self.validation,
                **options,
            )
        except ApiError as error:
            if error.reason == "Conflict":
                raise CommandError(_CONFLICT.format(message=error.message)) from None
            raise
        self._done(self._taken_over(info, stored, options), "serverside-applied")

    def _taken_over(self, info: Info, stored: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        """The object, after the entries of client-side apply in its managedFields were merged into that of this one."""
        entries = stored["metadata"].get("managedFields") or []
        merged = upgraded(entries, options["field_manager"])
        if merged is None or self.inv.dry_run == "server":
            return stored
        patch = [
            {"op": "replace", "path": "/metadata/managedFields", "value": merged},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": stored["metadata"]["resourceVersion"]},
        ]
        return self.inv.access.patch(info.resource, info.name, info.namespace, patch, JSON_PATCH)

    def _three_way(self, info: Info) -> None:
        live = self._current(info)
        if live is None:
            self._create(info)
            return
        if last_applied(live) is None:
            self.inv.warn(_MISSING.format(name=f"{info.resource.plural}/{info.name}", annotation=ANNOTATION))
        if self.inv.dry_run == "client":
            self._done(live, "configured")
            return
        patch, stored = self._patch(info, live)
        self._done(stored, "configured" if patch else "unchanged")

    def _current(self, info: Info) -> dict[str, Any] | None:
        if not info.name:
            raise CommandError(
                f"error when retrieving current configuration of:\n{_where(info)}\nfrom server for: "
                f'"{info.source}": resource name may not be empty'
            )
        try:
            return self.inv.access.get(info.resource, info.name, info.namespace)
        except ApiError as error:
            if error.reason == "NotFound":
                return None
            verb = f"retrieving current configuration of:\n{_where(info)}\nfrom server for:"
            raise with_source(error, verb, info.source) from None

    def _create(self, info: Info) -> None:
        inv = self.inv
        obj = with_annotation(info.object)
        if inv.dry_run == "client":
            self._done(obj, "created")
            return
        try:
            stored = inv.access.create(
                info.resource, obj, info.namespace, field_validation=self.validation, **inv.write_options()
            )
        except ApiError as error:
            raise with_source(error, "creating", info.source) from None
        self._done(stored, "created")

    def _patch(self, info: Info, live: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Send the three-way patch, again after a conflict; returns the patch and the object as stored."""
        for attempt in range(_RETRIES):
            patch = make_patch(info, live)
            if not patch:
                return patch, live
            try:
                return patch, self._send(info, patch)
            except ApiError as error:
                if error.reason == "Conflict" and attempt + 1 < _RETRIES:
                    live = self.inv.access.get(info.resource, info.name, info.namespace)
                    continue
                if self.inv.flags["force"] and error.reason in ("Conflict", "Invalid"):
                    return patch, self._recreate(info)
                raise self._explained(error, info, patch) from None
        raise AssertionError("unreachable")

    def _send(self, info: Info, patch: dict[str, Any]) -> dict[str, Any]:
        kind = MERGE_PATCH if info.resource.custom else STRATEGIC_MERGE_PATCH
        return self.inv.access.patch(
            info.resource,
            info.name,
            info.namespace,
            patch,
            kind,
            self.inv.flags["subresource"],
            field_validation=self.validation,
            **self.inv.write_options(),
        )

    def _recreate(self, info: Info) -> dict[str, Any]:
        remove(self.inv, info)
        self.inv.wait_until(lambda: gone(self.inv, info, None))
        return self.inv.access.create(info.resource, with_annotation(info.object), info.namespace)

    def _explained(self, error: ApiError, info: Info, patch: dict[str, Any]) -> ApiError:
        inner = with_source(error, "patching", info.source)
        return with_source(inner, f"applying patch:\n{compact(patch)}\nto:\n{_where(info)}\nfor:", info.source)


def make_patch(info: Info, live: dict[str, Any], annotated: bool = True) -> dict[str, Any]:
    """The patch from the configuration applied last, the one to apply, and the live object.

    `annotated`: the patch also writes the annotation of what was applied last.
    """
    original = last_applied(live) or {}
    modified = with_annotation(info.object) if annotated else _with_annotations(info.object)
    if info.resource.custom:
        return patches.merge_three_way(original, modified, live)
    return patches.three_way(original, modified, live, info.resource.cls)


def _with_annotations(obj: dict[str, Any]) -> dict[str, Any]:
    """The object with annotations, if only an empty map of them: those of others are not to be removed."""
    metadata = obj.get("metadata") or {}
    return {**obj, "metadata": {**metadata, "annotations": metadata.get("annotations") or {}}}


def _where(info: Info) -> str:
    resource = info.resource
    version = f"{resource.group}/{resource.version}"
    return (
        f'Resource: "{version}, Resource={resource.plural}", GroupVersionKind: "{version}, Kind={resource.kind}"\n'
        f'Name: "{info.name}", Namespace: "{info.namespace or ""}"'
    )


def _view(inv: Any) -> None:
    infos, errors = builder.live(inv)
    for info in infos:
        applied = last_applied(info.object)
        if applied is None:
            errors.append(CommandError(f"no last-applied-configuration annotation found on resource: {info.name}"))
        elif inv.flags["output"] == "json":
            inv.print(json.dumps(applied, indent=2, sort_keys=True))
        else:
            inv.write(goyaml.dump(applied))
    raise_all(errors)


def _set(inv: Any) -> None:
    infos, errors = builder.local(inv)
    printer = Printer(inv, "configured")
    for info in infos:
        try:
            live = inv.access.get(info.resource, info.name, info.namespace)
            if last_applied(live) is None and not inv.flags["create-annotation"]:
                raise CommandError(
                    f"no last-applied-configuration annotation found on resource: {info.name}, to create the "
                    "annotation, run the command with --create-annotation"
                )
            annotations = with_annotation(info.object)["metadata"]["annotations"]
            patch = {"metadata": {"annotations": {ANNOTATION: annotations[ANNOTATION]}}}
            printer.show(inv.access.patch(info.resource, info.name, info.namespace, patch, MERGE_PATCH))
        except (ApiError, CommandError) as error:
            errors.append(error)
    raise_all(errors)


def _edit(inv: Any) -> None:
    _, errors = builder.live(inv)
    raise_all(errors)
    raise CommandError("there is no editor in a notebook: use 'kubectl apply set-last-applied -f FILENAME'")


_SUBCOMMANDS = (
    Command(
        "edit-last-applied",
        "Edit latest last-applied-configuration annotations of a resource/object",
        "kubectl apply edit-last-applied (RESOURCE/NAME | -f FILENAME) [options]",
        _edit,
        (*FILES, *PRINT, *VALIDATE, manager("kubectl-client-side-apply"), boolean("windows-line-endings")),
    ),
    Command(
        "set-last-applied",
        "Set the last-applied-configuration annotation on a live object to match the contents of a file",
        "kubectl apply set-last-applied -f FILENAME [options]",
        _set,
        (*FILES[:1], *PRINT, *DRY_RUN, boolean("create-annotation")),
    ),
    Command(
        "view-last-applied",
        "View the latest last-applied-configuration annotations of a resource/object",
        "kubectl apply view-last-applied (TYPE [NAME | -l label] | TYPE/NAME | -f FILENAME) [options]",
        _view,
        (*FILES, *SELECTOR, boolean("all"), text("output", "o", default="yaml")),
    ),
)

COMMAND = Command(
    "apply",
    "Apply a configuration to a resource by file name or stdin",
    "kubectl apply (-f FILENAME | -k DIRECTORY) [options]",
    run,
    (
        *FILES,
        *PRINT,
        *DRY_RUN,
        *SELECTOR,
        *VALIDATE,
        manager("kubectl-client-side-apply"),
        boolean("all"),
        text("cascade", default="background", implied="background"),
        boolean("force"),
        boolean("force-conflicts"),
        integer("grace-period", default=-1),
        boolean("openapi-patch", default=True),
        boolean("overwrite", default=True),
        boolean("prune"),
        several("prune-allowlist"),
        boolean("server-side"),
        text("subresource"),
        period("timeout"),
        boolean("wait"),
    ),
    commands=_SUBCOMMANDS,
    examples="kubectl apply -f web.yaml\nkubectl apply -f manifests/ -R\nkubectl apply --dry-run=server -f -",
)
