"""What a program that speaks HTTP answers: by path, or from the files of its root directory."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from k8slab.kubelet.process import Process
    from k8slab.kubelet.program import Program

Files = dict[str, str]


def page(process: Process, program: Program, target: str, now: int) -> tuple[int, str]:
    """Status and body of a GET to a program that is up; status -1: it speaks no HTTP."""
    path = target.split("?")[0]
    status = _declared(program, path)
    if status is None and program.root:
        return _from_files(program.root, path, visible_files(process, now))
    status = status or program.status or -1
    return status, program.body if status == 200 else ""


def visible_files(process: Process, now: int) -> Files:
    """The files of a server's container, with what others have written into its volumes."""
    theirs = process.shared(process, now) if process.shared is not None else []
    if not theirs:
        return process.files_at(now)
    files = dict(process.files)
    for _, path, text in sorted([*process.effects("file", now), *theirs], key=_when):
        if text is None:
            files.pop(path, None)
        else:
            files[path] = text
    return files


def unhidden(files: Files, mounts: tuple[str, ...]) -> Files:
    """An image's files without those that lie under a volume."""
    roots = tuple(mount.rstrip("/") + "/" for mount in mounts)
    return {path: text for path, text in files.items() if not path.startswith(roots)} if roots else files


def _declared(program: Program, path: str) -> int | None:
    """The status that a program's `paths` give a path."""
    if path in program.paths:
        return program.paths[path]
    for pattern, status in program.paths.items():
        if pattern.endswith("*") and path.startswith(pattern[:-1]):
            return status
    return None


def _from_files(root: str, path: str, files: Files) -> tuple[int, str]:
    """A file, a directory's index, a way to that, or nothing."""
    full = root + posixpath.normpath("/" + path.lstrip("/"))
    if full in files:
        return 200, files[full]
    folder = full.rstrip("/") + "/"
    if folder + "index.html" in files:
        return (200, files[folder + "index.html"]) if path.endswith("/") else (301, "")
    exists = folder == root + "/" or any(name.startswith(folder) for name in files)
    return (403 if exists else 404), ""


def _when(write: tuple[int, str, str | None]) -> int:
    return write[0]
