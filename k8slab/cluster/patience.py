"""Ctrl-C between callbacks, never in the middle of one.

A `KeyboardInterrupt` inside a reconcile loop or a request would leave it half done: a work queue would wait for ever
for the key that is being worked on, and no replay could stop at that place.
"""

from __future__ import annotations

import contextlib
import signal
from typing import Any

from k8slab.sim.clock import Clock


class Patience:
    """A context in which Ctrl-C takes effect at the end of the instant (or of the block); pressed twice, at once.

    Does nothing on other threads than the main one, and where a program handles SIGINT in a way of its own.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._before: Any = None
        self._noted = False
        self._halt_timer: Any = None

    def __enter__(self) -> Patience:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            with contextlib.suppress(ValueError):  # Only the main thread may ask for signals, and only it gets them.
                self._before = signal.signal(signal.SIGINT, self._interrupted)
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        if self._before is None:
            return
        signal.signal(signal.SIGINT, self._before)
        self._clock.cancel(self._halt_timer)
        if self._noted and kind is None:
            raise KeyboardInterrupt

    def _interrupted(self, signum: int, frame: Any) -> None:
        if self._noted:
            raise KeyboardInterrupt
        self._noted = True
        self._halt_timer = self._clock.call_soon(self._halt)

    def _halt(self) -> None:
        """Stop when nothing more is due at this instant: only there can a replay stop as well."""
        if self._clock.next_time() == self._clock.now:
            self._halt_timer = self._clock.call_soon(self._halt)
        else:
            raise KeyboardInterrupt
