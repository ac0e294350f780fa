"""The server's Tables as `kubectl get` shows them. Follows TablePrinter of k8s.io/cli-runtime."""

from __future__ import annotations

import re
from typing import Any

from k8slab.kubectl import tabular

_LINE_END = re.compile(r"[\n\r\f]")


class TableView:
    """Rows gathered from one or more Tables of the same resource, printed together.

    `prefix` is put before names (`pod/`), `labels` are shown as columns.
    """

    def __init__(
        self,
        wide: bool = False,
        headers: bool = True,
        namespaces: bool = False,
        labels: tuple[str, ...] = (),
        show_labels: bool = False,
        events: bool = False,
    ) -> None:
        self.wide, self.headers, self.namespaces = wide, headers, namespaces
        self.labels, self.show_labels, self.events = labels, show_labels, events
        self.rows: list[list[str]] = []
        self._columns: list[dict[str, Any]] = []

    def add(self, table: dict[str, Any], prefix: str = "", event: str = "") -> None:
        """Take over the rows of a Table; `event` (ADDED...) is shown in front with `--output-watch-events`."""
        self._columns = table.get("columnDefinitions") or self._columns
        rows = table.get("rows") or []
        if rows and not self.rows and self.headers:
            self.rows.append(self._header())
        for row in rows:
            self.rows.append(self._row(row, prefix, event))

    def _shown(self) -> list[int]:
        return [index for index, column in enumerate(self._columns) if self.wide or not column.get("priority")]

    def _header(self) -> list[str]:
        names = [self._columns[index]["name"].upper() for index in self._shown()]
        front = (["EVENT"] if self.events else []) + (["NAMESPACE"] if self.namespaces else [])
        labels = [label.rpartition("/")[2].upper() for label in self.labels]
        return [*front, *names, *labels, *(["LABELS"] if self.show_labels else [])]

    def _row(self, row: dict[str, Any], prefix: str, event: str) -> list[str]:
        metadata = metadata_of(row)
        front = ([event] if self.events else []) + ([metadata.get("namespace") or ""] if self.namespaces else [])
        given = row["cells"]
        cells = [cell_text(given[index]) for index in self._shown() if index < len(given)]
        if cells:
            cells[0] = prefix + cells[0]
        own = metadata.get("labels") or {}
        labels = [own.get(label) or "" for label in self.labels]
        return [*front, *cells, *labels, *([labels_text(own)] if self.show_labels else [])]

    def text(self) -> str:
        """The aligned table; empty without rows."""
        return tabular.table(self.rows)


def cell_text(value: Any) -> str:
    """A cell: only the first line of a text, and Go's words for other values."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    text = str(value)
    match = _LINE_END.search(text)
    return text[: match.start()] + "..." if match else text


def metadata_of(row: dict[str, Any]) -> dict[str, Any]:
    """Metadata of a row's object, which may be typed or a dict."""
    obj = row.get("object")
    if obj is None:
        return {}
    if isinstance(obj, dict):
        return obj.get("metadata") or {}
    metadata = obj.metadata
    return {"namespace": metadata.namespace, "name": metadata.name, "labels": metadata.labels, "uid": metadata.uid}


def labels_text(labels: dict[str, str] | None) -> str:
    """`a=b,c=d` in order of keys, or `<none>`."""
    return ",".join(f"{key}={labels[key]}" for key in sorted(labels)) if labels else "<none>"
