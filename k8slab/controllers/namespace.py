"""Namespace deletion: Pods first, then everything else, then the namespace itself.

Follows pkg/controller/namespace/namespace_controller.go and deletion/namespaced_resources_deleter.go.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from k8slab.api.core_v1 import Namespace, NamespaceCondition, NamespaceStatus
from k8slab.client import Request, Result
from k8slab.controllers import conditions
from k8slab.controllers.controller import Controller
from k8slab.controllers.pods import is_terminal
from k8slab.errors import ApiError
from k8slab.sim.clock import SECOND
from k8slab.sim.timestamps import parse_rfc3339

GRACE_PERIOD = 5 * SECOND
FINALIZERS_ESTIMATE = 15
"""Seconds that objects with finalizers are given before the next look."""
FINALIZER = "kubernetes"


class Remains(Struct):
    """What a pass could not remove."""

    objects: dict[str, int]
    finalizers: dict[str, int]
    errors: list[str]
    estimate: int = 0


class NamespaceController(Controller):
    """Empties namespaces that are being deleted."""

    name = "namespace-controller"
    about = "deletes what is in a namespace that is being deleted, Pods first, and then releases it"

    def setup(self) -> None:
        """Watch Namespaces."""
        self.namespaces = self.informer("namespaces")
        self.namespaces.add_handler(self._seen, self._changed)

    def _seen(self, namespace: Namespace) -> None:
        if namespace.metadata.deletionTimestamp is not None and FINALIZER in (namespace.spec.finalizers or ()):
            # Others may still be writing; the API server refuses new content only from now on.
            self.queue.add_after(Request("", namespace.metadata.name), GRACE_PERIOD)

    def _changed(self, old: Namespace, new: Namespace) -> None:
        self._seen(new)

    def reconcile(self, request: Request) -> Result | None:
        """One pass over the content."""
        namespace = self.namespaces.get("", request.name)
        if namespace is None or namespace.metadata.deletionTimestamp is None:
            return None
        if FINALIZER not in (namespace.spec.finalizers or ()):
            return None
        remains = self._empty(namespace)
        if remains.errors:
            raise ApiError(500, "InternalError", "; ".join(remains.errors))
        if remains.estimate:
            return Result(requeue_after=(remains.estimate // 2 + 1) * SECOND)
        self._finalize(request.name)
        return None

    def _finalize(self, name: str) -> None:
        self.say(f"namespace {name} is empty: removing its finalizer")
        latest = self.client.get("namespaces", name)
        kept = tuple(finalizer for finalizer in latest.spec.finalizers or () if finalizer != FINALIZER)
        self.client.finalize(latest.replace(spec=latest.spec.replace(finalizers=kept or None)))

    def _empty(self, namespace: Namespace) -> Remains:
        name = namespace.metadata.name
        self.say(f"namespace {name} is being deleted: deleting its Pods")
        pods, others = Remains({}, {}, []), Remains({}, {}, [])
        self._delete_all(self.client.scheme.resource("pods"), namespace, pods)
        if pods.objects:
            # What remains is told only once the turn of everything else has come.
            others.estimate, others.errors = pods.estimate, pods.errors
        else:
            self.say(f"namespace {name} is being deleted and has no Pods: deleting everything else")
            for resource in self._resources():
                self._delete_all(resource, namespace, others)
        self._write_conditions(namespace, others)
        return others

    def _resources(self) -> list[Any]:
        wanted = {"list", "deletecollection"}
        found: dict[tuple[str, str], Any] = {}
        for resource in self.client.scheme.all_resources():
            if resource.namespaced and wanted <= set(resource.verbs) and resource.plural != "pods":
                found.setdefault((resource.group, resource.plural), resource)
        return list(found.values())

    def _delete_all(self, resource: Any, namespace: Namespace, remains: Remains) -> None:
        """Delete all objects of one kind; note those that are still there."""
        plural, name = resource.group_resource, namespace.metadata.name
        try:
            found = self.client.list(plural, name).items
            if not found:
                return
            estimate = self._grace(found, namespace) if plural == "pods" else 0
            self.client.delete_collection(plural, name, propagation_policy="Background")
            left = self.client.list(plural, name).items
        except ApiError as error:
            remains.errors.append(str(error))
            return
        if left:
            remains.objects[f"{resource.plural}.{resource.group}"] = len(left)
            self._note_finalizers(left, remains, estimate, f"namespace: {name} for gvr: {_gvr(resource)}")

    def _note_finalizers(self, left: tuple[Any, ...], remains: Remains, estimate: int, where: str) -> None:
        finalizers = [finalizer for obj in left for finalizer in obj.metadata.finalizers or ()]
        for finalizer in finalizers:
            remains.finalizers[finalizer] = remains.finalizers.get(finalizer, 0) + 1
        if not estimate and not finalizers:
            remains.errors.append(f"unexpected items still remain in {where}")
        remains.estimate = max(remains.estimate, estimate or (FINALIZERS_ESTIMATE if finalizers else 0))

    def _grace(self, pods: tuple[Any, ...], namespace: Namespace) -> int:
        """Seconds that running Pods may take to end; 0 when they have had that long already."""
        estimate = max((pod.spec.terminationGracePeriodSeconds or 0 for pod in pods if not is_terminal(pod)), default=0)
        passed = self.clock.unix_us - parse_rfc3339(namespace.metadata.deletionTimestamp)
        return 0 if passed >= estimate * SECOND else estimate

    def _write_conditions(self, namespace: Namespace, remains: Remains) -> None:
        status = namespace.status or NamespaceStatus()
        changed = status.conditions or ()
        for condition in _conditions(remains, self.clock.rfc3339()):
            known = conditions.find(changed, condition.type)
            if known is None:
                changed = (*changed, condition)
            elif (known.status, known.message, known.reason) != (condition.status, condition.message, condition.reason):
                changed = tuple(condition if c.type == condition.type else c for c in changed)
        if changed != (status.conditions or ()):
            self.say(f"namespace {namespace.metadata.name}: telling what keeps it")
            self.client.update_status(namespace.replace(status=status.replace(conditions=changed)))


def _gvr(resource: Any) -> str:
    """A resource as Go's GroupVersionResource writes itself."""
    return f"{resource.group}/{resource.version}, Resource={resource.plural}"


def _conditions(remains: Remains, stamp: str) -> list[NamespaceCondition]:
    return [
        _condition(
            "NamespaceDeletionDiscoveryFailure", False, "ResourcesDiscovered",
            "All resources successfully discovered", stamp,
        ),
        _condition(
            "NamespaceDeletionGroupVersionParsingFailure", False, "ParsedGroupVersions",
            "All legacy kube types successfully parsed", stamp,
        ),
        _content_failure(remains, stamp),
        _content_remaining(remains, stamp),
        _finalizers_remaining(remains, stamp),
    ]  # fmt: skip


def _content_failure(remains: Remains, stamp: str) -> NamespaceCondition:
    type_ = "NamespaceDeletionContentFailure"
    if remains.errors:
        told = ", ".join(sorted(remains.errors))
        text = f"Failed to delete all resource types, {len(remains.errors)} remaining: {told}"
        return _condition(type_, True, "ContentDeletionFailed", text, stamp)
    text = "All content successfully deleted, may be waiting on finalization"
    return _condition(type_, False, "ContentDeleted", text, stamp)


def _content_remaining(remains: Remains, stamp: str) -> NamespaceCondition:
    if not remains.objects:
        return _condition(
            "NamespaceContentRemaining", False, "ContentRemoved", "All content successfully removed", stamp
        )
    parts = sorted(f"{plural} has {count} resource instances" for plural, count in remains.objects.items())
    text = "Some resources are remaining: " + ", ".join(parts)
    return _condition("NamespaceContentRemaining", True, "SomeResourcesRemain", text, stamp)


def _finalizers_remaining(remains: Remains, stamp: str) -> NamespaceCondition:
    type_ = "NamespaceFinalizersRemaining"
    if not remains.finalizers:
        return _condition(type_, False, "ContentHasNoFinalizers", "All content-preserving finalizers finished", stamp)
    parts = sorted(f"{finalizer} in {count} resource instances" for finalizer, count in remains.finalizers.items())
    text = "Some content in the namespace has finalizers remaining: " + ", ".join(parts)
    return _condition(type_, True, "SomeFinalizersRemain", text, stamp)


def _condition(type_: str, holds: bool, reason: str, message: str, stamp: str) -> NamespaceCondition:
    return NamespaceCondition(
        type=type_, status="True" if holds else "False", reason=reason, message=message, lastTransitionTime=stamp
    )
