"""The board as an SVG picture: a card for each node, a chip or an icon for each Pod."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from k8slab.sim.duration import format_duration
from k8slab.views.board.layout import CHIP, CHIP_GAP, GAP, HEAD, MARGIN, PAD, SMALL, TILE, TILE_GAP, Layout, plan
from k8slab.views.board.model import Board, NodeBox, PodCell
from k8slab.views.frame import Svg, fit, text_width
from k8slab.views.icons import draw_icon
from k8slab.views.state import NODE_READY, RUNNING, STATES
from k8slab.views.theme import Theme

_TITLE = 44
_NARROW = 170
_BUSY = 0.85  # a bar fuller than this is drawn in a warning colour


def board_svg(board: Board, theme: Theme = "auto", width: float = 960) -> str:
    """The board as a picture ``width`` pixels wide; ``auto`` follows the page's or the system's light or dark theme."""
    return draw_board(board, theme, width).render(picture_title(board), board.summary())


def picture_title(board: Board) -> str:
    """What the picture is of, in words."""
    return f"Cluster at {format_duration(board.time)}"


def draw_board(board: Board, theme: Theme, width: float) -> Svg:
    """The drawn board, to be rendered alone or in a frame."""
    layout = plan(board, width)
    svg = Svg(width, 0, theme)
    body = Svg(width, 0, theme)
    y = _draw_title(body, board)
    if board.waiting:
        y = _draw_waiting(body, board.waiting, layout, y) + GAP
    y = _draw_cards(body, layout, y)
    if layout.left_out:
        body.text(MARGIN, y + 14, f"and {layout.left_out} more nodes, all Ready, all their Pods Running", 12, "muted")
        y += 26
    svg.height = _draw_legend(body, board, y + 6) + 6
    svg.rect(0, 0, width, svg.height, "panel", radius=10)
    svg.include(body)
    return svg


def _draw_title(svg: Svg, board: Board) -> float:
    svg.text(svg.width - MARGIN, 27, format_duration(board.time), 15, weight=600, anchor="end", mono=True)
    nodes, _, pods = board.summary().partition(": ")[0].partition("; ")
    svg.flow(MARGIN, 27, [(nodes, 15, "ink", 600), (pods, 13, "muted", 400)], gap=12)
    return _TITLE


def _draw_waiting(svg: Svg, pods: Sequence[PodCell], layout: Layout, y: float) -> float:
    """The strip of Pods that have no node yet; returns its lower edge."""
    width = svg.width - 2 * MARGIN
    inner = width - 2 * PAD
    if layout.detail == "chips":
        in_row = max(1, int((inner + CHIP_GAP) // (168 + CHIP_GAP)))
        rows = -(-len(pods) // in_row)
        height: float = 30 + rows * (CHIP + CHIP_GAP) - CHIP_GAP + PAD
    else:
        height = 30 + layout.pods_height(len(pods), inner) + PAD
    svg.rect(MARGIN, y, width, height, "card", "line", radius=8, dash="5 4", line=1.25)
    note = f"{len(pods)} Pod{'s' if len(pods) > 1 else ''} without a node"
    svg.flow(MARGIN + PAD, y + 20, [("Not scheduled", 12, "muted", 600), (note, 12, "muted", 400)])
    if layout.detail == "chips":
        _draw_chips(svg, pods, MARGIN + PAD, y + 30, (inner - (in_row - 1) * CHIP_GAP) / in_row, in_row)
    else:
        _draw_many(svg, pods, layout, MARGIN + PAD, y + 30, inner)
    return y + height


def _draw_cards(svg: Svg, layout: Layout, y: float) -> float:
    """All node cards, row by row and equally high in a row; returns the lower edge."""
    for start in range(0, len(layout.nodes), layout.columns):
        row = layout.nodes[start : start + layout.columns]
        own = max(layout.pods_height(sum(not pod.system for pod in node.pods), layout.inner) for node in row)
        system = max(layout.system_height(sum(pod.system for pod in node.pods)) for node in row)
        height = HEAD + PAD + max(own, CHIP) + (system + 10 if system else 0) + PAD
        if layout.detail == "bars":
            height = SMALL
        for index, node in enumerate(row):
            x = MARGIN + index * (layout.card + GAP)
            if layout.detail == "bars":
                _draw_small(svg, node, layout, x, y)
            else:
                _draw_card(svg, node, layout, x, y, height, system)
        y += height + GAP
    return y


def _draw_card(svg: Svg, node: NodeBox, layout: Layout, x: float, y: float, height: float, system: float) -> None:
    down = node.ready != NODE_READY
    svg.rect(x, y, layout.card, height, "card", "vermillion-line" if down else "line", 8, "6 4" if down else "", 1, 1.5)
    _draw_head(svg, node, layout, x + PAD, y)
    own = [pod for pod in node.pods if not pod.system]
    top = y + HEAD + PAD
    if layout.detail == "chips":
        width = (layout.inner - (layout.chip_columns - 1) * CHIP_GAP) / layout.chip_columns
        _draw_chips(svg, own, x + PAD, top, width, layout.chip_columns)
    else:
        _draw_many(svg, own, layout, x + PAD, top, layout.inner)
    if not own:
        svg.text(x + PAD, top + 15, "no Pods", 12, "faint")
    theirs = [pod for pod in node.pods if pod.system]
    if theirs and system:
        bottom = y + height - PAD - system
        svg.line(x + PAD, bottom, x + layout.card - PAD, bottom, "hairline")
        svg.text(x + PAD, bottom + 15, "kube-system", 10.5, "faint")
        _draw_tiles(svg, theirs, x + PAD, bottom + 22, layout.tiles_in_row(layout.inner))


def _draw_small(svg: Svg, node: NodeBox, layout: Layout, x: float, y: float) -> None:
    """One of very many nodes: its name, how many Pods it has, and their states as a bar."""
    down = node.ready != NODE_READY
    svg.open(_node_title(node))
    ink = "vermillion-line" if down else "orange-line" if node.cordoned else "line"
    svg.rect(x, y, layout.card, SMALL, "card", ink, 6, "5 3" if down else "", 1, 1.5 if ink != "line" else 1)
    mark = "NotReady" if down else "cordoned" if node.cordoned else ""
    svg.text(x + 8, y + 20, fit(node.name, layout.card - 16, 11.5), 11.5, weight=600)
    svg.flow(x + 8, y + 35, [(f"{len(node.pods)} Pods", 10.5, "muted", 400), (mark, 10.5, ink, 600)])
    svg.close()
    _draw_counts(svg, node.pods, x + 8, y + 45, layout.card - 16)


def _draw_head(svg: Svg, node: NodeBox, layout: Layout, x: float, y: float) -> None:
    right, inner = x + layout.inner, layout.inner
    word, ink = ("NotReady", "vermillion-line") if node.ready != NODE_READY else ("Ready", "muted")
    if node.cordoned:
        word, ink = ("cordoned", "orange-line") if node.ready == NODE_READY else ("NotReady, cordoned", ink)
    svg.open(_node_title(node))
    # A narrow card needs its room for the name: it says only what is not as it should be.
    side = 0.0 if inner < _NARROW and ink == "muted" else 1.1 * text_width(word, 11.5) + 8
    if side:
        svg.text(right, y + 25, word, 11.5, ink, 600 if ink != "muted" else 400, "end")
    svg.text(x, y + 25, fit(node.name, (inner - side) / 1.12, 14), 14, weight=600)
    taints = [_short_taint(taint) for taint in node.taints]
    svg.text(x, y + 42, fit(" · ".join([", ".join(node.roles) or "worker", *taints]), inner, 11), 11, "muted")
    _draw_bar(svg, "CPU", node.cpu_requested, node.cpu, _cores, "", x, y + 60, inner)
    _draw_bar(svg, "Mem", node.memory_requested, node.memory, _gib, "Gi", x, y + 77, inner)
    _draw_bar(svg, "Pods", len(node.pods), node.capacity, str, "", x, y + 94, inner)
    svg.close()


def _node_title(node: NodeBox) -> str:
    state = "Ready" if node.ready == NODE_READY else "NotReady"
    lines = [f"{node.name}: {state}{', scheduling disabled' if node.cordoned else ''}"]
    lines += [f"taint {taint}" for taint in node.taints]
    return "\n".join(lines)


def _short_taint(taint: str) -> str:
    """``node-role.kubernetes.io/control-plane:NoSchedule`` as ``NoSchedule``, others by the last part of their key."""
    key, _, effect = taint.rpartition(":")
    name = key.rpartition("/")[2]
    return effect if name == "control-plane" else f"{name}:{effect}"


def _draw_bar(
    svg: Svg, label: str, used: int, total: int, say: Callable[[int], str], unit: str, x: float, y: float, width: float
) -> None:
    share = min(1.0, used / total) if total else 0.0
    room, text = (34, say(used)) if width < _NARROW else (84, f"{say(used)} of {say(total)}{unit}")
    left, length = x + 34, max(20, width - 34 - room)
    svg.text(x, y + 4, label, 10.5, "muted")
    svg.rect(left, y - 3, length, 6, "track", radius=3)
    if share > 0:
        svg.rect(left, y - 3, max(6, length * share), 6, "orange-line" if share > _BUSY else "accent", radius=3)
    svg.text(x + width, y + 4, text, 10.5, "muted", anchor="end")


def _draw_chips(svg: Svg, pods: Sequence[PodCell], x: float, y: float, width: float, columns: int) -> None:
    for index, pod in enumerate(pods):
        row, column = divmod(index, columns)
        _draw_chip(svg, pod, x + column * (width + CHIP_GAP), y + row * (CHIP + CHIP_GAP), width)


def _draw_chip(svg: Svg, pod: PodCell, x: float, y: float, width: float) -> None:
    state = STATES[pod.state]
    svg.open(_pod_title(pod))
    svg.rect(x, y, width, CHIP, state.fill, radius=5, opacity=0.13)
    draw_icon(svg, pod.state, x + 5, y + 5, 14)
    left, room = x + 25, width - 31
    name = fit(pod.app, room, 12)
    # The suffix tells the copies apart, the reason says what is wrong: the latter matters more where both do not fit.
    more = pod.reason if pod.state != RUNNING and pod.reason not in ("Running", "Pending") else pod.suffix
    space = room - text_width(name, 12) - 12
    parts = [(name, 12.0, "ink", 500)]
    if more and name == pod.app and space > 28:
        parts.append((fit(more, space, 11), 11.0, "muted", 400))
    svg.flow(left, y + 16.5, parts, gap=6)
    svg.close()


def _draw_many(svg: Svg, pods: Sequence[PodCell], layout: Layout, x: float, y: float, width: float) -> None:
    if layout.detail == "tiles":
        _draw_tiles(svg, pods, x, y, layout.tiles_in_row(width))
    elif pods:
        _draw_counts(svg, pods, x, y, width)


def _draw_tiles(svg: Svg, pods: Sequence[PodCell], x: float, y: float, in_row: int) -> None:
    for index, pod in enumerate(pods):
        row, column = divmod(index, in_row)
        svg.open(_pod_title(pod))
        draw_icon(svg, pod.state, x + column * (TILE + TILE_GAP), y + row * (TILE + TILE_GAP), TILE)
        svg.close()


def _draw_counts(svg: Svg, pods: Sequence[PodCell], x: float, y: float, width: float) -> None:
    """One bar for very many Pods, a part for each state."""
    counts: dict[int, int] = {}
    for pod in pods:
        counts[pod.state] = counts.get(pod.state, 0) + 1
    if not counts:
        svg.rect(x, y, width, 14, "track", radius=2)
    for state, number in sorted(counts.items()):
        part = width * number / len(pods)
        svg.open(f"{number} {STATES[state].name}")
        svg.rect(x, y, max(2, part - 1), 14, STATES[state].fill, STATES[state].stroke, 2)
        svg.close()
        x += part


def _pod_title(pod: PodCell) -> str:
    where = f"on {pod.node}" if pod.node else "not scheduled"
    again = f", {pod.restarts} restarts" if pod.restarts else ""
    return f"{pod.namespace}/{pod.name}\n{pod.reason}, {pod.ready}/{pod.containers} ready{again}, {where}"


def _draw_legend(svg: Svg, board: Board, y: float) -> float:
    """How many Pods are in each state, with its icon and name; returns the lower edge."""
    x = float(MARGIN)
    for code, number in (board.counts() or {RUNNING: 0}).items():
        name = STATES[code].name
        width = 20 + text_width(f"{number} {name}", 12) + 18
        if x + width > svg.width - MARGIN:
            x, y = float(MARGIN), y + 20
        draw_icon(svg, code, x, y, 14)
        svg.flow(x + 20, y + 11.5, [(str(number), 12, "ink", 600), (name, 12, "muted", 400)], gap=4)
        x += width
    return y + 20


def _cores(milli: int) -> str:
    return f"{milli / 1000:.2f}".rstrip("0").rstrip(".")


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f}".removesuffix(".0")
