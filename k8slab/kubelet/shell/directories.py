"""Commands about directories: the file system knows files, and a marker for each directory that was made empty."""

from __future__ import annotations

import io
import re
import tarfile
from typing import TYPE_CHECKING

from k8slab.sim.clock import SECOND
from k8slab.sim.timestamps import rfc3339

if TYPE_CHECKING:
    from k8slab.kubelet.shell.run import Shell

Argv = list[str]
#: What every image has in its root, and what is in there that nobody wrote.
STANDARD = ("/bin", "/dev", "/etc", "/home", "/lib", "/proc", "/root", "/sys", "/tmp", "/usr", "/var")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def is_directory(shell: Shell, path: str) -> bool:
    """Whether there is a directory at a full path."""
    root = path.rstrip("/") + "/"
    known = (*shell.files, *shell.mounts)
    return root == "/" or path.rstrip("/") in STANDARD or any(name.startswith(root) for name in known)


def entries(shell: Shell, path: str) -> list[str]:
    """The names in a directory, sorted."""
    root = path.rstrip("/") + "/"
    known = (*shell.files, *shell.mounts)
    found = {name[len(root) :].split("/")[0] for name in known if name.startswith(root)}
    if root == "/":
        found.update(name[1:] for name in STANDARD)
    return sorted(found - {""})


def ls(shell: Shell, argv: Argv) -> int:
    """`ls [-l] [-a] [-1] [-d] [PATH...]`: one name a line, as where the output is no terminal."""
    flags = "".join(word[1:] for word in argv[1:] if word.startswith("-") and not word.startswith("--"))
    paths = [word for word in argv[1:] if not word.startswith("-")] or ["."]
    status = 0
    for given in paths:
        path = shell.path(given)
        if path in shell.files or ("d" in flags and is_directory(shell, path)):
            names = [given]
        elif is_directory(shell, path):
            names = [name for name in entries(shell, path) if "a" in flags or not name.startswith(".")]
            if len(paths) > 1:
                shell.write(f"{given}:\n" if given == paths[0] else f"\n{given}:\n")
        else:
            shell.complain(f"ls: {given}: No such file or directory")
            status = 1
            continue
        base = "" if path in shell.files or "d" in flags else path.rstrip("/") + "/"
        shell.write(_long(shell, base, names) if "l" in flags else "".join(name + "\n" for name in names))
    return status


def _long(shell: Shell, base: str, names: list[str]) -> str:
    lines = [f"total {4 * len(names)}"] if base else []
    stamp = rfc3339(shell.wall)
    day = f"{_MONTHS[int(stamp[5:7]) - 1]} {int(stamp[8:10]):>2} {stamp[11:16]}"
    for name in names:
        path = base + name if base else shell.path(name)
        if path in shell.files:
            size = len(shell.files[path].encode("utf-8", "surrogateescape"))
            lines.append(f"-rw-r--r--    1 root     root     {size:>9} {day} {name}")
        else:
            lines.append(f"drwxr-xr-x    2 root     root     {4096:>9} {day} {name}")
    return "".join(line + "\n" for line in lines)


def cd(shell: Shell, argv: Argv) -> int:
    """Change the working directory."""
    given = argv[1] if len(argv) > 1 else shell.vars.get("HOME", "/root")
    path = shell.path(shell.vars.get("OLDPWD", shell.cwd) if given == "-" else given).rstrip("/") or "/"
    if path in shell.files or not is_directory(shell, path):
        reason = "Not a directory" if path in shell.files else "No such file or directory"
        shell.complain(f"sh: cd: can't cd to {given}: {reason}")
        return 2
    shell.vars["OLDPWD"], shell.cwd = shell.cwd, path
    if given == "-":
        shell.write(path + "\n")
    return 0


def pwd(shell: Shell, argv: Argv) -> int:
    """Print the working directory."""
    shell.write(shell.cwd + "\n")
    return 0


def mkdir(shell: Shell, argv: Argv) -> int:
    """Make directories."""
    status = 0
    parents = any(re.match(r"-[a-z]*p", word) for word in argv[1:])
    for given in (word for word in argv[1:] if not word.startswith("-")):
        path = shell.path(given).rstrip("/")
        if path in shell.files or is_directory(shell, path):
            if not parents:
                shell.complain(f"mkdir: can't create directory '{given}': File exists")
                status = 1
        else:
            shell.store(path + "/", "")
    return status


# -- tar: what `kubectl cp` runs in the container ---------------------------------------------------------------------


def tar(shell: Shell, argv: Argv) -> int:
    """`tar cf - PATH...` and `tar xf - [-C DIRECTORY]`, through standard output and input or a file."""
    flags, target, place, paths = _tar_arguments(argv)
    if "c" in flags:
        return _pack(shell, target, place, paths)
    if "x" in flags:
        data = shell.slurp() if target in ("-", "") else shell.files.get(shell.path(target), "")
        return _unpack(shell, data, place)
    shell.complain("tar: must specify exactly one of 'c', 'x', 't'")
    return 1


def _tar_arguments(argv: Argv) -> tuple[str, str, str, list[str]]:
    flags, target, place, paths = "", "-", "", []
    words = list(argv[1:])
    while words:
        word = words.pop(0)
        if word == "-C" and words:
            place = words.pop(0)
        elif word.startswith("--"):
            continue
        elif (word.startswith("-") and len(word) > 1) or not flags:
            flags += word.lstrip("-")
            if "f" in word and words:
                target = words.pop(0)
        else:
            paths.append(word)
    return flags, target, place, paths


def _pack(shell: Shell, target: str, place: str, paths: list[str]) -> int:
    buffer, status = io.BytesIO(), 0
    root = shell.path(place) if place else shell.cwd
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for given in paths:
            path = given if given.startswith("/") else f"{root.rstrip('/')}/{given}"
            path = shell.path(path).rstrip("/")
            inside = [name for name in sorted(shell.files) if name == path or name.startswith(path + "/")]
            if not inside:
                shell.complain(f"tar: {given}: No such file or directory")
                status = 1
            for name in inside:
                _add(shell, archive, name, (given.rstrip("/") + name[len(path) :]).lstrip("/"))
    if status:
        shell.complain("tar: error exit delayed from previous errors")
    text = buffer.getvalue().decode("utf-8", "surrogateescape")
    if target == "-":
        shell.write(text)
    else:
        shell.store(shell.path(target), text)
    return status


def _add(shell: Shell, archive: tarfile.TarFile, path: str, name: str) -> None:
    data = shell.files[path].encode("utf-8", "surrogateescape")
    member = tarfile.TarInfo(name.rstrip("/"))
    member.mtime, member.uname, member.gname = shell.wall // SECOND, "root", "root"
    if path.endswith("/"):
        member.type, member.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(member)
    else:
        member.size, member.mode = len(data), 0o644
        archive.addfile(member, io.BytesIO(data))


def _unpack(shell: Shell, text: str, place: str) -> int:
    try:
        with tarfile.open(fileobj=io.BytesIO(text.encode("utf-8", "surrogateescape")), mode="r:*") as archive:
            members = [(member, archive.extractfile(member)) for member in archive if member.isfile() or member.isdir()]
            root = (shell.path(place) if place else shell.cwd).rstrip("/")
            for member, content in members:
                path = shell.path(f"{root}/{member.name}")
                if content is not None:
                    shell.store(path, content.read().decode("utf-8", "surrogateescape"))
                elif not is_directory(shell, path):
                    shell.store(path.rstrip("/") + "/", "")
    except (tarfile.TarError, EOFError, OSError):
        shell.complain("tar: invalid tar magic")
        return 1
    return 0
