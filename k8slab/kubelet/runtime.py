"""From a container's spec and its image to a process, as containerd and runc would start it."""

from __future__ import annotations

from typing import Any

from k8slab.api import core_v1 as core
from k8slab.kubelet.commandline import SHELLS, command_node
from k8slab.kubelet.environment import expand
from k8slab.kubelet.images import Image
from k8slab.kubelet.process import Process
from k8slab.kubelet.security import ROOT, Identity
from k8slab.kubelet.shell import ShellSyntaxError
from k8slab.kubelet.shell.commands import COMMANDS
from k8slab.kubelet.starting import StartError
from k8slab.kubelet.volumes import Files, mounted

INTERPRETERS = frozenset(("python", "python3", "perl", "sh", "bash", "ash"))
RUNC = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
    "unable to start container process: error during container init: "
)


def command_line(spec: core.Container, image: Image, env: dict[str, str]) -> list[str]:
    """What is executed: the spec's command and args, or the image's."""
    if spec.command:
        words = [*spec.command, *(spec.args or ())]
    elif spec.args is not None:
        words = [*image.entrypoint, *spec.args]
    else:
        return [*image.entrypoint, *image.cmd]
    return [expand(word, env) for word in words]


def make_process(
    spec: core.Container,
    image: Image,
    env: dict[str, str],
    volumes: dict[str, Files],
    clock: Any,
    ask: Any,
    etc: Any = None,
    identity: Identity = ROOT,
    shared: Any = None,
) -> Process:
    """Start a container's process. Raises StartError where its command cannot be executed."""
    argv = command_line(spec, image, env)
    files = mounted(spec, volumes)
    ports = tuple(port.containerPort for port in spec.ports or ())
    common: dict[str, Any] = {"env": env, "files": files, "declared": ports, "ask": ask, "clock": clock}
    common.update(etc=etc, identity=writable(spec, image, identity))
    common.update(argv=tuple(argv), stdin=bool(spec.stdin), tty=bool(spec.tty), cwd=spec.workingDir or "/")
    common.update(
        mounts=tuple(mount.mountPath for mount in spec.volumeMounts or () if not mount.subPath), shared=shared
    )
    if not argv and not image.any_command:
        raise StartError("failed to generate container spec: failed to generate spec: no command specified")
    name = argv[0].rsplit("/", 1)[-1] if argv else ""
    if _is_program(argv, name, spec, image):
        return Process(image.program, clock.now, clock.unix_us, None, **common)
    if not image.shell or not (name in COMMANDS or name in SHELLS or argv[0] in files):
        raise StartError(RUNC + not_found(argv[0]))
    serves = tuple(word.rsplit("/", 1)[-1] for word in image.binaries if word not in INTERPRETERS)
    return Process(image.program, clock.now, clock.unix_us, _script(argv, name, spec), serves=serves, **common)


def writable(spec: core.Container, image: Image, identity: Identity) -> Identity:
    """A read-only root file system does not matter where volumes are mounted into which the program writes."""
    needed = image.program.writes_to
    mounted_at = {mount.mountPath.rstrip("/") for mount in spec.volumeMounts or ()}
    if identity.read_only and needed and mounted_at.issuperset(needed):
        return identity._replace(read_only=False)
    return identity


def _is_program(argv: list[str], name: str, spec: core.Container, image: Image) -> bool:
    if image.any_command:
        return not (spec.command and name in SHELLS)
    if name in INTERPRETERS and len(argv) > 1 and argv[1].startswith("-"):
        return False
    return argv[0] in image.binaries or name in image.binaries


def _script(argv: list[str], name: str, spec: core.Container) -> tuple[Any, ...]:
    if name in SHELLS and len(argv) == 1 and not (spec.stdin or spec.tty):
        return ("seq", ())
    try:
        return command_node(argv)
    except ShellSyntaxError as error:
        return ("seq", (command_node(["echo", f"sh: {error}"]), command_node(["exit", "2"])))


def not_found(command: str) -> str:
    """What runc says of a command that is not there."""
    if "/" in command:
        return f'exec: "{command}": stat {command}: no such file or directory'
    return f'exec: "{command}": executable file not found in $PATH'
