"""Deployment: rolls ReplicaSets over to a new template.

Follows pkg/controller/deployment/deployment_controller.go, sync.go, rolling.go and recreate.go.
"""

from __future__ import annotations

from typing import Any

from k8slab.api.apps_v1 import Deployment, DeploymentStatus, ReplicaSet
from k8slab.api.ownership import controller_of
from k8slab.client import Request, Result
from k8slab.controllers import conditions, pods
from k8slab.controllers.controller import Controller
from k8slab.controllers.deployment import arithmetic, progress, revisions
from k8slab.controllers.deployment.scaling import Scaler
from k8slab.controllers.ownership import OWNER_INDEX, Claims, add_owner_indexes, candidates, resolve
from k8slab.controllers.selectors import PodMatcher
from k8slab.errors import ApiError
from k8slab.sim.clock import SECOND


class DeploymentController(Controller):
    """Brings Deployments to their template, one ReplicaSet per template."""

    name = "deployment-controller"
    about = "makes a ReplicaSet for each template of a Deployment and shifts Pods from the old ones to the new"
    max_retries = 15

    def setup(self) -> None:
        """Watch Deployments, their ReplicaSets, and the end of Pods (for the Recreate strategy)."""
        self.deployments = self.informer("deployments")
        self.deployments.add_handler(self.enqueue, self.enqueue_new, self.enqueue)
        self.replica_sets = self.informer("replicasets")
        add_owner_indexes(self.replica_sets)
        self.replica_sets.add_handler(self._replica_set_changed, self._replica_set_updated, self._replica_set_changed)
        self.pods = self.informer("pods")
        add_owner_indexes(self.pods)
        self.pods.add_handler(on_delete=self._pod_deleted)

    # --- what happened

    def _replica_set_updated(self, old: ReplicaSet, new: ReplicaSet) -> None:
        if old.metadata.ownerReferences != new.metadata.ownerReferences:
            former = self._resolve(old)
            if former is not None:
                self.enqueue(former)
        self._replica_set_changed(new)

    def _replica_set_changed(self, replica_set: ReplicaSet) -> None:
        deployment = self._resolve(replica_set)
        if deployment is not None:
            self.enqueue(deployment)
        elif controller_of(replica_set) is None:
            for candidate in self.deployments.list(replica_set.metadata.namespace):
                if PodMatcher(candidate.spec.selector).matches(replica_set):
                    self.enqueue(candidate)

    def _resolve(self, replica_set: ReplicaSet) -> Deployment | None:
        return resolve(self.deployments, "Deployment", replica_set)

    def _pod_deleted(self, pod: Any) -> None:
        reference = controller_of(pod)
        if reference is None or reference.kind != "ReplicaSet":
            return
        replica_set = self.replica_sets.get(pod.metadata.namespace, reference.name)
        deployment = self._resolve(replica_set) if replica_set is not None else None
        if deployment is None or deployment.spec.strategy.type != "Recreate":
            return
        siblings = self.replica_sets.by_index(OWNER_INDEX, deployment.metadata.uid)
        if not any(self.pods.by_index(OWNER_INDEX, sibling.metadata.uid) for sibling in siblings):
            self.enqueue(deployment)

    # --- what to do

    def reconcile(self, request: Request) -> Result | None:
        """One step of the rollout, or a resize, or just the status."""
        deployment = self.deployments.get(request.namespace, request.name)
        if deployment is None:
            return None
        if deployment.status is None:
            deployment = deployment.replace(status=DeploymentStatus())
        if self._selects_everything(deployment):
            return None
        matcher = PodMatcher(deployment.spec.selector)
        claims = Claims(self.client, deployment, "replicasets", "deployments", matcher.matches)
        replica_sets = claims.claim(candidates(self.replica_sets, deployment))
        return Sync(self, deployment, replica_sets).run()

    def _selects_everything(self, deployment: Deployment) -> bool:
        selector = deployment.spec.selector
        if selector.matchLabels or selector.matchExpressions:
            return False
        text = "This deployment is selecting all pods. A non-empty selector is required."
        self.recorder.event(deployment, "Warning", "SelectingAll", text)
        return True


class Sync:
    """One reconcile of one Deployment with the ReplicaSets that belong to it. Raises ApiError."""

    def __init__(
        self, controller: DeploymentController, deployment: Deployment, replica_sets: list[ReplicaSet]
    ) -> None:
        self.controller = controller
        self.client = controller.client
        self.clock = controller.clock
        self.deployment = deployment
        self.replica_sets = replica_sets

    def run(self) -> Result | None:
        """As syncDeployment: deleting, paused, resized, or rolling out."""
        if self.deployment.metadata.deletionTimestamp is not None:
            new, old = self._find(create=False)
            self._report(new, old)
            return None
        self._note_pause()
        if self.deployment.spec.paused or self._is_resized():
            return self._resize()
        if self.deployment.spec.strategy.type == "Recreate":
            return self._recreate()
        return self._roll()

    @property
    def scaler(self) -> Scaler:
        """Changes sizes in the name of the Deployment."""
        return Scaler(self.client, self.controller.recorder, self.deployment)

    def _note_pause(self) -> None:
        deployment = self.deployment
        current = conditions.find(deployment.status.conditions, progress.PROGRESSING)
        if not progress.has_deadline(deployment) or (current is not None and current.reason == progress.TIMED_OUT):
            return
        noted = current is not None and current.reason == "DeploymentPaused"
        if bool(deployment.spec.paused) == noted:
            return
        reason, text = ("DeploymentResumed", "Deployment is resumed")
        if deployment.spec.paused:
            reason, text = ("DeploymentPaused", "Deployment is paused")
        self._write_progress("Unknown", reason, text)

    def _write_progress(self, status: str, reason: str, message: str) -> None:
        condition = progress.new_condition(progress.PROGRESSING, status, reason, message, self.clock.rfc3339())
        changed = conditions.put(self.deployment.status.conditions, condition)
        self._write(self.deployment.replace(status=self.deployment.status.replace(conditions=changed)), message)

    def _write(self, deployment: Deployment, note: str) -> None:
        """Write, and go on with the version that was read: a second write in this sync meets a conflict and is retried
        with fresh ReplicaSets, as the real controller's is."""
        self.controller.say(note)
        written = self.client.update_status(deployment)
        version = deployment.metadata.resourceVersion
        self.deployment = written.replace(metadata=written.metadata.replace(resourceVersion=version))

    def _is_resized(self) -> bool:
        new, old = self._find(create=False)
        sizes = [arithmetic.annotated(rs, arithmetic.DESIRED) for rs in arithmetic.active([*old, new])]
        return any(size is not None and size != self.deployment.spec.replicas for size in sizes)

    def _resize(self) -> Result | None:
        new, old = self._find(create=False)
        self.scaler.resize(new, old)
        if self.deployment.spec.paused:
            self._clean_up(old)
        self._report(new, old)
        return None

    def _roll(self) -> Result | None:
        new, old = self._find(create=True)
        if new is None:
            return None
        moved = self.scaler.roll_up(new, [*old, new]) or self.scaler.roll_down(new, arithmetic.active(old))
        if not moved and progress.is_complete(self.deployment, self.deployment.status):
            self._clean_up(old)
        return self._report_rollout(new, old)

    def _recreate(self) -> Result | None:
        new, old = self._find(create=False)
        if self.scaler.empty(arithmetic.active(old)) or self._old_pods_run(new, old):
            return self._report_rollout(new, old)
        if new is None:
            new, old = self._find(create=True)
            if new is None:
                return None
        if new.spec.replicas != self.deployment.spec.replicas:
            self.scaler.scale(new, self.deployment.spec.replicas)
        if progress.is_complete(self.deployment, self.deployment.status):
            self._clean_up(old)
        return self._report_rollout(new, old)

    def _old_pods_run(self, new: ReplicaSet | None, old: list[ReplicaSet]) -> bool:
        if arithmetic.actual(old) > 0:
            return True
        return any(
            not pods.is_terminal(pod)
            for replica_set in old
            for pod in self.controller.pods.by_index(OWNER_INDEX, replica_set.metadata.uid)
        )

    # --- the new ReplicaSet

    def _find(self, create: bool) -> tuple[ReplicaSet | None, list[ReplicaSet]]:
        old = revisions.find_old(self.deployment, self.replica_sets)
        new = revisions.find_new(self.deployment, self.replica_sets)
        revision = revisions.next_revision(old)
        if new is not None:
            return self._refresh(new, revision), old
        return (self._create(old, revision) if create else None), old

    def _refresh(self, new: ReplicaSet, revision: int) -> ReplicaSet:
        annotations = revisions.wanted_annotations(self.deployment, new.metadata.annotations, revision, exists=True)
        min_ready = self.deployment.spec.minReadySeconds
        if annotations != (new.metadata.annotations or {}) or (new.spec.minReadySeconds or 0) != (min_ready or 0):
            self.controller.say(f"{new.metadata.name} has the wanted template: it is revision {revision}")
            metadata = new.metadata.replace(annotations=annotations)
            return self._replaced(
                self.client.update(
                    new.replace(metadata=metadata, spec=new.spec.replace(minReadySeconds=min_ready or None))
                )
            )
        current = conditions.find(self.deployment.status.conditions, progress.PROGRESSING)
        found = progress.has_deadline(self.deployment) and current is None
        text = f'Found new replica set "{new.metadata.name}"' if found else ""
        self._write_revision(str(revisions.revision_of(new)), "FoundNewReplicaSet", text)
        return new

    def _replaced(self, updated: ReplicaSet) -> ReplicaSet:
        self.replica_sets = [updated if rs.metadata.uid == updated.metadata.uid else rs for rs in self.replica_sets]
        return updated

    def _write_revision(self, revision: str, reason: str, text: str) -> None:
        deployment = self.deployment
        known = deployment.metadata.annotations or {}
        if known.get(revisions.REVISION) == revision and not text:
            return
        if known.get(revisions.REVISION) != revision:
            annotations = {**known, revisions.REVISION: revision}
            deployment = deployment.replace(metadata=deployment.metadata.replace(annotations=annotations))
        if text:
            condition = progress.new_condition(progress.PROGRESSING, "True", reason, text, self.clock.rfc3339())
            changed = conditions.put(deployment.status.conditions, condition)
            deployment = deployment.replace(status=deployment.status.replace(conditions=changed))
        self._write(deployment, text or f"revision {revision} is current")

    def _create(self, old: list[ReplicaSet], revision: int) -> ReplicaSet | None:
        wanted = revisions.make(self.deployment, old, revision)
        name = wanted.metadata.name
        self.controller.say(f"no ReplicaSet has the wanted template: creating {name} with {wanted.spec.replicas}")
        try:
            created = self.client.create(wanted)
        except ApiError as error:
            existing = self._existing(wanted, error)
            if existing is None:
                raise
            self._write_revision(str(revision), "", "")
            return existing
        if wanted.spec.replicas:
            text = f"Scaled up replica set {name} from 0 to {wanted.spec.replicas}"
            self.controller.recorder.event(self.deployment, "Normal", "ScalingReplicaSet", text)
        has_deadline = progress.has_deadline(self.deployment)
        text = f'Created new replica set "{name}"' if has_deadline else ""
        self._write_revision(str(revision), "NewReplicaSetCreated", text)
        self.replica_sets = [*self.replica_sets, created]
        return created

    def _existing(self, wanted: ReplicaSet, error: ApiError) -> ReplicaSet | None:
        """Someone has made it meanwhile; or another template has the same hash; or it was refused."""
        if error.reason != "AlreadyExists":
            if not pods.namespace_terminating(error):
                self._refused(wanted, error)
            return None
        found = self.client.get("replicasets", wanted.metadata.name, wanted.metadata.namespace)
        owner = controller_of(found)
        mine = owner is not None and owner.uid == self.deployment.metadata.uid
        if mine and revisions.same_template(found.spec.template, self.deployment.spec.template):
            return found
        count = (self.deployment.status.collisionCount or 0) + 1
        status = self.deployment.status.replace(collisionCount=count)
        self._write(self.deployment.replace(status=status), f"the name {wanted.metadata.name} is taken")
        return None

    def _refused(self, wanted: ReplicaSet, error: ApiError) -> None:
        text = f'Failed to create new replica set "{wanted.metadata.name}": {error}'
        if progress.has_deadline(self.deployment):
            self._write_progress("False", "ReplicaSetCreateError", text)
        self.controller.recorder.event(self.deployment, "Warning", "ReplicaSetCreateError", text)

    def _clean_up(self, old: list[ReplicaSet]) -> None:
        limit = self.deployment.spec.revisionHistoryLimit
        if limit is None or limit == 2**31 - 1:
            return
        alive = [rs for rs in old if rs.metadata.deletionTimestamp is None]
        for replica_set in revisions.by_revision(alive)[: max(0, len(alive) - limit)]:
            status, metadata = replica_set.status, replica_set.metadata
            unseen = (metadata.generation or 0) > (status.observedGeneration or 0)
            if status.replicas or replica_set.spec.replicas or unseen:
                continue
            self.controller.say(f"{len(alive)} old revisions, {limit} are kept: deleting {metadata.name}")
            try:
                self.client.delete("replicasets", metadata.name, metadata.namespace)
            except ApiError as error:
                if error.code != 404:
                    raise

    # --- what to report

    def _report(self, new: ReplicaSet | None, old: list[ReplicaSet]) -> None:
        status = progress.calculate(self.deployment, [*old, new], new, self.clock.rfc3339())
        self._write_status(status)

    def _report_rollout(self, new: ReplicaSet | None, old: list[ReplicaSet]) -> Result | None:
        status = progress.rollout(self.deployment, [*old, new], new, self.clock.rfc3339(), self.clock.unix_us)
        if self._write_status(status):
            return None
        return self._until_deadline(status)

    def _write_status(self, status: DeploymentStatus) -> bool:
        if status == self.deployment.status:
            return False
        ready = status.readyReplicas or 0
        self._write(
            self.deployment.replace(status=status),
            f"{status.updatedReplicas or 0} of {self.deployment.spec.replicas} replicas are updated, {ready} are ready",
        )
        return True

    def _until_deadline(self, status: DeploymentStatus) -> Result | None:
        """Nothing has moved: look again when the patience ends (requeueStuckDeployment)."""
        current = conditions.find(self.deployment.status.conditions, progress.PROGRESSING)
        if not progress.has_deadline(self.deployment) or current is None:
            return None
        if progress.is_complete(self.deployment, status) or current.reason == progress.TIMED_OUT:
            return None
        left = progress.deadline(self.deployment, current) - self.clock.unix_us
        return Result(requeue=True) if left < SECOND else Result(requeue_after=left + SECOND)
