"""Something to show: a picture or table in a notebook, text elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Display:
    """Something to show: HTML in a notebook, plain text elsewhere.

    ``graph`` carries the data behind the picture, where there is such data; ``draw`` makes an SVG of it.
    """

    def __init__(self, text: str, html: str, graph: Any = None, draw: Callable[[Any], str] | None = None) -> None:
        self.text, self.html, self.graph = text, html, graph
        self._draw = draw

    @property
    def svg(self) -> str:
        """The picture alone, as SVG; "" where there is none."""
        return self._draw(self.graph) if self._draw is not None else ""

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": self.text, "text/html": self.html}
