"""Commands that make, copy, move and remove files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from k8slab.kubelet.shell.run import Shell

Argv = list[str]


def touch(shell: Shell, argv: Argv) -> int:
    """`touch`."""
    for path in argv[1:]:
        if not path.startswith("-"):
            shell.store(shell.path(path), shell.files.get(shell.path(path), ""))
    return 0


def remove(shell: Shell, argv: Argv) -> int:
    """`rm`, with -r and -f."""
    recursive = any(re.match(r"-[a-zA-Z]*[rR]", word) for word in argv[1:])
    force = any(re.match(r"-[a-zA-Z]*f", word) for word in argv[1:])
    status = 0
    for given in [word for word in argv[1:] if not word.startswith("-")]:
        path = shell.path(given)
        inside = [name for name in shell.files if recursive and name.startswith(path.rstrip("/*") + "/")]
        if path not in shell.files and not inside and not force:
            shell.complain(f"rm: can't remove '{given}': No such file or directory")
            status = 1
        for name in [*inside, path]:
            if name in shell.files:
                shell.store(name, None)
    return status


def copy(shell: Shell, argv: Argv) -> int:
    """`cp` and `mv`."""
    paths = [word for word in argv[1:] if not word.startswith("-")]
    if len(paths) < 2:
        return 1
    status = 0
    for given in paths[:-1]:
        path = shell.path(given)
        if path not in shell.files:
            shell.complain(f"{argv[0]}: can't stat '{given}': No such file or directory")
            status = 1
            continue
        target = shell.path(paths[-1])
        if target.endswith("/") or any(name.startswith(target + "/") for name in shell.files):
            target = target.rstrip("/") + "/" + path.rsplit("/", 1)[-1]
        shell.store(target, shell.files[path])
        if argv[0].endswith("mv"):
            shell.store(path, None)
    return status
