"""What a run of a script finds out, and the ways in which it is left."""

from __future__ import annotations

from typing import Any, NamedTuple

from k8slab.sim.clock import MILLISECOND

STEP = MILLISECOND
"""What one command costs: loops without `sleep` move time as well."""
FOREVER = 1 << 62
MAX_STEPS = 20_000
MAX_TEXT = 1 << 20


class Outcome(NamedTuple):
    """What a run found out.

    Attributes:
        effects: `(offset_us, kind, value, detail)`; kinds: log (line), file (path, text or None), memory (bytes),
            serve (program), trap (node), signal (pid and number); `out` and `err` (raw text) instead of log where the
            shell is `raw`.
        exit_at: offset in microseconds at which the script ended, None where it did not within the limit.
        code: its exit status.
        again_at: offset at which to look again: an answer from outside is needed, or the limit or budget was reached;
            None where nothing more will come by itself.
        files: the file system at the end.
    """

    effects: list[tuple[int, str, Any, Any]]
    exit_at: int | None
    code: int
    again_at: int | None
    files: dict[str, str]


class Horizon(Exception):
    """The limit of this run is reached."""


class Blocked(Exception):
    """The script waits for something that does not come by itself (a server in the foreground, `sleep infinity`)."""


class Leave(Exception):
    """`exit`, with its code."""


class Interrupted(Exception):
    """Ctrl-C: the command in the foreground ends."""


class ReadOnly(Exception):
    """A file that may not be written; the text is its path."""


class Jump(Exception):
    """`break`, `continue` or `return`: kind, levels."""
