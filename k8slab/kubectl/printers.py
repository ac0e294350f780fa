"""The `-o` formats: what each command prints about an object."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from k8slab.api.jsonpath import JSONPath, PathError, go_syntax
from k8slab.kubectl import goyaml
from k8slab.kubectl.access import without_managed_fields
from k8slab.kubectl.columns import CustomColumns
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.gotemplate import GoTemplate, TemplateError

_TEMPLATES = ("go-template", "go-template-file", "template", "templatefile")
_PATHS = ("jsonpath", "jsonpath-as-json", "jsonpath-file")
_COLUMNS = ("custom-columns", "custom-columns-file")
FORMATS = tuple(sorted((*_TEMPLATES, *_PATHS, "json", "name", "yaml")))
GET_FORMATS = tuple(sorted((*FORMATS, *_COLUMNS, "wide")))


class Printer:
    """Prints objects one after another in the form that `-o` asks for.

    `operation` is what was done (`created`); without a format the printer writes `deployment.apps/web created`.
    `typed` objects keep the order of their fields in JSON, others are sorted, as Go does it.
    """

    def __init__(self, inv: Any, operation: str = "", separate: bool = True) -> None:
        output: str = inv.flags.get("output") or ""
        if not output and inv.flags.get("template"):
            output = "go-template"
        self.form, equals, argument = output.partition("=")
        self.operation, self.inv, self.separate = operation, inv, separate
        self.printed = 0
        self.suffix = inv.dry_run_suffix if "dry-run" in inv.flags else ""
        self.argument = argument if equals else inv.flags.get("template") or ""
        self._check()
        self.template = self._compile()

    def _check(self, allowed: Sequence[str] = FORMATS) -> None:
        if self.form and self.form not in allowed:
            raise CommandError(
                f'unable to match a printer suitable for the output format "{self.inv.flags["output"]}", '
                f"allowed formats are: {','.join(allowed)}"
            )

    def _compile(self) -> Any:
        return compile_template(self.inv, self.form, self.argument)

    def show(self, obj: dict[str, Any], operation: str | None = None, typed: bool = False) -> None:
        """Print one object."""
        if not self.inv.flags.get("show-managed-fields"):
            obj = without_managed_fields(obj)
        operation = self.operation if operation is None else operation
        if self.form in ("", "name"):
            name = full_name(obj, self.inv)
            self.inv.print(name if self.form or not operation else f"{name} {operation}{self.suffix}")
        else:
            self.inv.write(self._text(obj, typed))
        self.printed += 1

    def _text(self, obj: dict[str, Any], typed: bool) -> str:
        if self.form == "yaml":
            return ("---\n" if self.printed and self.separate else "") + goyaml.dump(obj)
        if self.form == "json":
            return as_json(obj, sort=not typed) + "\n"
        return fill(self.template, self.form, obj)


def compile_template(inv: Any, form: str, argument: str) -> Any:
    """The template behind a format such as jsonpath, None for formats without one. Raises CommandError."""
    lenient = inv.flags.get("allow-missing-template-keys", True)
    if form in _PATHS:
        source = _source(inv, form, argument, "jsonpath")
        try:
            return JSONPath(source, lenient)
        except PathError as error:
            raise CommandError(f"error parsing jsonpath {source}, {error}") from None
    if form in _TEMPLATES:
        source = _source(inv, form, argument, "template")
        try:
            return GoTemplate(source, lenient)
        except TemplateError as error:
            raise CommandError(f"error parsing template {source}, {error}") from None
    return None


def _source(inv: Any, form: str, argument: str, what: str) -> str:
    if not argument:
        raise CommandError(f"{what} format specified but no {what} given")
    return inv.read_file(argument) if form.endswith("file") else argument


def fill(template: Any, form: str, obj: dict[str, Any]) -> str:
    """The text of a template for one object. Raises CommandError as kubectl words it."""
    try:
        if form == "jsonpath-as-json":
            return json.dumps(template.first(obj), indent=4, sort_keys=True, ensure_ascii=False) + "\n"
        return template.text(obj)
    except PathError as error:
        raise CommandError(
            f"error executing jsonpath {json.dumps(template.template)}: Error executing template: {error}. "
            f"Printing more information for debugging the template:\n\ttemplate was:\n\t\t{template.template}\n"
            f"\tobject given to jsonpath engine was:\n\t\t{go_syntax(obj)}\n\n"
        ) from None
    except TemplateError as error:
        raise CommandError(f"error executing template: {error}") from None


def custom_columns(inv: Any, form: str, argument: str, headers: bool) -> CustomColumns:
    """The columns of `-o custom-columns` or `custom-columns-file`."""
    if form == "custom-columns-file":
        return CustomColumns.from_template(inv.read_file(argument), headers)
    return CustomColumns(argument, headers)


def as_json(value: Any, sort: bool = True) -> str:
    """JSON with four blanks of indent and `<`, `>`, `&` escaped, as Go's MarshalIndent writes it."""
    if not sort and isinstance(value, dict) and "kind" in value:
        value = {"kind": value["kind"], "apiVersion": value.get("apiVersion"), **value}
    text = json.dumps(value, indent=4, sort_keys=sort, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def full_name(obj: dict[str, Any], inv: Any = None) -> str:
    """`pod/web-1`, `deployment.apps/web`: what `-o name` prints."""
    group = obj.get("apiVersion", "").rpartition("/")[0]
    kind = obj.get("kind", "").lower() or "<unknown>"
    name = (obj.get("metadata") or {}).get("name") or "<unknown>"
    return f"{kind}.{group}/{name}" if group else f"{kind}/{name}"
