"""The front end's code as one ES module: hand-written files joined in order.

What it draws with (states, icons, colours) is the table that the still pictures use.

anywidget takes a single module. The files import from each other, so that they are ordinary modules for tools and
tests; joined, they share one scope and the import lines go.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from k8slab.views.icons import SIZE, layers, tokens
from k8slab.views.state import STATES
from k8slab.views.theme import COLOURS, FONT, MONO, theme_css
from k8slab.widgets.protocol import SCHEMA

STATIC = Path(__file__).parent / "static"
#: In the order in which they need each other.
FILES = ("replica.js", "timeline.js", "layout.js", "paint.js", "mirror.js", "controls.js", "board.js")

_IMPORT = re.compile(r'^import\s[^;]*?from\s+"\./[\w-]+\.js";\n', re.MULTILINE | re.DOTALL)
_EXPORT = re.compile(r"^export (?=(?:const|let|function|class|async)\b)", re.MULTILINE)


@cache
def module_text() -> str:
    """The module that anywidget loads."""
    parts = [f"const LOOK = {json.dumps(look(), separators=(',', ':'))};"]
    for name in FILES:
        text = (STATIC / name).read_text(encoding="utf-8")
        parts.append(_EXPORT.sub("", _IMPORT.sub("", text)))
    return "\n".join(parts)


@cache
def style_text() -> str:
    """The CSS that anywidget adds to the page."""
    return theme_css(".k8slab-view") + "\n" + (STATIC / "board.css").read_text(encoding="utf-8")


def look() -> dict[str, Any]:
    """States with their icons and colours: one table for the still and the live pictures."""
    states = [
        {
            "name": state.name,
            "colours": {name: token for name, token in tokens(code).items() if name},
            "layers": [layer._asdict() for layer in layers(code)],
        }
        for code, state in enumerate(STATES)
    ]
    return {
        "schema": SCHEMA,
        "states": states,
        "iconSize": SIZE,
        "tokens": list(COLOURS),
        "font": FONT,
        "mono": MONO,
    }
