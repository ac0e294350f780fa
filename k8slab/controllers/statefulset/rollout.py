"""One pass over a StatefulSet's Pods (updateStatefulSet of pkg/controller/statefulset/stateful_set_control.go)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8slab.api.apps_v1 import ControllerRevision, StatefulSet, StatefulSetStatus
from k8slab.api.core_v1 import Pod, PodTemplateSpec
from k8slab.controllers import pods as podlib
from k8slab.controllers.statefulset import identity
from k8slab.errors import ApiError


class Rollout:
    """Creates, deletes and replaces as much as may be done now; `status` is what to report. Raises ApiError."""

    def __init__(
        self,
        controller: Any,
        owner: StatefulSet,
        pods: list[Pod],
        current: ControllerRevision,
        update: ControllerRevision,
        templates: dict[str, PodTemplateSpec],
    ) -> None:
        self.controller = controller
        self.client = controller.client
        self.owner = owner
        self.pods = pods
        self.current = current.metadata.name
        self.update = update.metadata.name
        self.templates = templates
        self.ordered = (owner.spec.podManagementPolicy or "OrderedReady") == "OrderedReady"
        self.replicas, self.condemned = self._sort()
        self.status = self._count(pods)

    def run(self) -> None:
        """Missing Pods first, then superfluous ones, then outdated ones."""
        if self.owner.metadata.deletionTimestamp is not None:
            return
        if not self._for_all(self.replicas, self._ensure):
            for pod in self.condemned:
                self.controller.claims.apply_retention(self.owner, pod)
            if not self._for_all(self.condemned, self._retire) and self.owner.spec.updateStrategy.type != "OnDelete":
                self._replace_outdated()

    def _sort(self) -> tuple[list[Pod], list[Pod]]:
        by_number = {identity.ordinal(pod): pod for pod in self.pods if identity.in_range(self.owner, pod)}
        condemned = [pod for pod in self.pods if not identity.in_range(self.owner, pod) and identity.ordinal(pod) >= 0]
        start = identity.first_ordinal(self.owner)
        replicas = []
        for number in range(start, start + (self.owner.spec.replicas or 0)):
            found = by_number.get(number)
            replicas.append(found if found is not None else self._new(number))
        return replicas, sorted(condemned, key=identity.ordinal, reverse=True)

    def _new(self, number: int) -> Pod:
        strategy = self.owner.spec.updateStrategy
        rolling = strategy.rollingUpdate if strategy.type == "RollingUpdate" else None
        start = identity.first_ordinal(self.owner)
        held_back = rolling is not None and number < start + (rolling.partition or 0)
        revision = self.current if held_back else self.update
        return identity.new_pod(self.owner, self.templates[revision], revision, number)

    def _count(self, pods: list[Pod]) -> StatefulSetStatus:
        created = [pod for pod in pods if podlib.phase(pod)]
        alive = [pod for pod in created if pod.metadata.deletionTimestamp is None]
        return StatefulSetStatus(
            observedGeneration=self.owner.metadata.generation,
            currentRevision=self.current,
            updateRevision=self.update,
            collisionCount=self.owner.status.collisionCount or 0,
            replicas=len(created),
            readyReplicas=sum(_runs_ready(pod) for pod in created) or None,
            availableReplicas=sum(self._is_available(pod) for pod in created),
            currentReplicas=sum(identity.revision_of(pod) == self.current for pod in alive) or None,
            updatedReplicas=sum(identity.revision_of(pod) == self.update for pod in alive) or None,
            conditions=self.owner.status.conditions,
        )

    def _is_available(self, pod: Pod) -> bool:
        wait = podlib.available_in(pod, self.owner.spec.minReadySeconds or 0, self.controller.clock.unix_us)
        return podlib.phase(pod) == "Running" and wait == 0

    def _is_healthy(self, pod: Pod) -> bool:
        return self._is_available(pod) and pod.metadata.deletionTimestamp is None

    def _for_all(self, pods: list[Pod], action: Callable[[Pod], bool]) -> bool:
        """Apply to each; in order, the first that says True stops; in parallel, all get their turn."""
        stopped = False
        for pod in pods:
            stopped = action(pod) or stopped
            if stopped and self.ordered:
                return True
        return stopped and self.ordered

    def _ensure(self, pod: Pod) -> bool:
        """Whether to stop here because this Pod is not there yet."""
        if podlib.is_terminal(pod):
            return self._remove_finished(pod)
        if not podlib.phase(pod):
            self._create(pod)
            return True
        if podlib.phase(pod) == "Pending":
            self.controller.claims.create_missing(self.owner, pod)
        if not self._is_healthy(pod) and self.ordered:
            return True
        if self.controller.claims.apply_retention(self.owner, pod):
            text = f"Update Pod {pod.metadata.name} in StatefulSet {self.owner.metadata.name} successful"
            self.controller.recorder.event(self.owner, "Normal", "SuccessfulUpdate", text)
        return False

    def _remove_finished(self, pod: Pod) -> bool:
        if pod.metadata.deletionTimestamp is None:
            self.controller.say(f"{pod.metadata.name} has ended: it is replaced")
            self._delete(pod)
        return True

    def _retire(self, pod: Pod) -> bool:
        if pod.metadata.deletionTimestamp is not None:
            return True
        if self.ordered and not self._is_healthy(pod) and pod is not self._first_unhealthy():
            return True
        self.controller.say(f"{self.owner.spec.replicas} Pods are wanted: {pod.metadata.name} has to go")
        self._delete(pod)
        return True

    def _first_unhealthy(self) -> Pod | None:
        return next((pod for pod in (*self.replicas, *reversed(self.condemned)) if not self._is_healthy(pod)), None)

    def _replace_outdated(self) -> None:
        rolling = self.owner.spec.updateStrategy.rollingUpdate
        lowest = (rolling.partition or 0) if rolling is not None else 0
        for pod in reversed(self.replicas[lowest:]):
            outdated = identity.revision_of(pod) != self.update
            if outdated and pod.metadata.deletionTimestamp is None:
                self.controller.say(f"{pod.metadata.name} has an old template: it is replaced")
                self._delete(pod)
                left = (self.status.currentReplicas or 0) - 1  # as the real one: even if it was of another revision
                self.status = self.status.replace(currentReplicas=max(0, left) or None)
                return
            if not self._is_healthy(pod):
                return

    # --- writes

    def _create(self, pod: Pod) -> None:
        names = f"Pod {pod.metadata.name} in StatefulSet {self.owner.metadata.name}"
        self.controller.say(f"{pod.metadata.name} does not exist: creating it")
        self.controller.claims.create_missing(self.owner, pod)
        try:
            self.client.create(pod)
        except ApiError as error:
            if error.reason == "AlreadyExists" or podlib.namespace_terminating(error):
                raise
            text = f"create {names} failed error: {error}"
            self.controller.recorder.event(self.owner, "Warning", "FailedCreate", text)
            raise
        self.controller.recorder.event(self.owner, "Normal", "SuccessfulCreate", f"Create {names} successful")

    def _delete(self, pod: Pod) -> None:
        names = f"Pod {pod.metadata.name} in StatefulSet {self.owner.metadata.name}"
        try:
            self.client.delete("pods", pod.metadata.name, pod.metadata.namespace)
        except ApiError as error:
            text = f"delete {names} failed error: {error}"
            self.controller.recorder.event(self.owner, "Warning", "FailedDelete", text)
            raise
        self.controller.recorder.event(self.owner, "Normal", "SuccessfulDelete", f"Delete {names} successful")


def _runs_ready(pod: Pod) -> bool:
    return podlib.phase(pod) == "Running" and podlib.is_ready(pod)
