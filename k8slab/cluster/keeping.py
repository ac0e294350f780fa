"""A cluster that outlives its process: what comes in is handed to a data directory, and lived through again from it.

`Keeper.take` says what has come in since the last time; who answers clients writes that to the directory before it lets
anybody see what came of it (`serve.committer`). Then a cluster that is started again stands where its clients believe
it to be: it may have to catch up with time that nobody saw pass, but it never takes back a revision that was seen.
"""

from __future__ import annotations

import hashlib
import json
import logging
import pickle
from pathlib import Path
from typing import Any, NamedTuple

from k8slab.cluster.build import fingerprint, version
from k8slab.cluster.cluster import Cluster, check_time, enter, from_setup
from k8slab.cluster.datadir import DataDirectory, DataDirectoryError, Row
from k8slab.cluster.extensions import Library
from k8slab.pki.rsa import PrivateKey
from k8slab.sim.journal import Entry, Journal, JournalError

LOG = logging.getLogger("k8slab.cluster")
SNAPSHOT, SIGNER = "snapshot", "pki/sa.key"
#: The note that says after how many entries the cluster began to sign with the directory's key.
PROTECTED = "protected"
#: So many failures of components while one entry is lived through, and the history is not the one that was kept.
FAILURES = 1_000


class Image(NamedTuple):
    """A pickled cluster, and the revision at which it was taken."""

    payload: bytes
    revision: int


class Keeper:
    """Knows how much of a cluster's journal its data directory has.

    Use `keep` and `recover` to make one. All methods are called with the cluster's gate held.
    """

    def __init__(self, cluster: Cluster, directory: DataDirectory) -> None:
        self.cluster, self.directory = cluster, directory
        self._count, self._until = 0, 0
        self.revision = 0

    def take(self) -> list[Row]:
        """The entries that came in since the last call."""
        self.cluster.gate.account()
        entries = self.cluster.journal.entries
        found = self._longer(entries) + entries[self._count :]
        if not found:
            return []
        self.skip()
        # Only after the last of them does the store stand where it stands now.
        return [Row(entry, 0) for entry in found[:-1]] + [Row(found[-1], self.revision)]

    def _longer(self, entries: list[Entry]) -> list[Entry]:
        """What an advance that was taken already has grown by: the journal lengthens its last entry."""
        last = entries[self._count - 1] if self._count else None
        if last is None or last.kind != "advance" or last.data["until"] == self._until:
            return []
        return [Entry(self._until, "advance", last.data)]

    def skip(self) -> None:
        """Take everything that is there as kept."""
        entries = self.cluster.journal.entries
        self._count = len(entries)
        self._until = entries[-1].data["until"] if entries and entries[-1].kind == "advance" else 0
        self.revision = self.cluster.store.revision

    def image(self) -> Image | None:
        """The cluster as it is, for `write_image`; None where a learner's code cannot be copied."""
        try:
            return Image(pickle.dumps(self.cluster, pickle.HIGHEST_PROTOCOL), self.cluster.store.revision)
        except (pickle.PicklingError, TypeError, AttributeError, RecursionError):
            return None

    def write_image(self, image: Image, seq: int) -> None:
        """Write what `image` made when ``seq`` entries were written (and sealed). Raises DataDirectoryError."""
        head = {
            "build": fingerprint(),
            "seq": seq,
            "chain": self.directory.chain_at(seq),
            "revision": image.revision,
            "sha256": hashlib.sha256(image.payload).hexdigest(),
        }
        self.directory.write_file(SNAPSHOT, json.dumps(head).encode() + b"\n" + image.payload)


def keep(cluster: Cluster, directory: DataDirectory) -> Keeper:
    """Keep a running cluster in a directory: a new one, or the one where an earlier state of it is.

    Raises DataDirectoryError where the directory holds another cluster, or cannot be written.
    """
    keeper = Keeper(cluster, directory)
    with cluster.gate.lock:
        cluster.gate.account()
        if directory.setup is None:
            directory.begin(cluster.setup, {**_notes(), PROTECTED: str(len(cluster.journal))})
        else:
            _check_past(cluster, directory)
            directory.note(_notes())
            known = _kept(directory)
            keeper._count = len(known)
            keeper._until = known[-1].data["until"] if known and known[-1].kind == "advance" else 0
        directory.append(keeper.take())
        keeper.skip()
    return keeper


def recover(directory: DataDirectory, library: Library | None = None) -> Keeper:
    """The cluster that a directory holds, as it was when the last of it was written.

    ``library`` has the code that learners brought in. Raises DataDirectoryError where the directory is damaged, or
    history goes another way under this version of the program; JournalError where code is missing.
    """
    cluster, start = _from_snapshot(directory) or (from_setup(directory.setup), 0)
    cluster.extensions.library = library or Library()
    key, protected = signer(directory), int(directory.meta(PROTECTED) or -1)
    for number, row in enumerate(directory.rows(start), start + 1):
        if key is not None and number - 1 == protected:
            cluster.server.tokens.protect(key)
        _live(cluster, number, row.entry)
        if row.revision and row.revision != cluster.store.revision:
            raise _divergence(directory, number, f"revision {cluster.store.revision} instead of {row.revision}")
    keeper = Keeper(cluster, directory)
    cluster.gate.account()
    keeper.skip()
    return keeper


def signer(directory: DataDirectory) -> PrivateKey | None:
    """The key with which a kept cluster signs tokens; None where there is none yet. Raises DataDirectoryError."""
    text = directory.read_file(SIGNER)
    try:
        return None if text is None else PrivateKey(*(int(part, 16) for part in text.split()))
    except (ValueError, TypeError):
        raise DataDirectoryError(f"{directory.path / SIGNER} holds no key") from None


def write_signer(directory: DataDirectory, key: PrivateKey) -> None:
    """Keep the key with which the cluster signs tokens: its two primes. Raises DataDirectoryError."""
    directory.write_file(SIGNER, f"{key.p:x}\n{key.q:x}\n".encode())


def restore(path: str | Path, library: Library | None = None) -> Cluster:
    """A copy of the cluster that a directory holds, which is left as it is. Raises DataDirectoryError, JournalError."""
    if not Path(path).expanduser().is_dir():
        raise DataDirectoryError(f'the directory "{path}" does not exist')
    directory = DataDirectory(path)
    try:
        if directory.setup is None:
            raise DataDirectoryError(f"{directory.path} holds no cluster")
        return recover(directory, library).cluster
    finally:
        directory.close()


def _notes() -> dict[str, str]:
    return {"version": version()}


def _live(cluster: Cluster, number: int, entry: Entry) -> None:
    """Live through an entry as it was lived through: where a component failed, the others went on."""
    check_time(cluster, number + 1, entry)
    for _ in range(FAILURES):
        try:
            enter(cluster, entry)
            return
        except JournalError:
            raise
        except Exception:
            LOG.debug("a component fails in entry %d as it did before", number, exc_info=True)
        if entry.kind != "advance":
            return


def _divergence(directory: DataDirectory, number: int, what: str) -> DataDirectoryError:
    version = directory.meta("version")
    return DataDirectoryError(
        f"{directory.path}: entry {number} of the journal leads to {what}: "
        f"start this cluster with the version of k8slab that kept it (last: {version})"
    )


def _check_past(cluster: Cluster, directory: DataDirectory) -> None:
    """Raises DataDirectoryError unless what the directory holds is this cluster's past."""
    setup = json.loads(json.dumps(cluster.setup))
    kept, entries = _kept(directory), cluster.journal.entries[:]
    if kept and kept[-1].kind == "advance" and len(entries) >= len(kept) and entries[len(kept) - 1].kind == "advance":
        later = entries[len(kept) - 1]
        if later.data["until"] > kept[-1].data["until"]:
            entries[len(kept) - 1] = Entry(later.time, "advance", kept[-1].data)
    same = Journal.loads(Journal(entries[: len(kept)]).dumps()).entries
    if setup != directory.setup or same != kept:
        raise DataDirectoryError(f"{directory.path} holds another cluster: choose a directory of its own for this one")


def _kept(directory: DataDirectory) -> list[Entry]:
    """The entries of a directory, as a journal in memory has them: time that passed is one entry."""
    journal = Journal()
    for row in directory.rows():
        journal.append(*row.entry)
    return journal.entries


def _from_snapshot(directory: DataDirectory) -> tuple[Cluster, int] | None:
    """The pickled cluster and how many entries are in it; None where there is none that can be trusted."""
    head, payload = _read_snapshot(directory)
    fits = head and head["build"] == fingerprint() and 0 <= head["seq"] <= directory.length
    if not fits or directory.chain_at(head["seq"]) != head["chain"]:
        return None
    if hashlib.sha256(payload).hexdigest() != head["sha256"]:
        LOG.warning("%s/%s is damaged and left alone: the journal is lived through instead", directory.path, SNAPSHOT)
        return None
    try:
        cluster = pickle.loads(payload)
    except Exception:  # whatever a learner's class does when it is unpickled, the journal is still there
        return None
    _forget_clients(cluster)
    cluster.server.bearer_tokens.forget()
    if getattr(getattr(getattr(cluster.server.auditor, "sink", None), "__self__", None), "closed", False):
        cluster.server.auditor = None
    return cluster, head["seq"]


def _read_snapshot(directory: DataDirectory) -> tuple[dict[str, Any], bytes]:
    text, _, payload = (directory.read_file(SNAPSHOT) or b"").partition(b"\n")
    try:
        return json.loads(text or b"{}"), payload
    except ValueError:
        return {}, b""


def _forget_clients(cluster: Cluster) -> None:
    """End the watches of clients who were connected to the process that is gone: their streams are closed."""
    for broadcaster in cluster.server.broadcasters.values():
        for watchers in list(broadcaster.buckets.values()):
            for watcher in list(watchers):
                if getattr(getattr(watcher.sink, "__self__", None), "closed", False):
                    watcher.stop()
