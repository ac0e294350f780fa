"""What a picture says about a Pod or a Node: one state each, with colour, glyph and shape, never colour alone.

The words are those of ``kubectl get`` (pkg/printers/internalversion: printPod, printNode); the few states of the
picture group them, and the word itself is kept as the reason.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class State(NamedTuple):
    """How a state is shown: its name, colour token, stroke token, shape and glyph."""

    name: str
    fill: str
    stroke: str
    shape: str
    glyph: str


#: By code, as the live view's protocol sends them; 0 means "is not there".
STATES: tuple[State, ...] = (
    State("Absent", "none", "grey-line", "square", ""),
    State("Pending", "yellow", "yellow-line", "hollow", "clock"),
    State("ContainerCreating", "sky", "sky-line", "dotted", "dots"),
    State("Running", "green", "green-line", "square", "play"),
    State("NotReady", "orange", "orange-line", "half", "bar"),
    State("CrashLoop", "vermillion", "vermillion-line", "circle", "loop"),
    State("Terminating", "purple", "purple-line", "hollow", "cross"),
    State("Succeeded", "blue", "blue-line", "circle", "check"),
    State("Failed", "vermillion", "vermillion-line", "triangle", "bang"),
    State("Unknown", "grey", "grey-line", "diamond", "query"),
)
CODES = {state.name: code for code, state in enumerate(STATES)}
ABSENT, PENDING, CREATING, RUNNING, NOT_READY, CRASH_LOOP, TERMINATING, SUCCEEDED, FAILED, UNKNOWN = range(10)

#: Waiting reasons that mean "on its way", not "in trouble".
_STARTING = frozenset({"ContainerCreating", "PodInitializing", ""})


def pod_state(pod: Any) -> tuple[int, str]:
    """The state code of a Pod and the word that kubectl prints for it.

    A Pod that runs but is not ready has the word ``Running``, as in kubectl, and the state NotReady.
    """
    status, phase, reason = pod.status, "", ""
    if status is not None:
        phase, reason = status.phase or "", status.reason or ""
    if pod.metadata.deletionTimestamp is not None:
        return (UNKNOWN, "Unknown") if reason == "NodeLost" else (TERMINATING, "Terminating")
    if phase == "Succeeded":
        return SUCCEEDED, "Completed"
    if phase == "Failed":
        return FAILED, reason or _terminated_reason(status) or "Error"
    if phase == "Unknown":
        return UNKNOWN, "Unknown"
    return _living(pod, status, phase)


def _living(pod: Any, status: Any, phase: str) -> tuple[int, str]:
    waiting = _init_trouble(status) or _waiting(status.containerStatuses if status else None)
    if waiting and waiting.removeprefix("Init:") not in _STARTING:
        return CRASH_LOOP, waiting
    if phase != "Running":
        if not (pod.spec and pod.spec.nodeName):
            return PENDING, _gate(status) or "Pending"
        return (CREATING, waiting) if waiting else (PENDING, "Pending")
    if waiting:
        return CREATING, waiting
    if is_ready(pod):
        return RUNNING, "Running"
    # Between two restarts a container is neither waiting nor running: kubectl shows why it ended.
    return NOT_READY, _terminated_reason(status) or "Running"


def is_ready(pod: Any) -> bool:
    """Whether the Pod's Ready condition is True."""
    conditions = (pod.status.conditions or ()) if pod.status else ()
    return any(condition.type == "Ready" and condition.status == "True" for condition in conditions)


def _waiting(statuses: Any) -> str:
    for container in statuses or ():
        if container.state and container.state.waiting:
            return container.state.waiting.reason or "ContainerCreating"
    return ""


def _init_trouble(status: Any) -> str:
    """The first init container that has not done its work, as kubectl words it."""
    statuses = (status.initContainerStatuses or ()) if status else ()
    for index, container in enumerate(statuses):
        state = container.state
        ended = state.terminated if state else None
        if (ended and ended.exitCode == 0) or container.started:
            continue
        if ended:
            return f"Init:{ended.reason or f'ExitCode:{ended.exitCode}'}"
        if state and state.waiting and (state.waiting.reason or "") not in _STARTING:
            return f"Init:{state.waiting.reason}"
        return "PodInitializing" if index or len(statuses) > 1 or state else "ContainerCreating"
    return ""


def _terminated_reason(status: Any) -> str:
    for container in (status.containerStatuses or ()) if status else ():
        ended = container.state.terminated if container.state else None
        if ended:
            return ended.reason or (f"Signal:{ended.signal}" if ended.signal else f"ExitCode:{ended.exitCode}")
    return ""


def _gate(status: Any) -> str:
    for condition in (status.conditions or ()) if status else ():
        if condition.type == "PodScheduled" and condition.status == "False" and condition.reason == "SchedulingGated":
            return "SchedulingGated"
    return ""


def restarts(pod: Any) -> int:
    """How often the Pod's containers were started again."""
    return sum(c.restartCount or 0 for c in (pod.status.containerStatuses or ())) if pod.status else 0


def ready_count(pod: Any) -> tuple[int, int]:
    """How many of the Pod's containers are ready, of how many."""
    statuses = (pod.status.containerStatuses or ()) if pod.status else ()
    return sum(bool(c.ready) for c in statuses), len(pod.spec.containers or ()) if pod.spec else len(statuses)


NODE_NOT_READY, NODE_READY, NODE_UNKNOWN = 0, 1, 2


def node_state(node: Any) -> tuple[int, bool]:
    """Whether a Node is Ready (1), not (0) or has not been heard of (2); and whether it is cordoned."""
    cordoned = bool(node.spec and node.spec.unschedulable)
    for condition in (node.status.conditions or ()) if node.status else ():
        if condition.type == "Ready":
            code = {"True": NODE_READY, "Unknown": NODE_UNKNOWN}.get(condition.status, NODE_NOT_READY)
            return code, cordoned
    return NODE_NOT_READY, cordoned


def node_status(code: int, cordoned: bool) -> str:
    """The STATUS column of ``kubectl get nodes``.

    >>> node_status(1, True), node_status(2, False)
    ('Ready,SchedulingDisabled', 'NotReady')
    """
    word = "Ready" if code == NODE_READY else "NotReady"
    return f"{word},SchedulingDisabled" if cordoned else word


def roles(node: Any) -> tuple[str, ...]:
    """The node's roles, from its ``node-role.kubernetes.io/...`` labels, sorted."""
    prefix = "node-role.kubernetes.io/"
    labels = node.metadata.labels or {}
    return tuple(sorted(key[len(prefix) :] for key in labels if key.startswith(prefix) and len(key) > len(prefix)))
