"""Job: runs Pods until enough have succeeded (pkg/controller/job/job_controller.go)."""

from __future__ import annotations

from k8slab.api.batch_v1 import Job
from k8slab.api.core_v1 import (
    EnvVar,
    EnvVarSource,
    ObjectFieldSelector,
    Pod,
    PodTemplateSpec,
)
from k8slab.api.ownership import controller_of, controller_reference
from k8slab.client import Request, Result
from k8slab.controllers import pods as podlib
from k8slab.controllers.controller import Controller
from k8slab.controllers.expectations import Expectations
from k8slab.controllers.job import indexes
from k8slab.controllers.job.failures import Backoff
from k8slab.controllers.job.sync import FINALIZER, Sync
from k8slab.controllers.ownership import Claims, add_owner_indexes, candidates, resolve
from k8slab.controllers.replicaset.ranking import ranked
from k8slab.controllers.selectors import PodMatcher
from k8slab.errors import ApiError
from k8slab.sim.clock import SECOND

BATCH_PERIOD = 1 * SECOND
"""Changes of Pods are looked at together, to write the status less often."""
MAX_PODS_PER_SYNC = 500
MANAGED_BY = "kubernetes.io/job-controller"
INDEX_ENV = "JOB_COMPLETION_INDEX"


class JobController(Controller):
    """Starts, counts and removes the Pods of Jobs."""

    name = "job-controller"
    about = "runs the Pods of Jobs, tries failed ones again with back-off, and counts each exactly once"
    first_retry = 1_000_000

    def setup(self) -> None:
        """Watch Jobs and Pods."""
        self.expectations = Expectations(self.clock)
        self.backoffs: dict[Request, Backoff] = {}
        self.pod_control = podlib.PodControl(self.client, self.recorder)
        self.jobs = self.informer("jobs")
        self.jobs.add_handler(self.enqueue, self._job_updated, self._job_deleted)
        self.pods = self.informer("pods")
        add_owner_indexes(self.pods)
        self.pods.add_handler(self._pod_added, self._pod_updated, self._pod_deleted)

    def reset(self) -> None:
        """Back-offs are in memory only."""
        self.expectations.clear()
        self.backoffs.clear()

    # --- what happened

    def _job_updated(self, old: Job, new: Job) -> None:
        if old.metadata.generation == new.metadata.generation:
            self._enqueue_batched(new)
        else:
            self.enqueue(new)

    def _job_deleted(self, job: Job) -> None:
        self.enqueue(job)
        for pod in candidates(self.pods, job):
            if FINALIZER in (pod.metadata.finalizers or ()):
                self.queue.add(Request(pod.metadata.namespace, job.metadata.name))

    def _enqueue_batched(self, job: Job) -> None:
        self.queue.add_after(Request(job.metadata.namespace, job.metadata.name), BATCH_PERIOD)

    def _pod_added(self, pod: Pod) -> None:
        job = self._resolve(pod)
        if job is not None:
            self.expectations.created(Request(job.metadata.namespace, job.metadata.name))
            self._enqueue_batched(job)
        elif controller_of(pod) is None:
            for candidate in self.jobs.list(pod.metadata.namespace):
                if PodMatcher(candidate.spec.selector).matches(pod):
                    self._enqueue_batched(candidate)

    def _pod_updated(self, old: Pod, new: Pod) -> None:
        job = self._resolve(new)
        if job is not None:
            if new.metadata.deletionTimestamp is not None:
                self.expectations.deleted(Request(job.metadata.namespace, job.metadata.name), new.metadata.uid)
            self._enqueue_batched(job)
        elif FINALIZER in (new.metadata.finalizers or ()):
            self._release_orphan(new)

    def _pod_deleted(self, pod: Pod) -> None:
        job = self._resolve(pod)
        if job is not None:
            self.expectations.deleted(Request(job.metadata.namespace, job.metadata.name), pod.metadata.uid)
            self._enqueue_batched(job)

    def _release_orphan(self, pod: Pod) -> None:
        reference = controller_of(pod)
        if reference is None or reference.kind == "Job":
            # Its Job is gone: nobody will count it, and it must not be held.
            self.queue.add(Request(pod.metadata.namespace, reference.name if reference else f"?{pod.metadata.name}"))

    def _resolve(self, pod: Pod) -> Job | None:
        return resolve(self.jobs, "Job", pod)

    # --- what to do

    def reconcile(self, request: Request) -> Result | None:
        """One pass, or, for a Job that is gone, the release of its Pods."""
        job = self.jobs.get(request.namespace, request.name)
        if job is None:
            self._forget(request)
            return None
        if (job.spec.managedBy or MANAGED_BY) != MANAGED_BY or is_finished(job):
            self.backoffs.pop(request, None)
            return None
        claims = Claims(self.client, job, "pods", "jobs", PodMatcher(job.spec.selector).matches)
        pods = claims.claim(candidates(self.pods, job))
        backoff = self.backoffs.setdefault(request, Backoff())
        return Sync(self, request, job, pods, backoff).run()

    def _forget(self, request: Request) -> None:
        self.expectations.forget(request)
        self.backoffs.pop(request, None)
        for pod in self.pods.list(request.namespace):
            reference = controller_of(pod)
            mine = request.name in ((reference.name if reference else ""), f"?{pod.metadata.name}")
            if mine and FINALIZER in (pod.metadata.finalizers or ()) and self._resolve(pod) is None:
                self.say(f"the Job of {pod.metadata.name} is gone: releasing the Pod")
                self.release(pod)

    def rank(self, pods: list[Pod]) -> list[Pod]:
        """Those to delete first come first."""
        return ranked(pods, {}, len(pods), self.clock.unix_us)

    def create_pods(
        self, request: Request, job: Job, count: int, chosen: list[int] | None, delayed: dict[int, Pod]
    ) -> tuple[int, ApiError | None]:
        """Create Pods, of the chosen indexes if there are; how many were made, and what went wrong."""
        count = min(count, MAX_PODS_PER_SYNC)
        self.expectations.expect(request, creations=count)
        made = 0
        for number in range(count):
            index = chosen[number] if chosen is not None else None
            try:
                self._create_pod(job, index, delayed)
            except ApiError as error:
                self.expectations.created(request, count - number)
                return made, None if podlib.namespace_terminating(error) else error
            made += 1
        self.loop.discount += count - max(1, count.bit_length())
        return made, None

    def _create_pod(self, job: Job, index: int | None, delayed: dict[int, Pod]) -> None:
        template = job.spec.template
        described = template.metadata
        finalizers = (*((described.finalizers if described else None) or ()), FINALIZER)
        reference = controller_reference(job)
        if index is None:
            self.pod_control.create(job, template, reference, finalizers=finalizers)
            return
        annotations = {**((described.annotations if described else None) or {}), indexes.ANNOTATION: str(index)}
        if job.spec.backoffLimitPerIndex is not None:
            before = delayed.get(index)
            failures = indexes.failures_of(before) + 1 if before is not None else 0
            annotations[indexes.FAILURES_ANNOTATION] = str(failures)
        labels = {**((described.labels if described else None) or {}), indexes.ANNOTATION: str(index)}
        spec = _with_index(template, job.metadata.name, index)
        self.pod_control.create(
            job,
            template,
            reference,
            prefix=f"{job.metadata.name}-{index}-",
            finalizers=finalizers,
            annotations=annotations,
            labels=labels,
            spec=spec,
        )

    def delete_pods(self, request: Request, job: Job, pods: list[Pod]) -> tuple[list[Pod], ApiError | None]:
        """Delete Pods after taking off their finalizer; which are gone, and what went wrong."""
        pods = pods[:MAX_PODS_PER_SYNC]
        self.expectations.expect(request, deletions=tuple(pod.metadata.uid for pod in pods))
        removed, failure = [], None
        for pod in pods:
            try:
                self.release(pod)
                self.pod_control.delete(job, pod)
                removed.append(pod)
            except ApiError as error:
                self.expectations.deleted(request, pod.metadata.uid)
                if error.code != 404:
                    failure = failure or error
        self.loop.discount += max(0, len(pods) - 1) * 2
        return removed, failure

    def release(self, pod: Pod) -> None:
        """Take off the tracking finalizer."""
        kept = [name for name in pod.metadata.finalizers or () if name != FINALIZER]
        if len(kept) == len(pod.metadata.finalizers or ()):
            return
        patch = {"metadata": {"uid": pod.metadata.uid, "finalizers": kept or None}}
        try:
            self.client.patch("pods", pod.metadata.name, patch, pod.metadata.namespace)
        except ApiError as error:
            if error.code != 404:
                raise


def is_finished(job: Job) -> bool:
    """Complete or Failed."""
    found = (job.status.conditions or ()) if job.status is not None else ()
    return any(c.type in ("Complete", "Failed") and c.status == "True" for c in found)


def _with_index(template: PodTemplateSpec, name: str, index: int) -> object:
    path = f"metadata.annotations['{indexes.ANNOTATION}']"
    variable = EnvVar(
        name=INDEX_ENV, valueFrom=EnvVarSource(fieldRef=ObjectFieldSelector(apiVersion="v1", fieldPath=path))
    )
    spec = template.spec
    containers = tuple(c.replace(env=_env(c.env, variable)) for c in spec.containers)
    starters = tuple(c.replace(env=_env(c.env, variable)) for c in spec.initContainers or ())
    return spec.replace(hostname=f"{name}-{index}", containers=containers, initContainers=starters or None)


def _env(known: tuple[EnvVar, ...] | None, variable: EnvVar) -> tuple[EnvVar, ...]:
    if any(entry.name == variable.name for entry in known or ()):
        return known
    return (*(known or ()), variable)
