"""One pass over a Job and its Pods (syncJob of pkg/controller/job/job_controller.go)."""

from __future__ import annotations

from typing import Any

from k8slab.api.batch_v1 import Job, JobCondition, JobStatus, UncountedTerminatedPods
from k8slab.api.core_v1 import Pod
from k8slab.client import Request, Result
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
        self.result: Result | None = None
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
        return FINALIZER in (pod.metadata.finalizers or ()) and not known

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
                if known is None or indexes.failures_of(known) < indexes.failures_of(pod):
                    self.delayed[index] = pod

    # --- the pass

    def run(self) -> Result | None:
        """Start or stop Pods, then count the finished ones and report."""
        backoff = Backoff(self.backoff.failures, self.backoff.last)
        backoff.note(self.new_succeeded, self.new_failed, self.now)
        if self.status.startTime is None and not self.job.spec.suspend:
            self.status = self.status.replace(startTime=self.stamp)
        self._check_end()
        active, failure, suspension = len(self.active), None, ""
        if self.finish is not None:
            active, failure = self._stop_all()
        elif self.controller.expectations.satisfied(self.request) and self.job.metadata.deletionTimestamp is None:
            active, failure = self._manage(backoff)
            suspension = self._check_completion(active)
        self.status = self.status.replace(
            active=active or None,
            ready=sum(podlib.is_ready(pod) for pod in self.active) if active else 0,
            terminating=self.terminating,
        )
        self._track(suspension)
        self.backoff.failures, self.backoff.last = backoff.failures, backoff.last
        if failure is not None:
            raise failure
        return self.result

    def _check_end(self) -> None:
        spec = self.job.spec
        begun = conditions.find(self.status.conditions, "FailureTarget")
        succeeded = conditions.find(self.status.conditions, "SuccessCriteriaMet")
        message = self._failed_by_policy()
        if begun is not None and begun.status == "True":
            self.finish = begun
        elif succeeded is not None and succeeded.status == "True":
            self.finish = succeeded
        elif message:
            self._fail("PodFailurePolicy", message)
        elif (
            self.failed > (spec.backoffLimit if spec.backoffLimit is not None else NO_LIMIT)
            or self._restarts_exceeded()
        ):
            self._fail(*BACKOFF_EXCEEDED)
        elif self._time_left() is not None and self._time_left() <= 0:
            self._fail(*TOO_LONG)
        elif self.indexed and self.per_index:
            self._check_failed_indexes()
        if self.finish is None and self.indexed and spec.successPolicy is not None:
            self._check_success_policy()
        left = self._time_left()
        if self.finish is None and left is not None:
            self._look_again(left)

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
        for pod in self.new_failed:
            action, message = judge(self.job, pod)
            if action == "FailJob" and podlib.phase(pod) == "Failed":
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
        if self.result is None or delay < self.result.requeue_after:
            self.result = Result(requeue_after=max(delay, 1))

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
            return active, None
        return self._create(missing)

    def _wanted_active(self) -> int:
        spec = self.job.spec
        parallelism = spec.parallelism if spec.parallelism is not None else 1
        if spec.completions is None:
            return len(self.active) if self.succeeded > 0 else parallelism
        return max(0, min(parallelism, spec.completions - self.succeeded - len(self.failed_indexes)))

    def _superfluous(self, wanted: int) -> list[Pod]:
        doomed: list[Pod] = []
        if self.indexed:
            seen: set[int] = set()
            for pod in sorted(self.active, key=indexes.index_of):
                index = indexes.index_of(pod)
                if index in seen or not 0 <= index < (self.job.spec.completions or 0):
                    doomed.append(pod)
                seen.add(index)
        rest = [pod for pod in self.active if pod not in doomed]
        excess = len(rest) - wanted
        if excess > 0:
            doomed += self.controller.rank(rest)[:excess]
        return doomed

    def _create(self, missing: int) -> tuple[int, ApiError | None]:
        active, chosen = len(self.active), None
        if self.indexed:
            chosen = self._free_indexes(missing)
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
        """The lowest indexes that are neither done, failed nor running, and need not wait for their back-off."""
        taken = self.succeeded_indexes | self.failed_indexes | {indexes.index_of(pod) for pod in self.active}
        if self._replaces_only_failed():
            taken |= {indexes.index_of(pod) for pod in self.pods if podlib.is_terminating(pod)}
        found: list[int] = []
        for index in range(self.job.spec.completions or 0):
            if len(found) == count:
                break
            if index in taken:
                continue
            wait = self._index_wait(index)
            if wait > 0:
                self._look_again(wait)
            else:
                found.append(index)
        return found

    def _index_wait(self, index: int) -> int:
        pod = self.delayed.get(index)
        if pod is None:
            return 0
        return remaining(indexes.failures_of(pod) + 1, finished_at(pod, self.now), self.now)

    def _stop_all(self) -> tuple[int, ApiError | None]:
        if not self.active:
            return 0, None
        return self._remove(self.active, self.finish.message)

    def _remove(self, pods: list[Pod], why: str) -> tuple[int, ApiError | None]:
        if pods:
            self.controller.say(f"{why}: deleting {len(pods)} Pods")
        removed, failure = self.controller.delete_pods(self.request, self.job, pods)
        gone = {pod.metadata.uid for pod in removed}
        self.active = [pod for pod in self.active if pod.metadata.uid not in gone]
        self.terminating += len(removed)
        return len(self.active), failure

    def _check_completion(self, active: int) -> str:
        """Whether enough has succeeded; else, as the reason, whether the Job was suspended or resumed."""
        completions = self.job.spec.completions
        done = self.succeeded > 0 and active == 0 if completions is None else self.succeeded >= completions
        if done and (completions is None or active == 0 or self.succeeded >= completions):
            self.finish = self._condition("SuccessCriteriaMet", *REACHED)
            return ""
        if self.job.spec.suspend:
            return self._note_suspension("True", "JobSuspended", "Job suspended")
        known = conditions.find(self.status.conditions, "Suspended")
        if known is None:
            return ""
        return self._note_suspension("False", "JobResumed", "Job resumed")

    def _note_suspension(self, status: str, reason: str, message: str) -> str:
        known = conditions.find(self.status.conditions, "Suspended")
        if known is not None and known.status == status:
            return ""
        condition = self._condition("Suspended", reason, message, status)
        present = self.status.conditions or ()
        changed = tuple(condition if c.type == "Suspended" else c for c in present) if known else (*present, condition)
        start = None if status == "True" else self.stamp
        self.status = self.status.replace(conditions=changed, startTime=start)
        return reason

    # --- counting finished Pods exactly once

    def _track(self, suspension: str) -> None:
        """Note finished Pods in the status, take off their finalizer, then count them."""
        doomed = self._note_finished()
        if self.finish is not None and conditions.find(self.status.conditions, self.finish.type) is None:
            self.status = self.status.replace(conditions=(*(self.status.conditions or ()), self.finish))
        if self.indexed:
            self._note_indexes()
        self._write()
        self._announce(suspension)
        self._release(doomed)
        held = {pod.metadata.uid for pod in self.pods if FINALIZER in (pod.metadata.finalizers or ())}
        held -= {pod.metadata.uid for pod in doomed}
        self._count_released(held)
        finished = self._conclude()
        self._write()
        if finished is not None:
            self._announce_end(finished)

    def _note_finished(self) -> list[Pod]:
        doomed = []
        delayed = {pod.metadata.uid for pod in self.delayed.values()}
        over = self.finish is not None
        for pod in self.pods:
            uid = pod.metadata.uid
            if FINALIZER not in (pod.metadata.finalizers or ()):
                continue
            if podlib.phase(pod) == "Succeeded" and uid not in self.uncounted_failed:
                doomed.append(pod)
                if not self.indexed and uid not in self.uncounted_succeeded:
                    self.uncounted_succeeded.append(uid)
            elif (self._is_failed(pod) or over) and (over or uid not in delayed):
                doomed.append(pod)
                ignored = judge(self.job, pod)[0] == "Ignore" and podlib.phase(pod) == "Failed"
                if uid not in self.uncounted_failed and self._counts(pod) and not ignored:
                    self.uncounted_failed.append(uid)
            if len(self.uncounted_succeeded) + len(self.uncounted_failed) >= MAX_UNCOUNTED:
                break
        return doomed

    def _counts(self, pod: Pod) -> bool:
        if not self.indexed:
            return True
        index = indexes.index_of(pod)
        return 0 <= index < (self.job.spec.completions or 0) and index not in self.succeeded_indexes

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
        waiting = self.uncounted_succeeded or self.uncounted_failed or self.status.active or self.status.terminating
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

    def _announce(self, suspension: str) -> None:
        recorder = self.controller.recorder
        if suspension == "JobSuspended":
            recorder.event(self.job, "Normal", "Suspended", "Job suspended")
        elif suspension == "JobResumed":
            recorder.event(self.job, "Normal", "Resumed", "Job resumed")

    def _announce_end(self, condition: JobCondition) -> None:
        recorder = self.controller.recorder
        if condition.type == "Complete":
            recorder.event(self.job, "Normal", "Completed", "Job completed")
        else:
            recorder.event(self.job, "Warning", condition.reason, condition.message)
