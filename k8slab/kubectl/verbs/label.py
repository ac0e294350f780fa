"""kubectl label and kubectl annotate."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from k8slab.api.jsonpath import compact
from k8slab.api.request import MERGE_PATCH
from k8slab.errors import ApiError
from k8slab.kubectl import builder
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError, raise_all
from k8slab.kubectl.flags import ALL_NAMESPACES, DRY_RUN, FILES, PRINT, SELECTOR, boolean, manager, text
from k8slab.kubectl.manifests import Info
from k8slab.kubectl.printers import Printer

_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_BAD_VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


class _Change:
    """What `a=b c-` asks for: values to set and keys to remove, on labels or annotations."""

    def __init__(self, inv: Any, kind: str) -> None:
        self.inv, self.kind, self.field = inv, kind, f"{kind}s"
        self.words, pairs = self._split()
        self.set: dict[str, str] = {}
        self.drop: list[str] = []
        for pair in pairs:
            self._read(pair)
        both = [key for key in self.drop if key in self.set]
        if both and kind == "label":
            raise CommandError("can not both modify and remove a label in the same command")
        if both:
            names = ", ".join(both)
            raise CommandError(
                f"can not both modify and remove the following annotation(s) in the same command: {names}"
            )
        self._require()

    def _split(self) -> tuple[list[str], list[str]]:
        words: list[str] = []
        pairs: list[str] = []
        for word in self.inv.args:
            if "=" in word[1:] or (word.endswith("-") and len(word) > 1):
                pairs.append(word)
            elif pairs:
                raise CommandError(f"all resources must be specified before {self.kind} changes: {word}")
            else:
                words.append(word)
        return words, pairs

    def _read(self, pair: str) -> None:
        if "=" not in pair:
            self.drop.append(pair[:-1])
            return
        parts = pair.split("=", 1) if self.kind == "annotation" else pair.split("=")
        if len(parts) != 2:
            raise CommandError(f"invalid label spec: {pair}")
        if self.kind == "label":
            if len(parts[1]) > 63:
                raise CommandError(f'invalid label value: "{pair}": must be no more than 63 bytes')
            if not _VALUE.fullmatch(parts[1]):
                raise CommandError(f'invalid label value: "{pair}": {_BAD_VALUE}')
        self.set[parts[0]] = parts[1]

    def _require(self) -> None:
        if not self.words and not builder.has_files(self.inv):
            raise CommandError("one or more resources must be specified as <resource> <name> or <resource>/<name>")
        if not self.set and not self.drop and not self.inv.flags["list"]:
            raise CommandError(f"at least one {self.kind} update is required")

    def apply(self, obj: dict[str, Any]) -> dict[str, Any]:
        """The object with the change. Raises CommandError for values that would be overwritten."""
        metadata = obj.get("metadata") or {}
        values = dict(metadata.get(self.field) or {})
        if not self.inv.flags["overwrite"]:
            self._refuse({key: values[key] for key, value in self.set.items() if values.get(key, value) != value})
        for key in self.drop:
            if key not in values and self.kind == "label":
                self.inv.print(f'label "{key}" not found.')
            values.pop(key, None)
        return {**obj, "metadata": {**metadata, self.field: values | self.set}}

    def _refuse(self, taken: dict[str, str]) -> None:
        found = [f"'{key}' already has a value ({value})" for key, value in taken.items()]
        if found and self.kind == "label":
            raise CommandError(f"{found[0]}, and --overwrite is false")
        if found:
            listed = "; ".join(found)
            raise CommandError(f"--overwrite is false but found the following declared annotation(s): {listed}")

    def patch(self, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        """The merge patch between the two."""
        before, after = ((each["metadata"].get(self.field) or {}) for each in (old, new))
        changes: dict[str, Any] = {key: value for key, value in after.items() if before.get(key) != value}
        changes |= {key: None for key in before if key not in after}
        metadata: dict[str, Any] = {self.field: changes} if changes or self.field not in old["metadata"] else {}
        if self.inv.flags["resource-version"]:
            metadata["resourceVersion"] = self.inv.flags["resource-version"]
        return {"metadata": metadata} if metadata else {}


def _labeled(old: dict[str, Any], new: dict[str, Any], overwrite: bool) -> str:
    """kubectl compares the JSON of both: a shorter one means that a label went."""
    if old == new:
        return "not labeled"
    shorter = len(compact(new)) < len(compact(old))
    return "unlabeled" if shorter and not overwrite else "labeled"


def _annotated(old: dict[str, Any], new: dict[str, Any], overwrite: bool) -> str:
    return "annotated"


class _Verb:
    def __init__(self, kind: str, outcome: Callable[[dict[str, Any], dict[str, Any], bool], str]) -> None:
        self.kind, self.outcome = kind, outcome

    def __call__(self, inv: Any) -> None:
        change = _Change(inv, self.kind)
        infos, errors = builder.local(inv) if inv.flags["local"] else builder.live(inv, change.words)
        printer = Printer(inv, separate=self.kind == "annotation")
        for info in infos:
            try:
                self._one(inv, info, change, printer)
            except (ApiError, CommandError) as error:
                errors.append(error)
        raise_all(errors)

    def _one(self, inv: Any, info: Info, change: _Change, printer: Printer) -> None:
        new = change.apply(info.object)
        if inv.flags["list"]:
            values = new["metadata"][change.field]
            for key in sorted(values):
                inv.print(f"{key}={values[key]}")
            return
        outcome = self.outcome(info.object, new, inv.flags["overwrite"])
        if not inv.flags["local"] and inv.dry_run != "client":
            patch = change.patch(info.object, new)
            stored = inv.access.patch(
                info.resource, info.name, info.namespace, patch, MERGE_PATCH, **inv.write_options()
            )
            new = stored
        printer.show(new, outcome)


def _command(name: str, kind: str, outcome: Any, about: str) -> Command:
    usage = f"kubectl {name} [--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [options]"
    flags = (
        *FILES,
        *PRINT,
        *DRY_RUN,
        *SELECTOR,
        *ALL_NAMESPACES,
        manager(f"kubectl-{name}"),
        boolean("all"),
        text("field-selector"),
        boolean("list"),
        boolean("local"),
        boolean("overwrite"),
        text("resource-version"),
    )
    return Command(name, about, usage, _Verb(kind, outcome), flags)


LABEL = _command("label", "label", _labeled, "Update the labels on a resource")
ANNOTATE = _command("annotate", "annotation", _annotated, "Update the annotations on a resource")
