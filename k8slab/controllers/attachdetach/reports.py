"""Tells kubelets, in their Nodes' status, which volumes are attached (statusupdater/node_status_updater.go)."""

from __future__ import annotations

from typing import Any

from k8slab.client import Client, Informer
from k8slab.errors import ApiError


class AttachedReports:
    """Keeps status.volumesAttached of all nodes.

    Args:
        client: writes.
        nodes: the informer of Nodes, for what was there before.
    """

    def __init__(self, client: Client, nodes: Informer) -> None:
        self.client = client
        self.nodes = nodes
        self._attached: dict[str, dict[str, None]] = {}

    def clear(self) -> None:
        """Forget everything: it is in the Nodes."""
        self._attached.clear()

    def forget(self, node: str) -> None:
        """The node is gone."""
        self._attached.pop(node, None)

    def add(self, node: str, volume: str) -> None:
        """The node may mount the volume. Raises ApiError."""
        known = self._known(node)
        if known is not None and volume not in known:
            known[volume] = None
            self._write(node, known)

    def remove(self, node: str, volume: str) -> None:
        """The node must not mount the volume any more. Raises ApiError."""
        known = self._known(node)
        if known is not None and volume in known:
            del known[volume]
            self._write(node, known)

    def _known(self, name: str) -> dict[str, None] | None:
        """What is known of a node; None where there is no such node."""
        if name not in self._attached:
            node: Any = self.nodes.get("", name)
            if node is None:
                return None
            listed = (node.status.volumesAttached or ()) if node.status is not None else ()
            self._attached[name] = dict.fromkeys(one.name for one in listed)
        return self._attached[name]

    def _write(self, name: str, volumes: dict[str, None]) -> None:
        listed = [{"name": volume, "devicePath": ""} for volume in volumes] or None
        try:
            self.client.patch("nodes", name, {"status": {"volumesAttached": listed}}, None, "status")
        except ApiError as error:
            self._attached.pop(name, None)
            if error.code != 404:
                raise
