"""DefaultBinder: tells the API server where the Pod goes (plugins/defaultbinder)."""

from __future__ import annotations

from typing import Any

from k8slab.errors import ApiError
from k8slab.scheduler.framework import CycleState, Plugin, Status, failed


class DefaultBinder(Plugin):
    """POST pods/binding."""

    def __init__(self) -> None:
        self.client: Any = None

    def setup(self, args: dict[str, Any], handle: Any) -> None:
        """Take the client."""
        self.client = handle.client

    def bind(self, state: CycleState, pod: Any, node_name: str) -> Status | None:
        """Bind the Pod."""
        try:
            self.client.bind(pod, node_name)
        except ApiError as error:
            return failed(str(error))
        return None
