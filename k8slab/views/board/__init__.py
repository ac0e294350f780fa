"""The board: nodes as boxes, Pods in them; as a model, an SVG picture, HTML with a table, and plain text."""

from k8slab.views.board.drawing import board_svg
from k8slab.views.board.model import Board, NodeBox, PodCell, board_model
from k8slab.views.board.page import board_html, board_text

__all__ = ["Board", "NodeBox", "PodCell", "board_html", "board_model", "board_svg", "board_text"]
