"""kubectl certificate approve and deny (`kubectl/pkg/cmd/certificates`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8slab.kubectl import builder
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError, raise_all
from k8slab.kubectl.flags import FILES, PRINT, SELECTOR, boolean
from k8slab.kubectl.printers import Printer
from k8slab.sim.timestamps import rfc3339

RESOURCE = "certificatesigningrequests.certificates.k8s.io"


def _decider(kind: str, reason: str, done: str) -> Callable[[Any], None]:
    """What adds a condition of this kind to requests, unless they have it."""

    def run(inv: Any) -> None:
        printer = Printer(inv, done)
        infos, errors = _chosen(inv)
        for info in infos:
            if info.resource.plural != "certificatesigningrequests":
                raise CommandError("can only handle certificates.k8s.io/v1 certificate signing requests")
            printer.show(_decided(inv, info, kind, reason, done), done)
        raise_all(errors)

    return run


def _chosen(inv: Any) -> tuple[list[Any], list[Exception]]:
    """The requests meant; names are names of requests, whatever kind is said before them."""
    selects = inv.flags["selector"] or inv.flags["all"]
    if not inv.args and not builder.has_files(inv) and not selects:
        raise CommandError("one or more CSRs must be specified as <name> or -f <filename>")
    if builder.has_files(inv):
        return builder.live(inv)
    names = [word if "/" in word else f"{RESOURCE}/{word}" for word in inv.args]
    return builder.live(inv, names or [RESOURCE])


def _decided(inv: Any, info: Any, kind: str, reason: str, done: str) -> dict[str, Any]:
    old = info.object
    status = old.get("status") or {}
    conditions = status.get("conditions") or []
    if any(each["type"] == kind for each in conditions) and not inv.flags["force"]:
        return old
    kept = [each for each in conditions if each["type"] != kind]
    added = {
        "type": kind,
        "status": "True",
        "reason": reason,
        "message": f"This CSR was {done} by kubectl certificate {'approve' if kind == 'Approved' else 'deny'}.",
        "lastUpdateTime": rfc3339(inv.access.client.clock.unix_us),
    }
    new = {**old, "status": {**status, "conditions": [*kept, added]}}
    return inv.access.update(info.resource, new, None, "approval")


_FLAGS = (*PRINT, *FILES, *SELECTOR, boolean("all"), boolean("force"))

COMMAND = Command(
    "certificate",
    "Modify certificate resources",
    "kubectl certificate SUBCOMMAND [options]",
    commands=(
        Command(
            "approve",
            "Approve a certificate signing request",
            "kubectl certificate approve (-f FILENAME | NAME) [options]",
            _decider("Approved", "KubectlApprove", "approved"),
            _FLAGS,
            examples="kubectl certificate approve jane",
        ),
        Command(
            "deny",
            "Deny a certificate signing request",
            "kubectl certificate deny (-f FILENAME | NAME) [options]",
            _decider("Denied", "KubectlDeny", "denied"),
            _FLAGS,
            examples="kubectl certificate deny jane",
        ),
    ),
)
