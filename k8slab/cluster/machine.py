"""A machine of the cluster as who logs into it finds it: its folder of static Pods, its kubelet's log, its usage."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from k8slab.errors import K8sLabError
from k8slab.kubelet.summary import summary

if TYPE_CHECKING:
    from k8slab.cluster.cluster import Cluster

SUFFIXES = (".yaml", ".yml", ".json")


class ManifestFolder(MutableMapping[str, str]):
    """`/etc/kubernetes/manifests` of a machine: file names to YAML. Each change is an input to the lab, journalled.

    ``lab.node("worker-1").manifests["web.yaml"] = text``, and ``del ...["web.yaml"]``.
    """

    def __init__(self, cluster: Cluster, node: str) -> None:
        self._cluster, self._node = cluster, node

    def __getitem__(self, name: str) -> str:
        return self._files[name]

    def __setitem__(self, name: str, text: str) -> None:
        if not isinstance(name, str) or not name or "/" in name:
            raise K8sLabError(f"a manifest's name is that of a file such as 'web.yaml', not {name!r}")
        if not isinstance(text, str):
            raise K8sLabError(f"a manifest is YAML text, not {type(text).__name__}")
        self._cluster.faults.write_manifest(self._node, name, text)

    def __delitem__(self, name: str) -> None:
        if name not in self._files:
            raise KeyError(name)
        self._cluster.faults.remove_manifest(self._node, name)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._files))

    def __len__(self) -> int:
        return len(self._files)

    def __repr__(self) -> str:
        return f"<{self._node}:/etc/kubernetes/manifests: {', '.join(self) or 'empty'}>"

    @property
    def _files(self) -> dict[str, str]:
        return self._cluster.kubelets[self._node].manifests

    def follow(self, folder: str | Path) -> list[str]:
        """Make this folder hold what a real one holds now; returns the names of the files that changed.

        Call it again when files were edited. Manifests that came from elsewhere stay.
        """
        found = {path.name: path for path in sorted(Path(folder).iterdir()) if path.suffix in SUFFIXES}
        known = self._cluster.followed.setdefault(self._node, {})
        changed = []
        for name, path in found.items():
            text = path.read_text(encoding="utf-8")
            if self._files.get(name) != text:
                self[name] = text
                changed.append(name)
        for name in [name for name in known if name not in found and name in self._files]:
            del self[name]
            changed.append(name)
        self._cluster.followed[self._node] = dict.fromkeys(found)
        return changed


class MachineHandle:
    """One machine.

    Args:
        cluster: whose it is.
        name: its node's name. Raises NoSuchTargetError for an unknown one.
    """

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.name = cluster.faults.known_node(name)
        self._cluster = cluster

    def __repr__(self) -> str:
        return f"<machine {self.name}: {'on' if self._kubelet.powered else 'off'}>"

    @property
    def _kubelet(self) -> Any:
        return self._cluster.kubelets[self.name]

    @property
    def manifests(self) -> ManifestFolder:
        """The folder from which its kubelet runs static Pods."""
        return ManifestFolder(self._cluster, self.name)

    @manifests.setter
    def manifests(self, value: object) -> None:
        raise K8sLabError('write single files: lab.node("worker-1").manifests["web.yaml"] = text')

    def journal(self, tail: int | None = None) -> str:
        """The kubelet's own log (`journalctl -u kubelet`), all of it or its last lines."""
        return self._kubelet.journal.text(tail)

    def stats(self) -> dict[str, Any]:
        """What the kubelet's `/stats/summary` says of the node and its Pods."""
        loads = self._cluster.metrics.loads.at(self._cluster.clock.now)
        return summary(self._kubelet, loads)

    @property
    def images(self) -> list[str]:
        """Names of the images on its disk."""
        return sorted(self._kubelet.images.images)

    def shut_down(self) -> None:
        """Shut it down cleanly."""
        self._cluster.faults.shutdown_node(self.name)

    def fail(self) -> None:
        """Cut its power."""
        self._cluster.faults.fail_node(self.name)

    def recover(self) -> None:
        """Switch it on again."""
        self._cluster.faults.recover_node(self.name)

    def reboot(self) -> None:
        """Shut it down cleanly, and switch it on again."""
        self._cluster.faults.shutdown_node(self.name)
        self._cluster.faults.recover_node(self.name)
