"""The store against a naive model, and its contract case by case."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from k8slab.etcd.lease import LeaseNotFound
from k8slab.etcd.store import CompactedError, CompareFailed, Event, FutureRevisionError, Store

KEYS = ["/registry/pods/a/x", "/registry/pods/a/y", "/registry/pods/ab/x", "/registry/nodes/n", "/registry/pods/b/x"]
PREFIXES = ["/registry/", "/registry/pods/", "/registry/pods/a/", "/registry/pods/a", "/registry/nodes/n", ""]


class Log:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def add(self, event: Event) -> None:
        self.events.append(event)


def stamp(value: str, revision: int, prev: object) -> str:
    return f"{value}@{revision}"


def test_versions_and_revisions():
    store = Store()
    assert store.revision == 1
    first = store.put("/k", "a")
    second = store.put("/k", "b")
    store.delete("/k")
    third = store.put("/k", "c")
    assert [(kv.create_revision, kv.mod_revision, kv.version) for kv in (first, second, third)] == [
        (2, 2, 1),
        (2, 3, 2),
        (5, 5, 1),
    ]
    assert store.get("/k", revision=4) is None
    assert store.get("/k", revision=3).value == "b"


def test_expectations():
    store = Store()
    store.put("/k", "a", expect=0)
    with pytest.raises(CompareFailed) as failed:
        store.put("/k", "b", expect=0)
    assert failed.value.kv.value == "a"
    with pytest.raises(CompareFailed):
        store.delete("/k", expect=77)
    with pytest.raises(CompareFailed) as failed:
        store.delete("/other", expect=77)
    assert failed.value.kv is None
    assert store.revision == 2, "a refused write makes no revision"
    assert store.delete("/other") is None


def test_stamp_sees_the_revision_of_the_write():
    store = Store()
    assert store.put("/k", "a", stamp=stamp).value == "a@2"
    assert store.delete("/k", stamp=stamp).prev.value == "a@2@3"


def test_watch_replays_then_follows_without_gap_or_duplicate():
    store, log = Store(), Log()
    for value in "abc":
        store.put("/r/k", value)
    watcher = store.watch("/r/", log.add, start_revision=3)
    store.put("/r/k", "d")
    store.put("/other", "x")
    store.delete("/r/k")
    watcher.cancel()
    watcher.cancel()
    store.put("/r/k", "e")
    assert [event.kv.mod_revision for event in log.events] == [3, 4, 5, 7]
    assert [event.type for event in log.events] == ["PUT", "PUT", "PUT", "DELETE"]
    assert log.events[-1].prev.value == "d"


def test_watch_from_the_future_waits_for_it():
    store, log = Store(), Log()
    store.watch("/", log.add, start_revision=4)
    for value in "abc":
        store.put("/k", value)
    assert [event.kv.mod_revision for event in log.events] == [4]


def test_compaction():
    store, log = Store(), Log()
    for value in "abcd":
        store.put("/k", value)
    store.put("/gone", "x")
    store.delete("/gone")
    store.compact(7)
    with pytest.raises(CompactedError):
        store.get("/k", revision=6)
    with pytest.raises(CompactedError):
        store.watch("/", log.add, start_revision=6)
    with pytest.raises(CompactedError):
        store.compact(7)
    with pytest.raises(FutureRevisionError):
        store.compact(99)
    with pytest.raises(FutureRevisionError):
        store.get("/k", revision=99)
    assert store.get("/k", revision=7).value == "d"
    assert store.get("/gone", revision=7) is None
    assert [kv.key for kv in store.range("/")] == ["/k"]


def test_leases():
    store = Store()
    lease = store.grant(ttl=10, now=0)
    store.put("/a", 1, lease=lease)
    store.put("/b", 1, lease=lease)
    store.put("/b", 2)
    assert store.lease_keys(lease) == ["/a"]
    assert store.expire(now=9) == []
    store.keep_alive(lease, now=9)
    assert store.expire(now=18) == []
    assert store.expire(now=19) == [lease]
    assert store.get("/a") is None
    assert store.get("/b").value == 2
    with pytest.raises(LeaseNotFound):
        store.put("/c", 1, lease=lease)
    assert store.get("/c") is None
    with pytest.raises(ValueError, match="positive TTL"):
        store.grant(ttl=0, now=0)


def test_limit_and_start():
    store = Store()
    for name in "dacb":
        store.put(f"/k/{name}", name)
    assert [kv.value for kv in store.range("/k/", limit=2)] == ["a", "b"]
    assert [kv.value for kv in store.range("/k/", start="/k/b")] == ["b", "c", "d"]
    assert store.count("/k/") == 4


class StoreMachine(RuleBasedStateMachine):
    """Random writes, watches and compactions beside a model that keeps a full copy of every revision."""

    @initialize()
    def begin(self):
        self.store = Store()
        self.states: dict[int, dict[str, tuple[str, int]]] = {1: {}}
        self.history: list[tuple[int, str, str]] = []
        self.watches: list[tuple[str, int, Log]] = []
        self.counter = 0

    def commit(self, key: str, value: str | None) -> None:
        state = dict(self.states[self.store.revision - 1])
        if value is None:
            state.pop(key)
        else:
            state[key] = (value, self.store.revision)
        self.states[self.store.revision] = state
        self.history.append((self.store.revision, "DELETE" if value is None else "PUT", key))

    @rule(key=st.sampled_from(KEYS))
    def put(self, key):
        self.counter += 1
        self.store.put(key, str(self.counter))
        self.commit(key, str(self.counter))

    @rule(key=st.sampled_from(KEYS), expect=st.integers(0, 8))
    def put_expecting(self, key, expect):
        there = self.states[self.store.revision].get(key, ("", 0))[1]
        if there == expect:
            self.put_checked(key, expect)
        else:
            before = self.store.revision
            with pytest.raises(CompareFailed):
                self.store.put(key, "refused", expect=expect)
            assert self.store.revision == before

    def put_checked(self, key, expect):
        self.counter += 1
        self.store.put(key, str(self.counter), expect=expect)
        self.commit(key, str(self.counter))

    @rule(key=st.sampled_from(KEYS))
    def delete(self, key):
        existed = key in self.states[self.store.revision]
        event = self.store.delete(key)
        assert (event is not None) == existed
        if existed:
            self.commit(key, None)

    @rule(prefix=st.sampled_from(PREFIXES), back=st.integers(0, 12))
    def watch(self, prefix, back):
        start = max(self.store.revision - back, self.store.compacted, 1)
        log = Log()
        self.store.watch(prefix, log.add, start_revision=start)
        self.watches.append((prefix, start, log))

    @precondition(lambda self: self.store.revision > self.store.compacted)
    @rule(back=st.integers(0, 6))
    def compact(self, back):
        revision = self.store.revision - back
        if revision > self.store.compacted:
            self.store.compact(revision)

    @rule()
    def fork(self):
        """A copied store goes on by itself; the machine goes on with a pickled one (sinks travel along)."""
        twin = copy.deepcopy(self.store)
        twin.put("/registry/pods/a/x", "elsewhere")
        self.store, self.watches = pickle.loads(pickle.dumps((self.store, self.watches)))

    @invariant()
    def reads_agree(self):
        store = self.store
        for revision in range(max(store.compacted, 1), store.revision + 1):
            state = self.states[revision]
            for prefix in PREFIXES:
                expected = {key: value for key, value in sorted(state.items()) if key.startswith(prefix)}
                found = store.range(prefix, revision=revision)
                assert [(kv.key, (kv.value, kv.mod_revision)) for kv in found] == list(expected.items())

    @invariant()
    def watches_agree(self):
        for prefix, start, log in self.watches:
            expected = [(r, kind, key) for r, kind, key in self.history if r >= start and key.startswith(prefix)]
            assert [(e.kv.mod_revision, e.type, e.kv.key) for e in log.events] == expected


StoreMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestStoreMachine = StoreMachine.TestCase
