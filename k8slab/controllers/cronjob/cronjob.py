"""CronJob: starts Jobs on time (pkg/controller/cronjob/cronjob_controllerv2.go)."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfoNotFoundError

from k8slab.api.batch_v1 import CronJob, CronJobStatus, Job
from k8slab.api.core_v1 import ObjectReference
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.ownership import controller_of, controller_reference
from k8slab.client import Request, Result
from k8slab.controllers.controller import Controller
from k8slab.controllers.cronjob.schedule import Schedule
from k8slab.controllers.job.job import is_finished
from k8slab.controllers.ownership import OWNER_INDEX, owner_uid
from k8slab.controllers.pods import namespace_terminating
from k8slab.errors import ApiError
from k8slab.sim.clock import MILLISECOND, SECOND
from k8slab.sim.timestamps import parse_rfc3339, rfc3339

DELAY = 100 * MILLISECOND
"""Past the full minute, so that the clock has certainly reached it."""
TOO_MANY = 100
SCHEDULED_ANNOTATION = "batch.kubernetes.io/cronjob-scheduled-timestamp"
MANY_MISSED = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"


class CronJobController(Controller):
    """Makes Jobs at the times of their CronJobs, and forgets old ones."""

    name = "cronjob-controller"
    about = "starts a Job at each time of a CronJob's schedule, and deletes old finished ones"

    def setup(self) -> None:
        """Watch CronJobs and their Jobs."""
        self.crons = self.informer("cronjobs")
        self.crons.add_handler(self.enqueue, self._cron_updated, self.enqueue)
        self.jobs = self.informer("jobs")
        self.jobs.add_index(OWNER_INDEX, owner_uid)
        self.jobs.add_handler(self._job_changed, self._job_updated, self._job_changed)

    def _cron_updated(self, old: CronJob, new: CronJob) -> None:
        if (old.spec.schedule, old.spec.timeZone) == (new.spec.schedule, new.spec.timeZone):
            self.enqueue(new)
            return
        # What the new schedule would have asked for in the past is not made up for.
        try:
            delay = until_next(new, Schedule(new.spec.schedule, new.spec.timeZone), self.clock.unix_us)
        except (ZoneInfoNotFoundError, IsADirectoryError, ValueError):
            text = f"unparseable schedule for cronjob: {new.spec.schedule}"
            self.recorder.event(new, "Warning", "UnParseableCronJobSchedule", text)
            return
        self.queue.add_after(Request(new.metadata.namespace, new.metadata.name), delay)

    def _job_updated(self, old: Job, new: Job) -> None:
        self._job_changed(new)

    def _job_changed(self, job: Job) -> None:
        reference = controller_of(job)
        if reference is not None and reference.kind == "CronJob":
            cron = self.crons.get(job.metadata.namespace, reference.name)
            if cron is not None and cron.metadata.uid == reference.uid:
                self.enqueue(cron)

    def reconcile(self, request: Request) -> Result | None:
        """Look after running and finished Jobs, then start one if it is time."""
        cron = self.crons.get(request.namespace, request.name)
        if cron is None:
            return None
        return Sync(self, cron, self.jobs.by_index(OWNER_INDEX, cron.metadata.uid)).run()


class Sync:
    """One pass over one CronJob. Raises ApiError."""

    def __init__(self, controller: CronJobController, cron: CronJob, jobs: list[Job]) -> None:
        self.controller = controller
        self.client = controller.client
        self.recorder = controller.recorder
        self.now = controller.clock.unix_us
        self.cron = cron
        self.jobs = jobs
        self.status = cron.status or CronJobStatus()
        self.active = list(self.status.active or ())

    def run(self) -> Result | None:
        """As sync: forget old Jobs, look after the others, start one; then report, whatever went wrong."""
        self._clean_up()
        failure: ApiError | None = None
        result: Result | None = None
        try:
            result = self._sync()
        except ApiError as error:
            failure = error
        self._write()
        if failure is not None:
            raise failure
        return result

    def _sync(self) -> Result | None:
        for job in self.jobs:
            self._look_at(job)
        self._note_missing()
        return self._start_if_due()

    # --- what runs

    def _look_at(self, job: Job) -> None:
        name, listed = job.metadata.name, any(reference.uid == job.metadata.uid for reference in self.active)
        if not is_finished(job):
            if not listed and not self._lists(job):
                text = f"Saw a job that the controller did not create or forgot: {name}"
                self.recorder.event(self.cron, "Warning", "UnexpectedJob", text)
            return
        condition = next(c for c in job.status.conditions if c.type in ("Complete", "Failed") and c.status == "True")
        if listed:
            self._forget(job.metadata.uid)
            text = f"Saw completed job: {name}, condition: {condition.type}"
            self.recorder.event(self.cron, "Normal", "SawCompletedJob", text)
        done = job.status.completionTime or ""
        if condition.type == "Complete" and done > (self.status.lastSuccessfulTime or ""):
            self.status = self.status.replace(lastSuccessfulTime=done)

    def _lists(self, job: Job) -> bool:
        """Whether the CronJob lists a Job after all, of which the cache does not know yet."""
        fresh = self.client.get("cronjobs", self.cron.metadata.name, self.cron.metadata.namespace)
        listed = tuple(fresh.status.active or ()) if fresh.status is not None else ()
        if all(reference.uid != job.metadata.uid for reference in listed):
            return False
        self.cron, self.status, self.active = fresh, fresh.status, list(listed)
        return True

    def _note_missing(self) -> None:
        known = {job.metadata.uid for job in self.jobs}
        for reference in list(self.active):
            if reference.uid not in known and self._is_gone(reference):
                self.recorder.event(self.cron, "Normal", "MissingJob", f"Active job went missing: {reference.name}")
                self._forget(reference.uid)

    def _is_gone(self, reference: ObjectReference) -> bool:
        try:
            found = self.client.get("jobs", reference.name, reference.namespace)
        except ApiError as error:
            if error.code == 404:
                return True
            raise
        return found.metadata.uid != reference.uid

    def _forget(self, uid: str) -> None:
        self.active = [reference for reference in self.active if reference.uid != uid]

    # --- what is due

    def _start_if_due(self) -> Result | None:
        if self.cron.metadata.deletionTimestamp is not None:
            return None
        schedule = self._schedule()
        if schedule is None or self.cron.spec.suspend:
            return None
        due, missed = latest(self.cron, schedule, self.now, with_deadline=True)
        if missed > TOO_MANY:
            self.recorder.event(self.cron, "Warning", "TooManyMissedTimes", MANY_MISSED)
        if due is not None and not self._start(due):
            return None
        return Result(requeue_after=until_next(self.cron.replace(status=self.status), schedule, self.now))

    def _schedule(self) -> Schedule | None:
        spec = self.cron.spec
        try:
            return Schedule(spec.schedule, spec.timeZone)
        except (ZoneInfoNotFoundError, IsADirectoryError):
            text = f'invalid timeZone: "{spec.timeZone}": unknown time zone {spec.timeZone}'
            self.recorder.event(self.cron, "Warning", "UnknownTimeZone", text)
        except ValueError as error:
            if not spec.suspend:
                text = f'unparseable schedule: "{spec.schedule}" : {error}'
                self.recorder.event(self.cron, "Warning", "UnparseableSchedule", text)
        return None

    def _start(self, due: int) -> bool:
        """Start the Job of that time, unless something speaks against it; False if someone else has made it."""
        spec = self.cron.spec
        if spec.startingDeadlineSeconds is not None and (due + spec.startingDeadlineSeconds) * SECOND < self.now:
            moment = datetime.fromtimestamp(due, UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
            self.recorder.event(self.cron, "Warning", "MissSchedule", f"Missed scheduled time to start a job: {moment}")
            return True
        served = self.status.lastScheduleTime == rfc3339(due * SECOND)
        if served or any(reference.name == self._name(due) for reference in self.active):
            return True
        if spec.concurrencyPolicy == "Forbid" and self.active:
            text = "Not starting job because prior execution is running and concurrency policy is Forbid"
            self.recorder.event(self.cron, "Normal", "JobAlreadyActive", text)
            return True
        if spec.concurrencyPolicy == "Replace":
            self._replace()
        return self._create(due)

    def _replace(self) -> None:
        for reference in list(self.active):
            try:
                job = self.client.get("jobs", reference.name, reference.namespace)
            except ApiError as error:
                self.recorder.event(self.cron, "Warning", "FailedGet", f"Get job: {error}")
                raise
            self.controller.say(f"it is time again, and {reference.name} still runs: replacing it")
            failure = self._delete(job)
            if failure is not None:
                raise failure

    def _name(self, due: int) -> str:
        return f"{self.cron.metadata.name}-{due // 60}"

    def _create(self, due: int) -> bool:
        template, stamp = self.cron.spec.jobTemplate, rfc3339(due * SECOND)
        described = template.metadata or ObjectMeta()
        metadata = ObjectMeta(
            name=self._name(due),
            namespace=self.cron.metadata.namespace,
            labels=described.labels,
            annotations={**(described.annotations or {}), SCHEDULED_ANNOTATION: self._local(due)},
            ownerReferences=(controller_reference(self.cron),),
        )
        self.controller.say(f"it is {stamp}: starting {metadata.name}")
        try:
            job = self.client.create(Job(metadata=metadata, spec=template.spec))
            self.recorder.event(self.cron, "Normal", "SuccessfulCreate", f"Created job {metadata.name}")
        except ApiError as error:
            if error.reason != "AlreadyExists":
                if not namespace_terminating(error):
                    self.recorder.event(self.cron, "Warning", "FailedCreate", f"Error creating job: {error}")
                raise
            job = self.client.get("jobs", metadata.name, metadata.namespace)
            owner = controller_of(job)
            if owner is None or owner.uid != self.cron.metadata.uid:
                return False
        self.active.append(
            ObjectReference(
                apiVersion="batch/v1",
                kind="Job",
                name=job.metadata.name,
                namespace=job.metadata.namespace,
                uid=job.metadata.uid,
                resourceVersion=job.metadata.resourceVersion,
            )
        )
        self.status = self.status.replace(lastScheduleTime=stamp)
        return True

    def _local(self, due: int) -> str:
        zone = Schedule("@daily", self.cron.spec.timeZone).zone
        text = datetime.fromtimestamp(due, zone).isoformat()
        return text.replace("+00:00", "Z")

    def _delete(self, job: Job) -> ApiError | None:
        """Delete a Job with its Pods, and do not list it any more; what went wrong."""
        name = job.metadata.name
        try:
            self.client.delete("jobs", name, job.metadata.namespace, propagation_policy="Background")
        except ApiError as error:
            self.recorder.event(self.cron, "Warning", "FailedDelete", f"Deleted job: {error}")
            return error
        self._forget(job.metadata.uid)
        self.recorder.event(self.cron, "Normal", "SuccessfulDelete", f"Deleted job {name}")
        return None

    # --- what is left

    def _write(self) -> None:
        status = self.status.replace(active=tuple(self.active) or None)
        if status != (self.cron.status or CronJobStatus()):
            self.controller.say(f"{len(self.active)} Jobs run")
            self.cron = self.client.update_status(self.cron.replace(status=status))

    def _clean_up(self) -> None:
        spec = self.cron.spec
        for type_, limit in (("Complete", spec.successfulJobsHistoryLimit), ("Failed", spec.failedJobsHistoryLimit)):
            if limit is None:
                continue
            ended = [job for job in self.jobs if is_finished(job) and _has(job, type_)]
            ended.sort(key=_started)
            for job in ended[: max(0, len(ended) - limit)]:
                self.controller.say(f"{len(ended)} Jobs have ended as {type_}, {limit} are kept")
                self._delete(job)


def _has(job: Job, type_: str) -> bool:
    return any(c.type == type_ and c.status == "True" for c in job.status.conditions or ())


def _started(job: Job) -> tuple[bool, str, str]:
    return (job.status.startTime is None, job.status.startTime or "", job.metadata.name)


def latest(cron: CronJob, schedule: Schedule, now: int, with_deadline: bool) -> tuple[int | None, int]:
    """The latest time that has come since the last one that was served, in Unix seconds, and how many have come.

    `now` is Unix time in microseconds. With the deadline, what is older than that does not count.
    """
    served = cron.status.lastScheduleTime if cron.status is not None else None
    earliest = parse_rfc3339(served or cron.metadata.creationTimestamp)
    deadline = cron.spec.startingDeadlineSeconds
    if with_deadline and deadline is not None:
        earliest = max(earliest, now - deadline * SECOND)
    due, missed, found = None, 0, schedule.next(earliest // SECOND)
    while found is not None and found * SECOND <= now:
        due, missed = found, missed + 1
        found = schedule.next(found)
    return due, missed


def until_next(cron: CronJob, schedule: Schedule, now: int) -> int:
    """Microseconds until the CronJob is to be looked at again; 0 if its schedule never comes."""
    due, _ = latest(cron, schedule, now, with_deadline=False)
    upcoming = schedule.next(due if due is not None else now // SECOND)
    return max(0, upcoming * SECOND - now + DELAY) if upcoming is not None else 0
