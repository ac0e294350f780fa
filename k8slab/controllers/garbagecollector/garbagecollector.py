"""Deletes what has lost its owners; foreground, background and orphaning deletion.

Follows pkg/controller/garbagecollector/garbagecollector.go and graph_builder.go.
"""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import ObjectReference
from k8slab.client import Result
from k8slab.controllers.controller import Controller
from k8slab.controllers.garbagecollector.graph import FOREGROUND, ORPHAN, Graph, Identity, Node, is_deleting_with
from k8slab.errors import ApiError
from k8slab.sim.clock import SECOND

RESYNC = 30 * SECOND
"""How often new resources (custom ones) are looked for."""
IGNORED = frozenset({"events"})
WATCHED = {"delete", "list", "watch"}


class Owners:
    """References of one object, by what has become of the owners."""

    def __init__(self) -> None:
        self.solid: list[Any] = []
        self.dangling: list[Any] = []
        self.waiting: list[Any] = []


class GarbageCollector(Controller):
    """Keeps a graph of owners and dependents of everything that can be deleted."""

    name = "garbage-collector-controller"
    about = "deletes objects whose owners are gone, and finishes foreground and orphaning deletions"

    def setup(self) -> None:
        """Watch every deletable resource."""
        self.graph = Graph()
        self.absent: dict[str, None] = {}
        self.watched: dict[tuple[str, str], str] = {}
        self._watch_all()
        self.every(RESYNC, self._watch_all, delay=RESYNC)

    def reset(self) -> None:
        """A new process learns the graph anew, of what is served now."""
        self._watch_all()
        self.graph.clear()
        self.absent.clear()

    def _watch_all(self) -> None:
        served = {(each.group, each.plural) for each in self.client.scheme.all_resources()}
        for key in [key for key in self.watched if key not in served]:
            self.informers.drop(self.watched.pop(key))
        for resource in self.client.scheme.all_resources():
            key = (resource.group, resource.plural)
            if key in self.watched or resource.plural in IGNORED or not set(resource.verbs) >= WATCHED:
                continue
            self.watched[key] = resource.group_resource
            self.informer(resource.group_resource).add_handler(self._added, self._updated, self._deleted)

    # --- what happened

    def _added(self, obj: Any) -> None:
        known = self.graph.get(obj.metadata.uid)
        if known is not None and not known.virtual:
            return
        node, virtual = self.graph.insert(obj)
        if known is not None:
            node.dependents = known.dependents
            self._check_dependents_of(node)
        node.deleting_dependents = is_deleting_with(obj, FOREGROUND)
        for owner in virtual:
            self.queue.add(("delete", owner.identity.uid))
        self._follow(None, obj, node)

    def _updated(self, old: Any, new: Any) -> None:
        before, after = old.metadata, new.metadata
        if (
            before.ownerReferences == after.ownerReferences
            and before.deletionTimestamp == after.deletionTimestamp
            and before.finalizers == after.finalizers
        ):
            return
        node = self.graph.get(after.uid)
        if node is None:
            self._added(new)
            return
        if before.ownerReferences != after.ownerReferences:
            self._owners_changed(node, before.ownerReferences or (), after.ownerReferences or ())
        node.being_deleted = node.being_deleted or after.deletionTimestamp is not None
        self._follow(old, new, node)

    def _owners_changed(self, node: Node, before: tuple, after: tuple) -> None:
        for owner in self.graph.change_owners(node, after):
            self.queue.add(("delete", owner.identity.uid))
        blocks = {reference.uid for reference in after if reference.blockOwnerDeletion}
        for reference in before:
            if reference.uid not in blocks:
                self._retry_owner(reference.uid)
        if len(after) < len(before):
            # A solid owner may have gone from the list; what is left may be dangling.
            self.queue.add(("delete", node.identity.uid))

    def _deleted(self, obj: Any) -> None:
        node = self.graph.get(obj.metadata.uid)
        if node is not None:
            self._forget(node)

    def _forget(self, node: Node) -> None:
        self.graph.remove(node)
        if node.dependents:
            self.absent[node.identity.uid] = None
        for uid in node.dependents:
            self.queue.add(("delete", uid))
        for owner in node.owners:
            self._retry_owner(owner.uid)

    def _retry_owner(self, uid: str) -> None:
        owner = self.graph.get(uid)
        if owner is not None and owner.deleting_dependents:
            self.queue.add(("delete", uid))

    def _follow(self, old: Any, new: Any, node: Node) -> None:
        if is_deleting_with(new, ORPHAN) and (old is None or not is_deleting_with(old, ORPHAN)):
            self.queue.add(("orphan", node.identity.uid))
        elif is_deleting_with(new, FOREGROUND) and (old is None or not is_deleting_with(old, FOREGROUND)):
            node.deleting_dependents = True
            for uid in node.dependents:
                self.queue.add(("delete", uid))
            self.queue.add(("delete", node.identity.uid))

    def _check_dependents_of(self, owner: Node) -> None:
        """A real owner appeared where a reference told of one: is it the kind and in the place that was meant?"""
        identity = owner.identity
        for dependent in owner.dependents.values():
            mine = dependent.identity.namespace
            if identity.namespace and identity.namespace != mine:
                self.queue.add(("delete", dependent.identity.uid))

    # --- what to do

    def reconcile(self, key: Any) -> Result | None:
        """Decide on one object: delete, keep, or release its dependents."""
        action, uid = key
        node = self.graph.get(uid)
        if node is None:
            return None
        if action == "orphan":
            self._orphan(node)
        else:
            self._decide(node)
        # An owner that is known from references only may go before its kind is watched: it is looked for again.
        is_unseen = node.virtual and self.graph.get(uid) is node
        return Result(requeue=True) if is_unseen else None

    def _decide(self, node: Node) -> None:
        if node.being_deleted and not node.deleting_dependents:
            return
        latest = self._latest(node.identity)
        if latest is None:
            self._forget(node)
            return
        if node.deleting_dependents:
            self._finish_foreground(node, latest)
        elif latest.metadata.ownerReferences:
            self._judge(node, latest)

    def _judge(self, node: Node, latest: Any) -> None:
        owners = self._classify(node, latest)
        if owners.solid:
            self._drop_references(node, latest, [*owners.dangling, *owners.waiting])
        elif owners.waiting and node.dependents:
            if any(dependent.deleting_dependents for dependent in node.dependents.values()):
                self._unblock(node, latest)
            self._delete(node, "Foreground", f"{owners.waiting[0].name} waits for its dependents to be deleted")
        else:
            gone = [*owners.dangling, *owners.waiting]
            self._delete(node, _policy(latest), f"its owner {gone[0].kind} {gone[0].name} is gone")

    def _classify(self, node: Node, latest: Any) -> Owners:
        found = Owners()
        for reference in latest.metadata.ownerReferences:
            owner = None if reference.uid in self.absent else self._owner(node, latest, reference)
            if owner is None:
                self.absent[reference.uid] = None
                found.dangling.append(reference)
            elif is_deleting_with(owner, FOREGROUND):
                found.waiting.append(reference)
            else:
                found.solid.append(reference)
        return found

    def _owner(self, node: Node, latest: Any, reference: Any) -> Any:
        resource = self.client.scheme.by_kind(reference.apiVersion, reference.kind)
        namespace = node.identity.namespace
        if resource.namespaced and not namespace:
            self._report_invalid(node, reference, namespace)
            return None
        identity = Identity(reference.apiVersion, reference.kind, namespace, reference.name, reference.uid)
        owner = self._latest(identity)
        known = self.graph.get(reference.uid)
        if owner is None and known is not None and not known.virtual and known.identity.namespace != namespace:
            self._report_invalid(node, reference, namespace)
        return owner

    def _report_invalid(self, node: Node, reference: Any, namespace: str) -> None:
        identity = node.identity
        about = ObjectReference(
            apiVersion=identity.api_version,
            kind=identity.kind,
            namespace=identity.namespace or None,
            name=identity.name,
            uid=identity.uid,
        )
        meant = Identity(reference.apiVersion, reference.kind, namespace, reference.name, reference.uid)
        text = f'ownerRef {meant} does not exist in namespace "{namespace}"'
        self.recorder.event(about, "Warning", "OwnerRefInvalidNamespace", text)

    def _latest(self, identity: Identity) -> Any:
        """The object as the API server has it now, or None when it (that uid) is gone."""
        resource = self.client.scheme.by_kind(identity.api_version, identity.kind)
        try:
            found = self.client.get(
                resource.group_resource, identity.name, identity.namespace if resource.namespaced else None
            )
        except ApiError as error:
            if error.code == 404:
                return None
            raise
        return found if found.metadata.uid == identity.uid else None

    def _finish_foreground(self, node: Node, latest: Any) -> None:
        blocking = node.blocking
        if not blocking:
            self.say(f"all that {node.identity.name} waited for is gone: removing its finalizer")
            self._drop_finalizer(node, latest, FOREGROUND)
            return
        for dependent in blocking:
            if not dependent.deleting_dependents:
                self.queue.add(("delete", dependent.identity.uid))

    def _orphan(self, node: Node) -> None:
        latest = self._latest(node.identity)
        if latest is None:
            return
        for dependent in list(node.dependents.values()):
            mine = self._latest(dependent.identity)
            known = (mine.metadata.ownerReferences or ()) if mine is not None else ()
            references = [reference for reference in known if reference.uid == node.identity.uid]
            if references:
                self.say(f"{node.identity.name} is deleted without its dependents: releasing {dependent.identity.name}")
                self._drop_references(dependent, mine, references)
        self.say(f"all dependents of {node.identity.name} are released: removing its finalizer")
        self._drop_finalizer(node, latest, ORPHAN)

    # --- writes

    def _delete(self, node: Node, policy: str, why: str) -> None:
        identity = node.identity
        resource = self.client.scheme.by_kind(identity.api_version, identity.kind)
        self.say(f"{identity.kind} {identity.name}: {why}")
        try:
            self.client.delete(
                resource.group_resource,
                identity.name,
                identity.namespace or None,
                propagation_policy=policy,
                uid=identity.uid,
            )
        except ApiError as error:
            if error.code != 404:
                raise

    def _drop_references(self, node: Node, latest: Any, references: list[Any]) -> None:
        if not references:
            return
        uids = {reference.uid for reference in references}
        kept = [_plain(r) for r in latest.metadata.ownerReferences if r.uid not in uids]
        self.client.trace.note = self.client.trace.note or f"{node.identity.name} keeps its other owners"
        self._patch_metadata(node, latest, {"ownerReferences": kept or None})

    def _unblock(self, node: Node, latest: Any) -> None:
        # Owners that wait for each other in a circle would wait for ever.
        open_references = [{**_plain(r), "blockOwnerDeletion": False} for r in latest.metadata.ownerReferences]
        self._patch_metadata(node, latest, {"ownerReferences": open_references})

    def _drop_finalizer(self, node: Node, latest: Any, finalizer: str) -> None:
        kept = [name for name in latest.metadata.finalizers or () if name != finalizer]
        self._patch_metadata(node, latest, {"finalizers": kept or None})

    def _patch_metadata(self, node: Node, latest: Any, changes: dict[str, Any]) -> None:
        identity, metadata = node.identity, latest.metadata
        resource = self.client.scheme.by_kind(identity.api_version, identity.kind)
        patch = {"metadata": {"uid": metadata.uid, "resourceVersion": metadata.resourceVersion, **changes}}
        try:
            self.client.patch(resource.group_resource, identity.name, patch, identity.namespace or None)
        except ApiError as error:
            if error.code != 404:
                raise


def _policy(latest: Any) -> str:
    finalizers = latest.metadata.finalizers or ()
    if ORPHAN in finalizers:
        return "Orphan"
    return "Foreground" if FOREGROUND in finalizers else "Background"


def _plain(reference: Any) -> dict[str, Any]:
    fields = ("apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion")
    values = {field: getattr(reference, field) for field in fields}
    return {field: value for field, value in values.items() if value is not None}
