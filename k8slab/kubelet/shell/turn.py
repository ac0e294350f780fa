"""What an endless loop does in the long run: found out by running it for a while against an answering world."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlsplit

from k8slab.kubelet.shell.outcome import STEP
from k8slab.kubelet.shell.run import Shell
from k8slab.kubelet.shell.syntax import Node
from k8slab.sim.clock import SECOND

TRIAL = 10 * SECOND
TRIAL_STEPS = 500
FETCHERS = ("wget", "curl")
CORE = 1000

Target = tuple[str, int, str]
"""Host, port, path."""


class Turn(NamedTuple):
    """The habits of a loop: processor time, and requests per second by target as long as answers come at once."""

    millicores: int
    requests: dict[Target, float]


class _World:
    """Answers everything at once, and counts what it is asked."""

    def __init__(self) -> None:
        self.asked: dict[Target, int] = {}

    def ask(self, kind: str, target: Any) -> Any:
        """Every name exists, every server answers."""
        if kind == "dns":
            return "10.96.0.1"
        if kind == "lookup":
            return target, ["10.96.0.1"]
        if kind == "http":
            self.asked[target] = self.asked.get(target, 0) + 1
        return 200, ""


def turn_of(script: Node, env: dict[str, str], files: dict[str, str]) -> Turn:
    """Run a loop for ten seconds, or for some hundred commands, and see how often it does what."""
    world = _World()
    shell = Shell(env, files, TRIAL, ask=world.ask, max_steps=TRIAL_STEPS)
    shell.run(script)
    elapsed = max(shell.now, 1)
    burnt = sum(value for _, kind, value, _ in shell.effects if kind == "cpu")
    own = min(CORE, CORE * shell.steps * STEP // elapsed)
    rates = {target: count * SECOND / elapsed for target, count in world.asked.items()}
    return Turn(max(1, burnt or own), rates)


def fetches(node: Any) -> bool:
    """Whether a script asks web servers for something."""
    if isinstance(node, tuple):
        return any(map(fetches, node))
    return node in FETCHERS


def sending(sends: tuple[str, float]) -> dict[Target, float]:
    """The target of a program's requests.

    >>> sending(("http://web/cart", 20))
    {('web', 80, '/cart'): 20.0}
    """
    parts = urlsplit(sends[0] if "//" in sends[0] else f"http://{sends[0]}")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return {(parts.hostname or "", port, parts.path or "/"): float(sends[1])}
