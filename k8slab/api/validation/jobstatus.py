"""The status of Jobs: counters grow, an end is final and has all that belongs to it.

Follows `pkg/apis/batch/validation` (`validateJobStatus`, `ValidateJobStatusUpdate`) and, for which rules apply to which
change, `pkg/registry/batch/job/strategy.go`: what was wrong before and stays as it is may stay.
"""

from __future__ import annotations

from k8slab.api.batch_v1 import Job, JobSpec, JobStatus, UncountedTerminatedPods
from k8slab.api.validation.gostruct import quoted
from k8slab.api.validation.jobpolicies import count_indexes, intervals
from k8slab.api.validation.metadata import Errors, nonnegative, object_meta_update
from k8slab.errors import OMITTED, FieldError

NO_STATUS = JobStatus()
NO_JOB = JobSpec()
CONDITIONS = "status.conditions"


def status(new: Job, old: Job, errors: Errors) -> None:
    """A changed status of a Job."""
    object_meta_update(new.metadata, old.metadata, errors)
    change = _Change(new, old, errors)
    change.counters()
    change.completion()
    change.finish()
    change.indexes()
    change.counts()
    change.success()
    change.history()


class _Change:
    """One change of a Job's status, with what differs."""

    def __init__(self, new: Job, old: Job, errors: Errors) -> None:
        self.now, self.before = new.status or NO_STATUS, old.status or NO_STATUS
        self.spec = new.spec or NO_JOB
        self.errors = errors
        self.true = {one.type for one in self.now.conditions or () if one.status == "True"}
        self.was = {one.type for one in self.before.conditions or () if one.status == "True"}
        self.finished = bool(self.true & {"Complete", "Failed"})
        self.ended = self.finished != bool(self.was & {"Complete", "Failed"})

    def differs(self, *names: str) -> bool:
        """Whether one of the status's fields changed."""
        return any(getattr(self.now, name) != getattr(self.before, name) for name in names)

    def turned(self, *types: str) -> bool:
        """Whether one of these conditions became true, or is no longer."""
        return any((one in self.true) != (one in self.was) for one in types)

    def wrong(self, text: str, path: str = CONDITIONS, value: object = OMITTED) -> None:
        """Note an invalid value."""
        self.errors.append(FieldError("Invalid value", path, value, text))

    def counters(self) -> None:
        """Counts, and the Pods that wait to be counted."""
        for name in ("active", "succeeded", "failed", "ready", "terminating"):
            nonnegative(getattr(self.now, name), f"status.{name}", self.errors)
        waiting = self.now.uncountedTerminatedPods or UncountedTerminatedPods()
        seen: set[str] = set()
        for name in ("succeeded", "failed"):
            for index, uid in enumerate(getattr(waiting, name) or ()):
                path = f"status.uncountedTerminatedPods.{name}[{index}]"
                if not uid:
                    self.wrong("must not be empty", path, uid)
                elif uid in seen:
                    self.errors.append(FieldError.duplicate(path, uid))
                seen.add(uid)

    def completion(self) -> None:
        """When a Job was complete."""
        now, path = self.now, "status.completionTime"
        if self.turned("Complete", "Failed") and {"Complete", "Failed"} <= self.true:
            self.wrong("cannot set Complete=True and Failed=true conditions")
        if self.turned("Complete", "FailureTarget") and {"Complete", "FailureTarget"} <= self.true:
            self.wrong("cannot set Complete=True and FailureTarget=true conditions")
        if self.turned("Complete") or self.differs("completionTime"):
            if now.completionTime is not None and "Complete" not in self.true:
                text = "cannot set completionTime when there is no Complete=True condition"
                self.wrong(text, path, now.completionTime)
            if now.completionTime is None and "Complete" in self.true:
                self.errors.append(FieldError.required(path, "completionTime is required for Complete jobs"))
        early = now.startTime and now.completionTime and now.completionTime < now.startTime
        if early and self.differs("startTime", "completionTime"):
            self.wrong("completionTime cannot be set before startTime", path, now.completionTime)

    def finish(self) -> None:
        """What a finished Job has, and has no more."""
        now = self.now
        if self.turned("Failed", "FailureTarget") and "Failed" in self.true and "FailureTarget" not in self.true:
            self.wrong("cannot set Failed=True condition without the FailureTarget=true condition")
        unmet = "Complete" in self.true and "SuccessCriteriaMet" not in self.true
        if unmet and self.turned("Complete", "SuccessCriteriaMet"):
            self.wrong("cannot set Complete=True condition without the SuccessCriteriaMet=true condition")
        if not self.finished:
            return
        if (self.ended or self.differs("active")) and (now.active or 0) > 0:
            self.wrong("active>0 is invalid for finished job", "status.active", now.active)
        if (self.ended or self.differs("startTime")) and now.startTime is None:
            self.errors.append(FieldError.required("status.startTime", "startTime is required for finished job"))
        waiting = now.uncountedTerminatedPods or UncountedTerminatedPods()
        if (self.ended or self.differs("uncountedTerminatedPods")) and (waiting.succeeded or waiting.failed):
            text = "uncountedTerminatedPods needs to be empty for finished job"
            self.wrong(text, "status.uncountedTerminatedPods", quoted(waiting))

    def indexes(self) -> None:
        """The indexes that are done, and those that failed."""
        completed, failed, spec = self.now.completedIndexes or "", self.now.failedIndexes, self.spec
        changed, changed_failed = self.differs("completedIndexes"), self.differs("failedIndexes")
        if changed and spec.completions is not None:
            self._format("completedIndexes", completed)
        if changed_failed and spec.completions is not None and spec.backoffLimitPerIndex is not None:
            self._format("failedIndexes", failed or "")
        if changed and completed and spec.completionMode != "Indexed":
            text = "cannot set non-empty completedIndexes when non-indexed completion mode"
            self.wrong(text, "status.completedIndexes", completed)
        if changed_failed and failed is not None and spec.backoffLimitPerIndex is None:
            text = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
            self.wrong(text, "status.failedIndexes", failed)
        if (changed or changed_failed) and spec.completions is not None and failed:
            self._overlap(completed, failed, spec.completions)

    def _format(self, name: str, text: str) -> None:
        try:
            count_indexes(text, self.spec.completions or 0)
        except ValueError as error:
            self.wrong(f"error parsing {name}: {error}", f"status.{name}", text)

    def _overlap(self, completed: str, failed: str, completions: int) -> None:
        try:
            done, lost = intervals(completed, completions), intervals(failed, completions)
        except ValueError:
            return  # said already
        both = sorted(max(a, c) for a, b in done for c, d in lost if a <= d and c <= b)
        if both:
            text = f"failedIndexes and completedIndexes overlap at index: {both[0]}"
            self.wrong(text, "status.failedIndexes", failed)

    def counts(self) -> None:
        """Pods that still end, and Pods that are ready."""
        now = self.now
        if (self.ended or self.differs("terminating")) and self.finished and (now.terminating or 0) > 0:
            self.wrong("terminating>0 is invalid for finished job", "status.terminating", now.terminating)
        if self.differs("ready", "active") and (now.ready or 0) > (now.active or 0):
            self.wrong("cannot set more ready pods than active", "status.ready", now.ready)

    def success(self) -> None:
        """When the criteria of success are met."""
        met = "SuccessCriteriaMet" in self.true
        if met and "Failed" in self.true:
            self.wrong("cannot set SuccessCriteriaMet=True and Failed=true conditions")
        if met and "FailureTarget" in self.true:
            self.wrong("cannot set SuccessCriteriaMet=True and FailureTarget=true conditions")
        if self.spec.successPolicy is not None and not met and "Complete" in self.true:
            self.wrong("cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True")

    def history(self) -> None:
        """What may not be taken back."""
        for kind in ("Failed", "Complete", "FailureTarget"):
            if kind in self.was and kind not in self.true:
                self.wrong(f"cannot disable the terminal {kind}=True condition")
        self._grows("failed")
        if self.spec.completionMode != "Indexed" or self.spec.completions != self.spec.parallelism:
            self._grows("succeeded")
        self._times()
        if "SuccessCriteriaMet" in self.was and "SuccessCriteriaMet" not in self.true:
            self.wrong("cannot disable the SuccessCriteriaMet=True condition")
        if "Complete" in self.was and self.turned("SuccessCriteriaMet") and "SuccessCriteriaMet" in self.true:
            self.wrong("cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions")

    def _grows(self, name: str) -> None:
        count = getattr(self.now, name) or 0
        if count < (getattr(self.before, name) or 0):
            self.wrong(f"cannot decrease the {name} counter", f"status.{name}", count)

    def _times(self) -> None:
        now, before = self.now, self.before
        if now.completionTime and before.completionTime and now.completionTime != before.completionTime:
            self.wrong("completionTime cannot be mutated", "status.completionTime", now.completionTime)
        if before.startTime and now.startTime != before.startTime and not self.spec.suspend:
            text = "startTime cannot be removed for unsuspended job"
            self.errors.append(FieldError.required("status.startTime", text))
