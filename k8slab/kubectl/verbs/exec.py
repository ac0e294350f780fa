"""kubectl exec."""

from __future__ import annotations

from typing import Any

from k8slab.kubectl import builder
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.flags import period, several
from k8slab.kubectl.sessions import ENDED, NO_TERMINAL, STREAMS, check, container_of, find_pod, open_session, phase

INTERRUPTED = 130


def run(inv: Any) -> None:
    """Run a command in a container and print what it says."""
    pod, command = _arguments(inv)
    if phase(pod) in ENDED:
        raise CommandError(f"cannot exec into a container in a completed pod; current phase is {phase(pod)}")
    options: dict[str, Any] = {"container": container_of(inv, pod), "command": command, "stdout": True, "stderr": True}
    if inv.flags["tty"]:
        inv.complain(NO_TERMINAL)
    if inv.flags["stdin"]:
        options["stdin"] = True
    status = open_session(inv, "exec", pod, options).to_end()
    if status is None:
        inv.complain("interrupted: the command goes on, but nobody waits for it any longer")
        raise CommandError(f"command terminated with exit code {INTERRUPTED}", INTERRUPTED, plain=True)
    check(status)


def _arguments(inv: Any) -> tuple[dict[str, Any], list[str]]:
    """The Pod and the command. Raises CommandError, ApiError."""
    names = inv.args if inv.dash < 0 else inv.args[: inv.dash]
    command = [] if inv.dash < 0 else inv.args[inv.dash :]
    with_files = builder.has_files(inv)
    if not inv.args and not with_files:
        raise CommandError("pod, type/name or --filename must be specified")
    if inv.dash < 0 and len(inv.args) > 1:
        raise inv.usage_error("exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead")
    if not command:
        raise CommandError("you must specify at least one command for the container")
    if names or not with_files:
        # The first word is the Pod's name, even where it stands behind the dashes.
        return find_pod(inv, inv.args[0]), command
    infos, errors = builder.local(inv)
    if errors:
        raise errors[0]
    found = infos[0].object
    return find_pod(inv, f"{found['kind'].lower()}/{found['metadata']['name']}"), command


COMMAND = Command(
    "exec",
    "Execute a command in a container",
    "kubectl exec (POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args...] [options]",
    run,
    (*STREAMS, period("pod-running-timeout", "1m0s"), several("filename", "f")),
    details=" Time passes until the command has ended. With -i it reads the rest of the cell; a cell is no terminal.",
    examples="kubectl exec web-0 -- ls /\nkubectl exec deployment/web -c main -- wget -qO- http://api",
)
