"""CronJobs (`pkg/apis/batch/validation`)."""

from __future__ import annotations

import re
import zoneinfo

from k8slab.api.batch_v1 import CronJob, CronJobSpec, JobSpec
from k8slab.api.validation import names
from k8slab.api.validation.cron import schedule_problem
from k8slab.api.validation.jobs import NO_JOB, job_spec
from k8slab.api.validation.metadata import Errors, nonnegative, object_meta, object_meta_update
from k8slab.errors import FieldError

CRON_NAME = 52
_ZONE_PART = re.compile(r"(?!-)[A-Za-z.\-_0-9+]{1,14}")


def create_cron(obj: CronJob, errors: Errors) -> None:
    """A new CronJob: its name leaves room for the suffix of its Jobs."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    _cron_spec(obj.spec or CronJobSpec(), None, errors)
    if len(obj.metadata.name or "") > CRON_NAME:
        errors.append(FieldError.invalid("metadata.name", obj.metadata.name, names.too_long(CRON_NAME)))


def update_cron(new: CronJob, old: CronJob, errors: Errors) -> None:
    """A changed CronJob."""
    object_meta_update(new.metadata, old.metadata, errors)
    _cron_spec(new.spec or CronJobSpec(), old.spec or CronJobSpec(), errors)


def _cron_spec(spec: CronJobSpec, before: CronJobSpec | None, errors: Errors) -> None:
    if not spec.schedule:
        errors.append(FieldError.required("spec.schedule"))
    else:
        _schedule(spec, before is not None and "TZ" in (before.schedule or ""), errors)
    nonnegative(spec.startingDeadlineSeconds, "spec.startingDeadlineSeconds", errors)
    if spec.timeZone is not None and (before is None or before.timeZone != spec.timeZone):
        _time_zone(spec.timeZone, errors)
    policies = ("Allow", "Forbid", "Replace")
    if not spec.concurrencyPolicy:
        errors.append(FieldError.required("spec.concurrencyPolicy"))
    elif spec.concurrencyPolicy not in policies:
        errors.append(FieldError.not_supported("spec.concurrencyPolicy", spec.concurrencyPolicy, policies))
    template = spec.jobTemplate.spec if spec.jobTemplate else None
    job_spec(template or NO_JOB, "spec.jobTemplate.spec", errors)
    _generated(template or NO_JOB, "spec.jobTemplate.spec", errors)
    for name in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        nonnegative(getattr(spec, name), f"spec.{name}", errors)


def _generated(spec: JobSpec, path: str, errors: Errors) -> None:
    """A CronJob's Jobs always get generated selectors."""
    if spec.selector is not None:
        errors.append(FieldError.invalid(f"{path}.selector", spec.selector, "`selector` will be auto-generated"))
    if spec.manualSelector:
        errors.append(FieldError.not_supported(f"{path}.manualSelector", spec.manualSelector, ("nil", "false")))


def _schedule(spec: CronJobSpec, zone_allowed: bool, errors: Errors) -> None:
    problem = schedule_problem(spec.schedule)
    if problem:
        errors.append(FieldError.invalid("spec.schedule", spec.schedule, problem))
    if "TZ" not in spec.schedule:
        return
    if not zone_allowed:
        text = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        errors.append(FieldError.invalid("spec.schedule", spec.schedule, text))
    elif spec.timeZone is not None:
        text = "cannot use both timeZone field and TZ or CRON_TZ in schedule"
        errors.append(FieldError.invalid("spec.schedule", spec.schedule, text))


def _time_zone(name: str, errors: Errors) -> None:
    if not name:
        errors.append(FieldError.invalid("spec.timeZone", name, "timeZone must be nil or non-empty string"))
    elif not all(_ZONE_PART.fullmatch(part) and part not in (".", "..") for part in name.split("/")):
        errors.append(FieldError.invalid("spec.timeZone", name, f"unknown time zone {name}"))
    elif name.lower() == "local":
        text = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        errors.append(FieldError.invalid("spec.timeZone", name, text))
        if name != "Local":
            errors.append(FieldError.invalid("spec.timeZone", name, f"unknown time zone {name}"))
    else:
        try:
            zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            errors.append(FieldError.invalid("spec.timeZone", name, f"unknown time zone {name}"))
