"""The directory in which a cluster is kept: a SQLite file with its journal, a snapshot, keys, and a lock.

What is kept is what came in (`sim.journal`), not what became of it: the same set-up and journal give the same cluster,
revision by revision, with its containers, queues, timers, history and causes as they were. Of the two ways to survive a
power cut, the other one, keeping etcd's keys and starting all components anew on them, is what real clusters do, but it
forgets here what real machines have on their disks and in their memory, costs a disk write for each of the many writes
of components instead of one for each request from outside, and cannot tell afterwards what happened before.
A snapshot (a pickled cluster) only spares living through the journal again; the journal is the truth. Every entry is
chained to the one before by a checksum, and says at which revision it left the store, so that damage, and a version
of this program under which history would go another way, are found out instead of served.

Layout: `cluster.db` (+ SQLite's `-wal`, `-shm`), `snapshot`, `reserve`, `lock`, `pki/`, `kubeconfig`. Pickles are read
from here: a directory, or a file in it, that others could have written is refused.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sqlite3
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from k8slab.errors import K8sLabError
from k8slab.sim.journal import Entry

#: What `PRAGMA application_id` says of our files, and the version of their layout.
APPLICATION, FORMAT = 0x6B38736C, 1
FILE, LOCK, RESERVE = "cluster.db", "lock", "reserve"
#: Bytes held back, so that what is under way can still be written when the disk is full.
RESERVED = 4 << 20

_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE journal (
    seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL,
    revision INTEGER NOT NULL, chain INTEGER NOT NULL
);
"""


class DataDirectoryError(K8sLabError):
    """A directory in which no cluster can be kept, or whose cluster cannot be read; the message says why."""


class DiskFullError(DataDirectoryError):
    """There is no room for what has to be written; nothing of it was."""


class Row(NamedTuple):
    """One entry of the journal; ``revision`` is the store's after it, 0 where that was not noted."""

    entry: Entry
    revision: int


class DataDirectory:
    """An open data directory; nobody else can open it until `close`.

    Args:
        path: made if it is not there.

    Attributes: `path`, `setup` (of the cluster that is kept here; None in a new directory), `length` (entries).
    Raises DataDirectoryError where it cannot be used.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = _own_directory(Path(path).expanduser())
        self._lock = _lock(self.path)
        self.setup: dict[str, Any] | None = None
        self.length = self._chain = 0
        # The last entry, where time may still be added to it: its own time, and the chain before it.
        self._open_advance: tuple[int, int] | None = None
        try:
            self._database = self._open()
        except BaseException:
            os.close(self._lock)
            raise

    # -- reading ------------------------------------------------------------------------------------------------

    def rows(self, start: int = 0) -> Iterator[Row]:
        """The entries after the first ``start``. Raises DataDirectoryError at the first that is damaged."""
        chain = self.chain_at(start)
        query = "SELECT seq, time, kind, data, revision, chain FROM journal WHERE seq > ? ORDER BY seq"
        with self._failing("read"):
            for number, found in enumerate(self._database.execute(query, (start,)), start + 1):
                seq, time, kind, data, revision, expected = found
                chain = _link(chain, time, kind, data, revision)
                if seq != number or chain != expected:
                    raise self.damaged(f"entry {number} of its journal is not what was written")
                yield Row(Entry(time, kind, json.loads(data)), revision)

    def chain_at(self, seq: int) -> int:
        """The checksum of the first ``seq`` entries, as noted with the last of them."""
        if not seq:
            return 0
        with self._failing("read"):
            found = self._database.execute("SELECT chain FROM journal WHERE seq = ?", (seq,)).fetchone()
        return found[0] if found else -1

    def meta(self, name: str) -> str:
        """A note that was made when the cluster was first kept here; empty where it was not."""
        with self._failing("read"):
            found = self._database.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return found[0] if found else ""

    # -- writing ------------------------------------------------------------------------------------------------

    def begin(self, setup: dict[str, Any], notes: dict[str, str]) -> None:
        """Keep a new cluster here: its set-up, and notes such as the program's version."""
        with self._failing("write"), self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany("INSERT INTO meta VALUES (?, ?)", [("setup", json.dumps(setup)), *notes.items()])
        self.setup = setup

    def note(self, notes: dict[str, str]) -> None:
        """Write notes in place of earlier ones."""
        with self._failing("write"):
            self._database.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(notes.items()))

    def append(self, rows: list[Row]) -> None:
        """Write entries; they are on the disk when this returns. Raises DiskFullError, DataDirectoryError: none is.

        Time that passes after an entry which is time that passed already becomes part of that one.
        """
        state = self.length, self._chain, self._open_advance
        try:
            with self._failing("write"), self._database:
                self._database.execute("BEGIN IMMEDIATE")
                self._database.executemany("INSERT OR REPLACE INTO journal VALUES (?,?,?,?,?,?)", self._numbered(rows))
        except BaseException:
            self.length, self._chain, self._open_advance = state
            raise

    def _numbered(self, rows: list[Row]) -> Iterator[tuple[Any, ...]]:
        for (time, kind, data), revision in rows:
            if kind == "advance" and self._open_advance is not None:
                time, self._chain = self._open_advance
            else:
                self.length += 1
            self._open_advance = (time, self._chain) if kind == "advance" else None
            text = json.dumps(data, separators=(",", ":"))
            self._chain = _link(self._chain, time, kind, text, revision)
            yield self.length, time, kind, text, revision, self._chain

    def seal(self) -> int:
        """Leave the last entry as it is from now on, because something refers to it; returns its number."""
        self._open_advance = None
        return self.length

    # -- room ---------------------------------------------------------------------------------------------------

    def release(self) -> bool:
        """Give the reserve back to the disk; returns whether there was one."""
        try:
            (self.path / RESERVE).unlink()
        except OSError:
            return False
        return True

    def reserve(self) -> bool:
        """Hold some room back; returns whether the disk has it."""
        path = self.path / RESERVE
        if path.exists():
            return True
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            # Written, not only allocated: a file with holes would reserve nothing.
            left = RESERVED
            while left > 0:
                left -= os.write(descriptor, bytes(min(left, 1 << 20)))
        except OSError:
            path.unlink()
            return False
        finally:
            os.close(descriptor)
        return True

    # -- files --------------------------------------------------------------------------------------------------

    def read_file(self, name: str) -> bytes | None:
        """A file's content, None where there is none. Raises DataDirectoryError where others could have written it."""
        path = self.path / name
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DataDirectoryError(f"cannot read {path}: {_reason(error)}") from None
        with os.fdopen(descriptor, "rb") as file:
            _check_owner(path, os.fstat(descriptor))
            return file.read()

    def write_file(self, name: str, content: bytes) -> None:
        """Write a file that its owner alone may read, in one step. Raises DiskFullError, DataDirectoryError."""
        path = self.path / name
        temporary = path.with_name(f".{path.name}.new")
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            os.replace(temporary, path)
            _sync_directory(path.parent)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise _failure("write", path, error) from None

    def close(self) -> None:
        """Let others have it; closing twice is harmless."""
        if self._lock >= 0:
            self._database.close()
            os.close(self._lock)
            self._lock = -1

    def damaged(self, why: str) -> DataDirectoryError:
        """The error for a file that does not hold what was written to it."""
        return DataDirectoryError(f"{self.path / FILE} is damaged: {why}")

    # -- opening ------------------------------------------------------------------------------------------------

    def _open(self) -> sqlite3.Connection:
        path = self.path / FILE
        with self._failing("open"):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
            _check_owner(path, path.stat())
            database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database = database
        try:
            with self._failing("open"):
                # In WAL mode a commit is one append and one sync; FULL: it is on the disk when COMMIT returns.
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = FULL")
                if not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                    self._create()
                self._check_format()
                self._read_end()
        except BaseException:
            database.close()
            raise
        return database

    def _create(self) -> None:
        pragmas = f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {FORMAT};"
        self._database.executescript(f"BEGIN IMMEDIATE; {pragmas} {_TABLES} COMMIT;")
        _sync_directory(self.path)

    def _check_format(self) -> None:
        application, version = (
            self._database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        )
        path = self.path / FILE
        if application != APPLICATION:
            raise DataDirectoryError(f"{path} is not a file of k8slab")
        if version != FORMAT:
            raise DataDirectoryError(f"{path} has format {version}, but this version of k8slab reads format {FORMAT}")
        found = self._database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise self.damaged(" ".join(str(found).split()))

    def _read_end(self) -> None:
        setup = self.meta("setup")
        self.setup = json.loads(setup) if setup else None
        query = "SELECT seq, chain FROM journal ORDER BY seq DESC LIMIT 1"
        self.length, self._chain = self._database.execute(query).fetchone() or (0, 0)

    @contextlib.contextmanager
    def _failing(self, what: str) -> Iterator[None]:
        """Turn what SQLite and the system say into one line."""
        try:
            yield
        except (sqlite3.Error, OSError, ValueError) as error:
            raise _failure(what, self.path / FILE, error) from None


def _link(chain: int, time: int, kind: str, data: str, revision: int) -> int:
    return zlib.crc32(f"{time} {kind} {revision} {data}".encode(errors="surrogateescape"), chain)


def _failure(what: str, path: Path, error: Exception) -> DataDirectoryError:
    text = _reason(error)
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or (isinstance(error, sqlite3.Error) and "full" in text):
        return DiskFullError(f"cannot write {path}: no space left on device")
    if isinstance(error, sqlite3.DatabaseError) and ("malformed" in text or "not a database" in text):
        return DataDirectoryError(f"{path} is damaged: {text}")
    if isinstance(error, ValueError):
        return DataDirectoryError(f"{path} is damaged: an entry is not JSON")
    return DataDirectoryError(f"cannot {what} {path}: {text}")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _own_directory(path: Path) -> Path:
    try:
        path = path.resolve()
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.stat()
    except (OSError, RuntimeError) as error:
        reason = "not a directory" if isinstance(error, FileExistsError) else _reason(error)
        raise DataDirectoryError(f"cannot use the data directory {path}: {reason}") from None
    _check_owner(path, found)
    if not os.access(path, os.W_OK | os.X_OK):
        raise DataDirectoryError(f"cannot use the data directory {path}: Permission denied")
    return path


def _check_owner(path: Path, found: os.stat_result) -> None:
    """Raises DataDirectoryError for what somebody else can have written."""
    if found.st_uid != os.geteuid():
        raise DataDirectoryError(f"{path} belongs to another user (uid {found.st_uid})")
    others = stat.S_IMODE(found.st_mode) & 0o077
    if others:
        wanted = 700 if stat.S_ISDIR(found.st_mode) else 600
        mode = f"{stat.S_IMODE(found.st_mode):04o}"
        raise DataDirectoryError(f"{path} is open to other users (mode {mode}): chmod {wanted} {path}")


def _lock(path: Path) -> int:
    import fcntl

    try:
        descriptor = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DataDirectoryError(f"cannot use the data directory {path}: {_reason(error)}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(descriptor, 20).decode(errors="replace").strip()
        os.close(descriptor)
        who = f" (pid {holder})" if holder.isdigit() else ""
        raise DataDirectoryError(f"the data directory {path} is in use by another process{who}") from None
    with contextlib.suppress(OSError):  # The number is for people only: a full disk must not keep a cluster down.
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
