"""A small POSIX shell on virtual time: what `sh -c "..."` in a container does, when it logs, and how it ends."""

from k8slab.kubelet.shell.endless import endless
from k8slab.kubelet.shell.outcome import Outcome
from k8slab.kubelet.shell.run import Shell
from k8slab.kubelet.shell.syntax import ShellSyntaxError, parse

__all__ = ["Outcome", "Shell", "ShellSyntaxError", "endless", "parse"]
