"""Names, labels and storage of a StatefulSet's Pods (pkg/controller/statefulset/stateful_set_utils.go)."""

from __future__ import annotations

from k8slab.api.apps_v1 import StatefulSet
from k8slab.api.core_v1 import (
    PersistentVolumeClaim,
    PersistentVolumeClaimVolumeSource,
    Pod,
    PodTemplateSpec,
    Volume,
)
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.ownership import controller_reference
from k8slab.controllers.pods import pod_from_template

REVISION_LABEL = "controller-revision-hash"
NAME_LABEL = "statefulset.kubernetes.io/pod-name"
INDEX_LABEL = "apps.kubernetes.io/pod-index"


def parent_and_ordinal(pod: Pod) -> tuple[str, int]:
    """`web-3` belongs to `web` and is number 3; -1 for a name without a number."""
    parent, dash, number = pod.metadata.name.rpartition("-")
    if not dash or not number.isdigit():
        return "", -1
    return parent, int(number)


def ordinal(pod: Pod) -> int:
    """The Pod's number."""
    return parent_and_ordinal(pod)[1]


def is_member(owner: StatefulSet, pod: Pod) -> bool:
    """Whether the Pod's name is of this set."""
    return parent_and_ordinal(pod)[0] == owner.metadata.name


def first_ordinal(owner: StatefulSet) -> int:
    """Where numbering starts."""
    return (owner.spec.ordinals.start or 0) if owner.spec.ordinals is not None else 0


def in_range(owner: StatefulSet, pod: Pod) -> bool:
    """Whether the set still wants a Pod of that number."""
    start = first_ordinal(owner)
    return start <= ordinal(pod) < start + (owner.spec.replicas or 0)


def revision_of(pod: Pod) -> str:
    """Name of the revision whose template made the Pod."""
    return (pod.metadata.labels or {}).get(REVISION_LABEL, "")


def claim_name(template: PersistentVolumeClaim, owner: StatefulSet, number: int) -> str:
    """`data-web-0`."""
    return f"{template.metadata.name}-{owner.metadata.name}-{number}"


def claims(owner: StatefulSet, number: int) -> list[PersistentVolumeClaim]:
    """The claims that the Pod of that number needs."""
    made = []
    for template in owner.spec.volumeClaimTemplates or ():
        labels = {**(template.metadata.labels or {}), **(owner.spec.selector.matchLabels or {})}
        metadata = ObjectMeta(
            name=claim_name(template, owner, number),
            namespace=owner.metadata.namespace,
            labels=labels or None,
            annotations=template.metadata.annotations,
        )
        made.append(PersistentVolumeClaim(metadata=metadata, spec=template.spec))
    return made


def new_pod(owner: StatefulSet, template: PodTemplateSpec, revision: str, number: int) -> Pod:
    """The Pod of that number, made from the template of that revision."""
    name = f"{owner.metadata.name}-{number}"
    labels = {
        **((template.metadata.labels if template.metadata is not None else None) or {}),
        NAME_LABEL: name,
        INDEX_LABEL: str(number),
        REVISION_LABEL: revision,
    }
    spec = template.spec.replace(
        hostname=name,
        subdomain=owner.spec.serviceName or None,
        volumes=_volumes(owner, template, number) or None,
    )
    return pod_from_template(owner, template, controller_reference(owner), name=name, labels=labels, spec=spec)


def _volumes(owner: StatefulSet, template: PodTemplateSpec, number: int) -> tuple[Volume, ...]:
    own = {
        claim.metadata.name: Volume(
            name=claim.metadata.name,
            persistentVolumeClaim=PersistentVolumeClaimVolumeSource(claimName=claim_name(claim, owner, number)),
        )
        for claim in owner.spec.volumeClaimTemplates or ()
    }
    others = tuple(volume for volume in template.spec.volumes or () if volume.name not in own)
    return (*own.values(), *others)
