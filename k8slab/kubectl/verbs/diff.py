"""kubectl diff: what apply would change."""

from __future__ import annotations

import difflib
from typing import Any

from k8slab.api.request import APPLY_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH
from k8slab.errors import ApiError
from k8slab.kubectl import builder, goyaml
from k8slab.kubectl.access import without_managed_fields
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError, Exit, ManyErrors, describe_failure
from k8slab.kubectl.flags import FILES, SELECTOR, boolean, integer, manager, several
from k8slab.kubectl.manifests import Info
from k8slab.kubectl.verbs.apply import make_patch

_FAILED = 2


def run(inv: Any) -> None:
    """Print the difference between live and applied; exits with 1 when there is one, more than 1 when it fails."""
    if inv.args:
        raise CommandError(
            f"Unexpected args: [{' '.join(inv.args)}]\nSee 'kubectl diff -h' for help and examples", _FAILED
        )
    if not builder.has_files(inv):
        raise CommandError("must specify one of -f and -k", code=_FAILED)
    try:
        infos, errors = builder.local(inv)
    except CommandError as error:
        raise CommandError(error.text, _FAILED, error.plain) from None
    texts: list[str] = []
    for info in infos:
        try:
            texts.append(_difference(inv, info))
        except (ApiError, CommandError) as error:
            errors.append(error)
    inv.write("".join(texts))
    if errors:
        inv.complain(describe_failure(errors[0] if len(errors) == 1 else ManyErrors(errors)))
        raise Exit(_FAILED)
    if any(texts):
        raise Exit(1)


def _difference(inv: Any, info: Info) -> str:
    live = _live(inv, info)
    merged = _merged(inv, info, live)
    resource = info.resource
    group = f"{resource.group}." if resource.group else ""
    name = f"{group}{resource.version}.{resource.kind}.{info.namespace or ''}.{info.name}"
    before = _lines(live, inv) if live is not None else []
    return _unified(
        before, _lines(merged, inv), f"/tmp/LIVE/{name}", f"/tmp/MERGED/{name}", inv.session.clock.rfc3339()
    )


def _live(inv: Any, info: Info) -> dict[str, Any] | None:
    try:
        return inv.access.get(info.resource, info.name, info.namespace)
    except ApiError as error:
        if error.reason == "NotFound":
            return None
        raise


def _merged(inv: Any, info: Info, live: dict[str, Any] | None) -> dict[str, Any]:
    access, options = inv.access, {"dry_run": True, "field_manager": inv.flags["field-manager"]}
    if inv.flags["server-side"]:
        force = inv.flags["force-conflicts"]
        return access.patch(info.resource, info.name, info.namespace, info.object, APPLY_PATCH, force=force, **options)
    if live is None:
        return access.create(info.resource, info.object, info.namespace, **options)
    kind = MERGE_PATCH if info.resource.custom else STRATEGIC_MERGE_PATCH
    patch = make_patch(info, live, annotated=False)
    return access.patch(info.resource, info.name, info.namespace, patch, kind, **options)


def _lines(obj: dict[str, Any], inv: Any) -> list[str]:
    """The object as YAML, without what every write changes."""
    obj = obj if inv.flags["show-managed-fields"] else without_managed_fields(obj)
    return goyaml.dump(obj).splitlines(keepends=True)


def _unified(before: list[str], after: list[str], old: str, new: str, time: str) -> str:
    lines = list(difflib.unified_diff(before, after, old, new, time, time))
    return f"diff -u -N {old} {new}\n" + "".join(lines) if lines else ""


COMMAND = Command(
    "diff",
    "Diff the live version against a would-be applied version",
    "kubectl diff -f FILENAME [options]",
    run,
    (
        *FILES,
        *SELECTOR,
        integer("concurrency", default=1),
        manager("kubectl-client-side-apply"),
        boolean("force-conflicts"),
        boolean("prune"),
        several("prune-allowlist"),
        boolean("server-side"),
        boolean("show-managed-fields"),
    ),
)
