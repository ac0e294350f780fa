"""Jobs and CronJobs (`pkg/apis/batch/validation`)."""

from __future__ import annotations

import zoneinfo

from k8slab.api import selector as selectors
from k8slab.api.batch_v1 import CronJob, CronJobSpec, Job, JobSpec, JobStatus, PodFailurePolicyRule
from k8slab.api.validation import names
from k8slab.api.validation.cron import schedule_problem
from k8slab.api.validation.gostruct import quoted
from k8slab.api.validation.metadata import (
    IMMUTABLE,
    NO_METADATA,
    Errors,
    immutable,
    nonnegative,
    object_meta,
    object_meta_update,
)
from k8slab.api.validation.podspecs import NO_SPEC, template_spec
from k8slab.api.validation.selectors import label_selector
from k8slab.api.validation.workloads import MISMATCH
from k8slab.errors import OMITTED, FieldError, quote

CONTROLLER_UID = "batch.kubernetes.io/controller-uid"
MODES = ("NonIndexed", "Indexed")
ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
CRON_NAME = 52
NO_JOB = JobSpec()


def create(obj: Job, errors: Errors) -> None:
    """A new Job, after its selector was generated."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    _generated_selector(obj, errors)
    _spec_with_selector(obj.spec or NO_JOB, errors)


def update(new: Job, old: Job, errors: Errors) -> None:
    """A changed Job: how much runs at once and how long it may take, little else."""
    create(new, errors)
    object_meta_update(new.metadata, old.metadata, errors)
    spec, before = new.spec or NO_JOB, old.spec or NO_JOB
    _spec_with_selector(spec, errors)
    _completions(spec, before, errors)
    immutable(spec.selector, before.selector, "spec.selector", errors)
    _same_template(spec, before, old, errors)
    for name in ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"):
        immutable(getattr(spec, name), getattr(before, name), f"spec.{name}", errors)


def status(new: Job, old: Job, errors: Errors) -> None:
    """A changed status of a Job: counters grow, and a finished Job has all that belongs to its end."""
    object_meta_update(new.metadata, old.metadata, errors)
    now, before = new.status or JobStatus(), old.status or JobStatus()
    for name in ("active", "succeeded", "failed", "ready", "terminating"):
        nonnegative(getattr(now, name), f"status.{name}", errors)
    _finish(now, errors)
    for name in ("failed", "succeeded"):
        count = getattr(now, name) or 0
        if count < (getattr(before, name) or 0):
            errors.append(FieldError.invalid(f"status.{name}", count, f"cannot decrease the {name} counter"))


def _finish(now: JobStatus, errors: Errors) -> None:
    done = {item.type for item in now.conditions or () if item.status == "True"}
    if "Complete" in done and now.completionTime is None:
        errors.append(FieldError.required("status.completionTime", "completionTime is required for Complete jobs"))
    for end, first in (("Complete", "SuccessCriteriaMet"), ("Failed", "FailureTarget")):
        if end in done and first not in done:
            text = f"cannot set {end}=True condition without the {first}=true condition"
            errors.append(FieldError("Invalid value", "status.conditions", OMITTED, text))
    if done & {"Complete", "Failed"} and now.startTime is None:
        errors.append(FieldError.required("status.startTime", "startTime is required for finished job"))


def _completions(spec: JobSpec, before: JobSpec, errors: Errors) -> None:
    """Only an elastic Indexed Job (as many completions as Pods at once) may be resized."""
    if spec.completions == before.completions:
        return
    if spec.completionMode != "Indexed":
        errors.append(FieldError.invalid("spec.completions", spec.completions, IMMUTABLE))
    elif spec.completions != spec.parallelism:
        text = f"can only be modified in tandem with {quote('spec.parallelism')}"
        errors.append(FieldError.invalid("spec.completions", spec.completions, text))


def _same_template(spec: JobSpec, before: JobSpec, old: Job, errors: Errors) -> None:
    new, known = spec.template, before.template
    if new == known or new is None or known is None:
        return
    if before.suspend and (old.status is None or old.status.startTime is None):
        directives = ("affinity", "nodeSelector", "tolerations", "schedulingGates")
        spec_now, spec_before = new.spec or NO_SPEC, known.spec or NO_SPEC
        known = known.replace(
            metadata=(known.metadata or NO_METADATA).replace(
                annotations=(new.metadata or NO_METADATA).annotations, labels=(new.metadata or NO_METADATA).labels
            ),
            spec=spec_before.replace(**{name: getattr(spec_now, name) for name in directives}),
        )
    if new != known:
        errors.append(FieldError.invalid("spec.template", quoted(new), IMMUTABLE))


def _generated_selector(obj: Job, errors: Errors) -> None:
    spec = obj.spec or NO_JOB
    if spec.manualSelector or spec.selector is None:
        return
    wanted = {CONTROLLER_UID: obj.metadata.uid}
    if spec.selector.matchLabels != wanted or spec.selector.matchExpressions:
        text = "`selector` not auto-generated"
        errors.append(FieldError.invalid("spec.selector", spec.selector, text))


def _spec_with_selector(spec: JobSpec, errors: Errors) -> None:
    job_spec(spec, "spec", errors)
    if spec.selector is None:
        errors.append(FieldError.required("spec.selector"))
    else:
        label_selector(spec.selector, "spec.selector", errors)
    labels = (spec.template.metadata or NO_METADATA).labels if spec.template else None
    if spec.selector is None or not selectors.from_label_selector(spec.selector).matches(labels or {}):
        errors.append(FieldError.invalid("spec.template.metadata.labels", labels, MISMATCH))


def job_spec(spec: JobSpec, path: str, errors: Errors) -> None:
    """What Jobs and the templates of CronJobs have in common."""
    for name in ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"):
        nonnegative(getattr(spec, name), f"{path}.{name}", errors)
    for name in ("backoffLimitPerIndex", "maxFailedIndexes"):
        nonnegative(getattr(spec, name), f"{path}.{name}", errors)
    _mode(spec, path, errors)
    if spec.podFailurePolicy is not None:
        for index, rule in enumerate(spec.podFailurePolicy.rules or ()):
            _failure_rule(rule, spec, f"{path}.podFailurePolicy.rules[{index}]", errors)
    _success_policy(spec, path, errors)
    template_spec(spec.template, f"{path}.template", errors)
    _restart_policy(spec, f"{path}.template.spec.restartPolicy", errors)


def _mode(spec: JobSpec, path: str, errors: Errors) -> None:
    if spec.completionMode is not None and spec.completionMode not in MODES:
        errors.append(FieldError.not_supported(f"{path}.completionMode", spec.completionMode, MODES))
    if spec.completionMode == "Indexed":
        if spec.completions is None:
            errors.append(FieldError.required(f"{path}.completions", "when completion mode is Indexed"))
        if spec.parallelism is not None and spec.parallelism > 100000:
            text = "must be less than or equal to 100000 when completion mode is Indexed"
            errors.append(FieldError.invalid(f"{path}.parallelism", spec.parallelism, text))
        return
    for name in ("backoffLimitPerIndex", "maxFailedIndexes"):
        value = getattr(spec, name)
        if value is not None:
            errors.append(FieldError.invalid(f"{path}.{name}", value, "requires indexed completion mode"))


def _failure_rule(rule: PodFailurePolicyRule, spec: JobSpec, path: str, errors: Errors) -> None:
    if not rule.action:
        errors.append(FieldError.required(f"{path}.action", 'valid values: "FailIndex", "FailJob", "Ignore", "Count"'))
    elif rule.action not in ACTIONS:
        errors.append(FieldError.not_supported(f"{path}.action", rule.action, ACTIONS))
    elif rule.action == "FailIndex" and spec.backoffLimitPerIndex is None:
        text = "requires the backoffLimitPerIndex to be set"
        errors.append(FieldError.invalid(f"{path}.action", rule.action, text))
    codes, conditions = rule.onExitCodes, rule.onPodConditions
    if codes is not None and conditions:
        text = "specifying both OnExitCodes and OnPodConditions is not supported"
        errors.append(FieldError.invalid(path, quoted(rule), text))
    elif codes is None and not conditions:
        text = "specifying one of OnExitCodes and OnPodConditions is required"
        errors.append(FieldError.invalid(path, quoted(rule), text))
    if codes is not None:
        if codes.operator not in ("In", "NotIn"):
            values = ("In", "NotIn")
            errors.append(FieldError.not_supported(f"{path}.onExitCodes.operator", codes.operator or "", values))
        if not codes.values:
            errors.append(
                FieldError.invalid(f"{path}.onExitCodes.values", codes.values, "at least one value is required")
            )


def _success_policy(spec: JobSpec, path: str, errors: Errors) -> None:
    policy = spec.successPolicy
    if policy is None:
        return
    if spec.completionMode != "Indexed":
        text = "requires indexed completion mode"
        errors.append(FieldError.invalid(f"{path}.successPolicy", quoted(policy), text))
    if not policy.rules:
        text = "at least one rules must be specified when the successPolicy is specified"
        errors.append(FieldError.required(f"{path}.successPolicy.rules", text))
    for index, rule in enumerate(policy.rules or ()):
        if rule.succeededCount is None and rule.succeededIndexes is None:
            text = "at least one of succeededCount or succeededIndexes must be specified"
            errors.append(FieldError.required(f"{path}.successPolicy.rules[{index}]", text))


def _restart_policy(spec: JobSpec, path: str, errors: Errors) -> None:
    policy = ((spec.template.spec if spec.template else None) or NO_SPEC).restartPolicy or ""
    if policy in ("", "Always"):
        errors.append(FieldError.required(path, 'valid values: "OnFailure", "Never"'))
    elif policy not in ("OnFailure", "Never"):
        errors.append(FieldError.not_supported(path, policy, ("OnFailure", "Never")))
    elif spec.podFailurePolicy is not None and policy != "Never":
        text = 'only "Never" is supported when podFailurePolicy is specified'
        errors.append(FieldError.invalid(path, policy, text))


def create_cron(obj: CronJob, errors: Errors) -> None:
    """A new CronJob: its name leaves room for the suffix of its Jobs."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    _cron_spec(obj.spec or CronJobSpec(), errors)
    if len(obj.metadata.name or "") > CRON_NAME:
        errors.append(FieldError.invalid("metadata.name", obj.metadata.name, names.too_long(CRON_NAME)))


def update_cron(new: CronJob, old: CronJob, errors: Errors) -> None:
    """A changed CronJob."""
    object_meta_update(new.metadata, old.metadata, errors)
    _cron_spec(new.spec or CronJobSpec(), errors)


def _cron_spec(spec: CronJobSpec, errors: Errors) -> None:
    if not spec.schedule:
        errors.append(FieldError.required("spec.schedule"))
    else:
        _schedule(spec, errors)
    if spec.timeZone is not None:
        _time_zone(spec.timeZone, errors)
    nonnegative(spec.startingDeadlineSeconds, "spec.startingDeadlineSeconds", errors)
    policies = ("Allow", "Forbid", "Replace")
    if not spec.concurrencyPolicy:
        errors.append(FieldError.required("spec.concurrencyPolicy"))
    elif spec.concurrencyPolicy not in policies:
        errors.append(FieldError.not_supported("spec.concurrencyPolicy", spec.concurrencyPolicy, policies))
    template = spec.jobTemplate.spec if spec.jobTemplate else None
    job_spec(template or NO_JOB, "spec.jobTemplate.spec", errors)
    for name in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        nonnegative(getattr(spec, name), f"spec.{name}", errors)


def _schedule(spec: CronJobSpec, errors: Errors) -> None:
    problem = schedule_problem(spec.schedule)
    if problem:
        errors.append(FieldError.invalid("spec.schedule", spec.schedule, problem))
    if "TZ" in spec.schedule and spec.timeZone is not None:
        text = "cannot use both timeZone field and TZ or CRON_TZ in schedule"
        errors.append(FieldError.invalid("spec.schedule", spec.schedule, text))
    elif "TZ" in spec.schedule:
        text = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        errors.append(FieldError.invalid("spec.schedule", spec.schedule, text))


def _time_zone(name: str, errors: Errors) -> None:
    if not name:
        text = "timeZone must be nil or non-empty string"
        errors.append(FieldError.invalid("spec.timeZone", name, text))
    elif name.lower() == "local":
        errors.append(
            FieldError.invalid(
                "spec.timeZone",
                name,
                "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones",
            )
        )
    else:
        try:
            zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            errors.append(FieldError.invalid("spec.timeZone", name, f"unknown time zone {name}"))
