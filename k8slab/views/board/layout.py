"""Where everything on the still board goes: how many cards in a row, how much of a Pod is shown, how high it gets."""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

from k8slab.views.board.model import Board, NodeBox
from k8slab.views.state import NODE_READY, RUNNING

#: More nodes than this are summed up instead of drawn; those in trouble are drawn first.
MAX_NODES = 140
#: More nodes or Pods than this are drawn as small cards with one bar of states each.
BARS_NODES, BARS_PODS = 60, 1_500
CHIPS_NODES, CHIPS_PODS = 24, 14

MARGIN, GAP, PAD = 16, 12, 12
HEAD = 102  # of a card: name, roles, three bars
SMALL = 72  # height of a small card
CHIP, CHIP_GAP = 24, 5
TILE, TILE_GAP = 18, 5
SYSTEM_HEAD = 20


class Layout(NamedTuple):
    """Measures of one board in pixels. ``detail`` is ``chips`` (named Pods), ``tiles`` (icons) or ``bars`` (counts)."""

    width: float
    detail: str
    columns: int
    card: float
    chip_columns: int
    nodes: tuple[NodeBox, ...]
    left_out: int

    @property
    def inner(self) -> float:
        """The width inside a card."""
        return self.card - 2 * PAD

    def tiles_in_row(self, width: float) -> int:
        """How many icons fit into a width."""
        return max(1, int((width + TILE_GAP) // (TILE + TILE_GAP)))

    def pods_height(self, number: int, width: float) -> float:
        """How high so many of the learner's Pods are in this detail."""
        if not number:
            return 0
        if self.detail == "bars":
            return 16
        if self.detail == "tiles":
            return ceil(number / self.tiles_in_row(width)) * (TILE + TILE_GAP) - TILE_GAP
        return ceil(number / self.chip_columns) * (CHIP + CHIP_GAP) - CHIP_GAP

    def system_height(self, number: int) -> float:
        """How high the strip of the system's Pods is."""
        if not number:
            return 0
        return SYSTEM_HEAD + ceil(number / self.tiles_in_row(self.inner)) * (TILE + TILE_GAP) - TILE_GAP + 4


def plan(board: Board, width: float) -> Layout:
    """The layout of a board for a picture of this width."""
    nodes = _shown(board)
    per_node = [sum(not pod.system for pod in node.pods) for node in nodes]
    busiest = max(per_node, default=0)
    detail = "chips" if busiest <= CHIPS_PODS and len(nodes) <= CHIPS_NODES else "tiles"
    if len(board.nodes) > BARS_NODES or sum(per_node) + len(board.waiting) > BARS_PODS:
        detail = "bars"
    smallest = {"chips": 190, "tiles": 150, "bars": 118}[detail]
    columns = max(1, min(len(nodes), int((width - 2 * MARGIN + GAP) // (smallest + GAP))))
    columns = _even(len(nodes), columns)
    card = (width - 2 * MARGIN - GAP * (columns - 1)) / columns
    chip_columns = 1 if card < 280 or busiest <= 3 else max(1, int((card - 2 * PAD) // 128))
    return Layout(width, detail, columns, card, chip_columns, nodes, len(board.nodes) - len(nodes))


def _even(number: int, columns: int) -> int:
    """Fewer columns where that fills the last row better: 5 cards are 3 + 2, not 4 + 1."""
    rows = ceil(number / columns) if number else 1
    return max(1, ceil(number / rows))


def _shown(board: Board) -> tuple[NodeBox, ...]:
    if len(board.nodes) <= MAX_NODES:
        return board.nodes
    troubled = sorted(range(len(board.nodes)), key=lambda index: (_calm(board.nodes[index]), index))
    return tuple(board.nodes[index] for index in sorted(troubled[:MAX_NODES]))


def _calm(node: NodeBox) -> bool:
    return node.ready == NODE_READY and not node.cordoned and all(pod.state == RUNNING for pod in node.pods)
