"""kubectl taint."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from k8slab.api.request import STRATEGIC_MERGE_PATCH
from k8slab.errors import ApiError
from k8slab.kubectl import builder
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError, raise_all
from k8slab.kubectl.flags import DRY_RUN, PRINT, SELECTOR, VALIDATE, boolean, manager
from k8slab.kubectl.manifests import Info
from k8slab.kubectl.printers import Printer

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_BAD = "invalid taint spec: {spec}, {reason}"


@dataclass
class _Specs:
    """Taints to set, and (key, effect) pairs to remove; an empty effect means all."""

    add: list[dict[str, Any]] = field(default_factory=list)
    drop: list[tuple[str, str]] = field(default_factory=list)


def run(inv: Any) -> None:
    """Change the taints of nodes."""
    words, specs = _split(inv)
    if not words and not inv.flags["selector"]:
        raise CommandError("one or more resources must be specified as <resource> <name>")
    if not specs:
        raise CommandError("at least one taint update is required")
    try:
        wanted = _parse(specs)
    except CommandError as error:
        raise inv.usage_error(error.text) from None
    if builder.find_resource(inv, words[0].partition("/")[0]).kind != "Node":
        raise CommandError(f"invalid resource type {words[0]}, only node is supported")
    infos, errors = builder.live(inv, words)
    printer = Printer(inv)
    for info in infos:
        try:
            _taint(inv, info, wanted, printer)
        except (ApiError, CommandError) as error:
            errors.append(error)
    raise_all(errors)


def _split(inv: Any) -> tuple[list[str], list[str]]:
    words: list[str] = []
    specs: list[str] = []
    for word in inv.args:
        is_spec = "=" in word or word.endswith("-") or ":" in word
        if is_spec:
            specs.append(word)
        elif specs:
            raise CommandError(f"all resources must be specified before taint changes: {word}")
        else:
            words.append(word)
    return words, specs


def _parse(specs: list[str]) -> _Specs:
    found = _Specs()
    for spec in specs:
        if spec.endswith("-"):
            key, _, effect = spec[:-1].partition(":")
            _check_effect(effect) if effect else None
            found.drop.append((key.partition("=")[0], effect))
        else:
            found.add.append(_taint_of(spec))
    keys = [(taint["key"], taint["effect"]) for taint in found.add]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise CommandError(f"duplicated taints with the same key and effect: {twice[0]}:{twice[1]}")
    return found


def _taint_of(spec: str) -> dict[str, Any]:
    left, colon, effect = spec.rpartition(":")
    key, equals, value = left.partition("=")
    if not colon or not key:
        raise CommandError(f"unknown taint spec: {spec}" if not colon else f"invalid taint spec: {spec}")
    _check_effect(effect)
    return {"key": key, **({"value": value} if equals else {}), "effect": effect}


def _check_effect(effect: str) -> None:
    if effect not in _EFFECTS:
        raise CommandError(f"invalid taint effect: {effect}, unsupported taint effect")


def _taint(inv: Any, info: Info, wanted: _Specs, printer: Printer) -> None:
    old = (info.object.get("spec") or {}).get("taints") or []
    taints, operation = _changed(inv, info.name, old, wanted)
    new = {**info.object, "spec": {**(info.object.get("spec") or {}), "taints": taints}}
    if inv.dry_run != "client":
        patch = {"spec": {"taints": taints or None}}
        new = inv.access.patch(info.resource, info.name, None, patch, STRATEGIC_MERGE_PATCH, **inv.write_options())
    printer.show(new, operation)


def _changed(inv: Any, node: str, old: list[dict[str, Any]], wanted: _Specs) -> tuple[list[dict[str, Any]], str]:
    present = {(taint["key"], taint["effect"]): taint for taint in old}
    taken = [taint for taint in wanted.add if (taint["key"], taint["effect"]) in present]
    if taken and not inv.flags["overwrite"]:
        listed = ",".join(f"{taint['key']}" for taint in taken)
        raise CommandError(f"node {node} already has {listed} taint(s) with same effect(s) and --overwrite is false")
    new = [taint for key, taint in present.items() if key not in [(each["key"], each["effect"]) for each in wanted.add]]
    for key, effect in wanted.drop:
        left = [taint for taint in new if taint["key"] != key or (effect and taint["effect"] != effect)]
        if len(left) == len(new):
            raise CommandError(f'taint "{key}{":" + effect if effect else ""}" not found')
        new = left
    operation = "modified" if wanted.add and wanted.drop else "untainted" if wanted.drop else "tainted"
    return [*wanted.add, *new], "modified" if taken else operation


COMMAND = Command(
    "taint",
    "Update the taints on one or more nodes",
    "kubectl taint NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N=VAL_N:TAINT_EFFECT_N [options]",
    run,
    (*PRINT, *DRY_RUN, *SELECTOR, *VALIDATE, manager("kubectl-taint"), boolean("all"), boolean("overwrite")),
    examples="kubectl taint nodes worker-1 dedicated=db:NoSchedule\nkubectl taint nodes worker-1 dedicated-",
)
