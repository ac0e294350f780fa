"""kubectl attach."""

from __future__ import annotations

from typing import Any

from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.flags import period
from k8slab.kubectl.sessions import ENDED, NO_TERMINAL, STREAMS, check, container_of, find_pod, open_session, phase

_TOO_MANY = "expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw {}"


def run(inv: Any) -> None:
    """Print what a container's process writes from now on."""
    if not inv.args:
        raise CommandError("at least 1 argument is required for attach")
    if len(inv.args) > 2:
        raise CommandError(_TOO_MANY.format(len(inv.args)))
    word = inv.args[0] if len(inv.args) == 1 else "/".join(inv.args)
    attach(inv, find_pod(inv, word))


def attach(inv: Any, pod: dict[str, Any]) -> None:
    """Attach to a Pod's container until it ends, or says nothing any more. Raises CommandError, ApiError."""
    if phase(pod) in ENDED:
        raise CommandError(f"cannot attach a container in a completed pod; current phase is {phase(pod)}")
    name = container_of(inv, pod)
    container: dict[str, Any] = next((each for each in pod["spec"]["containers"] if each["name"] == name), {})
    if inv.flags["tty"]:
        inv.complain(NO_TERMINAL if container.get("tty") else _no_tty(name))
    if not inv.flags["quiet"]:
        inv.complain("If you don't see a command prompt, try pressing enter.")
    options: dict[str, Any] = {"container": name, "stdout": True, "stderr": True}
    if inv.flags["stdin"]:
        options["stdin"] = True
    status = open_session(inv, "attach", pod, options).while_talking()
    if status is not None:
        check(status)


def _no_tty(name: str) -> str:
    return f"error: Unable to use a TTY - container {name} did not allocate one"


COMMAND = Command(
    "attach",
    "Attach to a running container",
    "kubectl attach (POD | TYPE/NAME) -c CONTAINER [options]",
    run,
    (*STREAMS, period("pod-running-timeout", "1m0s")),
    details=" Time passes until the container has ended or has written nothing for 30 seconds.",
    examples="kubectl attach web-0\nkubectl attach deployment/web -c main",
)
