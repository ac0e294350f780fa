"""ReplicaSet: creates and deletes Pods until the wanted number runs (pkg/controller/replicaset/replica_set.go)."""

from __future__ import annotations

from typing import Any, ClassVar

from k8slab.api.apps_v1 import ReplicaSetCondition, ReplicaSetStatus
from k8slab.api.core_v1 import Pod
from k8slab.api.ownership import controller_of, controller_reference
from k8slab.client import Request, Result
from k8slab.controllers import pods as podlib
from k8slab.controllers.controller import Controller
from k8slab.controllers.expectations import Expectations
from k8slab.controllers.ownership import OWNER_INDEX, Claims, add_owner_indexes, candidates, owner_uid, resolve
from k8slab.controllers.replicaset import status as statuslib
from k8slab.controllers.replicaset.ranking import pods_to_delete
from k8slab.controllers.replicaset.status import Headcount
from k8slab.controllers.selectors import PodMatcher
from k8slab.controllers.tally import add_tally
from k8slab.errors import ApiError
from k8slab.sim.clock import SECOND

BURST_REPLICAS = 500


class ReplicaSetController(Controller):
    """Keeps the wanted number of Pods of each ReplicaSet."""

    name = "replicaset-controller"
    about = "creates and deletes Pods until each ReplicaSet has as many as it wants"

    resource: ClassVar[str] = "replicasets"
    kind: ClassVar[str] = "ReplicaSet"
    condition_type: ClassVar[type] = ReplicaSetCondition
    status_type: ClassVar[type] = ReplicaSetStatus
    counts_terminating: ClassVar[bool] = True

    def setup(self) -> None:
        """Watch the owners and all Pods."""
        self.expectations = Expectations(self.clock)
        self.pod_control = podlib.PodControl(self.client, self.recorder)
        self.owners = self.informer(self.resource)
        self.owners.add_index(OWNER_INDEX, owner_uid)
        self.owners.add_handler(self.enqueue, self.enqueue_new, self._owner_deleted)
        self.pods = self.informer("pods")
        add_owner_indexes(self.pods)
        self.tally = add_tally(self.pods)
        self.pods.add_handler(self._pod_added, self._pod_updated, self._pod_deleted)

    def reset(self) -> None:
        """A new process expects nothing."""
        self.expectations.clear()

    # --- what happened

    def _owner_deleted(self, owner: Any) -> None:
        self.expectations.forget(Request(owner.metadata.namespace, owner.metadata.name))
        self.enqueue(owner)

    def _pod_added(self, pod: Pod) -> None:
        if pod.metadata.deletionTimestamp is not None:
            self._pod_deleted(pod)
            return
        owner = self._resolve(pod)
        if owner is not None:
            self.expectations.created(_key(owner))
            self.enqueue(owner)
        elif controller_of(pod) is None:
            self._enqueue_matching(pod)

    def _pod_updated(self, old: Pod, new: Pod) -> None:
        if new.metadata.deletionTimestamp is not None:
            # Graceful deletion has begun: that is all the ReplicaSet waits for.
            self._pod_deleted(new)
            return
        owner = self._resolve(new)
        if old.metadata.ownerReferences != new.metadata.ownerReferences:
            former = self._resolve(old)
            if former is not None and former is not owner:
                self.enqueue(former)
        if owner is not None:
            self.enqueue(owner)
            if owner.spec.minReadySeconds and not podlib.is_ready(old) and podlib.is_ready(new):
                self.queue.add_after(_key(owner), (owner.spec.minReadySeconds + 1) * SECOND)
        elif controller_of(new) is None and (
            old.metadata.labels != new.metadata.labels or controller_of(old) is not None
        ):
            self._enqueue_matching(new)

    def _pod_deleted(self, pod: Pod) -> None:
        owner = self._resolve(pod)
        if owner is not None:
            self.expectations.deleted(_key(owner), pod.metadata.uid)
            self.enqueue(owner)

    def _resolve(self, pod: Pod) -> Any:
        return resolve(self.owners, self.kind, pod)

    def _enqueue_matching(self, pod: Pod) -> None:
        for owner in self.owners.list(pod.metadata.namespace):
            if self.matcher(owner).matches(pod):
                self.enqueue(owner)

    # --- what to do

    def matcher(self, owner: Any) -> PodMatcher:
        """The owner's selector."""
        return PodMatcher(owner.spec.selector)

    def reconcile(self, request: Request) -> Result | None:
        """Create or delete Pods, then report."""
        owner = self.owners.get(request.namespace, request.name)
        if owner is None:
            self.expectations.forget(request)
            return None
        settled = self.expectations.satisfied(request)
        active = self._walk(owner)
        count = self._count(owner, active)
        failure: ApiError | None = None
        if settled and owner.metadata.deletionTimestamp is None:
            failure = self._manage(request, owner, count.replicas, active)
        updated = self._update_status(owner, count, failure)
        if failure is not None:
            raise failure
        return self._next_check(updated, active or [])

    def _walk(self, owner: Any) -> list[Pod] | None:
        """Its active Pods where each must be looked at: one is to be adopted or released, or has to be ready for a
        while first. None where numbers will do."""
        matches = self.matcher(owner).matches
        release = any(group.active and not matches(group) for group in self.tally.of(owner.metadata.uid))
        orphans = self.tally.orphans(owner.metadata.namespace or "")
        if release or any(group.active and matches(group) for group in orphans):
            return self._claim(owner)
        return self._active(owner) if owner.spec.minReadySeconds else None

    def _count(self, owner: Any, active: list[Pod] | None) -> Headcount:
        matches = self.matcher(owner).matches
        groups = [group for group in self.tally.of(owner.metadata.uid) if matches(group)]
        terminating = sum(group.terminating for group in groups) if self.counts_terminating else None
        if active is None:
            return statuslib.count_groups(owner, groups, terminating)
        return statuslib.count_pods(owner, active, terminating, self.clock.unix_us)

    def _claim(self, owner: Any) -> list[Pod]:
        claims = Claims(self.client, owner, "pods", self.resource, self.matcher(owner).matches)
        return claims.claim(pod for pod in candidates(self.pods, owner) if podlib.is_active(pod))

    def _active(self, owner: Any) -> list[Pod]:
        """Its active Pods, once nothing is left to be adopted or released."""
        matches = self.matcher(owner).matches
        owned = self.pods.by_index(OWNER_INDEX, owner.metadata.uid)
        return [pod for pod in owned if podlib.is_active(pod) and matches(pod)]

    def _manage(self, request: Request, owner: Any, exist: int, active: list[Pod] | None) -> ApiError | None:
        missing = (owner.spec.replicas or 0) - exist
        if missing > 0:
            count = min(missing, BURST_REPLICAS)
            self.say(f"{exist} of {owner.spec.replicas} replicas exist: creating {count}")
            return self._create(request, owner, count)
        if missing < 0:
            count = min(-missing, BURST_REPLICAS)
            self.say(f"{exist} replicas exist, {owner.spec.replicas} are wanted: deleting {count}")
            return self._delete(request, owner, self._active(owner) if active is None else active, count)
        return None

    def _create(self, request: Request, owner: Any, count: int) -> ApiError | None:
        self.expectations.expect(request, creations=count)
        reference = controller_reference(owner)
        done, batch = 0, 1
        failure: ApiError | None = None
        while done < count and failure is None:
            # Slow start: if the first Pod is refused, the others would be as well.
            size = min(batch, count - done)
            for _ in range(size):
                refused = self._create_one(owner, reference)
                if refused is not None:
                    failure = failure or refused
                    self.expectations.created(request)
            done += size
            batch *= 2
            self.loop.discount += size - 1
        if failure is not None:
            self.expectations.created(request, count - done)
        return failure

    def _create_one(self, owner: Any, reference: Any) -> ApiError | None:
        try:
            self.pod_control.create(owner, owner.spec.template, reference)
        except ApiError as error:
            # In a namespace that goes away no Pod can be made; trying again would not help.
            return None if podlib.namespace_terminating(error) else error
        return None

    def _delete(self, request: Request, owner: Any, active: list[Pod], count: int) -> ApiError | None:
        chosen = pods_to_delete(active, self._related(owner), count, self.clock.unix_us)
        self.expectations.expect(request, deletions=tuple(pod.metadata.uid for pod in chosen))
        failure: ApiError | None = None
        for pod in chosen:
            try:
                self.pod_control.delete(owner, pod)
            except ApiError as error:
                self.expectations.deleted(request, pod.metadata.uid)
                if error.code != 404:
                    failure = failure or error
        self.loop.discount += len(chosen) - 1
        return failure

    def _related(self, owner: Any) -> list[Pod]:
        """All Pods of the same Deployment. For a ReplicaSet of its own it does not matter where its Pods are."""
        parent = controller_of(owner)
        siblings = self.owners.by_index(OWNER_INDEX, parent.uid) if parent is not None else []
        return [pod for sibling in siblings for pod in self.pods.by_index(OWNER_INDEX, sibling.metadata.uid)]

    # --- what to report

    def _update_status(self, owner: Any, count: Headcount, failure: ApiError | None) -> Any:
        if owner.status is None:
            owner = owner.replace(status=self.status_type())
        error = str(failure) if failure is not None else ""
        new = statuslib.calculate(owner, count, error, self.condition_type, self.clock.rfc3339())
        generation = owner.metadata.generation
        if statuslib.same(owner.status, new, generation):
            return owner
        new = new.replace(observedGeneration=generation)
        self.say(f"{new.replicas} of {owner.spec.replicas} replicas exist, {new.readyReplicas or 0} are ready")
        return self._write_status(owner.replace(status=new))

    def _write_status(self, owner: Any) -> Any:
        try:
            return self.client.update_status(owner)
        except ApiError as error:
            if error.code == 404:
                raise
        # One more try on top of the latest version, as there is a single writer of this status.
        fresh = self.client.get(self.resource, owner.metadata.name, owner.metadata.namespace)
        return self.client.update_status(fresh.replace(status=owner.status))

    def _next_check(self, owner: Any, active: list[Pod]) -> Result | None:
        min_ready, status = owner.spec.minReadySeconds or 0, owner.status
        if not min_ready or (status.readyReplicas or 0) == (status.availableReplicas or 0):
            return None
        waits = [podlib.available_in(pod, min_ready, self.clock.unix_us) for pod in active]
        pending = [wait for wait in waits if wait]
        return Result(requeue_after=min(pending)) if pending else None


def _key(owner: Any) -> Request:
    return Request(owner.metadata.namespace, owner.metadata.name)
