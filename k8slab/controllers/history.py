"""ControllerRevisions: the past templates of StatefulSets and DaemonSets (pkg/controller/history)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import json

from k8slab.api.apps_v1 import ControllerRevision
from k8slab.api.core_v1 import PodTemplateSpec
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.ownership import controller_reference
from k8slab.controllers.templatehash import safe


def template_patch(template: PodTemplateSpec) -> dict[str, Any]:
    """What a revision keeps: a patch that puts the template back."""
    plain = json.decode(json.encode(template))
    return {"spec": {"template": {"$patch": "replace", **plain}}}


def raw(data: Any) -> bytes:
    """Bytes of a patch as Go writes them: keys in order, no blanks, and &, <, > escaped."""
    text = json.encode(data, order="sorted").decode()
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e").encode()


def revision_hash(data: Any, collisions: int) -> str:
    """The hash that names a StatefulSet's revision (HashControllerRevision: 32-bit FNV-1)."""
    digest = 0x811C9DC5
    for byte in raw(data) + str(collisions).encode():
        digest = digest * 0x01000193 & 0xFFFFFFFF ^ byte
    return safe(str(digest))


def make(
    owner: Any, data: Any, revision: int, digest: str, labels: dict[str, str], **metadata: Any
) -> ControllerRevision:
    """A revision of an owner's template."""
    return ControllerRevision(
        metadata=ObjectMeta(
            name=f"{owner.metadata.name[:223]}-{digest}",
            namespace=owner.metadata.namespace,
            labels=labels,
            ownerReferences=(controller_reference(owner),),
            **metadata,
        ),
        data=data,
        revision=revision,
    )


def in_order(revisions: Iterable[ControllerRevision]) -> list[ControllerRevision]:
    """Oldest revision first."""
    return sorted(revisions, key=lambda r: (r.revision or 0, r.metadata.creationTimestamp or "", r.metadata.name))


def next_number(ordered: list[ControllerRevision]) -> int:
    """One more than the highest."""
    return (ordered[-1].revision or 0) + 1 if ordered else 1


def template_of(revision: ControllerRevision) -> dict[str, Any]:
    """The template in a revision, as plain data."""
    template = dict(revision.data["spec"]["template"])
    template.pop("$patch", None)
    return template
