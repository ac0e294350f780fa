"""Earlier versions of a workload's Pod template: ReplicaSets of a Deployment, ControllerRevisions of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from k8slab.api import patch as patches
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.manifests import Info

REVISION = "deployment.kubernetes.io/revision"
CHANGE_CAUSE = "kubernetes.io/change-cause"


@dataclass
class Revision:
    """One entry of the history."""

    number: int
    cause: str
    template: dict[str, Any]
    source: dict[str, Any]


def history(inv: Any, info: Info) -> list[Revision]:
    """All revisions, oldest first. Raises CommandError for kinds that have no history."""
    if info.resource.kind == "Deployment":
        return _of_deployment(inv, info)
    if info.resource.kind in ("DaemonSet", "StatefulSet"):
        return _of_controller_revisions(inv, info)
    raise CommandError(
        f'no history viewer has been implemented for "{info.resource.kind}.{info.resource.group}"'.replace('."', '"')
    )


def _owned(inv: Any, info: Info, plural: str) -> list[dict[str, Any]]:
    objects = inv.access.list(inv.access.scheme.resource(plural), info.namespace)
    uid = info.object["metadata"]["uid"]
    return [
        obj for obj in objects if any(ref.get("uid") == uid for ref in obj["metadata"].get("ownerReferences") or ())
    ]


def _of_deployment(inv: Any, info: Info) -> list[Revision]:
    found: dict[int, Revision] = {}
    for replica_set in _owned(inv, info, "replicasets"):
        annotations = replica_set["metadata"].get("annotations") or {}
        number = int(annotations.get(REVISION, "0") or 0)
        found[number] = Revision(number, annotations.get(CHANGE_CAUSE, ""), _without_hash(replica_set), replica_set)
    return [found[number] for number in sorted(found)]


def _without_hash(replica_set: dict[str, Any]) -> dict[str, Any]:
    return replica_set["spec"]["template"]


def _of_controller_revisions(inv: Any, info: Info) -> list[Revision]:
    found = []
    for entry in _owned(inv, info, "controllerrevisions.apps"):
        annotations = entry["metadata"].get("annotations") or {}
        whole = patches.strategic_merge(info.object, entry.get("data") or {}, info.resource.cls)
        found.append(Revision(entry["revision"], annotations.get(CHANGE_CAUSE, ""), whole["spec"]["template"], entry))
    return sorted(found, key=lambda revision: revision.number)


def pick(revisions: list[Revision], wanted: int, label: str) -> Revision:
    """The revision to return to: the one named, or (0) the one before the newest. Raises CommandError."""
    if wanted:
        for revision in revisions:
            if revision.number == wanted:
                return revision
        raise CommandError("unable to find specified revision %v in history".replace("%v", str(wanted)))
    if len(revisions) < 2:
        raise CommandError(f"no rollout history found for {label}")
    return revisions[-2]
