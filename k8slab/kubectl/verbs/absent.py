"""Commands of kubectl which cannot do their work here, and say what to use instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.flags import Flag, boolean, text


def _absent(message: str) -> Callable[[Any], None]:
    def run(inv: Any) -> None:
        raise CommandError(message)

    return run


_PROXY = "a notebook has no ports to listen on: ask a Service with lab.traffic(...), or serve the API with lab.serve()"
_PLAIN: tuple[tuple[str, str, str, Any, tuple[Flag, ...]], ...] = (
    (
        "proxy",
        "Run a proxy to the Kubernetes API server",
        "proxy [--port=PORT]",
        _absent(_PROXY),
        (text("port", "p"),),
    ),
    (
        "plugin",
        "Provides utilities for interacting with plugins",
        "plugin [flags]",
        _absent("unable to find any kubectl plugins in your PATH: notebooks have none"),
        (boolean("name-only"),),
    ),
    (
        "completion",
        "Output shell completion code for the specified shell (bash, zsh, fish, or powershell)",
        "completion SHELL",
        _absent("there is no shell to complete for: notebooks complete kubectl's lines with Tab"),
        (),
    ),
    (
        "alpha",
        "Commands for features in alpha",
        "alpha",
        _absent("there are no alpha commands in this version"),
        (),
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
