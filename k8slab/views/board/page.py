"""The board as HTML with a real table below the picture, and as plain text."""

from __future__ import annotations

from k8slab.sim.duration import format_duration
from k8slab.views.board.drawing import draw_board, picture_title
from k8slab.views.board.model import Board, NodeBox, PodCell
from k8slab.views.frame import columns, details, frame, table
from k8slab.views.state import node_status
from k8slab.views.theme import Theme

#: More rows than this are not a table that anybody reads, and would blow up a saved notebook.
MAX_ROWS = 200
_NODE_HEAD = ("NAME", "STATUS", "ROLES", "PODS", "CPU", "MEMORY", "TAINTS")
_POD_HEAD = ("NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "NODE")


def board_html(board: Board, theme: Theme = "auto", width: float = 960) -> str:
    """The picture with its tables: self-contained, fit for saved notebooks, reports and people who hear pages."""
    nodes = table(
        _NODE_HEAD, map(_node_row, board.nodes[:MAX_ROWS]), _caption("Nodes", len(board.nodes)), (3,), wide=(6,)
    )
    pods = list(board.pods())
    pods.sort(key=lambda pod: pod.system)
    listed = table(_POD_HEAD, map(_pod_row, pods[:MAX_ROWS]), _caption("Pods", len(pods)), (4,))
    title = f"As a table: {board.summary()} at {format_duration(board.time)}"
    picture = draw_board(board, theme, width).render(picture_title(board), board.summary(), framed=True)
    return frame(picture, details(title, nodes, listed))


def board_text(board: Board) -> str:
    """The board as kubectl would print it: a table of nodes and one of Pods (the system's own left out)."""
    own = [pod for pod in board.pods() if not pod.system]
    parts = [
        f"{board.summary()} (at {format_duration(board.time)})",
        columns([_NODE_HEAD, *map(_node_row, board.nodes[:MAX_ROWS])]),
    ]
    if own:
        parts.append(columns([_POD_HEAD, *map(_pod_row, own[:MAX_ROWS])]))
    if len(own) > MAX_ROWS:
        parts.append(f"... and {len(own) - MAX_ROWS} more Pods")
    return "\n\n".join(parts)


def _caption(what: str, number: int) -> str:
    return what if number <= MAX_ROWS else f"{what}: the first {MAX_ROWS} of {number}"


def _node_row(node: NodeBox) -> tuple[object, ...]:
    return (
        node.name,
        node_status(node.ready, node.cordoned),
        ",".join(node.roles) or "<none>",
        len(node.pods),
        f"{node.cpu_requested}m/{node.cpu}m",
        f"{node.memory_requested >> 20}Mi/{node.memory >> 20}Mi",
        ",".join(node.taints) or "<none>",
    )


def _pod_row(pod: PodCell) -> tuple[object, ...]:
    ready = f"{pod.ready}/{pod.containers}"
    return pod.namespace, pod.name, ready, pod.reason, pod.restarts, pod.node or "<none>"
