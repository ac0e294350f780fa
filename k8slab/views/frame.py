"""What all pictures share: escaping, an SVG writer, text fitting, and the HTML frame around a picture and its table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from k8slab.views.theme import FONT, MONO, Theme, colour, theme_css

_NARROW = frozenset("iljtfrI.,:;'|!()[]/- ·")
_WIDE = frozenset("mwMW@%")


def esc(text: object) -> str:
    """Text made safe for HTML and XML, in content and in quoted attributes."""
    # Control characters are not allowed in XML at all, not even escaped.
    return escape("".join(char if char >= " " or char in "\n\t" else "�" for char in str(text)))


def text_width(text: str, size: float, mono: bool = False) -> float:
    """About how wide a text is in pixels at a font size; exact widths need a browser."""
    if mono:
        return 0.61 * size * len(text)
    units = sum(0.36 if c in _NARROW else 0.9 if c in _WIDE else 0.7 if c.isupper() else 0.585 for c in text)
    return units * size


def fit(text: str, width: float, size: float, mono: bool = False) -> str:
    """The text, cut with an ellipsis so that it is at most ``width`` pixels wide.

    >>> fit("frontend-6d9f7c8b5d", 80, 12)
    'frontend-6d…'
    """
    if text_width(text, size, mono) <= width:
        return text
    while text and text_width(text + "…", size, mono) > width:
        text = text[:-1]
    return text + "…"


def fit_name(text: str, width: float, size: float) -> str:
    """A name cut in its middle: the end tells apart what one controller made.

    >>> fit_name("Pod frontend-6d9f7c8b5d-x2x4z", 120, 12)
    'Pod frontend…x2x4z'
    """
    if text_width(text, size) <= width:
        return text
    tail = text[-5:]
    return fit(text[:-5] + "…", width - text_width(tail, size), size).removesuffix("…") + "…" + tail


class Svg:
    """Writes one SVG picture; colours are tokens of ``views.theme``.

    ``width`` and ``height`` are in pixels; ``height`` may be set any time before ``render``.
    """

    def __init__(self, width: float, height: float, theme: Theme = "auto") -> None:
        self.width, self.height, self.theme = width, height, theme
        self._parts: list[str] = []

    def include(self, other: Svg) -> None:
        """Add all that was drawn on another picture."""
        self._parts.extend(other._parts)

    def paint(self, token: str) -> str:
        """The colour of a token in this picture's theme (``none`` stays)."""
        return token if token == "none" else colour(token, self.theme)

    def add(self, markup: str) -> None:
        """Add markup as it is: everything in it must be escaped already."""
        self._parts.append(markup)

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str = "none",
        stroke: str = "none",
        radius: float = 0,
        dash: str = "",
        opacity: float = 1,
        line: float = 1,
    ) -> None:
        """A rectangle, its stroke inside its edges."""
        inset = line / 2 if stroke != "none" else 0
        attributes = f'x="{_n(x + inset)}" y="{_n(y + inset)}" width="{_n(max(0, width - 2 * inset))}" '
        attributes += f'height="{_n(max(0, height - 2 * inset))}" fill="{self.paint(fill)}"'
        if radius:
            attributes += f' rx="{_n(radius)}"'
        if opacity != 1:
            attributes += f' fill-opacity="{_n(opacity)}"'
        self.add(f"<rect {attributes}{self._stroke(stroke, line, dash)}/>")

    def line(
        self, x1: float, y1: float, x2: float, y2: float, stroke: str = "line", width: float = 1, dash: str = ""
    ) -> None:
        """A straight line."""
        points = f'x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}"'
        self.add(f"<line {points}{self._stroke(stroke, width, dash)}/>")

    def path(
        self, d: str, fill: str = "none", stroke: str = "none", width: float = 1, dash: str = "", opacity: float = 1
    ) -> None:
        """A path; ``opacity`` is that of its fill."""
        faint = f' fill-opacity="{_n(opacity)}"' if opacity != 1 else ""
        self.add(f'<path d="{d}" fill="{self.paint(fill)}"{faint}{self._stroke(stroke, width, dash)}/>')

    def circle(self, x: float, y: float, r: float, fill: str = "none", stroke: str = "none", width: float = 1) -> None:
        """A circle."""
        place = f'cx="{_n(x)}" cy="{_n(y)}" r="{_n(r)}"'
        self.add(f'<circle {place} fill="{self.paint(fill)}"{self._stroke(stroke, width)}/>')

    def text(
        self,
        x: float,
        y: float,
        text: object,
        size: float = 12,
        fill: str = "ink",
        weight: int = 400,
        anchor: str = "start",
        mono: bool = False,
    ) -> None:
        """A text with its baseline at ``y``."""
        extra = f' font-weight="{weight}"' if weight != 400 else ""
        extra += f' text-anchor="{anchor}"' if anchor != "start" else ""
        extra += f' font-family="{MONO}"' if mono else ""
        self.add(
            f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" fill="{self.paint(fill)}"{extra}>{esc(text)}</text>'
        )

    def flow(
        self, x: float, y: float, parts: Sequence[tuple[str, float, str, int]], gap: float = 7, anchor: str = "start"
    ) -> None:
        """Texts of different looks one after the other: ``(text, size, fill, weight)`` each.

        The browser puts each behind the last, so that no estimate of a width can make them overlap.
        """
        spans = []
        for index, (text, size, fill, weight) in enumerate(parts):
            shift = f' dx="{_n(gap)}"' if index else ""
            bold = f' font-weight="{weight}"' if weight != 400 else ""
            spans.append(f'<tspan font-size="{_n(size)}" fill="{self.paint(fill)}"{bold}{shift}>{esc(text)}</tspan>')
        extra = f' text-anchor="{anchor}"' if anchor != "start" else ""
        self.add(f'<text x="{_n(x)}" y="{_n(y)}"{extra}>{"".join(spans)}</text>')

    def open(self, title: str = "") -> None:
        """Begin a group; browsers show its title when the pointer rests on it."""
        self.add(f"<g><title>{esc(title)}</title>" if title else "<g>")

    def close(self) -> None:
        """End the group."""
        self.add("</g>")

    def render(self, title: str, description: str = "", framed: bool = False) -> str:
        """The whole picture; title and description are for people who hear pages.

        ``framed`` pictures are part of a ``frame``, which brings the colours of the ``auto`` theme.
        """
        size = f'width="{_n(self.width)}" height="{_n(self.height)}" viewBox="0 0 {_n(self.width)} {_n(self.height)}"'
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="k8slab-svg" {size} role="img" aria-label="{esc(title)}" '
            f'font-family="{FONT}" style="max-width:100%;height:auto">'
            f"<title>{esc(title)}</title>"
        )
        if description:
            head += f"<desc>{esc(description)}</desc>"
        if self.theme == "auto" and not framed:
            head += f"<style>{theme_css('.k8slab-svg')}</style>"
        return head + "".join(self._parts) + "</svg>"

    def _stroke(self, stroke: str, width: float, dash: str = "") -> str:
        if stroke == "none":
            return ""
        text = f' stroke="{self.paint(stroke)}"'
        if width != 1:
            text += f' stroke-width="{_n(width)}"'
        if dash:
            text += f' stroke-dasharray="{dash}"'
        return text


def _n(value: float) -> str:
    """A number as short as possible, at most two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value != int(value) else str(int(value))


_CSS = """
.k8slab{font:14px/1.5 FONT;color:var(--k8s-ink);max-width:100%;overflow-x:auto}
.k8slab table{border-collapse:collapse;margin:.5em 0;font-size:13px;background:var(--k8s-card);color:var(--k8s-ink)}
.k8slab caption{text-align:left;color:var(--k8s-muted);padding:.2em 0;white-space:nowrap}
.k8slab th,.k8slab td{text-align:left;padding:.25em .9em .25em .6em;border:0;
border-bottom:1px solid var(--k8s-hairline);
vertical-align:top;white-space:nowrap}
.k8slab th{color:var(--k8s-muted);font-weight:600;border-bottom-color:var(--k8s-line)}
.k8slab tbody tr,.k8slab tbody tr:nth-child(odd),.k8slab tbody tr:hover{background:var(--k8s-card)}
.k8slab td.num,.k8slab th.num{text-align:right;font-variant-numeric:tabular-nums}
.k8slab td.wide{white-space:normal;min-width:16em}
.k8slab tr.chosen td{font-weight:600}
.k8slab summary{cursor:pointer;color:var(--k8s-muted);font-size:13px;margin:.3em 0}
.k8slab .note{color:var(--k8s-muted);font-size:13px}
""".replace("FONT", FONT).replace("\n", "")


def frame(*parts: str) -> str:
    """Self-contained HTML around pictures and tables: light or dark as its page is, nothing fetched, no scripts."""
    return f'<div class="k8slab"><style>{theme_css(".k8slab")}{_CSS}</style>{"".join(parts)}</div>'


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[object]],
    caption: str = "",
    numbers: Iterable[int] = (),
    chosen: int = -1,
    wide: Iterable[int] = (),
) -> str:
    """An HTML table: ``numbers`` are columns aligned right, ``wide`` ones that wrap, ``chosen`` is a row in bold."""
    kinds = {**dict.fromkeys(numbers, "num"), **dict.fromkeys(wide, "wide")}
    lines = [_row(head, "th", kinds)]
    body = "".join(
        _row(row, "td", kinds, ' class="chosen"' if index == chosen else "") for index, row in enumerate(rows)
    )
    title = f"<caption>{esc(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead>{''.join(lines)}</thead><tbody>{body}</tbody></table>"


def _row(cells: Sequence[object], tag: str, kinds: dict[int, str], mark: str = "") -> str:
    scope = ' scope="col"' if tag == "th" else ""
    made = []
    for index, cell in enumerate(cells):
        kind = f' class="{kinds[index]}"' if index in kinds else ""
        made.append(f"<{tag}{scope}{kind}>{esc(cell)}</{tag}>")
    return f"<tr{mark}>{''.join(made)}</tr>"


def details(summary: str, *parts: str, opened: bool = False) -> str:
    """Parts that the reader may fold away."""
    return f"<details{' open' if opened else ''}><summary>{esc(summary)}</summary>{''.join(parts)}</details>"


def columns(rows: Sequence[Sequence[object]], gap: int = 3) -> str:
    """Rows as plain text in columns, as kubectl prints them (no blanks at line ends)."""
    texts = [[str(cell) for cell in row] for row in rows]
    number = max(map(len, texts), default=0)
    widths = [max((len(row[i]) for row in texts if i < len(row)), default=0) for i in range(number)]
    return "\n".join("".join(cell.ljust(widths[i] + gap) for i, cell in enumerate(row)).rstrip() for row in texts)
