"""Deployments, ReplicaSets, StatefulSets, DaemonSets and their kin (`pkg/apis/apps/validation`)."""

from __future__ import annotations

from typing import Any

from k8slab.api import selector as selectors
from k8slab.api.apps_v1 import (
    ControllerRevision,
    DaemonSet,
    DaemonSetSpec,
    DaemonSetUpdateStrategy,
    Deployment,
    DeploymentSpec,
    DeploymentStrategy,
    ReplicaSet,
    ReplicaSetSpec,
    RollingUpdateDaemonSet,
    RollingUpdateDeployment,
    StatefulSet,
    StatefulSetSpec,
    StatefulSetUpdateStrategy,
)
from k8slab.api.core_v1 import (
    PersistentVolumeClaimVolumeSource,
    PodTemplateSpec,
    ReplicationController,
    ReplicationControllerSpec,
    Volume,
)
from k8slab.api.meta_v1 import LabelSelector
from k8slab.api.validation import names
from k8slab.api.validation.gostruct import quoted
from k8slab.api.validation.metadata import (
    NO_METADATA,
    Errors,
    immutable,
    nonnegative,
    object_meta,
    object_meta_update,
)
from k8slab.api.validation.numbers import at_most_all, int_or_percent, is_zero
from k8slab.api.validation.podspecs import NO_SPEC, template_spec
from k8slab.api.validation.selectors import is_empty, label_selector
from k8slab.errors import FieldError

MISMATCH = "`selector` does not match template `labels`"
STATEFUL_CHANGEABLE = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)


def template_labels(
    selector: LabelSelector | None, template: PodTemplateSpec | None, path: str, errors: Errors
) -> None:
    """A workload must select its own Pods."""
    labels = (template.metadata or NO_METADATA).labels if template else None
    if selector is not None and is_empty(selector):
        return
    if selector is None or not selectors.from_label_selector(selector).matches(labels or {}):
        errors.append(FieldError.invalid(f"{path}.metadata.labels", labels, MISMATCH))


def always_running(template: PodTemplateSpec | None, kind: str, path: str, errors: Errors) -> None:
    """Pods of workloads that never end restart always and have no deadline."""
    spec = (template.spec if template else None) or NO_SPEC
    if spec.restartPolicy != "Always":
        value = spec.restartPolicy or ""
        errors.append(FieldError.not_supported(f"{path}.spec.restartPolicy", value, ("Always",)))
    if spec.activeDeadlineSeconds is not None and kind:
        text = f"activeDeadlineSeconds in {kind} is not Supported"
        errors.append(FieldError.forbidden(f"{path}.spec.activeDeadlineSeconds", text))


def _selector(selector: LabelSelector | None, kind: str, errors: Errors) -> None:
    if selector is None:
        errors.append(FieldError.required("spec.selector"))
        return
    label_selector(selector, "spec.selector", errors)
    if is_empty(selector):
        errors.append(FieldError.invalid("spec.selector", selector, f"empty selector is invalid for {kind}"))


def _replica_template(selector: LabelSelector | None, template: PodTemplateSpec | None, errors: Errors) -> None:
    template_labels(selector, template, "spec.template", errors)
    template_spec(template, "spec.template", errors)
    always_running(template, "ReplicaSet", "spec.template", errors)


def create_deployment(obj: Deployment, errors: Errors) -> None:
    """A new Deployment."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    _deployment_spec(obj.spec or DeploymentSpec(), errors)


def update_deployment(new: Deployment, old: Deployment, errors: Errors) -> None:
    """A changed Deployment: the selector stays."""
    object_meta_update(new.metadata, old.metadata, errors)
    _deployment_spec(new.spec or DeploymentSpec(), errors)
    _same_selector(new, old, errors)


def _same_selector(new: Any, old: Any, errors: Errors) -> None:
    before, after = (obj.spec.selector if obj.spec else None for obj in (old, new))
    immutable(after, before, "spec.selector", errors)


def _deployment_spec(spec: DeploymentSpec, errors: Errors) -> None:
    nonnegative(spec.replicas, "spec.replicas", errors)
    _selector(spec.selector, "deployment", errors)
    _replica_template(spec.selector, spec.template, errors)
    _strategy(spec.strategy or DeploymentStrategy(), errors)
    nonnegative(spec.minReadySeconds, "spec.minReadySeconds", errors)
    nonnegative(spec.revisionHistoryLimit, "spec.revisionHistoryLimit", errors)
    deadline = spec.progressDeadlineSeconds
    nonnegative(deadline, "spec.progressDeadlineSeconds", errors)
    if deadline is not None and deadline <= (spec.minReadySeconds or 0):
        text = "must be greater than minReadySeconds"
        errors.append(FieldError.invalid("spec.progressDeadlineSeconds", deadline, text))


def _strategy(strategy: DeploymentStrategy, errors: Errors) -> None:
    path = "spec.strategy"
    if strategy.type == "Recreate":
        if strategy.rollingUpdate is not None:
            text = "may not be specified when strategy `type` is 'Recreate'"
            errors.append(FieldError.forbidden(f"{path}.rollingUpdate", text))
    elif strategy.type == "RollingUpdate":
        if strategy.rollingUpdate is None:
            errors.append(FieldError.required(f"{path}.rollingUpdate", "this should be defaulted and never be nil"))
        else:
            _rolling_update(strategy.rollingUpdate, f"{path}.rollingUpdate", errors)
    else:
        errors.append(FieldError.not_supported(path, quoted(strategy), ("Recreate", "RollingUpdate")))


def _rolling_update(item: RollingUpdateDeployment, path: str, errors: Errors) -> None:
    int_or_percent(item.maxUnavailable, f"{path}.maxUnavailable", errors)
    int_or_percent(item.maxSurge, f"{path}.maxSurge", errors)
    if is_zero(item.maxUnavailable) and is_zero(item.maxSurge):
        text = "may not be 0 when `maxSurge` is 0"
        errors.append(FieldError.invalid(f"{path}.maxUnavailable", item.maxUnavailable, text))
    at_most_all(item.maxUnavailable, f"{path}.maxUnavailable", errors)


def create_replica_set(obj: ReplicaSet, errors: Errors) -> None:
    """A new ReplicaSet."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    _replica_set_spec(obj.spec or ReplicaSetSpec(), errors)


def update_replica_set(new: ReplicaSet, old: ReplicaSet, errors: Errors) -> None:
    """A changed ReplicaSet: the selector stays."""
    object_meta_update(new.metadata, old.metadata, errors)
    _replica_set_spec(new.spec or ReplicaSetSpec(), errors)
    _same_selector(new, old, errors)


def _replica_set_spec(spec: ReplicaSetSpec, errors: Errors) -> None:
    nonnegative(spec.replicas, "spec.replicas", errors)
    nonnegative(spec.minReadySeconds, "spec.minReadySeconds", errors)
    _selector(spec.selector, "deployment", errors)
    _replica_template(spec.selector, spec.template, errors)


def create_stateful_set(obj: StatefulSet, errors: Errors) -> None:
    """A new StatefulSet: its name becomes part of host names."""
    object_meta(obj.metadata, True, names.label_name, errors)
    _stateful_set_spec(obj.spec or StatefulSetSpec(), errors)


def update_stateful_set(new: StatefulSet, old: StatefulSet, errors: Errors) -> None:
    """A changed StatefulSet: identity and storage of its Pods stay."""
    object_meta_update(new.metadata, old.metadata, errors)
    spec, before = new.spec or StatefulSetSpec(), old.spec or StatefulSetSpec()
    _stateful_set_spec(spec, errors)
    fixed = ("selector", "serviceName", "podManagementPolicy", "volumeClaimTemplates")
    if any(getattr(spec, name) != getattr(before, name) for name in fixed):
        errors.append(FieldError.forbidden("spec", STATEFUL_CHANGEABLE))


def _stateful_set_spec(spec: StatefulSetSpec, errors: Errors) -> None:
    if not spec.podManagementPolicy:
        errors.append(FieldError.required("spec.podManagementPolicy"))
    elif spec.podManagementPolicy not in ("OrderedReady", "Parallel"):
        text = "must be 'OrderedReady' or 'Parallel'"
        errors.append(FieldError.invalid("spec.podManagementPolicy", spec.podManagementPolicy, text))
    _stateful_strategy(spec.updateStrategy or StatefulSetUpdateStrategy(), errors)
    policy = spec.persistentVolumeClaimRetentionPolicy
    for name in ("whenDeleted", "whenScaled") if policy else ():
        if getattr(policy, name) not in ("Retain", "Delete"):
            path = f"spec.persistentVolumeClaimRetentionPolicy.{name}"
            errors.append(FieldError.not_supported(path, getattr(policy, name) or "", ("Retain", "Delete")))
    nonnegative(spec.replicas, "spec.replicas", errors)
    nonnegative(spec.minReadySeconds, "spec.minReadySeconds", errors)
    if spec.ordinals is not None:
        nonnegative(spec.ordinals.start, "spec.ordinals.start", errors)
    _selector(spec.selector, "statefulset", errors)
    template_labels(spec.selector, spec.template, "spec.template", errors)
    template_spec(_with_claims(spec), "spec.template", errors)
    always_running(spec.template, "StatefulSet", "spec.template", errors)


def _with_claims(spec: StatefulSetSpec) -> PodTemplateSpec | None:
    """The template with the volumes that Pods get for their claims, which containers may mount."""
    claims = [claim.metadata.name for claim in spec.volumeClaimTemplates or () if claim.metadata]
    if not claims or not spec.template or not spec.template.spec:
        return spec.template
    pod = spec.template.spec
    own = tuple(volume for volume in pod.volumes or () if volume.name not in claims)
    mounted = (
        Volume(name=name, persistentVolumeClaim=PersistentVolumeClaimVolumeSource(claimName=name)) for name in claims
    )
    return spec.template.replace(spec=pod.replace(volumes=(*own, *mounted)))


def _stateful_strategy(strategy: StatefulSetUpdateStrategy, errors: Errors) -> None:
    path = "spec.updateStrategy"
    if not strategy.type:
        errors.append(FieldError.required(path))
    elif strategy.type == "OnDelete":
        if strategy.rollingUpdate is not None:
            text = "only allowed for updateStrategy 'RollingUpdate'"
            errors.append(FieldError.invalid(f"{path}.rollingUpdate", quoted(strategy.rollingUpdate), text))
    elif strategy.type == "RollingUpdate":
        if strategy.rollingUpdate is not None:
            nonnegative(strategy.rollingUpdate.partition, f"{path}.rollingUpdate.partition", errors)
    else:
        errors.append(FieldError.invalid(path, quoted(strategy), "must be 'RollingUpdate' or 'OnDelete'"))


def create_daemon_set(obj: DaemonSet, errors: Errors) -> None:
    """A new DaemonSet."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    _daemon_set_spec(obj.spec or DaemonSetSpec(), errors)


def update_daemon_set(new: DaemonSet, old: DaemonSet, errors: Errors) -> None:
    """A changed DaemonSet: the selector stays."""
    object_meta_update(new.metadata, old.metadata, errors)
    _daemon_set_spec(new.spec or DaemonSetSpec(), errors)
    _same_selector(new, old, errors)


def _daemon_set_spec(spec: DaemonSetSpec, errors: Errors) -> None:
    label_selector(spec.selector, "spec.selector", errors)
    template_labels(spec.selector, spec.template, "spec.template", errors)
    if spec.selector is not None and is_empty(spec.selector):
        text = "empty selector is invalid for daemonset"
        errors.append(FieldError.invalid("spec.selector", spec.selector, text))
    template_spec(spec.template, "spec.template", errors)
    always_running(spec.template, "", "spec.template", errors)
    nonnegative(spec.minReadySeconds, "spec.minReadySeconds", errors)
    _daemon_strategy(spec.updateStrategy or DaemonSetUpdateStrategy(), errors)
    nonnegative(spec.revisionHistoryLimit, "spec.revisionHistoryLimit", errors)


def _daemon_strategy(strategy: DaemonSetUpdateStrategy, errors: Errors) -> None:
    path = "spec.updateStrategy"
    if strategy.type == "RollingUpdate":
        if strategy.rollingUpdate is None:
            errors.append(FieldError.required(f"{path}.rollingUpdate"))
        else:
            _rolling_daemons(strategy.rollingUpdate, f"{path}.rollingUpdate", errors)
    elif strategy.type != "OnDelete":
        errors.append(FieldError.not_supported(path, quoted(strategy), ("RollingUpdate", "OnDelete")))


def _rolling_daemons(item: RollingUpdateDaemonSet, path: str, errors: Errors) -> None:
    for name in ("maxUnavailable", "maxSurge"):
        int_or_percent(getattr(item, name), f"{path}.{name}", errors)
        at_most_all(getattr(item, name), f"{path}.{name}", errors)
    if not is_zero(item.maxUnavailable) and not is_zero(item.maxSurge):
        text = "may not be set when maxUnavailable is non-zero"
        errors.append(FieldError.invalid(f"{path}.maxSurge", item.maxSurge, text))
    if is_zero(item.maxUnavailable) and is_zero(item.maxSurge):
        errors.append(FieldError.required(f"{path}.maxUnavailable", "cannot be 0 when maxSurge is 0"))


def create_replication_controller(obj: ReplicationController, errors: Errors) -> None:
    """A new ReplicationController."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    _replication_controller_spec(obj.spec or ReplicationControllerSpec(), errors)


def update_replication_controller(new: ReplicationController, old: ReplicationController, errors: Errors) -> None:
    """A changed ReplicationController; even its selector may change."""
    object_meta_update(new.metadata, old.metadata, errors)
    _replication_controller_spec(new.spec or ReplicationControllerSpec(), errors)


def _replication_controller_spec(spec: ReplicationControllerSpec, errors: Errors) -> None:
    nonnegative(spec.minReadySeconds, "spec.minReadySeconds", errors)
    if not spec.selector:
        errors.append(FieldError.required("spec.selector"))
    nonnegative(spec.replicas, "spec.replicas", errors)
    if spec.template is None:
        errors.append(FieldError.required("spec.template"))
        return
    template_labels(LabelSelector(matchLabels=spec.selector), spec.template, "spec.template", errors)
    template_spec(spec.template, "spec.template", errors)
    always_running(spec.template, "ReplicationController", "spec.template", errors)


def create_controller_revision(obj: ControllerRevision, errors: Errors) -> None:
    """A new ControllerRevision."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    if obj.data is None:
        errors.append(FieldError.required("data", "data is mandatory"))
    nonnegative(obj.revision, "revision", errors)


def update_controller_revision(new: ControllerRevision, old: ControllerRevision, errors: Errors) -> None:
    """A changed ControllerRevision: only its number may change."""
    object_meta_update(new.metadata, old.metadata, errors)
    create_controller_revision(new, errors)
    immutable(new.data, old.data, "data", errors)


def status(new: Any, old: Any, errors: Errors) -> None:
    """The status of a workload: counts that fit together."""
    object_meta_update(new.metadata, old.metadata, errors)
    now = new.status
    if now is None:
        return
    for name in COUNTS:
        nonnegative(getattr(now, name, None), f"status.{name}", errors)
    total = getattr(now, "replicas", None)
    if total is None:
        return
    for name in ("updatedReplicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas"):
        count = getattr(now, name, None)
        if count is not None and count > total:
            text = "cannot be greater than status.replicas"
            errors.append(FieldError.invalid(f"status.{name}", count, text))
    available, ready = getattr(now, "availableReplicas", None) or 0, getattr(now, "readyReplicas", None) or 0
    if available > ready:
        errors.append(FieldError.invalid("status.availableReplicas", available, "cannot be greater than readyReplicas"))


COUNTS = [
    "observedGeneration",
    "replicas",
    "updatedReplicas",
    "fullyLabeledReplicas",
    "readyReplicas",
    "availableReplicas",
    "currentReplicas",
    "unavailableReplicas",
    "collisionCount",
    "currentNumberScheduled",
    "numberMisscheduled",
    "desiredNumberScheduled",
    "numberReady",
    "updatedNumberScheduled",
    "numberAvailable",
    "numberUnavailable",
]
