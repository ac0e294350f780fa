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
from k8slab.controllers.job.failures import Backoff, judge
from k8slab.controllers.job.sync import BATCH_PERIOD, FINALIZER, Sync
from k8slab.controllers.ownership import Claims, add_owner_indexes, candidates, resolve
from k8slab.controllers.replicaset.ranking import removal_order
from k8slab.controllers.selectors import PodMatcher
from k8slab.errors import ApiError

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
        matches = PodMatcher(job.spec.selector).matches
        pods = Claims(self.client, job, "pods", "jobs", matches, FINALIZER).claim(candidates(self.pods, job))
        backoff = self.backoffs.setdefault(request, Backoff())
        Sync(self, request, job, pods, backoff).run()
        return None

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
        return sorted(pods, key=removal_order)

    def create_pods(
        self, request: Request, job: Job, count: int, chosen: list[int] | None, delayed: dict[int, Pod]
    ) -> tuple[int, ApiError | None]:
        """Create Pods, of the chosen indexes if there are; how many were made, and what went wrong."""
        count = min(count, MAX_PODS_PER_SYNC)
        self.expectations.expect(request, creations=count)
        made, tried, batch = 0, 0, 1
        failure: ApiError | None = None
        while tried < count and failure is None:
            # Slow start: if the first Pod is refused, the others would be as well.
            size = min(batch, count - tried)
            for number in range(tried, tried + size):
                try:
                    self._create_pod(job, chosen[number] if chosen is not None else None, delayed)
                    made += 1
                except ApiError as error:
                    made, failure = self._refused(request, error, made, failure)
            tried, batch = tried + size, batch * 2
            self.loop.discount += size - 1
        self.expectations.created(request, count - tried)
        return made, failure

    def _refused(
        self, request: Request, error: ApiError, made: int, failure: ApiError | None
    ) -> tuple[int, ApiError | None]:
        if podlib.namespace_terminating(error):
            return made + 1, failure  # no Pod can be made any more; it counts as if it had been
        self.expectations.created(request)
        return made, failure or error

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
            counts = before is None or judge(job, before)[0] != "Ignore"
            annotations |= indexes.failure_annotations(before, counts)
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
                if error.code == 404:
                    removed.append(pod)
                else:
                    failure = failure or error
        self.loop.discount += max(0, len(pods) - 1) * 2
        return removed, failure

    def stop_pods(self, job: Job, pods: list[Pod], why: str) -> tuple[list[Pod], ApiError | None]:
        """Delete the Pods of a Job that ends; their finalizers stay. Which are on their way, and what went wrong."""
        removed, failure = [], None
        if pods:
            self.say(f"{why}: deleting {len(pods)} Pods")
        for pod in pods:
            try:
                self.pod_control.delete(job, pod)
                removed.append(pod)
            except ApiError as error:
                if error.code == 404:
                    removed.append(pod)
                else:
                    failure = failure or error
        self.loop.discount += max(0, len(pods) - 1)
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
