"""kubectl patch, and edit's answer."""

from __future__ import annotations

import json
from typing import Any

from k8slab.api import patch as patches
from k8slab.api.request import JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH
from k8slab.errors import ApiError
from k8slab.kubectl import builder, goyaml
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError, raise_all
from k8slab.kubectl.flags import DRY_RUN, FILES, PRINT, VALIDATE, boolean, manager, text
from k8slab.kubectl.manifests import Info
from k8slab.kubectl.printers import Printer

_TYPES = {"json": JSON_PATCH, "merge": MERGE_PATCH, "strategic": STRATEGIC_MERGE_PATCH}


def run(inv: Any) -> None:
    """Patch the objects meant."""
    flags = inv.flags
    if not flags["patch"] and not flags["patch-file"]:
        raise CommandError("must specify --patch or --patch-file containing the contents of the patch")
    if flags["patch"] and flags["patch-file"]:
        raise CommandError("cannot specify --patch and --patch-file together")
    if flags["type"] not in _TYPES:
        raise CommandError(f'--type must be one of [json merge strategic], not "{flags["type"]}"')
    patch = _read(inv, flags["patch"] or _file(inv, flags["patch-file"]))
    infos, errors = _meant(inv)
    printer = Printer(inv, separate=False)
    # Unlike other commands, patch does not say that nothing was changed.
    printer.suffix = ""
    for info in infos:
        try:
            _apply(inv, info, patch, printer)
        except ApiError as error:
            errors.append(_unsupported(inv, info, error))
    raise_all(errors)


def _unsupported(inv: Any, info: Info, error: ApiError) -> Exception:
    """Custom kinds have no strategic merge patch: kubectl says for which kind."""
    if error.reason != "UnsupportedMediaType":
        return error
    kind = f"{info.resource.api_version}, Kind={info.resource.kind}"
    return CommandError(f"{_TYPES[inv.flags['type']]} is not supported by {kind}: {error.message}")


def _file(inv: Any, path: str) -> str:
    try:
        return inv.session.read_file(path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CommandError(f"unable to read patch file: open {path}: {reason}") from None


def _read(inv: Any, given: str) -> Any:
    """JSON text goes to the server as it is; anything else is YAML."""
    if given.lstrip().startswith("{"):
        try:
            return json.loads(given)
        except ValueError:
            return given
    try:
        return goyaml.load(given)
    except goyaml.YamlError as error:
        raise CommandError(f'unable to parse "{given}": {error}') from None


def _meant(inv: Any) -> tuple[list[Info], list[Exception]]:
    return builder.local(inv) if inv.flags["local"] else builder.live(inv)


def _apply(inv: Any, info: Info, patch: Any, printer: Printer) -> None:
    if inv.flags["local"] or inv.dry_run == "client":
        result = _locally(inv, info, patch)
    else:
        result = inv.access.patch(
            info.resource,
            info.name,
            info.namespace,
            patch,
            _TYPES[inv.flags["type"]],
            inv.flags["subresource"],
            **inv.write_options(),
        )
    same = not inv.flags["local"] and result == info.object
    printer.show(result, "patched (no change)" if same else "patched")


def _locally(inv: Any, info: Info, patch: Any) -> dict[str, Any]:
    if inv.flags["type"] == "json":
        return patches.json_patch(info.object, patch)
    if inv.flags["type"] == "merge" or info.resource.custom:
        return patches.merge_patch(info.object, patch)
    return patches.strategic_merge(info.object, patch, info.resource.cls)


def _edit(inv: Any) -> None:
    infos, errors = builder.live(inv)
    raise_all(errors)
    target = infos[0].label if infos else "TYPE/NAME"
    raise CommandError(
        "there is no editor in a notebook: "
        f"use 'kubectl patch {target} -p ...', or save 'kubectl get {target} -o yaml', change it and apply it"
    )


COMMAND = Command(
    "patch",
    "Update fields of a resource",
    "kubectl patch (-f FILENAME | TYPE NAME) [-p PATCH|--patch-file FILE] [options]",
    run,
    (
        *FILES,
        *PRINT,
        *DRY_RUN,
        manager("kubectl-patch"),
        boolean("local"),
        text("patch", "p"),
        text("patch-file"),
        text("subresource"),
        text("type", default="strategic"),
    ),
    examples="""kubectl patch deployment web -p '{"spec":{"replicas":2}}'""",
)
EDIT = Command(
    "edit",
    "Edit a resource on the server",
    "kubectl edit (RESOURCE/NAME | -f FILENAME) [options]",
    _edit,
    (
        *FILES,
        *PRINT,
        *VALIDATE,
        manager("kubectl-edit"),
        boolean("output-patch"),
        boolean("save-config"),
        text("subresource"),
        boolean("windows-line-endings"),
    ),
)
