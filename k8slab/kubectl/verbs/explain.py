"""kubectl explain: the fields of a kind and their types, in kubectl's layout.

Descriptions of fields are upstream's prose and not part of the package; what is said here follows from the types:
what is required, what a list's entries are told apart by, which formats hold.
"""

from __future__ import annotations

import textwrap
import types
import typing
from typing import Any

from k8slab.api import base
from k8slab.api.scheme import NoMatch, Resource
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.flags import boolean, text
from k8slab.kubectl.schemafields import custom_root

_WIDTH = 80
_SCALARS = {str: "string", bool: "boolean", int: "integer", float: "number"}


def run(inv: Any) -> None:
    """Explain a kind, or the field at the end of a path."""
    if not inv.args:
        raise CommandError(
            'You must specify the type of resource to explain. Use "kubectl api-resources" for a complete list of '
            "supported resources."
        )
    if len(inv.args) > 1:
        raise CommandError("We accept only this format: explain RESOURCE")
    if inv.flags["output"] not in ("plaintext", "plaintext-openapiv2"):
        raise CommandError(f"unrecognized format: {inv.flags['output']}")
    resource, path = _find(inv, inv.args[0])
    _header(inv, resource)
    root = custom_root(inv.access, resource) if resource.custom else _Field("", resource.cls)
    field = _walk(root, path)
    _explain(inv, field, path)


def _find(inv: Any, word: str) -> tuple[Resource, list[str]]:
    name, *path = word.strip(".").split(".")
    try:
        resource = inv.access.scheme.resource(name)
    except NoMatch as error:
        raise CommandError(str(error), plain=True) from None
    wanted = inv.flags["api-version"]
    if wanted:
        for each in inv.access.scheme.all_resources():
            if each.kind == resource.kind and each.api_version == wanted:
                return each, path
        raise CommandError(f'couldn\'t find resource for "{wanted}, Kind={resource.kind}"')
    return resource, path


def _header(inv: Any, resource: Resource) -> None:
    if resource.group:
        inv.print(f"GROUP:      {resource.group}")
    inv.print(f"KIND:       {resource.kind}\nVERSION:    {resource.version}\n")


class _Field:
    """A field (or the kind itself): its name, its annotation and the class that it is a field of."""

    def __init__(self, name: str, annotation: Any, owner: type | None = None) -> None:
        self.name, self.owner = name, owner
        self.annotation = _without_none(annotation)

    @property
    def target(self) -> Any:
        """The type of the elements for lists and maps, otherwise the type itself."""
        inner = self.annotation
        while typing.get_origin(inner) in (tuple, list, dict):
            arguments = typing.get_args(inner)
            inner = _without_none(arguments[1] if typing.get_origin(inner) is dict else arguments[0])
        return inner

    @property
    def fields(self) -> list[_Field]:
        """The fields of an object type, in alphabetical order."""
        cls = self.target
        if not (isinstance(cls, type) and issubclass(cls, base.KubeStruct)):
            return []
        hints = typing.get_type_hints(cls)
        return [_Field(name, hints[name], cls) for name in sorted(cls.__struct_fields__)]

    @property
    def type(self) -> str:
        """The type as explain shows it: `<[]Container>` without the angle brackets."""
        return self._type(self.annotation)

    def _type(self, annotation: Any) -> str:
        annotation = _without_none(annotation)
        origin = typing.get_origin(annotation)
        if origin in (tuple, list):
            return "[]" + self._type(typing.get_args(annotation)[0])
        if origin is dict:
            return f"map[string]{self._type(typing.get_args(annotation)[1])}"
        format_ = getattr(self.owner, "FORMAT", {}).get(self.name, "")
        if format_ in ("quantity", "int-or-string", "time", "micro-time"):
            return {"quantity": "Quantity", "int-or-string": "IntOrString"}.get(format_, "string")
        if annotation in _SCALARS:
            return _SCALARS[annotation]
        go_type = getattr(annotation, "GO_TYPE", "")
        return go_type.rpartition(".")[2] or getattr(annotation, "__name__", "Object")

    @property
    def required(self) -> bool:
        """Whether the server refuses objects without it."""
        return self.name in getattr(self.owner, "REQUIRED", ())

    @property
    def enum(self) -> list[str]:
        """The values that are allowed, where they are known."""
        return []

    @property
    def facts(self) -> str:
        """What the type says about the field beyond its name."""
        owner, name = self.owner, self.name
        said = ["Must be given." if self.required else ""]
        keys = getattr(owner, "LIST_MAP_KEYS", {}).get(name) or ()
        if keys:
            said.append(f"Entries are told apart by {' and '.join(keys)}.")
        kind = getattr(owner, "LIST_TYPE", {}).get(name)
        said.append({"set": "No value may occur twice.", "atomic": "The list is replaced as a whole."}.get(kind, ""))
        merge_key = getattr(owner, "PATCH_MERGE_KEY", {}).get(name)
        if merge_key:
            said.append(f"A strategic merge patch merges entries of the same {merge_key}.")
        format_ = getattr(owner, "FORMAT", {}).get(name)
        said.append(_FORMATS.get(format_, ""))
        return " ".join(part for part in said if part)


_FORMATS = {
    "int32": "A 32-bit number.",
    "int64": "A 64-bit number.",
    "quantity": "An amount such as 500m, 2 or 1Gi.",
    "int-or-string": "A number, or a text such as 25% or the name of a port.",
    "time": "A time as in RFC 3339, such as 2026-01-01T00:00:00Z.",
    "micro-time": "A time as in RFC 3339 with microseconds.",
    "byte": "Bytes in base64.",
}


def _without_none(annotation: Any) -> Any:
    if typing.get_origin(annotation) is typing.Annotated:
        return _without_none(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        kept = [each for each in typing.get_args(annotation) if each is not type(None)]
        return _without_none(kept[0]) if len(kept) == 1 else kept[-1] if str in kept else kept[0]
    return annotation


def _walk(field: Any, path: list[str]) -> Any:
    for name in path:
        found = next((each for each in field.fields if each.name == name), None)
        if found is None:
            raise CommandError(f'field "{name}" does not exist')
        field = found
    return field


def _explain(inv: Any, field: Any, path: list[str]) -> None:
    if path:
        required = " -required-" if field.required else ""
        inv.print(f"FIELD: {path[-1]} <{field.type}>{required}")
        inv.print("".join(("ENUM:\n", *(f"    {value}\n" for value in field.enum)) if field.enum else ("\n",)))
    inv.print("DESCRIPTION:")
    for line in textwrap.wrap(field.facts or "<empty>", _WIDTH - 4):
        inv.print(f"    {line}")
    if field.facts:
        inv.print("    ")
    if field.fields:
        inv.print("FIELDS:")
        _list(inv, field, 1)
    inv.print()


def _list(inv: Any, field: Any, depth: int) -> None:
    recursive = inv.flags["recursive"]
    for child in field.fields:
        required = " -required-" if child.required else ""
        inv.print(f"{'  ' * depth}{child.name}\t<{child.type}>{required}")
        if child.enum:
            inv.print(f"{'  ' * depth}enum: {', '.join(child.enum)}")
        if recursive:
            if depth < 12 and child.target is not field.target:
                _list(inv, child, depth + 1)
            continue
        for line in textwrap.wrap(child.facts or "<no description>", _WIDTH - 4):
            inv.print(f"    {line}")
        inv.print()


COMMAND = Command(
    "explain",
    "Get documentation for a resource",
    "kubectl explain TYPE [--recursive=FALSE|TRUE] [--api-version=api-version-group] [options]",
    run,
    (text("api-version"), text("output", "o", default="plaintext"), boolean("recursive")),
    examples="kubectl explain pods\nkubectl explain deployment.spec.strategy --recursive",
)
