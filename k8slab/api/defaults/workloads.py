"""Defaults of `apps/v1` and `batch/v1` (`pkg/apis/apps/v1/defaults.go`, `pkg/apis/batch/v1/defaults.go`)."""

from __future__ import annotations

from k8slab.api.apps_v1 import (
    DaemonSet,
    DaemonSetSpec,
    DaemonSetStatus,
    DaemonSetUpdateStrategy,
    Deployment,
    DeploymentSpec,
    DeploymentStatus,
    DeploymentStrategy,
    ReplicaSet,
    ReplicaSetSpec,
    ReplicaSetStatus,
    RollingUpdateDaemonSet,
    RollingUpdateDeployment,
    RollingUpdateStatefulSetStrategy,
    StatefulSet,
    StatefulSetPersistentVolumeClaimRetentionPolicy,
    StatefulSetSpec,
    StatefulSetStatus,
    StatefulSetUpdateStrategy,
)
from k8slab.api.batch_v1 import (
    CronJob,
    CronJobSpec,
    CronJobStatus,
    Job,
    JobSpec,
    JobStatus,
    JobTemplateSpec,
    PodFailurePolicy,
    PodFailurePolicyOnPodConditionsPattern,
    PodFailurePolicyRule,
)
from k8slab.api.core_v1 import PersistentVolumeClaim
from k8slab.api.defaults.core import persistent_volume_claim
from k8slab.api.defaults.fill import change, each, fill, fill_absent
from k8slab.api.defaults.pods import template_spec
from k8slab.api.meta_v1 import ObjectMeta

QUARTER = RollingUpdateDeployment(maxUnavailable="25%", maxSurge="25%")
ONE_BY_ONE = RollingUpdateDaemonSet(maxUnavailable=1, maxSurge=0)
ALL_ORDINALS = RollingUpdateStatefulSetStrategy(partition=0)
RETAIN = StatefulSetPersistentVolumeClaimRetentionPolicy(whenDeleted="Retain", whenScaled="Retain")
NO_REPLICAS = ReplicaSetStatus(replicas=0)
MAX_INT32 = 2**31 - 1


def deployment(obj: Deployment) -> Deployment:
    """A Deployment."""
    spec = obj.spec or DeploymentSpec()
    spec = fill_absent(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    strategy = fill(spec.strategy or DeploymentStrategy(), type="RollingUpdate")
    if strategy.type == "RollingUpdate":
        rolling = strategy.rollingUpdate
        rolling = QUARTER if rolling is None else fill_absent(rolling, maxUnavailable="25%", maxSurge="25%")
        strategy = change(strategy, rollingUpdate=rolling)
    spec = change(spec, strategy=strategy, template=template_spec(spec.template))
    return change(obj, spec=spec, status=deployment_status(obj.status))


def deployment_status(status: DeploymentStatus | None) -> DeploymentStatus:
    """A Deployment's status."""
    return status or DeploymentStatus()


def replica_set(obj: ReplicaSet) -> ReplicaSet:
    """A ReplicaSet."""
    spec = fill_absent(obj.spec or ReplicaSetSpec(), replicas=1)
    return change(obj, spec=change(spec, template=template_spec(spec.template)), status=replica_set_status(obj.status))


def replica_set_status(status: ReplicaSetStatus | None) -> ReplicaSetStatus:
    """A ReplicaSet's status."""
    return NO_REPLICAS if status is None else fill_absent(status, replicas=0)


def stateful_set(obj: StatefulSet) -> StatefulSet:
    """A StatefulSet."""
    spec = fill(obj.spec or StatefulSetSpec(), podManagementPolicy="OrderedReady")
    spec = fill_absent(spec, replicas=1, revisionHistoryLimit=10, persistentVolumeClaimRetentionPolicy=RETAIN)
    retention = fill(spec.persistentVolumeClaimRetentionPolicy, whenDeleted="Retain", whenScaled="Retain")
    strategy = fill(spec.updateStrategy or StatefulSetUpdateStrategy(), type="RollingUpdate")
    if strategy.type == "RollingUpdate":
        rolling = strategy.rollingUpdate
        strategy = change(
            strategy, rollingUpdate=ALL_ORDINALS if rolling is None else fill_absent(rolling, partition=0)
        )
    spec = change(
        spec,
        persistentVolumeClaimRetentionPolicy=retention,
        updateStrategy=strategy,
        template=template_spec(spec.template),
        volumeClaimTemplates=each(_claim_template, spec.volumeClaimTemplates),
    )
    status = fill_absent(obj.status or StatefulSetStatus(), replicas=0, availableReplicas=0)
    return change(obj, spec=spec, status=status)


def _claim_template(obj: PersistentVolumeClaim) -> PersistentVolumeClaim:
    return persistent_volume_claim(obj)


def daemon_set(obj: DaemonSet) -> DaemonSet:
    """A DaemonSet."""
    spec = fill_absent(obj.spec or DaemonSetSpec(), revisionHistoryLimit=10)
    strategy = fill(spec.updateStrategy or DaemonSetUpdateStrategy(), type="RollingUpdate")
    if strategy.type == "RollingUpdate":
        rolling = strategy.rollingUpdate
        rolling = ONE_BY_ONE if rolling is None else fill_absent(rolling, maxUnavailable=1, maxSurge=0)
        strategy = change(strategy, rollingUpdate=rolling)
    status = fill_absent(
        obj.status or DaemonSetStatus(),
        currentNumberScheduled=0,
        numberMisscheduled=0,
        desiredNumberScheduled=0,
        numberReady=0,
    )
    return change(obj, spec=change(spec, updateStrategy=strategy, template=template_spec(spec.template)), status=status)


def job(obj: Job) -> Job:
    """A Job: one completion at a time unless it is a work queue; its labels are those of the template."""
    spec = obj.spec or JobSpec()
    if spec.completions is None and spec.parallelism is None:
        spec = spec.replace(completions=1)
    backoff = 6 if spec.backoffLimitPerIndex is None else MAX_INT32
    spec = fill_absent(
        spec,
        parallelism=1,
        backoffLimit=backoff,
        completionMode="NonIndexed",
        suspend=False,
        manualSelector=False,
        podReplacementPolicy="TerminatingOrFailed" if spec.podFailurePolicy is None else "Failed",
    )
    spec = change(spec, template=template_spec(spec.template), podFailurePolicy=_failure_policy(spec))
    labels = spec.template.metadata.labels
    if labels and not obj.metadata.labels:
        obj = obj.replace(metadata=obj.metadata.replace(labels=labels))
    return change(obj, spec=spec, status=obj.status or JobStatus())


def _failure_policy(spec: JobSpec) -> PodFailurePolicy:
    policy = spec.podFailurePolicy
    return policy if policy is None else change(policy, rules=each(_failure_rule, policy.rules))


def _failure_rule(rule: PodFailurePolicyRule) -> PodFailurePolicyRule:
    return change(rule, onPodConditions=each(_condition_pattern, rule.onPodConditions))


def _condition_pattern(item: PodFailurePolicyOnPodConditionsPattern) -> PodFailurePolicyOnPodConditionsPattern:
    return fill(item, status="True")


def cron_job(obj: CronJob) -> CronJob:
    """A CronJob; of the Job's own defaults none are written into the template."""
    spec = fill(obj.spec or CronJobSpec(), concurrencyPolicy="Allow")
    spec = fill_absent(spec, suspend=False, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)
    template = spec.jobTemplate or JobTemplateSpec()
    job_spec = template.spec or JobSpec()
    job_spec = change(job_spec, template=template_spec(job_spec.template), podFailurePolicy=_failure_policy(job_spec))
    template = change(template, metadata=template.metadata or ObjectMeta(), spec=job_spec)
    return change(obj, spec=change(spec, jobTemplate=template), status=obj.status or CronJobStatus())
