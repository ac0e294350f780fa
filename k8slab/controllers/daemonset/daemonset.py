"""DaemonSet: starts and stops Pods as nodes come, go and change (pkg/controller/daemon/daemon_controller.go)."""

from __future__ import annotations

from k8slab.api.apps_v1 import ControllerRevision, DaemonSet, DaemonSetStatus
from k8slab.api.core_v1 import Node, Pod
from k8slab.api.ownership import controller_of, controller_reference
from k8slab.client import Request, Result
from k8slab.controllers import history
from k8slab.controllers import pods as podlib
from k8slab.controllers.controller import Controller
from k8slab.controllers.daemonset import placement, updating
from k8slab.controllers.expectations import Expectations
from k8slab.controllers.ownership import OWNER_INDEX, Claims, add_owner_indexes, candidates, resolve
from k8slab.controllers.selectors import PodMatcher
from k8slab.controllers.templatehash import template_hash
from k8slab.errors import ApiError
from k8slab.sim.clock import MINUTE, SECOND

BURST = 250
HASH_LABEL = "controller-revision-hash"
GENERATION_LABEL = "pod-template-generation"
GENERATION_ANNOTATION = "deprecated.daemonset.template.generation"
FIRST_BACKOFF, LAST_BACKOFF = SECOND, 15 * MINUTE


class DaemonSetController(Controller):
    """Keeps one Pod of each DaemonSet on every node that fits."""

    name = "daemonset-controller"
    about = "runs one Pod of each DaemonSet on every node that fits"

    def setup(self) -> None:
        """Watch DaemonSets, Nodes, Pods and revisions."""
        self.expectations = Expectations(self.clock)
        self.backoff: dict[tuple[str, str], tuple[int, int]] = {}
        self.pod_control = podlib.PodControl(self.client, self.recorder)
        self.owners = self.informer("daemonsets")
        self.owners.add_handler(self.enqueue, self.enqueue_new, self.enqueue)
        self.revisions = self.informer("controllerrevisions")
        add_owner_indexes(self.revisions)
        self.nodes = self.informer("nodes")
        self.nodes.add_handler(self._node_added, self._node_updated)
        self.pods = self.informer("pods")
        add_owner_indexes(self.pods)
        self.pods.add_handler(self._pod_added, self._pod_updated, self._pod_deleted)

    def reset(self) -> None:
        """A new process expects nothing."""
        self.expectations.clear()
        self.backoff.clear()

    # --- what happened

    def _node_added(self, node: Node) -> None:
        for owner in self.owners.items():
            if placement.should_run(owner, node)[0]:
                self.enqueue(owner)

    def _node_updated(self, old: Node, new: Node) -> None:
        if (old.metadata.labels, old.spec.taints) == (new.metadata.labels, new.spec.taints):
            return
        for owner in self.owners.items():
            if placement.should_run(owner, old) != placement.should_run(owner, new):
                self.enqueue(owner)

    def _pod_added(self, pod: Pod) -> None:
        if pod.metadata.deletionTimestamp is not None:
            self._pod_deleted(pod)
            return
        owner = self._resolve(pod)
        if owner is not None:
            self.expectations.created(Request(owner.metadata.namespace, owner.metadata.name))
            self.enqueue(owner)
        elif controller_of(pod) is None:
            for candidate in self.owners.list(pod.metadata.namespace):
                if PodMatcher(candidate.spec.selector).matches(pod):
                    self.enqueue(candidate)

    def _pod_updated(self, old: Pod, new: Pod) -> None:
        if new.metadata.deletionTimestamp is not None:
            self._pod_deleted(new)
            return
        if old.metadata.ownerReferences != new.metadata.ownerReferences:
            former = self._resolve(old)
            if former is not None:
                self.enqueue(former)
        owner = self._resolve(new)
        if owner is not None:
            self.enqueue(owner)

    def _pod_deleted(self, pod: Pod) -> None:
        owner = self._resolve(pod)
        if owner is not None:
            self.expectations.deleted(Request(owner.metadata.namespace, owner.metadata.name), pod.metadata.uid)
            self.enqueue(owner)

    def _resolve(self, pod: Pod) -> DaemonSet | None:
        return resolve(self.owners, "DaemonSet", pod)

    # --- what to do

    def reconcile(self, request: Request) -> Result | None:
        """Start and stop Pods, replace outdated ones, report."""
        owner = self.owners.get(request.namespace, request.name)
        if owner is None:
            self.expectations.forget(request)
            return None
        if not (owner.spec.selector.matchLabels or owner.spec.selector.matchExpressions):
            text = "This daemon set is selecting all pods. A non-empty selector is required."
            self.recorder.event(owner, "Warning", "SelectingAll", text)
            return None
        if owner.metadata.deletionTimestamp is not None:
            return None
        if owner.status is None:
            owner = owner.replace(status=DaemonSetStatus())
        current, old = self._history(owner)
        digest = current.metadata.labels[HASH_LABEL]
        if self.expectations.satisfied(request):
            self._manage(request, owner, digest)
            if self.expectations.satisfied(request) and owner.spec.updateStrategy.type == "RollingUpdate":
                doomed, missing = updating.changes(self, owner, self._by_node(owner), digest)
                self._sync(request, owner, doomed, missing, digest)
        self._clean_up(owner, old)
        if not self.expectations.satisfied(request):
            return None  # what was just started or stopped will be reported when it is seen
        updated = self._write_status(owner, digest)
        return self._next_check(updated)

    def _by_node(self, owner: DaemonSet) -> dict[str, list[Pod]]:
        matcher = PodMatcher(owner.spec.selector)
        claims = Claims(self.client, owner, "pods", "daemonsets", matcher.matches)
        by_node: dict[str, list[Pod]] = {}
        for pod in claims.claim(candidates(self.pods, owner)):
            if pod.metadata.deletionTimestamp is not None and podlib.is_terminal(pod):
                continue  # as good as gone
            by_node.setdefault(placement.target_of(pod), []).append(pod)
        return by_node

    def _manage(self, request: Request, owner: DaemonSet, digest: str) -> None:
        by_node = self._by_node(owner)
        missing: list[str] = []
        doomed: list[Pod] = []
        for node in self.nodes.items():
            name = node.metadata.name
            pods = by_node.get(name, [])
            run, stay = placement.should_run(owner, node)
            if run and not pods:
                missing.append(name)
            elif stay:
                superfluous, gone = self._superfluous(owner, name, pods, digest)
                doomed += superfluous
                if run and gone:
                    missing.append(name)
            else:
                doomed += [pod for pod in pods if pod.metadata.deletionTimestamp is None]
        for name, pods in by_node.items():
            if self.nodes.get("", name) is None:
                # Never scheduled, and its node is gone: PodGC would not find it.
                doomed += [pod for pod in pods if not pod.spec.nodeName and pod.metadata.deletionTimestamp is None]
        self._sync(request, owner, doomed, missing, digest)

    def _superfluous(self, owner: DaemonSet, node: str, pods: list[Pod], digest: str) -> tuple[list[Pod], bool]:
        """A node's Pods that have to go; and whether, with surge, their successor need not wait for their end."""
        doomed, running = [], []
        for pod in pods:
            if pod.metadata.deletionTimestamp is not None:
                continue
            if not podlib.is_terminal(pod):
                running.append(pod)
            elif self._may_replace(owner, node, pod):
                doomed.append(pod)
        running.sort(key=_age)
        if not updating.allows_surge(owner):
            return doomed + running[1:], False
        return doomed + updating.excess(self, owner, running, digest), not running

    def _may_replace(self, owner: DaemonSet, node: str, pod: Pod) -> bool:
        """A finished Pod is deleted, a failed one with a back-off per node."""
        names = f"{pod.metadata.namespace}/{pod.metadata.name} on node {node}"
        if podlib.phase(pod) == "Succeeded":
            text = f"Found succeeded daemon pod {names}, will try to delete it"
            self.recorder.event(owner, "Normal", "SucceededDaemonPod", text)
            return True
        key = (owner.metadata.uid, node)
        since, delay = self.backoff.get(key, (0, 0))
        if delay and self.clock.now - since < delay:
            self.queue.add_after(Request(owner.metadata.namespace, owner.metadata.name), delay)
            return False
        delay = min(delay * 2, LAST_BACKOFF) if delay and self.clock.now - since <= 2 * LAST_BACKOFF else FIRST_BACKOFF
        self.backoff[key] = (self.clock.now, delay)
        text = f"Found failed daemon pod {names}, will try to kill it"
        self.recorder.event(owner, "Warning", "FailedDaemonPod", text)
        return True

    def _sync(self, request: Request, owner: DaemonSet, doomed: list[Pod], missing: list[str], digest: str) -> None:
        missing, doomed = missing[:BURST], doomed[:BURST]
        if not missing and not doomed:
            return
        self.expectations.expect(request, len(missing), tuple(pod.metadata.uid for pod in doomed))
        failure = self._create(request, owner, missing, digest)
        if doomed:
            self.say(f"{len(doomed)} Pods do not belong where they are, or are outdated: deleting them")
        for pod in doomed:
            try:
                self.pod_control.delete(owner, pod)
            except ApiError as error:
                self.expectations.deleted(request, pod.metadata.uid)
                if error.code != 404:
                    failure = failure or error
        if failure is not None:
            raise failure

    def _create(self, request: Request, owner: DaemonSet, missing: list[str], digest: str) -> ApiError | None:
        if missing:
            self.say(f"{len(missing)} nodes lack their Pod: {', '.join(missing[:5])}")
        reference = controller_reference(owner)
        labels = {**(owner.spec.template.metadata.labels or {}), HASH_LABEL: digest}
        generation = (owner.metadata.annotations or {}).get(GENERATION_ANNOTATION)
        if generation:
            labels[GENERATION_LABEL] = generation
        for index, node in enumerate(missing):
            spec = placement.spec_for(owner, node)
            try:
                self.pod_control.create(owner, owner.spec.template, reference, labels=labels, spec=spec)
            except ApiError as error:
                if podlib.namespace_terminating(error):
                    return None
                self.expectations.created(request, len(missing) - index)
                return error
        return None

    # --- revisions

    def _history(self, owner: DaemonSet) -> tuple[ControllerRevision, list[ControllerRevision]]:
        matcher = PodMatcher(owner.spec.selector)
        claims = Claims(self.client, owner, "controllerrevisions", "daemonsets", matcher.matches)
        ordered = history.in_order(claims.claim(candidates(self.revisions, owner)))
        data = history.template_patch(owner.spec.template)
        current = [revision for revision in ordered if revision.data == data]
        old = [revision for revision in ordered if revision.data != data]
        number = history.next_number(old)
        if not current:
            return self._create_revision(owner, data, number), old
        newest = current[-1]
        if (newest.revision or 0) < number:
            self.say(f"the wanted template is that of {newest.metadata.name}: it becomes revision {number}")
            newest = self.client.update(newest.replace(revision=number))
        return newest, old

    def _create_revision(self, owner: DaemonSet, data: object, number: int) -> ControllerRevision:
        digest = template_hash(owner.spec.template, owner.status.collisionCount)
        labels = {**(owner.spec.template.metadata.labels or {}), HASH_LABEL: digest}
        annotations = owner.metadata.annotations
        self.say(f"a new template: revision {number}")
        made = history.make(owner, data, number, digest, labels, annotations=annotations)
        try:
            return self.client.create(made)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
        existing = self.client.get("controllerrevisions", made.metadata.name, made.metadata.namespace)
        if existing.data == data:
            return existing
        status = owner.status.replace(collisionCount=(owner.status.collisionCount or 0) + 1)
        self.client.update_status(owner.replace(status=status))
        raise ApiError(409, "AlreadyExists", f"the name {made.metadata.name} is taken by another template")

    def _clean_up(self, owner: DaemonSet, old: list[ControllerRevision]) -> None:
        limit = owner.spec.revisionHistoryLimit
        if limit is None or len(old) <= limit:
            return
        pods = self.pods.by_index(OWNER_INDEX, owner.metadata.uid)
        live = {(pod.metadata.labels or {}).get(HASH_LABEL) for pod in pods}
        unused = [revision for revision in old if revision.metadata.labels.get(HASH_LABEL) not in live]
        for revision in unused[: len(old) - limit]:
            self.say(f"{len(old)} old revisions, {limit} are kept")
            self.client.delete("controllerrevisions", revision.metadata.name, revision.metadata.namespace)

    # --- what to report

    def _write_status(self, owner: DaemonSet, digest: str) -> DaemonSet:
        by_node = self._by_node(owner)
        counts = dict.fromkeys(("desired", "current", "misscheduled", "ready", "updated", "available"), 0)
        for node in self.nodes.items():
            pods = sorted(by_node.get(node.metadata.name, []), key=_age)
            if not placement.should_run(owner, node)[0]:
                counts["misscheduled"] += bool(pods)
                continue
            counts["desired"] += 1
            if pods:
                self._count(owner, pods[0], digest, counts)
        status = owner.status.replace(
            observedGeneration=owner.metadata.generation,
            desiredNumberScheduled=counts["desired"],
            currentNumberScheduled=counts["current"],
            numberMisscheduled=counts["misscheduled"],
            numberReady=counts["ready"],
            updatedNumberScheduled=counts["updated"] or None,
            numberAvailable=counts["available"] or None,
            numberUnavailable=counts["desired"] - counts["available"] or None,
        )
        if status == owner.status:
            return owner
        self.say(f"{counts['ready']} of {counts['desired']} nodes have a ready Pod")
        return self.client.update_status(owner.replace(status=status))

    def _count(self, owner: DaemonSet, pod: Pod, digest: str, counts: dict[str, int]) -> None:
        wait = podlib.available_in(pod, owner.spec.minReadySeconds or 0, self.clock.unix_us)
        counts["current"] += 1
        counts["ready"] += podlib.is_ready(pod)
        counts["available"] += wait == 0
        counts["updated"] += updating.is_updated(owner, pod, digest)

    def _next_check(self, owner: DaemonSet) -> Result | None:
        seconds, status = owner.spec.minReadySeconds or 0, owner.status
        if not seconds or (status.numberReady or 0) == (status.numberAvailable or 0):
            return None
        pods = self.pods.by_index(OWNER_INDEX, owner.metadata.uid)
        pending = [wait for wait in (podlib.available_in(p, seconds, self.clock.unix_us) for p in pods) if wait]
        return Result(requeue_after=min(pending)) if pending else None


def _age(pod: Pod) -> tuple[bool, str, str]:
    return (not pod.spec.nodeName, pod.metadata.creationTimestamp or "", pod.metadata.name)
