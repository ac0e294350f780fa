"""One pass over a Job and its Pods (syncJob of pkg/controller/job/job_controller.go)."""

from __future__ import annotations

from itertools import islice
from typing import Any

from k8slab.api.batch_v1 import Job, JobCondition, JobStatus, UncountedTerminatedPods
from k8slab.api.core_v1 import Pod
from k8slab.client import Request
from k8slab.controllers import conditions
from k8slab.controllers import pods as podlib
from k8slab.controllers.job import indexes
from k8slab.controllers.job.failures import Backoff, finished_at, judge, remaining
from k8slab.errors import ApiError
from k8slab.sim.clock import SECOND
from k8slab.sim.timestamps import parse_rfc3339

FINALIZER = "batch.kubernetes.io/job-tracking"
MAX_UNCOUNTED = 500
NO_LIMIT = 2**31 - 1
BATCH_PERIOD = 1 * SECOND
"""Changes of Pods are looked at together, to write the status less often."""
BACKOFF_EXCEEDED = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
TOO_LONG = ("DeadlineExceeded", "Job was active longer than specified deadline")
TOO_MANY_FAILED = ("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes")
SOME_FAILED = ("FailedIndexes", "Job has failed indexes")
REACHED = ("CompletionsReached", "Reached expected number of succeeded pods")


class Sync:
    """Works out what a Job needs; `run` does it. Raises ApiError."""

    def __init__(self, controller: Any, request: Request, job: Job, pods: list[Pod], backoff: Backoff) -> None:
        self.controller = controller
        self.client = controller.client
        self.now = controller.clock.unix_us
        self.stamp = controller.clock.rfc3339()
        self.request = request
        self.job = job
        self.pods = pods
        self.backoff = backoff
        self.status: JobStatus = job.status or JobStatus()
        uncounted = self.status.uncountedTerminatedPods or UncountedTerminatedPods()
        self.uncounted_succeeded = list(uncounted.succeeded or ())
        self.uncounted_failed = list(uncounted.failed or ())
        self.indexed = job.spec.completionMode == "Indexed"
        self.per_index = job.spec.backoffLimitPerIndex is not None
        self.active = [pod for pod in pods if podlib.is_active(pod)]
        self.terminating = sum(podlib.is_terminating(pod) for pod in pods)
        self.finish: JobCondition | None = None
        self.satisfied = controller.expectations.satisfied(request)
        self._count()

    # --- counting

    def _count(self) -> None:
        fresh = [pod for pod in self.pods if self._is_tracked(pod)]
        self.new_succeeded = [pod for pod in fresh if podlib.phase(pod) == "Succeeded"]
        self.new_failed = [pod for pod in fresh if self._is_failed(pod)]
        self.succeeded = (self.status.succeeded or 0) + len(self.new_succeeded) + len(self.uncounted_succeeded)
        counted = [pod for pod in self.new_failed if judge(self.job, pod)[0] != "Ignore"]
        self.failed = (self.status.failed or 0) + len(counted) + len(self.uncounted_failed)
        self.succeeded_indexes: set[int] = set()
        self.failed_indexes: set[int] = set()
        self.delayed: dict[int, Pod] = {}
        if self.indexed:
            self._count_indexes()

    def _is_tracked(self, pod: Pod) -> bool:
        known = pod.metadata.uid in self.uncounted_succeeded or pod.metadata.uid in self.uncounted_failed
        return FINALIZER in (pod.metadata.finalizers or ()) and not known and self._has_place(pod)

    def _has_place(self, pod: Pod) -> bool:
        return not self.indexed or 0 <= indexes.index_of(pod) < (self.job.spec.completions or 0)

    def _is_failed(self, pod: Pod) -> bool:
        if podlib.phase(pod) == "Failed":
            return True
        deleted = pod.metadata.deletionTimestamp is not None and podlib.phase(pod) != "Succeeded"
        return deleted and not self._replaces_only_failed()

    def _replaces_only_failed(self) -> bool:
        return self.job.spec.podReplacementPolicy == "Failed"

    def _count_indexes(self) -> None:
        limit = self.job.spec.completions or 0
        kept = {index for index in indexes.parse(self.status.completedIndexes) if index < limit}
        new = {indexes.index_of(pod) for pod in self.pods if podlib.phase(pod) == "Succeeded"}
        self.succeeded_indexes = kept | {index for index in new if 0 <= index < limit}
        self.succeeded = len(self.succeeded_indexes)
        if self.per_index:
            self._count_failed_indexes(limit)

    def _count_failed_indexes(self, limit: int) -> None:
        self.failed_indexes = {index for index in indexes.parse(self.status.failedIndexes) if index < limit}
        running = {indexes.index_of(pod) for pod in self.active}
        for pod in self.new_failed:
            index = indexes.index_of(pod)
            if not 0 <= index < limit or index in self.succeeded_indexes:
                continue
            action, _ = judge(self.job, pod)
            failures = indexes.failures_of(pod) + (action != "Ignore")
            if action == "FailIndex" or failures > self.job.spec.backoffLimitPerIndex:
                self.failed_indexes.add(index)
            elif index not in running:
                # Kept until its successor exists, which must know how often the index has failed.
                known = self.delayed.get(index)
                if known is None or indexes.attempts_of(known) <= indexes.attempts_of(pod):
                    self.delayed[index] = pod
        self.delayed = {index: pod for index, pod in self.delayed.items() if index not in self.failed_indexes}

    # --- the pass

    def run(self) -> None:
        """Start or stop Pods, then count the finished ones and report."""
        backoff = Backoff(self.backoff.failures, self.backoff.last)
        backoff.note(self.new_succeeded, self.new_failed)
        if self.status.startTime is None and not self.job.spec.suspend:
            self.status = self.status.replace(startTime=self.stamp)
        self._check_end()
        if self.finish is not None:
            active, failure = self._stop_all()
        else:
            active, failure = self._go_on(backoff)
        ready = sum(podlib.is_ready(pod) for pod in self.active)
        self.status = self.status.replace(active=active or None, ready=ready, terminating=self.terminating)
        self._track()
        self.backoff.failures, self.backoff.last = backoff.failures, backoff.last
        if failure is not None:
            raise failure

    def _go_on(self, backoff: Backoff) -> tuple[int, ApiError | None]:
        """Start or stop Pods of a Job that runs, unless earlier ones are still to be seen; how many are active."""
        active, failure = len(self.active), None
        managed = self.satisfied and self.job.metadata.deletionTimestamp is None
        if managed:
            active, failure = self._manage(backoff)
        if self._is_complete(active):
            self.finish = self._condition("SuccessCriteriaMet", *REACHED)
        elif managed:
            self._note_suspension()
        return active, failure

    def _check_end(self) -> None:
        begun = self._true_condition("SuccessCriteriaMet") or self._true_condition("FailureTarget")
        message = self._failed_by_policy() if begun is None else ""
        limit, left = self.job.spec.backoffLimit, self._time_left()
        failed_too_often = self.failed > (limit if limit is not None else NO_LIMIT) or self._restarts_exceeded()
        if begun is not None:
            self.finish = begun
        elif message:
            self._fail("PodFailurePolicy", message)
        elif failed_too_often:
            self._fail(*BACKOFF_EXCEEDED)
        elif left is not None and left <= 0:
            self._fail(*TOO_LONG)
        elif left is not None:
            self.controller.queue.add_after(self.request, left)
        if self.finish is None and self.indexed and self.per_index:
            self._check_failed_indexes()
        if self.finish is None and self.indexed and self.job.spec.successPolicy is not None:
            self._check_success_policy()

    def _true_condition(self, type_: str) -> JobCondition | None:
        found = conditions.find(self.status.conditions, type_)
        return found if found is not None and found.status == "True" else None

    def _check_failed_indexes(self) -> None:
        spec = self.job.spec
        if spec.maxFailedIndexes is not None and len(self.failed_indexes) > spec.maxFailedIndexes:
            self._fail(*TOO_MANY_FAILED)
        elif self.failed_indexes and len(self.failed_indexes) + self.succeeded >= (spec.completions or 0):
            self._fail(*SOME_FAILED)

    def _check_success_policy(self) -> None:
        for number, rule in enumerate(self.job.spec.successPolicy.rules or ()):
            wanted = indexes.parse(rule.succeededIndexes) if rule.succeededIndexes else self.succeeded_indexes
            reached = self.succeeded_indexes & wanted
            needed = rule.succeededCount if rule.succeededCount is not None else len(wanted)
            if len(reached) >= needed and (rule.succeededCount is not None or reached == wanted):
                self.finish = self._condition("SuccessCriteriaMet", "SuccessPolicy", f"Matched rules at index {number}")
                return

    def _failed_by_policy(self) -> str:
        for pod in self.pods:
            action, message = judge(self.job, pod) if self._is_failed(pod) else ("", "")
            if action == "FailJob":
                return message
        return ""

    def _restarts_exceeded(self) -> bool:
        if self.job.spec.template.spec.restartPolicy != "OnFailure":
            return False
        restarts = sum(
            status.restartCount or 0
            for pod in self.pods
            if podlib.phase(pod) in ("Running", "Pending")
            for status in (*(pod.status.containerStatuses or ()), *(pod.status.initContainerStatuses or ()))
        )
        limit = self.job.spec.backoffLimit if self.job.spec.backoffLimit is not None else NO_LIMIT
        return restarts > 0 if limit == 0 else restarts >= limit

    def _time_left(self) -> int | None:
        limit = self.job.spec.activeDeadlineSeconds
        if limit is None or self.job.spec.suspend or self.status.startTime is None:
            return None
        return parse_rfc3339(self.status.startTime) + limit * SECOND - self.now

    def _fail(self, reason: str, message: str) -> None:
        self.finish = self._condition("FailureTarget", reason, message)

    def _condition(self, type_: str, reason: str, message: str, status: str = "True") -> JobCondition:
        return JobCondition(
            type=type_,
            status=status,
            reason=reason,
            message=message,
            lastProbeTime=self.stamp,
            lastTransitionTime=self.stamp,
        )

    def _look_again(self, delay: int) -> None:
        self.controller.queue.add_after(self.request, max(delay, BATCH_PERIOD))

    # --- Pods

    def _manage(self, backoff: Backoff) -> tuple[int, ApiError | None]:
        """How many Pods are active afterwards, and what went wrong."""
        active = len(self.active)
        if self.job.spec.suspend:
            return self._remove(self.active, "the Job is suspended")
        wanted = self._wanted_active()
        superfluous = self._superfluous(wanted)
        if superfluous:
            return self._remove(superfluous, f"{wanted} Pods are wanted at a time, {active} run")
        missing = wanted - active - (self.terminating if self._replaces_only_failed() else 0)
        if missing <= 0:
            return active, None
        wait = 0 if self.per_index else backoff.remaining(self.now)
        if wait > 0:
            self._look_again(wait)
            return 0, None  # v1.36.2 says so even if others run, which the API server then refuses
        return self._create(missing)

    def _wanted_active(self) -> int:
        spec = self.job.spec
        parallelism = spec.parallelism if spec.parallelism is not None else 1
        if spec.completions is None:
            return len(self.active) if self.succeeded > 0 else parallelism
        return max(0, min(parallelism, spec.completions - self.succeeded))

    def _superfluous(self, wanted: int) -> list[Pod]:
        doomed: list[Pod] = []
        rest = self.active
        if self.indexed:
            doomed, rest = self._out_of_place()
        excess = len(self.active) - wanted - len(doomed)
        return doomed + self.controller.rank(rest)[:excess] if excess > 0 else doomed

    def _out_of_place(self) -> tuple[list[Pod], list[Pod]]:
        """Pods without a valid index, and all but one of each index; and those that may stay, by index."""
        by_index: dict[int, list[Pod]] = {}
        doomed: list[Pod] = []
        for pod in sorted(self.active, key=indexes.index_of):
            if self._has_place(pod):
                by_index.setdefault(indexes.index_of(pod), []).append(pod)
            else:
                doomed.append(pod)
        rest = []
        for pods in by_index.values():
            *repeated, last = self.controller.rank(pods)
            doomed += repeated
            rest.append(last)
        return doomed, rest

    def _create(self, missing: int) -> tuple[int, ApiError | None]:
        active, chosen = len(self.active), None
        if self.indexed:
            chosen = self._free_indexes(missing)
            if self.per_index and chosen:
                chosen, wait = self._without_waiting(chosen)
                if wait > 0:
                    self._look_again(wait)
                    return 0, None
            missing = len(chosen)
        if not missing:
            return active, None
        wanted = self.job.spec.completions
        self.controller.say(
            f"{self.succeeded} of {wanted if wanted is not None else '?'} done: starting {missing} Pods"
        )
        made, failure = self.controller.create_pods(self.request, self.job, missing, chosen, self.delayed)
        return active + made, failure

    def _free_indexes(self, count: int) -> list[int]:
        """The lowest indexes that are neither done, failed nor running."""
        taken = self.succeeded_indexes | self.failed_indexes | {indexes.index_of(pod) for pod in self.active}
        if self._replaces_only_failed():
            taken |= {indexes.index_of(pod) for pod in self.pods if podlib.is_terminating(pod)}
        free = (index for index in range(self.job.spec.completions or 0) if index not in taken)
        return list(islice(free, count))

    def _without_waiting(self, chosen: list[int]) -> tuple[list[int], int]:
        """Those whose back-off is over; if there are none, how long until the first, in microseconds."""
        waits = {index: self._index_wait(index) for index in chosen}
        now = [index for index, wait in waits.items() if not wait]
        return now, 0 if now else min(waits.values())

    def _index_wait(self, index: int) -> int:
        pod = self.delayed.get(index)
        if pod is None:
            return 0
        return remaining(indexes.attempts_of(pod) + 1, finished_at(pod), self.now)

    def _stop_all(self) -> tuple[int, ApiError | None]:
        """Delete what runs. The finalizers stay until the Pods are counted."""
        removed, failure = self.controller.stop_pods(self.job, self.active, self.finish.message)
        self._note_removed(removed)
        if self.active or not self.satisfied:
            self.finish = None  # not before all are known to go
        return len(self.active), failure

    def _remove(self, pods: list[Pod], why: str) -> tuple[int, ApiError | None]:
        if pods:
            self.controller.say(f"{why}: deleting {len(pods)} Pods")
        removed, failure = self.controller.delete_pods(self.request, self.job, pods)
        self._note_removed(removed)
        return len(self.active), failure

    def _note_removed(self, removed: list[Pod]) -> None:
        gone = {pod.metadata.uid for pod in removed}
        self.active = [pod for pod in self.active if pod.metadata.uid not in gone]
        self.terminating += len(removed)

    def _is_complete(self, active: int) -> bool:
        completions = self.job.spec.completions
        enough = self.succeeded > 0 if completions is None else self.succeeded >= completions
        return enough and active == 0

    def _note_suspension(self) -> None:
        known = conditions.find(self.status.conditions, "Suspended")
        if self.job.spec.suspend:
            self._note("True", "JobSuspended", "Job suspended", known)
        elif known is not None:
            self._note("False", "JobResumed", "Job resumed", known)

    def _note(self, status: str, reason: str, message: str, known: JobCondition | None) -> None:
        if known is not None and (known.status, known.reason, known.message) == (status, reason, message):
            return
        condition = self._condition("Suspended", reason, message, status)
        present = self.status.conditions or ()
        changed = tuple(condition if c.type == "Suspended" else c for c in present) if known else (*present, condition)
        start = None if status == "True" else self.stamp
        self.status = self.status.replace(conditions=changed, startTime=start)
        self.controller.recorder.event(self.job, "Normal", reason.removeprefix("Job"), message)

    # --- counting finished Pods exactly once

    def _track(self) -> None:
        """Note finished Pods in the status, take off their finalizer, then count them."""
        self._count_released({pod.metadata.uid for pod in self.pods if FINALIZER in (pod.metadata.finalizers or ())})
        doomed = self._note_finished()
        if self.finish is not None and conditions.find(self.status.conditions, self.finish.type) is None:
            self.status = self.status.replace(conditions=(*(self.status.conditions or ()), self.finish))
        if self.indexed:
            self._note_indexes()
        self._write()
        self._release(doomed)
        held = {pod.metadata.uid for pod in self.pods if FINALIZER in (pod.metadata.finalizers or ())}
        self._count_released(held - {pod.metadata.uid for pod in doomed})
        finished = self._conclude()
        self._write()
        if finished is not None:
            self._announce_end(finished)

    def _note_finished(self) -> list[Pod]:
        """Finished Pods, noted as not counted yet; when the Job ends or is deleted, no Pod is held any longer."""
        doomed = []
        for pod in self.pods:
            if FINALIZER in (pod.metadata.finalizers or ()) and self._may_release(pod):
                doomed.append(pod)
                self._note_one(pod)
            if len(self.uncounted_succeeded) + len(self.uncounted_failed) >= MAX_UNCOUNTED:
                self.finish = None
                break
        return doomed

    def _may_release(self, pod: Pod) -> bool:
        if self.job.metadata.deletionTimestamp is not None or self.finish is not None:
            return True
        if podlib.phase(pod) == "Succeeded":
            return True
        return self._is_failed(pod) and all(pod is not held for held in self.delayed.values())

    def _note_one(self, pod: Pod) -> None:
        uid = pod.metadata.uid
        if podlib.phase(pod) == "Succeeded" and uid not in self.uncounted_failed:
            if not self.indexed and uid not in self.uncounted_succeeded:
                self.uncounted_succeeded.append(uid)
            return
        fails = self._is_failed(pod) or (self.finish is not None and self.finish.type == "FailureTarget")
        counts = self._has_place(pod) and judge(self.job, pod)[0] != "Ignore"
        if fails and counts and uid not in self.uncounted_failed:
            self.uncounted_failed.append(uid)

    def _note_indexes(self) -> None:
        failed = indexes.show(self.failed_indexes) if self.per_index else None
        self.status = self.status.replace(
            succeeded=len(self.succeeded_indexes) or None,
            completedIndexes=indexes.show(self.succeeded_indexes) or None,
            failedIndexes=failed,
        )

    def _release(self, doomed: list[Pod]) -> None:
        for pod in doomed:
            self.controller.release(pod)

    def _count_released(self, held: set[str]) -> None:
        done = [uid for uid in self.uncounted_succeeded if uid not in held]
        lost = [uid for uid in self.uncounted_failed if uid not in held]
        self.uncounted_succeeded = [uid for uid in self.uncounted_succeeded if uid in held]
        self.uncounted_failed = [uid for uid in self.uncounted_failed if uid in held]
        if done:
            self.status = self.status.replace(succeeded=(self.status.succeeded or 0) + len(done))
        if lost:
            self.status = self.status.replace(failed=(self.status.failed or 0) + len(lost))

    def _conclude(self) -> JobCondition | None:
        """The last condition, once nothing is left to count and no Pod runs."""
        waiting = self.uncounted_succeeded or self.uncounted_failed or self.status.terminating
        if self.finish is None or waiting:
            return None
        type_ = "Complete" if self.finish.type == "SuccessCriteriaMet" else "Failed"
        condition = self._condition(type_, self.finish.reason, self.finish.message)
        completion = self.stamp if type_ == "Complete" else None
        kept = self.status.conditions or ()
        self.status = self.status.replace(conditions=(*kept, condition), completionTime=completion)
        return condition

    def _write(self) -> None:
        self.status = self.status.replace(
            uncountedTerminatedPods=UncountedTerminatedPods(
                succeeded=tuple(self.uncounted_succeeded) or None, failed=tuple(self.uncounted_failed) or None
            )
        )
        if self.status != self.job.status:
            active, done = self.status.active or 0, self.status.succeeded or 0
            self.controller.say(f"{active} Pods run, {done} succeeded, {self.status.failed or 0} failed")
            self.job = self.client.update_status(self.job.replace(status=self.status))
            self.status = self.job.status

    def _announce_end(self, condition: JobCondition) -> None:
        recorder = self.controller.recorder
        wanted = self.job.spec.completions
        if condition.type == "Complete" and wanted is not None and (self.status.succeeded or 0) > wanted:
            text = "Too many succeeded pods running after completion count reached"
            recorder.event(self.job, "Warning", "TooManySucceededPods", text)
        if condition.type == "Complete":
            recorder.event(self.job, "Normal", "Completed", "Job completed")
        else:
            recorder.event(self.job, "Warning", condition.reason, condition.message)
