"""How the scheduler decided about a Pod: which node passed which filter, and what each scoring plugin gave it.

Made from the scheduler's ``Explanation`` (plain data: ``filter_plugins``, ``skipped``, ``nodes`` with ``filters``,
``scores``, ``total``, ``reasons``, ``advice``, and the outcome).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from k8slab.sim.duration import format_duration
from k8slab.views.frame import Svg, columns, details, esc, fit, fit_name, frame, table, text_width
from k8slab.views.theme import Theme

#: More nodes than this are no picture any more; the best and the first rejected ones are shown.
MAX_NODES = 24

_MARGIN, _ROW, _FILTER, _NAME = 16, 40, 30, 132
_TONES = ("blue", "green", "orange", "purple", "sky", "vermillion", "yellow", "grey")


def explanation_text(explanation: Any) -> str:
    """The decision as text: the outcome, then a table of filters and one of scores."""
    parts = [_headline(explanation)]
    if explanation.message:
        parts[0] += f"\n{explanation.message}"
    if _victims(explanation):
        parts[0] += f"\n{_victims(explanation)}"
    rejected = [node for node in explanation.nodes if node.examined and not node.feasible]
    if rejected:
        rows = [(node.name, node.rejected_by, ", ".join(node.reasons), node.advice) for node in rejected]
        parts.append(columns([("NODE", "REJECTED BY", "REASON", "WHAT WOULD HELP"), *rows]))
    scored = _ranked(explanation)
    if scored:
        parts.append(columns([_score_head(explanation), *(_score_row(explanation, node) for node in scored)]))
    elif not getattr(explanation, "filter_plugins", True):
        parts.append(f"Decided by the scheduler {explanation.scheduler}, which has no plugins.")
    elif explanation.feasible == 1:
        parts.append("Only one node is feasible: nothing is scored.")
    return "\n\n".join(parts)


def explanation_html(explanation: Any, theme: Theme = "auto", width: float = 960) -> str:
    """The picture, and all verdicts and scores as tables."""
    filters = table(_filter_head(explanation), _filter_rows(explanation), "Filters", wide=(1, 2))
    parts = [filters]
    scored = _ranked(explanation)
    if scored:
        rows = [_score_row(explanation, node, raw=True) for node in scored]
        chosen = next((i for i, node in enumerate(scored) if node.name == explanation.node), -1)
        head = _score_head(explanation)
        numbers = range(1, len(head) - 1)
        caption = "Scores: raw → normalised (0 to 100) × weight = weighted"
        parts.append(table(head, rows, caption, numbers, chosen, wide=(len(head) - 1,)))
    lines = [line for line in (explanation.message, _victims(explanation)) if line]
    note = "".join(f'<p class="note">{esc(line)}</p>' for line in lines)
    picture = _draw(explanation, theme, width).render(_headline(explanation), explanation.message, framed=True)
    return frame(picture, note, details("All verdicts and scores as tables", *parts))


def explanation_svg(explanation: Any, theme: Theme = "auto", width: float = 960) -> str:
    """The decision as a picture: a row for each node, its filters as marks, its scores as a bar of parts."""
    return _draw(explanation, theme, width).render(_headline(explanation), explanation.message)


def _headline(explanation: Any) -> str:
    name = f"Pod {explanation.namespace}/{explanation.pod}"
    where = {
        "scheduled": f"scheduled to {explanation.node}",
        "unschedulable": "fits on no node",
        "preempting": f"makes room on {explanation.nominated_node}",
    }.get(explanation.outcome, explanation.outcome)
    return f"{name} {where} (attempt {explanation.attempt} of {explanation.attempts}, at {_time(explanation)})"


def _victims(explanation: Any) -> str:
    victims = getattr(explanation, "victims", ())
    return f"To make room, it preempts {', '.join(victims)}." if victims else ""


def _time(explanation: Any) -> str:
    return format_duration(explanation.time) if explanation.time else "0s"


def _ranked(explanation: Any) -> list[Any]:
    """The scored nodes, the winner first, then by total; equal ones as the scheduler saw them."""
    scored = [node for node in explanation.nodes if node.total is not None]
    return sorted(scored, key=lambda node: (node.name != explanation.node, -node.total))


def _weights(explanation: Any) -> dict[str, int]:
    """The scoring plugins that gave any node anything, with their weights."""
    found: dict[str, int] = {}
    for name in explanation.score_plugins:
        scores = [node.scores[name] for node in explanation.nodes if name in node.scores]
        if any(score.weighted for score in scores):
            found[name] = scores[0].weight
    return found


def _active_filters(explanation: Any) -> list[str]:
    return [name for name in explanation.filter_plugins if name not in explanation.skipped]


def _filter_head(explanation: Any) -> tuple[str, ...]:
    return ("NODE", "REASON", "WHAT WOULD HELP", *_active_filters(explanation))


def _filter_rows(explanation: Any) -> Iterable[tuple[object, ...]]:
    for node in explanation.nodes:
        verdicts = (node.filters.get(name, "not examined") for name in _active_filters(explanation))
        reason = ", ".join(node.reasons) or ("fits" if node.feasible else "not examined")
        yield (node.name, reason, "" if node.feasible else node.advice, *verdicts)


def _score_head(explanation: Any) -> tuple[str, ...]:
    weights = _weights(explanation)
    return ("NODE", "TOTAL", *(f"{name} (×{weight})" for name, weight in weights.items()), "NOTE")


def _score_row(explanation: Any, node: Any, raw: bool = False) -> tuple[object, ...]:
    cells: list[object] = []
    for name in _weights(explanation):
        score = node.scores.get(name)
        if score is None:
            cells.append("")
        elif raw:
            cells.append(f"{score.raw} → {score.normalized} × {score.weight} = {score.weighted}")
        else:
            cells.append(score.weighted)
    note = "chosen" if node.name == explanation.node else node.advice
    if node.name == explanation.runner_up:
        note = f"runner-up, {note}"
    return (node.name, node.total, *cells, note)


def _order(explanation: Any) -> list[Any]:
    """The nodes as the picture shows them: by total, then those that are feasible only, then the rejected."""
    ranked = _ranked(explanation)
    rest = [node for node in explanation.nodes if node.total is None and node.examined]
    return ranked + sorted(rest, key=lambda node: not node.feasible)


def _draw(explanation: Any, theme: Theme, width: float) -> Svg:
    nodes = _order(explanation)
    half = MAX_NODES // 2
    shown = nodes if len(nodes) <= MAX_NODES else nodes[:half] + nodes[-half:]
    filters = _active_filters(explanation)
    head = 64 + max((text_width(name, 11) * 0.62 for name in filters), default=0) + 10
    svg = Svg(width, 0, theme)
    body = Svg(width, 0, theme)
    _draw_title(body, explanation, width)
    x = _MARGIN + _NAME + 12
    for index, name in enumerate(filters):
        _draw_slanted(body, name, x + index * _FILTER + 13, head - 8)
    bars = x + len(filters) * _FILTER + 40
    body.text(bars, head - 8, "score" if any(node.total is not None for node in shown) else "verdict", 11, "muted")
    y = head
    for node in shown:
        _draw_row(body, explanation, node, x, bars, y)
        y += _ROW
    hidden = len(explanation.nodes) - len(shown)
    if hidden > 0:
        body.text(_MARGIN, y + 18, f"and {hidden} more nodes: see the tables", 12, "muted")
        y += 28
    svg.height = _draw_key(body, explanation, y + 10) + 12
    svg.rect(0, 0, width, svg.height, "panel", radius=10)
    svg.include(body)
    return svg


def _draw_title(svg: Svg, explanation: Any, width: float) -> None:
    goal = {"scheduled": f"→ {explanation.node}", "preempting": f"⇢ {explanation.nominated_node}"}
    where = goal.get(explanation.outcome, "fits on no node" if explanation.outcome == "unschedulable" else "failed")
    colour = "accent" if explanation.outcome == "scheduled" else "vermillion-line"
    room = (width - 2 * _MARGIN) / 1.12 - text_width(where, 15) - 12
    svg.flow(_MARGIN, 28, [(fit_name(explanation.pod, room, 15), 15, "ink", 600), (where, 15, colour, 600)], 10)
    attempt = f"attempt {explanation.attempt} of {explanation.attempts}, " if explanation.attempts > 1 else ""
    text = f"{attempt}at {_time(explanation)}: {explanation.feasible} of {len(explanation.nodes)} nodes feasible"
    if len(explanation.tied) > 1 and explanation.node:
        text += f", {len(explanation.tied)} of them equally good: the choice was random"
    svg.text(_MARGIN, 48, fit(text, width - 2 * _MARGIN, 12), 12, "muted")


def _draw_slanted(svg: Svg, text: str, x: float, y: float) -> None:
    svg.add(f'<g transform="translate({x:g} {y:g}) rotate(-38)">')
    svg.text(0, 0, text, 11, "muted")
    svg.close()


def _draw_row(svg: Svg, explanation: Any, node: Any, x: float, bars: float, y: float) -> None:
    chosen = bool(explanation.node) and node.name == explanation.node
    height = _ROW - 6
    svg.rect(_MARGIN, y, svg.width - 2 * _MARGIN, height, "card", "accent" if chosen else "line", 6, line=1 + chosen)
    name = fit(node.name, (_NAME - 14) / (1.15 if chosen else 1), 12.5)
    svg.text(_MARGIN + 12, y + 21.5, name, 12.5, "ink" if node.feasible else "muted", 600 if chosen else 400)
    for index, plugin in enumerate(_active_filters(explanation)):
        verdict = node.filters.get(plugin, "")
        svg.open(f"{plugin}: {verdict or 'not examined'}")
        _draw_mark(svg, verdict, x + index * _FILTER + 13, y + height / 2)
        svg.close()
    room = svg.width - _MARGIN - 12 - bars
    if node.total is not None:
        _draw_scores(svg, explanation, node, bars, y, room, chosen)
    elif not explanation.filter_plugins:
        svg.text(bars, y + 21.5, "chosen" if chosen else "", 12, "accent", 600)
    elif node.feasible:
        text = "the only node that fits: nothing to compare" if explanation.feasible == 1 else "fits"
        svg.text(bars, y + 21.5, fit(text, room, 12), 12, "ink")
    else:
        reason = fit(", ".join(node.reasons), room, 12)
        space = room - 1.17 * text_width(reason, 12) - 16
        parts = [(reason, 12.0, "vermillion-line", 600)]
        if node.advice and space > 80:
            parts.append((fit(node.advice, space, 11.5), 11.5, "muted", 400))
        svg.flow(bars, y + 21.5, parts, 10)


def _draw_mark(svg: Svg, verdict: str, x: float, y: float) -> None:
    if verdict == "passed":
        svg.circle(x, y, 8, "green")
        svg.path(f"M{x - 3.5:g} {y + 0.3:g}l2.5 2.5 4.6-5.2", stroke="on-dark", width=1.8)
    elif verdict == "rejected":
        svg.rect(x - 8, y - 8, 16, 16, "vermillion", radius=3)
        svg.path(f"M{x - 3:g} {y - 3:g}l6 6M{x + 3:g} {y - 3:g}l-6 6", stroke="on-dark", width=1.8)
    else:
        svg.line(x - 4, y, x + 4, y, "faint", 1.5)


def _draw_scores(svg: Svg, explanation: Any, node: Any, x: float, y: float, room: float, chosen: bool) -> None:
    """A bar of weighted scores, as long as the best total is of the room, and the total behind it."""
    weights = _weights(explanation)
    best = max(one.total for one in explanation.nodes if one.total is not None)
    # Behind the bar stand the total and, at the longest, "equally good, runner-up".
    length = max(40.0, room - 190)
    left, height = x, 18
    for index, name in enumerate(weights):
        score = node.scores.get(name)
        part = length * score.weighted / best if score and best > 0 else 0
        if part <= 0:
            continue
        svg.open(f"{name}: {score.raw} → {score.normalized} × {score.weight} = {score.weighted}")
        tone = _TONES[index % len(_TONES)]
        svg.rect(left, y + 8, max(1.5, part - 1), height, tone, f"{tone}-line", 3)
        label = str(score.weighted)
        if part > text_width(label, 11) + 8:
            ink = "on-light" if tone in ("orange", "sky", "yellow", "purple", "grey") else "on-dark"
            svg.text(left + part / 2 - 0.5, y + 21, label, 11, ink, anchor="middle")
        svg.close()
        left += part
    behind = best - node.total
    note = "chosen" if chosen else "equally good" if not behind else f"{behind} behind"
    if node.name == explanation.runner_up:
        note += ", runner-up"
    parts = [(str(node.total), 12.5, "ink", 600), (note, 11.5, "accent" if chosen else "muted", 600 if chosen else 400)]
    svg.flow(x + length + 10, y + 21.5, parts, 8)


def _draw_key(svg: Svg, explanation: Any, y: float) -> float:
    weights = _weights(explanation)
    entries: Sequence[tuple[str, str]] = [
        (f"{name} ×{weight}", _TONES[index % len(_TONES)]) for index, (name, weight) in enumerate(weights.items())
    ]
    x = float(_MARGIN)
    for text, tone in entries:
        width = 20 + text_width(text, 11.5) + 14
        if x + width > svg.width - _MARGIN:
            x, y = float(_MARGIN), y + 20
        svg.rect(x, y, 13, 13, tone, f"{tone}-line", 3)
        svg.text(x + 19, y + 10.5, text, 11.5, "muted")
        x += width
    return y + 16 if entries else y - 6
