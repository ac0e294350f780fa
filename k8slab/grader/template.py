"""The warmed template: a process that has imported all that learners need, and forks a jailed worker on request.

It is started by ``python -m k8slab.grader.template FD`` with a clean environment, so neither its memory nor its
environment holds a secret. It reads one request a line from the channel FD: ``{"home": ..., "limits": [...]}`` with the
worker's channel attached, and answers ``{"pid": ..., "tier": ...}``.
"""

from __future__ import annotations

import array
import contextlib
import gc
import os
import signal
import socket
import sys
from typing import Any

from k8slab.grader import frames, jail


def main(fd: int) -> None:
    """Warm up, say so, and fork workers until the channel closes."""
    control = socket.socket(fileno=fd)
    shell = _warm_up()
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, _reap)
    frames.send(control, {"ready": True})
    while True:
        try:
            request, channel = _next_request(control)
        except frames.ChannelClosed:
            return
        _fork(control, shell, request, channel)


def _warm_up() -> Any:
    # First uses import and compile: done once here, each fork has it for nothing.
    import k8slab.course
    from k8slab.grader.worker import make_shell
    from k8slab.lab import Lab

    shell = make_shell()
    lab = Lab(workers=1)
    lab.kubectl("get pods", echo=False)
    lab.picture()
    k8slab.course.predict("?", ["!"])
    with contextlib.suppress(ImportError):
        import k8slab.widgets
    return shell


def _next_request(control: socket.socket) -> tuple[dict[str, Any], socket.socket]:
    request = frames.receive(control)
    fds = array.array("i")
    _, ancillary, _, _ = control.recvmsg(1, socket.CMSG_SPACE(fds.itemsize))
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: fds.itemsize])
    if not fds:
        raise frames.ChannelClosed("no channel came with the request")
    return request, socket.socket(fileno=fds[0])


def _fork(control: socket.socket, shell: Any, request: dict[str, Any], channel: socket.socket) -> None:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        control.close()
        _become_worker(shell, request, channel, writer)
    os.close(writer)
    channel.close()
    with os.fdopen(reader, "rb") as pipe:
        tier = pipe.read(32).decode()
    frames.send(control, {"pid": pid, "tier": tier or "none"})


def _become_worker(shell: Any, request: dict[str, Any], channel: socket.socket, report: int) -> None:
    """In the fork: go into the jail, in a child where namespaces need one, and serve. Does not return."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    jail.die_with_parent()
    namespaces = jail.enter_namespaces()
    if namespaces:
        inner = os.fork()
        if inner:
            os.close(report)
            channel.close()
            _, status = os.waitpid(inner, 0)
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
        jail.die_with_parent()
    _serve(shell, request, channel, report, namespaces)


def _serve(shell: Any, request: dict[str, Any], channel: socket.socket, report: int, namespaces: bool) -> None:
    from k8slab.grader import worker

    code = 1
    try:
        _close_standard_streams()
        home = request["home"]
        os.environ.clear()
        os.environ.update(HOME=home, PATH="", TMPDIR=home, LANG="C.UTF-8", IPYTHONDIR=home)
        tier = jail.lock(home, jail.Limits(*request["limits"]), namespaces)
        os.write(report, tier.encode())
        os.close(report)
        worker.serve(channel, shell, home)
        code = 0
    finally:
        os._exit(code)


def _close_standard_streams() -> None:
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)


def _reap(*_: object) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


if __name__ == "__main__":
    main(int(sys.argv[1]))
