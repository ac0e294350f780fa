"""Colours of all pictures, in a light and a dark theme, and the CSS that switches between them.

The state colours are those of Okabe and Ito, which people with any colour vision can tell apart; each has a stroke with
at least 3:1 contrast to the theme's background, since yellow on white and blue on black alone would not be seen.
"""

from __future__ import annotations

from typing import Literal

Theme = Literal["light", "dark", "auto"]

#: Token -> (light, dark).
COLOURS: dict[str, tuple[str, str]] = {
    "panel": ("#f6f7f9", "#16181c"),
    "card": ("#ffffff", "#202329"),
    "line": ("#d5d9e0", "#3a3f48"),
    "hairline": ("#e7eaef", "#2c3038"),
    "ink": ("#1c2129", "#e8eaee"),
    "muted": ("#586171", "#a3abb8"),
    "faint": ("#8b94a3", "#737c8a"),
    "accent": ("#0072b2", "#56b4e9"),
    "track": ("#e4e7ec", "#343942"),
    "on-dark": ("#ffffff", "#ffffff"),
    "on-light": ("#1c2129", "#14161a"),
    "green": ("#009e73", "#009e73"),
    "green-line": ("#00795a", "#1fc497"),
    "yellow": ("#f0e442", "#f0e442"),
    "yellow-line": ("#857a00", "#f0e442"),
    "sky": ("#56b4e9", "#56b4e9"),
    "sky-line": ("#1f7fb8", "#56b4e9"),
    "orange": ("#e69f00", "#e69f00"),
    "orange-line": ("#a06c00", "#f0b429"),
    "vermillion": ("#d55e00", "#d55e00"),
    "vermillion-line": ("#b84f00", "#ff7f2a"),
    "purple": ("#cc79a7", "#cc79a7"),
    "purple-line": ("#a34d7e", "#dd93bb"),
    "blue": ("#0072b2", "#0072b2"),
    "blue-line": ("#005a8d", "#4ba3d9"),
    "grey": ("#999999", "#8a8f98"),
    "grey-line": ("#6b7078", "#a3a8b0"),
}

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', sans-serif"
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def colour(token: str, theme: Theme) -> str:
    """A colour for an SVG or HTML attribute; in the ``auto`` theme a variable with the light colour as fallback.

    >>> colour("accent", "light"), colour("accent", "auto")
    ('#0072b2', 'var(--k8s-accent,#0072b2)')
    """
    light, dark = COLOURS[token]
    if theme == "auto":
        return f"var(--k8s-{token},{light})"
    return dark if theme == "dark" else light


def variables(theme: Literal["light", "dark"]) -> str:
    """The CSS declarations of one theme: ``--k8s-ink:#1c2129;...``."""
    index = 1 if theme == "dark" else 0
    return "".join(f"--k8s-{token}:{pair[index]};" for token, pair in COLOURS.items())


def theme_css(selector: str) -> str:
    """CSS which gives ``selector`` the colours of the page it is on.

    What the page says of itself (JupyterLab, nbconvert and VS Code mark their bodies) wins over the system's wish.
    """
    light, dark = variables("light"), variables("dark")
    marked_light = f'[data-jp-theme-light="true"] {selector},body.vscode-light {selector}'
    marked_dark = f'[data-jp-theme-light="false"] {selector},body.vscode-dark {selector}'
    return (
        f"{selector}{{{light}color-scheme:light}}"
        f"@media (prefers-color-scheme:dark){{{selector}{{{dark}color-scheme:dark}}}}"
        f"{marked_light}{{{light}color-scheme:light}}"
        f"{marked_dark}{{{dark}color-scheme:dark}}"
    )
