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
        self.crons.add_handler(self.enqueue, self.enqueue_new, self.enqueue)
        self.jobs = self.informer("jobs")
        self.jobs.add_index(OWNER_INDEX, owner_uid)
        self.jobs.add_handler(self._job_changed, self._job_updated, self._job_changed)

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
        """As syncCronJob."""
        self._note_finished()
        self._note_missing()
        result = self._start_if_due()
        self._write()
        self._clean_up()
        return result

    # --- what runs

    def _note_finished(self) -> None:
        uids = {reference.uid for reference in self.active}
        for job in self.jobs:
            name = job.metadata.name
            if job.metadata.uid in uids and is_finished(job):
                self._forget(job.metadata.uid)
                condition = next(c for c in job.status.conditions if c.type in ("Complete", "Failed"))
                text = f"Saw completed job: {name}, condition: {condition.type}"
                self.recorder.event(self.cron, "Normal", "SawCompletedJob", text)
                done = job.status.completionTime or ""
                if condition.type == "Complete" and done > (self.status.lastSuccessfulTime or ""):
                    self.status = self.status.replace(lastSuccessfulTime=done)
            elif job.metadata.uid not in uids and not is_finished(job):
                text = f"Saw a job that the controller did not create or forgot: {name}"
                self.recorder.event(self.cron, "Warning", "UnexpectedJob", text)

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
        if self.cron.metadata.deletionTimestamp is not None or self.cron.spec.suspend:
            return None
        schedule = self._schedule()
        if schedule is None:
            return None
        due = self._due(schedule)
        if due is not None:
            self._start(due)
        upcoming = schedule.next(self.now // SECOND)
        return Result(requeue_after=upcoming * SECOND - self.now + DELAY) if upcoming is not None else None

    def _schedule(self) -> Schedule | None:
        spec = self.cron.spec
        try:
            return Schedule(spec.schedule, spec.timeZone)
        except (ZoneInfoNotFoundError, IsADirectoryError):
            text = f'invalid timeZone: "{spec.timeZone}": unknown time zone {spec.timeZone}'
            self.recorder.event(self.cron, "Warning", "UnknownTimeZone", text)
        except ValueError as error:
            text = f'unparseable schedule: "{spec.schedule}" : {error}'
            self.recorder.event(self.cron, "Warning", "UnparseableSchedule", text)
        return None

    def _due(self, schedule: Schedule) -> int | None:
        """The latest time that has come and was not served; Unix seconds."""
        earliest = parse_rfc3339(self.status.lastScheduleTime or self.cron.metadata.creationTimestamp) // SECOND
        now, deadline = self.now // SECOND, self.cron.spec.startingDeadlineSeconds
        if deadline is not None:
            earliest = max(earliest, now - deadline)
        due, missed, found = None, 0, schedule.next(earliest)
        while found is not None and found <= now:
            due, missed = found, missed + 1
            found = schedule.next(found)
        if missed > TOO_MANY:
            self.recorder.event(self.cron, "Warning", "TooManyMissedTimes", MANY_MISSED)
        return due

    def _start(self, due: int) -> None:
        spec = self.cron.spec
        if spec.startingDeadlineSeconds is not None and due + spec.startingDeadlineSeconds < self.now // SECOND:
            moment = datetime.fromtimestamp(due, UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
            self.recorder.event(self.cron, "Warning", "MissSchedule", f"Missed scheduled time to start a job: {moment}")
            return
        if any(reference.name == self._name(due) for reference in self.active):
            return
        if spec.concurrencyPolicy == "Forbid" and self.active:
            text = "Not starting job because prior execution is running and concurrency policy is Forbid"
            self.recorder.event(self.cron, "Normal", "JobAlreadyActive", text)
            return
        if spec.concurrencyPolicy == "Replace":
            for reference in list(self.active):
                self.controller.say(f"it is time again, and {reference.name} still runs: replacing it")
                self._delete(reference.name)
                self._forget(reference.uid)
        self._create(due)

    def _name(self, due: int) -> str:
        return f"{self.cron.metadata.name}-{due // 60}"

    def _create(self, due: int) -> None:
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
        except ApiError as error:
            if error.reason == "AlreadyExists":
                return
            if not namespace_terminating(error):
                self.recorder.event(self.cron, "Warning", "FailedCreate", f"Error creating job: {error}")
            raise
        self.recorder.event(self.cron, "Normal", "SuccessfulCreate", f"Created job {metadata.name}")
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

    def _local(self, due: int) -> str:
        zone = Schedule("@daily", self.cron.spec.timeZone).zone
        text = datetime.fromtimestamp(due, zone).isoformat()
        return text.replace("+00:00", "Z")

    def _delete(self, name: str) -> None:
        try:
            self.client.delete("jobs", name, self.cron.metadata.namespace, propagation_policy="Background")
        except ApiError as error:
            if error.code == 404:
                return
            self.recorder.event(self.cron, "Warning", "FailedDelete", f"Deleted job: {error}")
            raise
        self.recorder.event(self.cron, "Normal", "SuccessfulDelete", f"Deleted job {name}")

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
                self._delete(job.metadata.name)


def _has(job: Job, type_: str) -> bool:
    return any(c.type == type_ and c.status == "True" for c in job.status.conditions or ())


def _started(job: Job) -> tuple[str, str]:
    return (job.status.startTime or "", job.metadata.name)
