"""The live clock: lets virtual time pass at the pace of real time while somebody looks, and serves who looks.

One thread for each lab that is looked at. It is the only one that acts for the pictures: what a front end asks for is
put into its queue from whatever thread the notebook calls back on, and done here, one after the other, under the lab's
lock. Without a listener (papermill, a script) there is no thread and no time passes by itself.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from k8slab.sim.clock import SECOND

FRAME = 1 / 30
IDLE = 1 / 10
#: A longer pause (a busy cell, a closed laptop) is not caught up with: the clock goes on from where it was.
MAX_STEP = 0.25
MIN_SPEED, MAX_SPEED = 0.1, 3600.0


class Listener(Protocol):
    """Somebody who looks at a lab."""

    def refresh(self) -> None:
        """Tell the front end what has changed; called on the player's thread, at most 30 times a second."""

    def report(self, error: BaseException) -> None:
        """Something the player did for a front end has failed."""


class Player:
    """Plays a lab (its ``lock``, ``cluster``, ``playing`` and ``speed``) for its listeners."""

    def __init__(self, lab: Any) -> None:
        self._lab = lab
        self._listeners: list[Listener] = []
        self._jobs: deque[tuple[Listener, Callable[..., object], tuple[Any, ...]]] = deque()
        self._wake = threading.Event()
        self._guard = threading.Lock()
        self._running = False
        self._last = 0.0
        self._owed = 0.0

    # -- what others call, on any thread --------------------------------------------------------------------------

    def play(self, speed: float = 1.0) -> None:
        """Let ``speed`` virtual seconds pass in each real second, from now on, while somebody looks.

        Raises ValueError for a speed that is no positive number.
        """
        if not speed > 0:
            raise ValueError(f"speed must be a positive number of virtual seconds in a second, not {speed!r}")
        self._lab.speed = min(max(float(speed), MIN_SPEED), MAX_SPEED)
        self._lab.playing = True
        self._last = time.monotonic()
        self._wake.set()

    def pause(self) -> None:
        """Let no more time pass by itself."""
        self._lab.playing = False
        self._wake.set()

    def attach(self, listener: Listener) -> None:
        """Begin to tell a listener; more than once is fine."""
        if listener not in self._listeners:
            self._listeners.append(listener)
        self._start()

    def detach(self, listener: Listener) -> None:
        """Stop telling a listener; the clock stops with the last one."""
        if listener in self._listeners:
            self._listeners.remove(listener)
        self._wake.set()

    def ask(self, listener: Listener, job: Callable[..., object], *args: Any) -> None:
        """Have ``job(*args)`` done soon on the player's thread; what it raises is reported to the listener."""
        self._jobs.append((listener, job, args))
        self._wake.set()
        self._start()

    @property
    def running(self) -> bool:
        """Whether the clock's thread (or task) is there."""
        return self._running

    # -- the thread -----------------------------------------------------------------------------------------------

    def _start(self) -> None:
        with self._guard:
            if self._running:
                return
            self._running = True
        self._last = time.monotonic()
        if sys.platform == "emscripten":
            self._task = asyncio.get_event_loop().create_task(self._loop_async())
        else:
            threading.Thread(target=self._loop, name="k8slab-player", daemon=True).start()

    def _loop(self) -> None:
        while self._goes_on():
            began = time.monotonic()
            self.frame(began)
            self._wake.wait(max(0.002, self._pace() - (time.monotonic() - began)))
            self._wake.clear()

    async def _loop_async(self) -> None:
        while self._goes_on():
            self.frame(time.monotonic())
            await asyncio.sleep(self._pace())

    def _pace(self) -> float:
        return FRAME if self._lab.playing else IDLE

    def _goes_on(self) -> bool:
        with self._guard:
            self._running = bool(self._listeners or self._jobs)
            return self._running

    def frame(self, now: float) -> None:
        """One round: do what was asked for, let time pass up to the real time ``now`` (seconds), tell the listeners."""
        while self._jobs:
            self._do(*self._jobs.popleft())
        if self._lab.playing:
            self._advance(now)
        self._last = now
        for listener in tuple(self._listeners):
            self._do(listener, listener.refresh, ())

    def _advance(self, now: float) -> None:
        self._owed += min(max(now - self._last, 0.0), MAX_STEP) * self._lab.speed * SECOND
        whole = int(self._owed)
        self._owed -= whole
        if whole:
            try:
                self._lab.cluster.advance(whole)
            except Exception as error:
                self._lab.playing = False
                self._tell(error)

    def _do(self, listener: Listener, job: Callable[..., object], args: tuple[Any, ...]) -> None:
        # A failure here must not end the thread that everybody waits for: the one who asked is told.
        try:
            job(*args)
        except Exception as error:
            try:
                listener.report(error)
            except Exception:
                self.detach(listener)

    def _tell(self, error: Exception) -> None:
        for listener in tuple(self._listeners):
            self._do(listener, listener.report, (error,))


def player_of(lab: Any) -> Player:
    """The lab's player; made when first asked for."""
    if lab._player is None:
        lab._player = Player(lab)
    return lab._player
