"""Pods: creation, updates of spec and status (`pkg/apis/core/validation`, `ValidatePodCreate` and others)."""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import Container, ContainerStatus, Pod, PodSchedulingGate, PodSpec, PodStatus, PodTemplate
from k8slab.api.validation import names
from k8slab.api.validation.affinity import tolerations
from k8slab.api.validation.containers import image_spaces
from k8slab.api.validation.gostruct import difference
from k8slab.api.validation.metadata import Errors, immutable, object_meta, object_meta_update
from k8slab.api.validation.podspecs import NO_SPEC, pod_spec, template_spec
from k8slab.errors import FieldError

MIRROR = "kubernetes.io/config.mirror"
NO_STATUS = PodStatus()
CHANGEABLE = (
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    "`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"


def create(pod: Pod, errors: Errors) -> None:
    """A new Pod."""
    spec = pod.spec or NO_SPEC
    _metadata_and_spec(pod, spec, errors)
    if spec.ephemeralContainers:
        errors.append(FieldError.forbidden("spec.ephemeralContainers", "cannot be set on create"))
    if spec.nodeName and spec.schedulingGates:
        text = "cannot be set until all schedulingGates have been cleared"
        errors.append(FieldError.forbidden("spec.nodeName", text))


def _metadata_and_spec(pod: Pod, spec: PodSpec, errors: Errors) -> None:
    object_meta(pod.metadata, True, names.subdomain_name, errors)
    if pod.metadata.annotations:
        _annotations(pod, spec, errors)
    pod_spec(spec, "spec", errors, is_pod=True)
    if not spec.serviceAccountName:
        _no_tokens(spec, errors)
    for index, item in enumerate(spec.containers or ()):
        image_spaces(item, f"spec.containers[{index}]", errors)
    for index, item in enumerate(spec.initContainers or ()):
        image_spaces(item, f"spec.initContainers[{index}]", errors)


def _annotations(pod: Pod, spec: PodSpec, errors: Errors) -> None:
    found = pod.metadata.annotations
    if MIRROR in found and not spec.nodeName:
        text = "must set spec.nodeName if mirror pod annotation is set"
        errors.append(FieldError.invalid(f"metadata.annotations[{MIRROR}]", found[MIRROR], text))
    cost = found.get(DELETION_COST)
    if cost is not None and not _is_int32(cost):
        text = "must be a 32bit integer"
        errors.append(FieldError.invalid(f"metadata.annotations[{DELETION_COST}]", cost, text))


def _is_int32(text: str) -> bool:
    try:
        return -(2**31) <= int(text) < 2**31 and text == str(int(text))
    except ValueError:
        return False


def _no_tokens(spec: PodSpec, errors: Errors) -> None:
    for index, volume in enumerate(spec.volumes or ()):
        for place, source in enumerate((volume.projected.sources or ()) if volume.projected else ()):
            if source.serviceAccountToken is not None:
                path = f"spec.volumes[{index}].projected.sources[{place}].serviceAccountToken"
                text = "must not be specified when serviceAccountName is not set"
                errors.append(FieldError.forbidden(path, text))


def update(new: Pod, old: Pod, errors: Errors) -> None:
    """A changed Pod: of its spec little more than images may change."""
    object_meta_update(new.metadata, old.metadata, errors)
    spec, before = new.spec or NO_SPEC, old.spec or NO_SPEC
    _metadata_and_spec(new, spec, errors)
    _annotation_changes(new, old, errors)
    if not _same_containers(spec.containers, before.containers, "spec.containers", errors):
        return
    if not _same_containers(spec.initContainers, before.initContainers, "spec.initContainers", errors):
        return
    if not _deadline(spec, before, errors):
        return
    _only_added_tolerations(spec, before, errors)
    _only_deleted_gates(spec.schedulingGates, before.schedulingGates, errors)
    if spec is not before and spec != before:
        _nothing_else(spec, before, errors)


def _annotation_changes(new: Pod, old: Pod, errors: Errors) -> None:
    mine, theirs = new.metadata.annotations or {}, old.metadata.annotations or {}
    path = f"metadata.annotations[{MIRROR}]"
    if MIRROR in theirs and mine.get(MIRROR) != theirs[MIRROR]:
        errors.append(FieldError.forbidden(path, "may not remove or update mirror pod annotation"))
    if MIRROR in mine and MIRROR not in theirs:
        errors.append(FieldError.forbidden(path, "may not add mirror pod annotation"))


def _same_containers(
    new: tuple[Container, ...] | None, old: tuple[Container, ...] | None, path: str, errors: Errors
) -> bool:
    if len(new or ()) != len(old or ()):
        errors.append(FieldError.forbidden(path, "pod updates may not add or remove containers"))
        return False
    for index, item in enumerate(new or ()):
        if not item.image:
            errors.append(FieldError.required(f"{path}[{index}].image"))
        image_spaces(item, f"{path}[{index}]", errors)
    return True


def _deadline(spec: PodSpec, before: PodSpec, errors: Errors) -> bool:
    new, old = spec.activeDeadlineSeconds, before.activeDeadlineSeconds
    path = "spec.activeDeadlineSeconds"
    if new is None:
        if old is not None:
            errors.append(FieldError.invalid(path, None, "must not update from a positive integer to nil value"))
        return True
    if not 0 <= new <= names.MAX_UINT31:
        errors.append(FieldError.invalid(path, new, names.between(0, names.MAX_UINT31)))
        return False
    if old is not None and old < new:
        errors.append(FieldError.invalid(path, new, "must be less than or equal to previous value"))
        return False
    return True


def _only_added_tolerations(spec: PodSpec, before: PodSpec, errors: Errors) -> None:
    if spec.tolerations is before.tolerations:
        return
    for old in before.tolerations or ():
        timeless = old.replace(tolerationSeconds=None)
        if not any(item.replace(tolerationSeconds=None) == timeless for item in spec.tolerations or ()):
            text = "existing toleration can not be modified except its tolerationSeconds"
            errors.append(FieldError.forbidden("spec.tolerations", text))
            return
    tolerations(spec.tolerations or (), "spec.tolerations", errors)


def _only_deleted_gates(
    new: tuple[PodSchedulingGate, ...] | None, old: tuple[PodSchedulingGate, ...] | None, errors: Errors
) -> None:
    known = {gate.name for gate in old or ()}
    for index, gate in enumerate(new or ()):
        if gate.name not in known:
            text = f"only deletion is allowed, but found new scheduling gate '{gate.name}'"
            errors.append(FieldError.forbidden(f"spec.schedulingGates[{index}].name", text))


def _nothing_else(spec: PodSpec, before: PodSpec, errors: Errors) -> None:
    munged = spec.replace(
        containers=_with_images(spec.containers, before.containers),
        initContainers=_with_images(spec.initContainers, before.initContainers),
        activeDeadlineSeconds=before.activeDeadlineSeconds,
        schedulingGates=before.schedulingGates,
        tolerations=before.tolerations,
        serviceAccount=before.serviceAccount,
    )
    if (before.terminationGracePeriodSeconds or 0) < 0 and munged.terminationGracePeriodSeconds == 1:
        munged = munged.replace(terminationGracePeriodSeconds=before.terminationGracePeriodSeconds)
    if before.schedulingGates:
        munged = _allow_narrowing(munged, before, errors)
    if munged != before:
        text = f"pod updates may not change fields other than {CHANGEABLE}\n{difference(before, munged)}"
        errors.append(FieldError.forbidden("spec", text))


def _with_images(new: tuple[Container, ...] | None, old: tuple[Container, ...] | None) -> Any:
    if not new:
        return old if not old else new
    return tuple(item.replace(image=known.image) for item, known in zip(new, old, strict=True))


def _allow_narrowing(munged: PodSpec, before: PodSpec, errors: Errors) -> PodSpec:
    """While a Pod is gated, its node selector may get more entries and its node affinity may get stricter."""
    if munged.nodeSelector != before.nodeSelector:
        wanted = munged.nodeSelector or {}
        for key, value in (before.nodeSelector or {}).items():
            if wanted.get(key) != value:
                text = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
                errors.append(FieldError.invalid("spec.nodeSelector", munged.nodeSelector, text))
                break
        munged = munged.replace(nodeSelector=before.nodeSelector)
    old = before.affinity.nodeAffinity if before.affinity else None
    new = munged.affinity.nodeAffinity if munged.affinity else None
    if new == old:
        return munged
    _narrowed_affinity(new, old, errors)
    rest = munged.affinity
    if rest is not None and before.affinity is None and rest.podAffinity is None and rest.podAntiAffinity is None:
        return munged.replace(affinity=None)
    return munged.replace(affinity=before.affinity if rest is None else rest.replace(nodeAffinity=old))


def _narrowed_affinity(new: Any, old: Any, errors: Errors) -> None:
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    before = getattr(old, required) if old else None
    if before is None:
        return
    path = f"spec.affinity.nodeAffinity.{required}.nodeSelectorTerms"
    after = getattr(new, required) if new else None
    terms = (after.nodeSelectorTerms or ()) if after else ()
    if len(terms) != len(before.nodeSelectorTerms or ()):
        text = "no additions/deletions to non-empty NodeSelectorTerms list are allowed"
        errors.append(FieldError.invalid(path, terms, text))
        return
    for index, (mine, known) in enumerate(zip(terms, before.nodeSelectorTerms, strict=True)):
        for name in ("matchExpressions", "matchFields"):
            kept = getattr(mine, name) or ()
            if kept[: len(getattr(known, name) or ())] != (getattr(known, name) or ()):
                text = "only additions are allowed (no mutations or deletions)"
                errors.append(FieldError.invalid(f"{path}[{index}]", mine, text))
                return


def status(new: Pod, old: Pod, errors: Errors) -> None:
    """A changed status: what ended stays ended unless the Pod restarts it."""
    object_meta_update(new.metadata, old.metadata, errors)
    _annotation_changes(new, old, errors)
    mine, theirs, spec = new.status or NO_STATUS, old.status or NO_STATUS, old.spec or NO_SPEC
    for index, condition in enumerate(mine.conditions or ()):
        for message in names.qualified_name(condition.type or ""):
            errors.append(FieldError.invalid(f"metadata.conditions[{index}].Type", condition.type or "", message))
    if (new.spec or NO_SPEC).nodeName != spec.nodeName:
        errors.append(FieldError.forbidden("status.nodeName", "may not be changed directly"))
    if mine.nominatedNodeName and mine.nominatedNodeName != theirs.nominatedNodeName:
        for message in names.subdomain_name(mine.nominatedNodeName):
            errors.append(FieldError.invalid("status.nominatedNodeName", mine.nominatedNodeName, message))
    immutable(mine.qosClass or "", theirs.qosClass or "", "status.qosClass", errors)
    sidecars = {item.name for item in spec.initContainers or () if item.restartPolicy == "Always"}
    containers = (*(spec.initContainers or ()), *(spec.containers or ()))
    if any(rule.action == "RestartAllContainers" for each in containers for rule in each.restartPolicyRules or ()):
        _addresses(mine, errors)
        return
    own = {each.name: each for each in containers}
    for name, policy, skip in (
        ("containerStatuses", spec.restartPolicy, set()),
        ("initContainerStatuses", spec.restartPolicy, sidecars),
        ("ephemeralContainerStatuses", "Never", set()),
    ):
        _still_terminated(getattr(mine, name), getattr(theirs, name), policy, skip, f"status.{name}", errors, own)
    _addresses(mine, errors)


def _restarts_itself(container: Container, code: int) -> bool:
    """Whether a container's own rules or policy let it be started again (podutil.ContainerShouldRestart)."""
    for rule in container.restartPolicyRules or ():
        codes = rule.exitCodes
        if (
            rule.action == "Restart"
            and codes is not None
            and (code in (codes.values or ())) == (codes.operator == "In")
        ):
            return True
    return container.restartPolicy == "Always" or (container.restartPolicy == "OnFailure" and code != 0)


def _still_terminated(
    new: tuple[ContainerStatus, ...] | None,
    old: tuple[ContainerStatus, ...] | None,
    policy: str,
    skip: set[str],
    path: str,
    errors: Errors,
    own: dict[str, Container],
) -> None:
    if policy == "Always" or not old:
        return
    for index, before in enumerate(old):
        ended = before.state.terminated if before.state else None
        if ended is None or before.name in skip or (ended.exitCode and policy == "OnFailure"):
            continue
        if before.name in own and _restarts_itself(own[before.name], ended.exitCode or 0):
            continue
        for after in new or ():
            if after.name == before.name and (after.state is None or after.state.terminated is None):
                text = "may not be transitioned to non-terminated state"
                errors.append(FieldError.forbidden(f"{path}[{index}].state", text))


def _addresses(mine: PodStatus, errors: Errors) -> None:
    for index, address in enumerate(mine.podIPs or ()):
        for message in names.ip_address(address.ip or ""):
            errors.append(FieldError.invalid(f"status.podIPs[{index}]", address.ip or "", message))
    if mine.hostIPs and mine.hostIP != mine.hostIPs[0].ip:
        errors.append(FieldError.invalid("status.hostIPs[0].ip", mine.hostIPs[0].ip or "", "must be equal to `hostIP`"))
    for index, host in enumerate(mine.hostIPs or ()):
        for message in names.ip_address(host.ip or ""):
            errors.append(FieldError.invalid(f"status.hostIPs[{index}]", host.ip or "", message))


def create_template(obj: PodTemplate, errors: Errors) -> None:
    """A new PodTemplate object."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    template_spec(obj.template, "template", errors)


def update_template(new: PodTemplate, old: PodTemplate, errors: Errors) -> None:
    """A changed PodTemplate object."""
    object_meta_update(new.metadata, old.metadata, errors)
    template_spec(new.template, "template", errors)
