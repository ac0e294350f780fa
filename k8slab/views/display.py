"""Something to show: a picture or table in a notebook, text elsewhere."""

from __future__ import annotations

from typing import Any


class Display:
    """Something to show: HTML in a notebook, plain text elsewhere.

    ``graph`` carries the data behind the picture, where there is a graph.
    """

    def __init__(self, text: str, html: str, graph: Any = None) -> None:
        self.text, self.html, self.graph = text, html, graph

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": self.text, "text/html": self.html}
