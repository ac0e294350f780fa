"""The node's own file system, as far as hostPath volumes show it (pkg/volume/hostpath)."""

from __future__ import annotations

from k8slab.api import core_v1 as core
from k8slab.kubelet.volumes import MountError

DIRECTORIES = (
    *("/", "/bin", "/dev", "/etc", "/etc/kubernetes", "/etc/kubernetes/manifests", "/etc/cni/net.d", "/home", "/lib"),
    *("/lib/modules", "/mnt", "/opt", "/proc", "/root", "/run", "/run/containerd", "/sys", "/sys/fs/cgroup", "/tmp"),
    *("/usr", "/var", "/var/lib", "/var/lib/kubelet", "/var/lib/containerd", "/var/lib/etcd", "/var/log"),
    *("/var/log/pods", "/var/log/containers", "/var/run", "/etc/kubernetes/pki", "/srv", "/media"),
)
FILES = ("/etc/hosts", "/etc/hostname", "/etc/passwd", "/etc/machine-id", "/etc/resolv.conf", "/etc/localtime")
SOCKETS = ("/run/containerd/containerd.sock", "/var/run/containerd/containerd.sock")
WORDS = {
    "Directory": ("directory", "is not a directory"),
    "File": ("file", "is not a file"),
    "Socket": ("socket", "is not a socket file"),
    "CharDevice": ("char", "is not a character device"),
    "BlockDevice": ("block", "is not a block device"),
}


class HostPaths:
    """What is where on one node; what Pods left there is in its directories (`storage`).

    Attributes:
        kinds: `directory`, `file`, `socket` or `char`, by path.
    """

    __slots__ = ("kinds",)

    def __init__(self) -> None:
        self.kinds = {
            **dict.fromkeys(DIRECTORIES, "directory"),
            **dict.fromkeys(FILES, "file"),
            **dict.fromkeys(SOCKETS, "socket"),
            **dict.fromkeys(("/dev/null", "/dev/zero", "/dev/kmsg", "/dev/fuse"), "char"),
        }

    def mount(self, volume: core.Volume) -> str:
        """The path of a hostPath, which is there now. Raises MountError where its type does not fit what is there."""
        path, type_ = self.clean(volume.hostPath.path), volume.hostPath.type or ""
        kind = self.kinds.get(path)
        if type_ in ("DirectoryOrCreate", "FileOrCreate"):
            wanted = "directory" if type_ == "DirectoryOrCreate" else "file"
            if kind is None:
                self.kinds[path] = wanted
            elif kind != wanted:
                raise _refused(volume.name, path, f"is not a {wanted}")
        elif type_ in WORDS and kind != WORDS[type_][0]:
            raise _refused(volume.name, path, WORDS[type_][1])
        elif kind is None:
            self.kinds[path] = "directory"  # the runtime makes what is missing
        return path

    @staticmethod
    def clean(path: str) -> str:
        """A path as it is known here.

        >>> HostPaths.clean("/data/")
        '/data'
        """
        return path.rstrip("/") or "/"


def _refused(volume: str, path: str, what: str) -> MountError:
    return MountError(f'MountVolume.SetUp failed for volume "{volume}" : hostPath type check failed: {path} {what}')
