"""kubectl cp: as the real one, through `tar` in the container."""

from __future__ import annotations

import io
import tarfile
from typing import Any, NamedTuple

from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.flags import boolean, integer
from k8slab.kubectl.sessions import STREAMS, check, container_of, open_session


class Place(NamedTuple):
    """One side of a copy; `pod` is empty for a file on this machine."""

    namespace: str
    pod: str
    path: str


def run(inv: Any) -> None:
    """Copy a file into a container, or print what would be copied out of one."""
    if len(inv.args) != 2:
        raise inv.usage_error("source and destination are required")
    source, target = (_place(inv, word) for word in inv.args)
    if source.pod and target.pod:
        raise CommandError("one of src or dest must be a local file specification")
    if not source.path or not target.path:
        raise CommandError("filepath can not be empty")
    if target.pod:
        _copy_to(inv, source.path, target)
    elif source.pod:
        _copy_from(inv, source, target.path)
    else:
        raise CommandError("one of src or dest must be a remote file specification")


def _place(inv: Any, word: str) -> Place:
    before, colon, path = word.partition(":")
    if not colon or before.startswith((".", "/")):
        return Place("", "", word)
    namespace, slash, pod = before.rpartition("/")
    if "/" in namespace or not pod:
        raise CommandError(f"illegal character: {word}" if "/" in namespace else "pod name is empty")
    return Place(namespace if slash else inv.namespace, pod, path)


def _copy_to(inv: Any, path: str, target: Place) -> None:
    try:
        text = inv.session.read_file(path)
    except OSError:
        raise CommandError(f"{path} doesn't exist in local filesystem") from None
    folder, _, name = target.path.rpartition("/")
    if target.path.endswith("/") or _is_folder(inv, target):
        folder, name = target.path.rstrip("/"), path.rsplit("/", 1)[-1]
    archive = io.BytesIO()
    data = text.encode("utf-8", "surrogateescape")
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    _tar(inv, target, ["tar", "-xmf", "-", "-C", folder or "/"], archive.getvalue())


def _is_folder(inv: Any, target: Place) -> bool:
    pod = inv.access.get(inv.access.scheme.resource("pods"), target.pod, target.namespace)
    command = ["test", "-d", target.path]
    options = {"container": container_of(inv, pod), "command": command, "stdout": True, "stderr": True}
    quiet = (len(inv.out), len(inv.err))
    status = open_session(inv, "exec", pod, options).to_end()
    del inv.out[quiet[0] :], inv.err[quiet[1] :]
    return status is not None and status["status"] == "Success"


def _copy_from(inv: Any, source: Place, path: str) -> None:
    at = len(inv.out)
    try:
        _tar(inv, source, ["tar", "cf", "-", source.path], b"")
    finally:
        data = "".join(inv.out[at:]).encode("utf-8", "surrogateescape")
        del inv.out[at:]
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        files = [(member, tar.extractfile(member).read()) for member in tar if member.isfile()]
    if not files:
        raise CommandError(f"{source.path.lstrip('/')} no such file or directory")
    write = getattr(inv.session, "write_file", None)
    if write is None:
        raise CommandError("this session cannot write files on this machine")
    root = source.path.strip("/")
    for member, content in files:
        write(path + member.name.removeprefix(root), content)


def _tar(inv: Any, place: Place, command: list[str], data: bytes) -> None:
    pod = inv.access.get(inv.access.scheme.resource("pods"), place.pod, place.namespace)
    options: dict[str, Any] = {"container": container_of(inv, pod), "command": command}
    options.update(stdout=True, stderr=True)
    if data:
        options["stdin"] = True
    inv.stdin = data.decode("utf-8", "surrogateescape")
    status = open_session(inv, "exec", pod, options).to_end()
    if status is None:
        raise CommandError("the copy did not end")
    check(status)


COMMAND = Command(
    "cp",
    "Copy files and directories to and from containers",
    "kubectl cp <file-spec-src> <file-spec-dest> [options]",
    run,
    (STREAMS[0], STREAMS[1], boolean("no-preserve"), integer("retries")),
    details=" The container's image must have tar.",
    examples="kubectl cp index.html web-0:/usr/share/nginx/html/\nkubectl cp web-0:/etc/nginx/nginx.conf nginx.conf",
)
