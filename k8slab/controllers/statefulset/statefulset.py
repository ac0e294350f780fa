"""StatefulSet: ordered creation, deletion and update of numbered Pods.

Follows pkg/controller/statefulset/stateful_set.go and stateful_set_control.go.
"""

from __future__ import annotations

from typing import Any

from msgspec import convert

from k8slab.api.apps_v1 import ControllerRevision, StatefulSet, StatefulSetStatus
from k8slab.api.core_v1 import Pod, PodTemplateSpec
from k8slab.api.ownership import controller_of
from k8slab.client import Request, Result
from k8slab.controllers import history
from k8slab.controllers import pods as podlib
from k8slab.controllers.controller import Controller
from k8slab.controllers.ownership import Claims, add_owner_indexes, candidates, resolve
from k8slab.controllers.selectors import PodMatcher
from k8slab.controllers.statefulset import identity
from k8slab.controllers.statefulset.rollout import Rollout
from k8slab.controllers.statefulset.storage import ClaimControl
from k8slab.errors import ApiError

HASH_LABEL = "controller.kubernetes.io/hash"


class StatefulSetController(Controller):
    """Gives each StatefulSet its Pods, one after the other."""

    name = "statefulset-controller"
    about = "creates, updates and deletes the numbered Pods of StatefulSets in order, with their claims"

    def setup(self) -> None:
        """Watch StatefulSets, their Pods, claims and revisions."""
        self.owners = self.informer("statefulsets")
        self.owners.add_handler(self.enqueue, self.enqueue_new, self.enqueue)
        self.revisions = self.informer("controllerrevisions")
        add_owner_indexes(self.revisions)
        self.claims = ClaimControl(self.client, self.recorder, self.informer("persistentvolumeclaims"))
        self.pods = self.informer("pods")
        add_owner_indexes(self.pods)
        self.pods.add_handler(self._pod_changed, self._pod_updated, self._pod_changed)

    def _pod_updated(self, old: Pod, new: Pod) -> None:
        if old.metadata.ownerReferences != new.metadata.ownerReferences:
            former = self._resolve(old)
            if former is not None:
                self.enqueue(former)
        self._pod_changed(new)

    def _pod_changed(self, pod: Pod) -> None:
        owner = self._resolve(pod)
        if owner is not None:
            self.enqueue(owner)
        elif controller_of(pod) is None:
            for candidate in self.owners.list(pod.metadata.namespace):
                if identity.is_member(candidate, pod) and PodMatcher(candidate.spec.selector).matches(pod):
                    self.enqueue(candidate)

    def _resolve(self, pod: Pod) -> StatefulSet | None:
        return resolve(self.owners, "StatefulSet", pod)

    def reconcile(self, request: Request) -> Result | None:
        """One step of the rollout, then the status."""
        owner = self.owners.get(request.namespace, request.name)
        if owner is None:
            return None
        if owner.status is None:
            owner = owner.replace(status=StatefulSetStatus(replicas=0, availableReplicas=0))
        matcher = PodMatcher(owner.spec.selector)
        revisions = history.in_order(
            Claims(self.client, owner, "controllerrevisions", "statefulsets", matcher.matches).claim(
                candidates(self.revisions, owner)
            )
        )
        members = [pod for pod in candidates(self.pods, owner) if identity.is_member(owner, pod)]
        pods = Claims(self.client, owner, "pods", "statefulsets", matcher.matches).claim(members)
        current, update = self._revisions(owner, revisions)
        rollout = Rollout(self, owner, pods, current, update, self._template(owner, current, update))
        failure: ApiError | None = None
        try:
            rollout.run()
        except ApiError as error:
            failure = error
        updated = self._write_status(owner, rollout.status)
        if failure is not None:
            raise failure
        self._forget_old(owner, revisions, pods, {current.metadata.name, update.metadata.name})
        return self._next_check(updated, pods)

    def _revisions(
        self, owner: StatefulSet, ordered: list[ControllerRevision]
    ) -> tuple[ControllerRevision, ControllerRevision]:
        """The current and the wanted revision; the latter is made when it is new."""
        data = history.template_patch(owner.spec.template)
        number = history.next_number(ordered)
        equal = [revision for revision in ordered if revision.data == data]
        if equal and equal[-1] is ordered[-1]:
            update = equal[-1]
        elif equal:
            self.say(f"the wanted template is that of {equal[-1].metadata.name}: it becomes revision {number}")
            update = self.client.update(equal[-1].replace(revision=number))
        else:
            update = self._create_revision(owner, data, number)
        current = next((r for r in ordered if r.metadata.name == owner.status.currentRevision), update)
        return current, update

    def _create_revision(self, owner: StatefulSet, data: Any, number: int) -> ControllerRevision:
        digest = history.revision_hash(data, owner.status.collisionCount or 0)
        labels = {**((owner.spec.template.metadata.labels if owner.spec.template.metadata else None) or {})}
        labels[HASH_LABEL] = digest
        annotations = owner.metadata.annotations
        self.say(f"a new template: revision {number}")
        return self.client.create(history.make(owner, data, number, digest, labels, annotations=annotations))

    def _template(
        self, owner: StatefulSet, current: ControllerRevision, update: ControllerRevision
    ) -> dict[str, PodTemplateSpec]:
        templates = {update.metadata.name: owner.spec.template}
        if current.metadata.name not in templates:
            templates[current.metadata.name] = convert(history.template_of(current), PodTemplateSpec)
        return templates

    def _write_status(self, owner: StatefulSet, status: StatefulSetStatus) -> StatefulSet:
        replicas = owner.spec.replicas or 0
        if (
            owner.spec.updateStrategy.type == "RollingUpdate"
            and (status.updatedReplicas or 0) == replicas
            and (status.readyReplicas or 0) == replicas
            and status.replicas == replicas
        ):
            status = status.replace(currentReplicas=status.updatedReplicas, currentRevision=status.updateRevision)
        if status == owner.status:
            return owner
        self.say(f"{status.readyReplicas or 0} of {replicas} Pods are ready, {status.updatedReplicas or 0} updated")
        return self.client.update_status(owner.replace(status=status))

    def _forget_old(
        self, owner: StatefulSet, ordered: list[ControllerRevision], pods: list[Pod], live: set[str]
    ) -> None:
        live = live | {identity.revision_of(pod) for pod in pods}
        old = [revision for revision in ordered if revision.metadata.name not in live]
        limit = owner.spec.revisionHistoryLimit
        excess = len(old) - limit if limit is not None else 0
        for revision in old[: max(0, excess)]:
            self.say(f"{len(old)} old revisions, {limit} are kept")
            self.client.delete("controllerrevisions", revision.metadata.name, revision.metadata.namespace)

    def _next_check(self, owner: StatefulSet, pods: list[Pod]) -> Result | None:
        if not owner.spec.minReadySeconds:
            return None
        waits = [podlib.available_in(pod, owner.spec.minReadySeconds, self.clock.unix_us) for pod in pods]
        pending = [wait for wait in waits if wait]
        return Result(requeue_after=min(pending)) if pending else None
