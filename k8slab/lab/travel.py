"""The past of a lab: looked at, compared, forked, saved and lived through again."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from k8slab.cluster.cluster import replay
from k8slab.cluster.extensions import Library
from k8slab.cluster.history import Snapshot
from k8slab.lab.core import Core, Duration
from k8slab.lab.naming import CommandError, read
from k8slab.sim.duration import format_duration, parse_duration
from k8slab.sim.journal import Journal
from k8slab.views.display import Display


class Travel(Core):
    """A cluster whose past is at hand."""

    def at(self, time: Duration | None = None, revision: int | None = None) -> Snapshot:
        """The cluster as it was: ``lab.at("30s").list("pods")``, ``lab.at(revision=120)``."""
        return self.cluster.snapshot(None if time is None else self._past(time), revision)

    def _past(self, time: Duration) -> int:
        moment, now = parse_duration(time), self.cluster.clock.now
        if moment > now:
            raise CommandError(f"{time} has not come yet: this lab is {format_duration(now)} old")
        return moment

    def diff(self, before: Duration, after: Duration | None = None) -> Display:
        """What changed between two times (the second: now, unless given)."""
        rows = self.history.diff(self.at(before), self.at(after))
        text = "\n".join(
            "\n".join([f"{how:8}{key}", *(f"          {line}" for line in lines)]) for key, how, lines in rows
        )
        from html import escape

        return Display(text or "no difference", f"<pre>{escape(text or 'no difference')}</pre>", rows)

    def fork(self, at: Duration | None = None) -> Self:
        """A lab of its own with the same past: from now on, or from an earlier time (lived through again)."""
        with self.lock:
            if at is None:
                try:
                    return copy.deepcopy(self)
                except (TypeError, pickle.PicklingError) as error:
                    text = "code that you brought in may keep plain data only (no files, locks or generators)"
                    raise CommandError(f"this lab cannot be copied: {error}: {text}") from None
            until = self._past(at)
            journal = Journal.loads(self.cluster.dump_journal())
            library = Library(self.cluster.extensions.brought)
        return self._of(replay(journal, until, library))

    def save(self, path: str | Path) -> None:
        """Save the lab to a file: its set-up and journal, as text; ``Lab.load`` lives through it again."""
        with self.lock:
            text = self.cluster.dump_journal()
        try:
            Path(path).write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f'the path "{path}" cannot be written: {error.strerror}') from None

    @classmethod
    def load(
        cls,
        path: str | Path,
        plugins: Iterable[Any] = (),
        schedulers: Any = (),
        controllers: Any = (),
        webhooks: Any = (),
    ) -> Self:
        """The lab that ``save`` wrote. Raises JournalError where the file is none.

        ``plugins``, ``schedulers`` and ``controllers`` are the classes and functions that were brought in with
        ``lab.plugin``, ``lab.scheduler`` and ``lab.controller``, and ``webhooks`` a dict from the names given to
        ``lab.webhook`` to functions: a file holds data only, and their names.
        """
        journal = Journal.loads(read(Path(path)))
        library = Library(plugins=plugins, schedulers=schedulers, controllers=controllers, webhooks=webhooks)
        return cls._of(replay(journal, library=library))

    @classmethod
    def restore(cls, data_dir: str | Path, plugins: Iterable[Any] = (), schedulers: Any = ()) -> Self:
        """The lab that is kept in a directory, as it was last (``serve(data_dir=...)``, ``k8slab serve --data-dir``).

        It is a copy, for looking and trying: only while it is served (``lab.serve(data_dir=...)``) is it kept. Raises
        DataDirectoryError where there is none, or another process has the directory open.
        """
        from k8slab.cluster.keeping import restore

        return cls._of(restore(data_dir, Library(plugins=plugins, schedulers=schedulers)))
