"""kubectl explain: the fields of a kind, their types and descriptions, read from the OpenAPI schema.

Follows kubectl/pkg/explain/v2/templates/plaintext.tmpl. Where no descriptions are installed (`api/descriptions.py`),
the fields are shown without, and a hint says where to get them.
"""

from __future__ import annotations

from typing import Any

from k8slab.api import descriptions
from k8slab.api.schema import Schema
from k8slab.api.scheme import NoMatch, Resource
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.flags import boolean, text
from k8slab.kubectl.openapi import Document
from k8slab.kubectl.wordwrap import indent, wrap

_WIDTH = 76
#: How many values of an enumeration the list of fields shows.
_VALUES = 4


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
    page = _Page(Document(inv.access, resource), inv.flags["recursive"])
    inv.write(page.explained(path))
    if not descriptions.available():
        inv.complain(descriptions.HINT)


def _find(inv: Any, text: str) -> tuple[Resource, list[str]]:
    """The kind and the path of fields behind it: `deployments.spec.replicas`, also with the group of the resource."""
    name, *path = text.strip(".").split(".")
    scheme = inv.access.scheme
    try:
        resource = scheme.resource(name)
    except NoMatch as error:
        raise CommandError(str(error), plain=True) from None
    if inv.flags["api-version"]:
        return _in_version(inv, resource), path
    for each in scheme.all_resources():
        whole = f"{each.plural}.{each.group}".rstrip(".")
        if each.plural == resource.plural and text.startswith(whole):
            return each, [part for part in text.removeprefix(whole).split(".") if part]
    return resource, path


def _in_version(inv: Any, resource: Resource) -> Resource:
    wanted = inv.flags["api-version"]
    group, _, version = wanted.rpartition("/")
    served = [each for each in inv.access.scheme.all_resources() if (each.group, each.version) == (group, version)]
    found = next((each for each in served if each.plural == resource.plural), None)
    if found is not None:
        return found
    name = f"{wanted}, Resource={resource.plural}"
    raise CommandError(
        f"GVR ({name}) not found in OpenAPI schema" if served else f'couldn\'t find resource for "{name}"'
    )


def _header(inv: Any, resource: Resource) -> None:
    if resource.group:
        inv.print(f"GROUP:      {resource.group}")
    inv.print(f"KIND:       {resource.kind}\nVERSION:    {resource.version}\n")


class _Page:
    """The text about one schema."""

    def __init__(self, document: Document, recursive: bool) -> None:
        self._document, self._recursive = document, recursive

    def explained(self, path: list[str]) -> str:
        """The text about the field at the end of a path. Raises CommandError where there is none."""
        schema, head = self._document.root, ""
        for name in path:
            found = self._document.property(schema, name)
            if found is None:
                # kubectl names the end of the path, wherever it breaks off.
                raise CommandError(f'field "{path[-1]}" does not exist')
            schema = found
            head = self._field_head(name, schema)
        description = self._document.description(schema) or "<empty>"
        fields = self._fields(schema, 1, [])
        text = f"{head}DESCRIPTION:\n{indent(wrap(description, _WIDTH), 4)}\n"
        return text + (f"FIELDS:\n{fields}" if fields else "") + "\n"

    def _field_head(self, name: str, schema: Schema) -> str:
        values = "".join(f"\n    {_shown(value)}" for value in schema.get("enum", ()))
        enum = f"ENUM:{values}\n" if values else "\n"
        return f"FIELD: {name} <{self._document.type_of(schema)}>\n{enum}\n"

    def _fields(self, schema: Schema, level: int, above: list[Schema]) -> str:
        resolved = self._document.resolved(schema)
        if any(resolved is each for each in above):
            return ""
        required = resolved.get("required", ())
        found = []
        for name, each in sorted(resolved.get("properties", {}).items()):
            found.append(self._field(name, each, name in required, level))
            if self._recursive:
                found.append(self._fields(each, level + 1, [*above, resolved]))
        found += [self._fields(each, level, [*above, resolved]) for each in self._document.parts(resolved)]
        return "".join(found)

    def _field(self, name: str, schema: Schema, required: bool, level: int) -> str:
        blanks = "  " * level
        line = f"{blanks}{name}\t<{self._document.type_of(schema)}>{_required(required)}\n"
        values = schema.get("enum", ())
        if values:
            more = ", ...." if len(values) > _VALUES else ""
            line += f"{blanks}enum: {', '.join(map(_shown, values[:_VALUES]))}{more}\n"
        if self._recursive:
            return line
        description = schema.get("description") or "<no description>"
        return f"{line}{indent(wrap(description, _WIDTH), 4)}\n\n"


def _required(required: bool) -> str:
    return " -required-" if required else ""


def _shown(value: Any) -> str:
    return '""' if value == "" else str(value)


COMMAND = Command(
    "explain",
    "Get documentation for a resource",
    "kubectl explain TYPE [--recursive=FALSE|TRUE] [--api-version=api-version-group] [options]",
    run,
    (text("api-version"), text("output", "o", default="plaintext"), boolean("recursive")),
    examples="kubectl explain pods\nkubectl explain deployment.spec.strategy --recursive",
)
