"""Deletes finished Jobs when their time is over (pkg/controller/ttlafterfinished)."""

from __future__ import annotations

from k8slab.api.batch_v1 import Job
from k8slab.client import Request, Result
from k8slab.controllers.controller import Controller
from k8slab.controllers.job.job import is_finished
from k8slab.errors import ApiError
from k8slab.sim.clock import SECOND
from k8slab.sim.timestamps import parse_rfc3339


class TTLAfterFinishedController(Controller):
    """Looks at Jobs with ttlSecondsAfterFinished."""

    name = "ttl-after-finished-controller"
    about = "deletes finished Jobs after their ttlSecondsAfterFinished"

    def setup(self) -> None:
        """Watch Jobs."""
        self.jobs = self.informer("jobs")
        self.jobs.add_handler(self._changed, self._updated)

    def _changed(self, job: Job) -> None:
        if job.spec.ttlSecondsAfterFinished is not None and is_finished(job):
            self.enqueue(job)

    def _updated(self, old: Job, new: Job) -> None:
        self._changed(new)

    def reconcile(self, request: Request) -> Result | None:
        """Delete one Job, or look again when its time is over."""
        job = self.jobs.get(request.namespace, request.name)
        if job is None or job.metadata.deletionTimestamp is not None or not is_finished(job):
            return None
        if job.spec.ttlSecondsAfterFinished is None:
            return None
        finished = next(c for c in job.status.conditions if c.type in ("Complete", "Failed") and c.status == "True")
        end = parse_rfc3339(finished.lastTransitionTime) + job.spec.ttlSecondsAfterFinished * SECOND
        if end > self.clock.unix_us:
            return Result(requeue_after=end - self.clock.unix_us)
        self.say(f"{request.name} finished more than {job.spec.ttlSecondsAfterFinished} s ago")
        try:
            self.client.delete(
                "jobs", request.name, request.namespace, propagation_policy="Foreground", uid=job.metadata.uid
            )
        except ApiError as error:
            if error.code != 404:
                raise
        return None
