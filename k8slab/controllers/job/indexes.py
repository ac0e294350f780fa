"""Completion indexes of Indexed Jobs: as sets, and as the text in a Job's status.

Follows pkg/controller/job/indexed_job_utils.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from k8slab.api.core_v1 import Pod

ANNOTATION = "batch.kubernetes.io/job-completion-index"
FAILURES_ANNOTATION = "batch.kubernetes.io/job-index-failure-count"
IGNORED_ANNOTATION = "batch.kubernetes.io/job-index-ignored-failure-count"


def index_of(pod: Pod) -> int:
    """The Pod's index, -1 without."""
    text = (pod.metadata.annotations or {}).get(ANNOTATION, "")
    return int(text) if text.isdigit() else -1


def parse(text: str | None) -> set[int]:
    """`0-2,5` is {0, 1, 2, 5}."""
    found: set[int] = set()
    for part in (text or "").split(","):
        first, dash, last = part.partition("-")
        if first.isdigit():
            found |= set(range(int(first), int(last if dash else first) + 1))
    return found


def show(indexes: Iterable[int]) -> str:
    """{0, 1, 2, 5} is `0-2,5`; two neighbours are written `3,4`."""
    runs: list[list[int]] = []
    for index in sorted(indexes):
        if runs and index == runs[-1][-1] + 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return ",".join(_run(run) for run in runs)


def _run(run: list[int]) -> str:
    if len(run) > 2:
        return f"{run[0]}-{run[-1]}"
    return ",".join(str(index) for index in run)


def failures_of(pod: Pod) -> int:
    """How often the Pod's index had failed before."""
    return _number(pod, FAILURES_ANNOTATION)


def ignored_of(pod: Pod) -> int:
    """How often it had failed in a way that the failure policy ignores."""
    return _number(pod, IGNORED_ANNOTATION)


def attempts_of(pod: Pod) -> int:
    """How often it had been tried before, whatever counted."""
    return failures_of(pod) + ignored_of(pod)


def failure_annotations(before: Pod | None, counts: bool) -> dict[str, str]:
    """What the next Pod of an index is told about the failures so far.

    Args:
        before: the failed Pod that it replaces, or None.
        counts: whether that failure counts (it does not if the failure policy ignores it).
    """
    failures, ignored = (failures_of(before), ignored_of(before)) if before is not None else (0, 0)
    if before is not None:
        failures, ignored = failures + counts, ignored + (not counts)
    result = {FAILURES_ANNOTATION: str(failures)}
    if ignored:
        result[IGNORED_ANNOTATION] = str(ignored)
    return result


def _number(pod: Pod, annotation: str) -> int:
    text = (pod.metadata.annotations or {}).get(annotation, "0")
    return int(text) if text.isdigit() else 0
