"""Jobs, and what the templates of CronJobs share with them (`pkg/apis/batch/validation`)."""

from __future__ import annotations

from k8slab.api import selector as selectors
from k8slab.api.batch_v1 import Job, JobSpec
from k8slab.api.validation import jobpolicies, names
from k8slab.api.validation.gostruct import quoted
from k8slab.api.validation.metadata import (
    IMMUTABLE,
    NO_METADATA,
    Errors,
    domain_prefixed_path,
    immutable,
    nonnegative,
    object_meta,
    object_meta_update,
)
from k8slab.api.validation.podspecs import NO_SPEC, template_spec
from k8slab.api.validation.selectors import label_selector
from k8slab.api.validation.workloads import MISMATCH
from k8slab.errors import FieldError, quote

CONTROLLER_UID = "batch.kubernetes.io/controller-uid"
MODES = ("NonIndexed", "Indexed")
INDEXED_LIMIT = 100_000
MANY_LIMIT = 10_000
MANAGER_LENGTH = 63
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
    if spec.maxFailedIndexes is not None and spec.backoffLimitPerIndex is None:
        errors.append(FieldError.required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified"))
    if spec.managedBy is not None:
        _manager(spec.managedBy, f"{path}.managedBy", errors)
    _mode(spec, path, errors)
    if spec.podFailurePolicy is not None:
        jobpolicies.failure_policy(spec, f"{path}.podFailurePolicy", errors)
    if spec.successPolicy is not None:
        jobpolicies.success_policy(spec, f"{path}.successPolicy", errors)
    jobpolicies.replacement_policy(spec, f"{path}.podReplacementPolicy", errors)
    template_spec(spec.template, f"{path}.template", errors)
    _restart_policy(spec, f"{path}.template.spec.restartPolicy", errors)


def _mode(spec: JobSpec, path: str, errors: Errors) -> None:
    if spec.completionMode is not None and spec.completionMode not in MODES:
        errors.append(FieldError.not_supported(f"{path}.completionMode", spec.completionMode, MODES))
    if spec.completionMode == "Indexed":
        _indexed(spec, path, errors)
    if spec.completionMode not in (None, "NonIndexed"):
        return
    for name in ("backoffLimitPerIndex", "maxFailedIndexes"):
        value = getattr(spec, name)
        if value is not None:
            errors.append(FieldError.invalid(f"{path}.{name}", value, "requires indexed completion mode"))


def _indexed(spec: JobSpec, path: str, errors: Errors) -> None:
    parallelism, failed = spec.parallelism, spec.maxFailedIndexes
    if spec.completions is None:
        errors.append(FieldError.required(f"{path}.completions", "when completion mode is Indexed"))
    if parallelism is not None and parallelism > INDEXED_LIMIT:
        text = f"must be less than or equal to {INDEXED_LIMIT} when completion mode is Indexed"
        errors.append(FieldError.invalid(f"{path}.parallelism", parallelism, text))
    if spec.completions is not None and failed is not None and failed > spec.completions:
        text = "must be less than or equal to completions"
        errors.append(FieldError.invalid(f"{path}.maxFailedIndexes", failed, text))
    if failed is not None and failed > INDEXED_LIMIT:
        text = f"must be less than or equal to {INDEXED_LIMIT}"
        errors.append(FieldError.invalid(f"{path}.maxFailedIndexes", failed, text))
    if (spec.completions or 0) > INDEXED_LIMIT and spec.backoffLimitPerIndex is not None:
        _many_completions(spec, path, errors)


def _many_completions(spec: JobSpec, path: str, errors: Errors) -> None:
    if spec.maxFailedIndexes is None:
        text = f"must be specified when completions is above {INDEXED_LIMIT}"
        errors.append(FieldError.required(f"{path}.maxFailedIndexes", text))
    text = (
        f"must be less than or equal to {MANY_LIMIT} when completions are above {INDEXED_LIMIT} "
        "and used with backoff limit per index"
    )
    for name in ("parallelism", "maxFailedIndexes"):
        value = getattr(spec, name)
        if value is not None and value > MANY_LIMIT:
            errors.append(FieldError.invalid(f"{path}.{name}", value, text))


def _manager(name: str, path: str, errors: Errors) -> None:
    domain_prefixed_path(name, path, errors)
    if len(name) > MANAGER_LENGTH:
        errors.append(FieldError.too_long(path, MANAGER_LENGTH))


def _restart_policy(spec: JobSpec, path: str, errors: Errors) -> None:
    policy = ((spec.template.spec if spec.template else None) or NO_SPEC).restartPolicy or ""
    if policy in ("", "Always"):
        errors.append(FieldError.required(path, 'valid values: "OnFailure", "Never"'))
    elif policy not in ("OnFailure", "Never"):
        errors.append(FieldError.not_supported(path, policy, ("OnFailure", "Never")))
    elif spec.podFailurePolicy is not None and policy != "Never":
        text = 'only "Never" is supported when podFailurePolicy is specified'
        errors.append(FieldError.invalid(path, policy, text))
