"""`-o custom-columns=NAME:.metadata.name,...` and `custom-columns-file`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8slab.api.jsonpath import JSONPath, PathError, relaxed
from k8slab.kubectl import tabular
from k8slab.kubectl.failure import CommandError


class CustomColumns:
    """Headers and paths. Raises CommandError in kubectl's words for a specification that makes no sense."""

    def __init__(self, specification: str, headers: bool = True) -> None:
        if not specification:
            raise CommandError("custom-columns format specified but no custom columns given")
        self.headers: list[str] = []
        self.paths: list[JSONPath] = []
        self.with_headers = headers
        for part in specification.split(","):
            header, colon, path = part.partition(":")
            if not colon:
                raise CommandError(f"unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>")
            self._add(header, path)

    @classmethod
    def from_template(cls, template: str, headers: bool = True) -> CustomColumns:
        """Read the two lines of a template file: headers, then paths under them."""
        lines = template.splitlines()
        if len(lines) < 2:
            raise CommandError("invalid template, missing spec line. Expected format is two lines of columns")
        names, paths = lines[0].split(), lines[1].split()
        if len(names) != len(paths):
            raise CommandError(f"number of headers ({len(names)}) and field specifications ({len(paths)}) don't match")
        return cls(",".join(f"{name}:{path}" for name, path in zip(names, paths, strict=True)), headers)

    def _add(self, header: str, path: str) -> None:
        try:
            self.paths.append(JSONPath(relaxed(path)))
        except PathError as error:
            raise CommandError(str(error)) from None
        self.headers.append(header)

    def text(self, objects: Sequence[dict[str, Any]]) -> str:
        """The table of these objects."""
        rows = [self.headers] if self.with_headers else []
        rows += [[self._cell(path, obj) for path in self.paths] for obj in objects]
        return tabular.table(rows)

    def _cell(self, path: JSONPath, obj: dict[str, Any]) -> str:
        try:
            groups = path.find(obj)
        except PathError as error:
            raise CommandError(str(error)) from None
        values = [value for group in groups for value in group]
        return ",".join(go_sprint(value) for value in values) if values else "<none>"


def go_sprint(value: Any) -> str:
    """A value as Go's fmt.Sprint prints it: maps as `map[a:b]`, lists as `[a b]`."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{go_sprint(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, (list, tuple)):
        return "[" + " ".join(go_sprint(each) for each in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "<nil>" if value is None else str(value)
