"""What all `kubectl create KIND` commands share: one name, the common flags, sending or only printing the object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8slab.errors import ApiError
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.flags import DRY_RUN, PRINT, VALIDATE, Flag, boolean, manager
from k8slab.kubectl.lastapplied import with_annotation
from k8slab.kubectl.printers import Printer

Object = dict[str, Any]
COMMON = (*PRINT, *DRY_RUN, *VALIDATE, manager("kubectl-create"), boolean("save-config"))


def one_name(inv: Any) -> str:
    """The only argument before `--`. Raises UsageError otherwise."""
    names = inv.args if inv.dash < 0 else inv.args[: inv.dash]
    if len(names) != 1:
        raise inv.usage_error(f"exactly one NAME is required, got {len(names)}")
    return names[0]


def after_dash(inv: Any) -> list[str]:
    """The words after `--`."""
    return inv.args[inv.dash :] if inv.dash >= 0 else []


def meta(name: str, inv: Any = None, namespaced: bool = True, **more: Any) -> Object:
    """Metadata in the order of Go's ObjectMeta; the namespace is there only when `-n` names one."""
    result: Object = {"name": name}
    if namespaced and inv is not None and inv.has_namespace:
        result["namespace"] = inv.namespace
    return {**result, "creationTimestamp": None, **more}


def generator(
    name: str,
    usage: str,
    build: Callable[[Any], Object],
    flags: tuple[Flag, ...] = (),
    aliases: tuple[str, ...] = (),
    about: str = "",
    failure: str = "",
) -> Command:
    """The command `create NAME`; `failure` is what kubectl puts before the server's message."""
    return Command(
        name,
        about or f"Create a {name}",
        f"kubectl create {usage} [options]",
        _Generate(build, failure),
        (*flags, *COMMON),
        aliases,
    )


class _Generate:
    def __init__(self, build: Callable[[Any], Object], failure: str) -> None:
        self.build, self.failure = build, failure

    def __call__(self, inv: Any) -> None:
        one_name(inv)
        send(inv, self.build(inv), self.failure)


def send(inv: Any, obj: Object, failure: str = "") -> None:
    """Create the object (or only print it, with --dry-run=client) and print what was done."""
    printer = Printer(inv, "created")
    dry_run, validation = inv.dry_run, inv.validation
    if inv.flags["save-config"]:
        obj = with_annotation(obj)
    if dry_run == "client":
        printer.show(obj, typed=True)
        return
    resource = inv.access.scheme.of(obj)
    try:
        created = inv.access.create(
            resource, without_nulls(obj), inv.namespace, field_validation=validation, **inv.write_options()
        )
    except ApiError as error:
        if not failure:
            raise
        raise CommandError(f"{failure}{error.message}") from None
    printer.show(created, typed=True)


def without_nulls(value: Any) -> Any:
    """The object without its null fields (`creationTimestamp: null` is only for show)."""
    if isinstance(value, dict):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value
