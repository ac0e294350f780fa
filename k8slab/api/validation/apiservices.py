"""APIServices (`kube-aggregator/pkg/apis/apiregistration/validation`)."""

from __future__ import annotations

from k8slab.api.apiregistration_v1 import APIService, APIServiceSpec
from k8slab.api.validation import names
from k8slab.api.validation.metadata import Errors, object_meta, object_meta_update
from k8slab.errors import FieldError, quote

HIGHEST_GROUP, HIGHEST_VERSION = 20_000, 1000
STATES = ("False", "True", "Unknown")


class _Name:
    """The name of an APIService follows from its spec."""

    def __init__(self, spec: APIServiceSpec) -> None:
        self.wanted = f"{spec.version or ''}.{spec.group or ''}"

    def check(self, text: str, prefix: bool = False) -> names.Messages:
        found = names.path_segment(text)
        if found or text == self.wanted:
            return found
        return (f'must be `spec.version+"."+spec.group`: {quote(self.wanted)}',)


def api_service(obj: APIService, errors: Errors) -> None:
    """A new APIService."""
    spec = obj.spec or APIServiceSpec()
    object_meta(obj.metadata, False, _Name(spec).check, errors)
    group, version = spec.group or "", spec.version or ""
    if not group and version != "v1":
        errors.append(FieldError.required("spec.group", "only v1 may have an empty group and it better be legacy kube"))
    if group:
        errors += [FieldError.invalid("spec.group", group, text) for text in names.dns_subdomain(group)]
    errors += [FieldError.invalid("spec.version", version, text) for text in names.dns1035_label(version)]
    for field, highest in (("groupPriorityMinimum", HIGHEST_GROUP), ("versionPriority", HIGHEST_VERSION)):
        value = getattr(spec, field) or 0
        if not 0 < value <= highest:
            errors.append(FieldError.invalid(f"spec.{field}", value, f"must be positive and less than {highest}"))
    (_local if spec.service is None else _remote)(spec, errors)


def _local(spec: APIServiceSpec, errors: Errors) -> None:
    if spec.caBundle:
        size = len(spec.caBundle.rstrip("=")) * 3 // 4
        errors.append(FieldError.invalid("spec.caBundle", f"{size} bytes", "local APIServices may not have a caBundle"))
    if spec.insecureSkipTLSVerify:
        why = "local APIServices may not have insecureSkipTLSVerify"
        errors.append(FieldError.invalid("spec.insecureSkipTLSVerify", True, why))


def _remote(spec: APIServiceSpec, errors: Errors) -> None:
    service = spec.service
    if not service.namespace:
        errors.append(FieldError.required("spec.service.namespace"))
    if not service.name:
        errors.append(FieldError.required("spec.service.name"))
    port = 443 if service.port is None else service.port
    wrong = names.port_number(port)
    if wrong:
        errors.append(FieldError.invalid("spec.service.port", port, f"port is not valid: {', '.join(wrong)}"))
    if spec.insecureSkipTLSVerify and spec.caBundle:
        errors.append(FieldError.invalid("spec.insecureSkipTLSVerify", True, "may not be true if caBundle is present"))


def update_api_service(new: APIService, old: APIService, errors: Errors) -> None:
    """A changed APIService."""
    object_meta_update(new.metadata, old.metadata, errors)
    api_service(new, errors)


def api_service_status(new: APIService, old: APIService, errors: Errors) -> None:
    """Conditions of an APIService."""
    object_meta_update(new.metadata, old.metadata, errors)
    for index, condition in enumerate((new.status.conditions if new.status else None) or ()):
        if condition.status not in STATES:
            field = f"status.conditions[{index}].status"
            errors.append(FieldError.not_supported(field, condition.status, STATES))
