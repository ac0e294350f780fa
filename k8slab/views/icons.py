"""The states' icons: shape and glyph as paths in a box of 16 by 16, the same for SVG and for the live canvas."""

from __future__ import annotations

from typing import NamedTuple

from k8slab.views.frame import Svg
from k8slab.views.state import STATES


class Layer(NamedTuple):
    """One path of an icon. ``fill`` and ``stroke`` are ``fill``, ``line``, ``on`` (what shows on the fill) or empty."""

    path: str
    fill: str = ""
    stroke: str = ""
    width: float = 1.5
    dash: tuple[float, ...] = ()


SIZE = 16
_SQUARE = "M4.25 1.25h7.5a3 3 0 0 1 3 3v7.5a3 3 0 0 1-3 3h-7.5a3 3 0 0 1-3-3v-7.5a3 3 0 0 1 3-3z"
_LOWER_HALF = "M1.25 8h13.5v3.75a3 3 0 0 1-3 3h-7.5a3 3 0 0 1-3-3z"
_DISC = "M8 .75a7.25 7.25 0 1 1 0 14.5a7.25 7.25 0 1 1 0-14.5z"
_TRIANGLE = "M7.1 1.6a1.05 1.05 0 0 1 1.8 0l6.2 11.1a1.05 1.05 0 0 1-.9 1.55H1.8a1.05 1.05 0 0 1-.9-1.55z"
_DIAMOND = (
    "M7.2 1.1a1.1 1.1 0 0 1 1.6 0l6.1 6.1a1.1 1.1 0 0 1 0 1.6l-6.1 6.1a1.1 1.1 0 0 1-1.6 0L1.1 8.8a1.1 1.1 0 0 1 0-1.6z"
)

SHAPES: dict[str, tuple[Layer, ...]] = {
    "square": (Layer(_SQUARE, "fill", "fill"),),
    "hollow": (Layer(_SQUARE, "", "line"),),
    "dotted": (Layer(_SQUARE, "", "line", 1.5, (2.2, 1.9)),),
    "half": (Layer(_LOWER_HALF, "fill"), Layer(_SQUARE, "", "line")),
    "circle": (Layer(_DISC, "fill"),),
    "triangle": (Layer(_TRIANGLE, "fill"),),
    "diamond": (Layer(_DIAMOND, "fill"),),
}
GLYPHS: dict[str, tuple[Layer, ...]] = {
    "": (),
    "play": (Layer("M6.3 4.9v6.2L11.3 8z", "on", "on", 1),),
    "clock": (Layer("M8 4.6V8.2l2.4 1.5", "", "line", 1.6),),
    "dots": (Layer("M4.6 8h.01M8 8h.01M11.4 8h.01", "", "line", 1.9),),
    "bar": (Layer("M8 3.7v4.6M8 11.4v.01", "", "ink", 1.7),),
    "loop": (Layer("M11.6 8a3.6 3.6 0 1 1-1.1-2.6", "", "on", 1.6), Layer("M11.9 3.2v3.1H8.8z", "on")),
    "cross": (Layer("M5.3 5.3l5.4 5.4M10.7 5.3l-5.4 5.4", "", "line", 1.7),),
    "check": (Layer("M4.7 8.3l2.3 2.3 4.4-4.9", "", "on", 1.7),),
    "bang": (Layer("M8 5.4v3.7M8 11.6v.01", "", "on", 1.7),),
    "query": (
        Layer("M6.2 6.4a1.85 1.85 0 1 1 2.6 1.7c-.6.3-.8.6-.8 1.2", "", "on", 1.5),
        Layer("M8 11.3v.01", "", "on", 1.7),
    ),
}
#: What can be read on a fill: white on the strong colours, dark on the light ones.
_LIGHT_FILLS = frozenset({"yellow", "sky", "orange"})


def layers(code: int) -> tuple[Layer, ...]:
    """All layers of a state's icon, bottom first."""
    state = STATES[code]
    return SHAPES[state.shape] + GLYPHS[state.glyph]


def tokens(code: int) -> dict[str, str]:
    """Which colour token a layer's ``fill``, ``line``, ``on`` and ``ink`` are for this state."""
    state = STATES[code]
    on = "on-light" if state.fill in _LIGHT_FILLS else "on-dark"
    return {"fill": state.fill, "line": state.stroke, "on": on, "ink": "ink", "": "none"}


def draw_icon(svg: Svg, code: int, x: float, y: float, size: float = SIZE) -> None:
    """Draw a state's icon with its upper left corner at ``x``, ``y``."""
    scale = size / SIZE
    paint = tokens(code)
    svg.add(f'<g transform="translate({x:g} {y:g}) scale({scale:.3g})" stroke-linecap="round" stroke-linejoin="round">')
    for layer in layers(code):
        dash = " ".join(f"{part:g}" for part in layer.dash)
        svg.path(layer.path, paint[layer.fill], paint[layer.stroke], layer.width, dash)
    svg.close()
