"""Colours can be told apart and seen in both themes."""

from __future__ import annotations

import pytest

from k8slab.views.icons import layers, tokens
from k8slab.views.state import STATES
from k8slab.views.theme import COLOURS, colour, theme_css

OKABE_ITO = {"#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#f0e442", "#999999"}


def luminance(code: str) -> float:
    parts = [int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("state", STATES[1:], ids=lambda state: state.name)
def test_every_state_stands_out_from_its_background(state, theme):
    for ground in ("card", "panel"):
        assert contrast(COLOURS[state.stroke][theme], COLOURS[ground][theme]) >= 3


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("token", "least"), [("ink", 7), ("muted", 4.5), ("vermillion-line", 4.5), ("orange-line", 4)])
def test_texts_can_be_read(token, least, theme):
    for ground in ("card", "panel"):
        assert contrast(COLOURS[token][theme], COLOURS[ground][theme]) >= least


@pytest.mark.parametrize("ground", ["#ffffff", "#111111", "#212121"])
def test_strokes_are_seen_on_the_hosts_own_backgrounds(ground):
    theme = 0 if ground == "#ffffff" else 1
    for state in STATES[1:]:
        assert contrast(COLOURS[state.stroke][theme], ground) >= 3


def test_state_colours_are_okabe_and_itos():
    assert {COLOURS[state.fill][0] for state in STATES[1:]} <= OKABE_ITO


def test_no_two_states_look_the_same_without_colour():
    looks = [(state.shape, state.glyph) for state in STATES[1:]]
    assert len(set(looks)) == len(looks)
    assert all(glyph for _, glyph in looks)


def test_every_layer_has_a_colour():
    for code in range(1, len(STATES)):
        paint = tokens(code)
        for layer in layers(code):
            assert layer.fill or layer.stroke
            assert {paint[layer.fill], paint[layer.stroke]} <= {*COLOURS, "none"}


def test_auto_follows_the_page_and_falls_back_to_light():
    assert colour("ink", "auto") == f"var(--k8s-ink,{COLOURS['ink'][0]})"
    css = theme_css(".x")
    assert css.index("prefers-color-scheme:dark") < css.index('[data-jp-theme-light="true"] .x')
    assert '[data-jp-theme-light="false"] .x' in css
