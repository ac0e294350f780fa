"""Hidden checks, run in a process of the supervisor's own, with limits on time and memory.

Only data of the learner comes here: answers as JSON, and the journal. A check that takes too long (an absurd manifest)
is failed with that reason, and the next one gets a new process.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import time
from typing import Any

import msgspec

from k8slab.api.request import ADMIN
from k8slab.course.check import Case, Check, Verdict
from k8slab.grader.rubric import Rubric
from k8slab.sim.clock import HOUR
from k8slab.sim.journal import Entry, Journal, JournalError

#: A learner's day at the lab has a few thousand inputs; a replay of millions is an attack on the grader's time.
MAX_JOURNAL_ENTRIES = 20_000
MAX_JOURNAL_BYTES = 8 * 2**20
MEMORY = 4 * 2**30

#: Subresources which learners have no business with.
COMPONENTS_ONLY = ("status", "binding", "finalize")
#: Resources whose objects say what components saw: made by hand, they say what nobody saw.
COMPONENTS_RESOURCES = ("leases", "endpointslices", "endpoints")
MAX_TIME = 31 * 24 * HOUR
ADMIN_USER = msgspec.to_builtins(ADMIN)


def judge(rubric: Rubric, answers: dict[str, Any], journal: str | None, seconds: float = 30) -> list[dict[str, Any]]:
    """The verdict of every hidden check as plain data, with the picture of a failed one under ``picture``.

    ``seconds`` is the time for one check.
    """
    return [_judge_one(one, answers, journal, rubric.seed, seconds) for one in rubric.checks()]


def _judge_one(check: Check, answers: dict[str, Any], journal: str | None, seed: int, seconds: float) -> dict[str, Any]:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _run(check, answers, journal, seed, seconds, writer)
    os.close(writer)
    try:
        text = _read(reader, time.monotonic() + seconds)
    finally:
        os.close(reader)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    if text is None:
        return Verdict(check, False, f"it took longer than {seconds:g} s on the grader's clusters").as_dict()
    if not text:
        return Verdict(check, False, "it needed more memory or time than a grader's cluster has").as_dict()
    return json.loads(text)


def _run(check: Check, answers: dict[str, Any], journal: str | None, seed: int, seconds: float, writer: int) -> None:
    """In the fork: run the check and write the verdict. Does not return."""
    code = 1
    try:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 5, int(seconds) + 5))
        verdict = _verdict(check, answers, journal, seed)
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(json.dumps({**verdict.as_dict(), "picture": verdict.picture}).encode())
        code = 0
    finally:
        os._exit(code)


def _verdict(check: Check, answers: dict[str, Any], journal: str | None, seed: int) -> Verdict:
    try:
        case = Case(answers, seed, parse_journal(journal))
    except JournalError as error:
        return Verdict(check, False, f"what was done on the lab cannot be replayed: {error}")
    try:
        return check.run(case)
    except (MemoryError, RecursionError):
        return Verdict(check, False, "it needs more memory than a grader's cluster has")
    except Exception as error:
        # A check that trips over an answer nobody thought of is the check's fault, but must not end the batch.
        return Verdict(check, False, f"the check could not be completed on this answer ({type(error).__name__})")


def parse_journal(text: str | None) -> Journal | None:
    """A learner's journal, within bounds. Raises JournalError."""
    if text is None:
        return None
    if len(text) > MAX_JOURNAL_BYTES:
        raise JournalError(f"the journal has more than {MAX_JOURNAL_BYTES >> 20} MiB")
    journal = Journal.loads(text)
    if len(journal) > MAX_JOURNAL_ENTRIES:
        raise JournalError(f"the journal has more than {MAX_JOURNAL_ENTRIES} entries")
    for entry in journal:
        _check_entry(entry)
    return journal


def _check_entry(entry: Entry) -> None:
    """Refuse what only components do: a status written by hand is no running Pod."""
    if entry.kind == "setup" and entry.data.get("components") is not None:
        raise JournalError("the lab ran without some of its components: make it with Lab(workers=3)")
    if entry.kind == "request" and entry.data.get("subresource") in COMPONENTS_ONLY:
        raise JournalError(f"{entry.data['subresource']} was written by hand, which only components of a cluster do")
    if entry.kind == "request" and entry.data.get("resource") in COMPONENTS_RESOURCES:
        raise JournalError(f"{entry.data['resource']} were written by hand, which only components of a cluster do")
    if entry.kind == "request" and entry.data.get("resource") == "nodes" and "status" in _body(entry):
        raise JournalError("a node's status was written by hand, which only its kubelet does")
    if entry.kind == "advance" and not 0 <= _number(entry.data.get("until")) <= MAX_TIME:
        raise JournalError("more than a month of the lab's time passed")
    if entry.kind == "request" and entry.data.get("user", {}) not in ({}, ADMIN_USER):
        raise JournalError("a request was made in the name of somebody else")


def _body(entry: Entry) -> Any:
    body = entry.data.get("body")
    # A text (a patch as it was sent) is searched as it stands.
    return body if isinstance(body, (dict, str)) else ()


def _number(value: Any) -> int:
    return value if isinstance(value, int) else -1


def _read(fd: int, deadline: float) -> bytes | None:
    """All that comes until the end; None where the deadline passes first."""
    parts = bytearray()
    while True:
        ready, _, _ = select.select([fd], [], [], max(deadline - time.monotonic(), 0))
        if not ready:
            return None
        part = os.read(fd, 2**16)
        if not part:
            return bytes(parts)
        parts += part
