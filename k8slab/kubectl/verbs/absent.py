"""Commands of kubectl which cannot do their work here, and say what to use instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8slab.kubectl import builder
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.flags import Flag, boolean, period, several, text

_STREAMS = (text("container", "c"), boolean("quiet", "q"), boolean("stdin", "i"), boolean("tty", "t"))
_RUNNING = (period("pod-running-timeout", "1m0s"),)


def _absent(message: str, check: Callable[[Any], None] | None = None) -> Callable[[Any], None]:
    def run(inv: Any) -> None:
        if check is not None:
            check(inv)
        raise CommandError(message)

    return run


def _check_exec(inv: Any) -> None:
    if not inv.args and not builder.has_files(inv):
        raise CommandError("pod, type/name or --filename must be specified")
    if len(inv.args) < 2 and inv.dash < 0:
        raise CommandError("you must specify at least one command for the container")
    _require(inv, inv.args[0])


def _require(inv: Any, word: str) -> None:
    kind, slash, name = word.partition("/")
    resource = inv.access.scheme.resource(kind if slash else "pods")
    inv.access.get(resource, name if slash else kind, inv.namespace)


def _check_forward(inv: Any) -> None:
    if len(inv.args) < 2:
        raise inv.usage_error("TYPE/NAME and list of ports are required for port-forward")
    _require(inv, inv.args[0])


_EXEC = "there is no shell inside a simulated container: look at it with 'kubectl logs' and 'kubectl describe'"
_FORWARD = "a notebook has no ports to forward: ask a Service with lab.traffic(...), or serve the API with lab.serve()"
_COPY = "a simulated container has no files to copy"
_PLAIN: tuple[tuple[str, str, str, Any, tuple[Flag, ...]], ...] = (
    (
        "attach",
        "Attach to a running container",
        "attach (POD | TYPE/NAME) -c CONTAINER",
        _absent(_EXEC),
        (*_STREAMS, *_RUNNING),
    ),
    (
        "exec",
        "Execute a command in a container",
        "exec (POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args...]",
        _absent(_EXEC, _check_exec),
        (*_STREAMS, *_RUNNING, several("filename", "f")),
    ),
    (
        "port-forward",
        "Forward one or more local ports to a pod",
        "port-forward TYPE/NAME [options] [LOCAL_PORT:]REMOTE_PORT [...[LOCAL_PORT_N:]REMOTE_PORT_N]",
        _absent(_FORWARD, _check_forward),
        (several("address"), *_RUNNING),
    ),
    (
        "proxy",
        "Run a proxy to the Kubernetes API server",
        "proxy [--port=PORT]",
        _absent(_FORWARD),
        (text("port", "p"),),
    ),
    (
        "cp",
        "Copy files and directories to and from containers",
        "cp <file-spec-src> <file-spec-dest>",
        _absent(_COPY),
        _STREAMS[:1],
    ),
    (
        "kustomize",
        "Build a kustomization target from a directory or URL",
        "kustomize DIR [flags]",
        _absent("kustomize is not part of this lab"),
        (),
    ),
)
COMMANDS = {
    name: Command(name, about, f"kubectl {usage} [options]", run, flags) for name, about, usage, run, flags in _PLAIN
}
