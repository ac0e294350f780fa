"""The phases of Pods."""

from __future__ import annotations

from typing import Any

TERMINAL = ("Succeeded", "Failed")


def is_terminal(pod: Any) -> bool:
    """Whether the Pod has ended for good (podutil.IsPodTerminal)."""
    return pod.status is not None and pod.status.phase in TERMINAL
