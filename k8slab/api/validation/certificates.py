"""Requests for certificates (`pkg/apis/certificates/validation`)."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from k8slab.api.certificates_v1 import (
    CertificateSigningRequest,
    CertificateSigningRequestSpec,
    CertificateSigningRequestStatus,
)
from k8slab.api.validation import names
from k8slab.api.validation.metadata import Errors, object_meta, object_meta_update
from k8slab.errors import FieldError, quote
from k8slab.pki import request as pki

LEGACY_UNKNOWN = "kubernetes.io/legacy-unknown"
APPROVED, DENIED, FAILED = "Approved", "Denied", "Failed"
SHORTEST = 600
MAX_DOMAIN = 253
USAGES = (
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
)


def create(obj: CertificateSigningRequest, errors: Errors) -> None:
    """A new request."""
    _whole(obj, None, errors)


def update(new: CertificateSigningRequest, old: CertificateSigningRequest, errors: Errors) -> None:
    """A changed request."""
    _changed(new, old, errors)


def approval(new: CertificateSigningRequest, old: CertificateSigningRequest, errors: Errors) -> None:
    """A request whose approval was changed."""
    _changed(new, old, errors, may_approve=True)


def status(new: CertificateSigningRequest, old: CertificateSigningRequest, errors: Errors) -> None:
    """A request that was answered."""
    _changed(new, old, errors, may_certify=True)


def _no_rules(name: str, prefix: bool = False) -> tuple[str, ...]:
    return ()


def _whole(obj: CertificateSigningRequest, old: Any, errors: Errors) -> None:
    object_meta(obj.metadata, False, _no_rules, errors)
    spec = obj.spec or CertificateSigningRequestSpec()
    _request(spec, errors)
    if not spec.usages:
        errors.append(FieldError.required("spec.usages", "usages must be provided"))
    for index, usage in enumerate(spec.usages or ()):
        if usage not in USAGES:
            errors.append(FieldError.not_supported(f"spec.usages[{index}]", usage, USAGES))
    for index, usage in enumerate(spec.usages or ()):
        if usage in spec.usages[:index]:
            errors.append(FieldError.duplicate(f"spec.usages[{index}]", usage))
    if spec.signerName == LEGACY_UNKNOWN and (old is None or old.spec.signerName != LEGACY_UNKNOWN):
        why = "the legacy signerName is not allowed via this API version"
        errors.append(FieldError.invalid("spec.signerName", spec.signerName, why))
    else:
        signer_name(spec.signerName or "", "spec.signerName", errors)
    if spec.expirationSeconds is not None and spec.expirationSeconds < SHORTEST:
        why = "may not specify a duration less than 600 seconds (10 minutes)"
        errors.append(FieldError.invalid("spec.expirationSeconds", spec.expirationSeconds, why))
    answer = obj.status or CertificateSigningRequestStatus()
    _conditions(answer.conditions or (), errors)
    problem = _certificate_problem(answer.certificate or "")
    if problem:
        errors.append(FieldError.invalid("status.certificate", "<certificate data>", problem))


def _request(spec: CertificateSigningRequestSpec, errors: Errors) -> None:
    """The request itself: whoever made it must have its key."""
    try:
        pki.parse(_decoded(spec.request or "")).check_signature()
    except ValueError as error:
        errors.append(FieldError.invalid("spec.request", spec.request or "", str(error)))


def signer_name(name: str, path: str, errors: Errors) -> None:
    """The name of a signer: a domain with at least one dot, and a path of one segment."""
    if not name:
        errors.append(FieldError.required(path))
    domain, *rest = name.split("/")
    if len(rest) != 1:
        why = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        errors.append(FieldError.invalid(path, name, why))
        return
    if len(domain) > MAX_DOMAIN:
        errors.append(FieldError.too_long(path, MAX_DOMAIN))
    labels = domain.split(".")
    for label in labels:
        for message in names.dns_label(label):
            errors.append(FieldError.invalid(path, domain, f"validating label {quote(label)}: {message}"))
    if len(labels) < 2:
        why = "should be a domain with at least two segments separated by dots"
        errors.append(FieldError.invalid(path, domain, why))
    for label in rest[0].split("."):
        for message in names.dns_subdomain(label):
            errors.append(FieldError.invalid(path, rest[0], f"validating label {quote(label)}: {message}"))


def _conditions(conditions: tuple[Any, ...], errors: Errors) -> None:
    seen: list[str] = []
    for index, condition in enumerate(conditions):
        path, kind = f"status.conditions[{index}]", condition.type or ""
        if not kind:
            errors.append(FieldError.required(f"{path}.type"))
        allowed = ("True",) if kind in (APPROVED, DENIED, FAILED) else ("False", "True", "Unknown")
        if not condition.status:
            errors.append(FieldError.required(f"{path}.status"))
        elif condition.status not in allowed:
            errors.append(FieldError.not_supported(f"{path}.status", condition.status, allowed))
        if {APPROVED: DENIED, DENIED: APPROVED}.get(kind) in seen:
            why = "Approved and Denied conditions are mutually exclusive"
            errors.append(FieldError.invalid(f"{path}.type", kind, why))
        if kind in seen:
            errors.append(FieldError.duplicate(f"{path}.type", kind))
        seen.append(kind)


def _changed(
    new: CertificateSigningRequest,
    old: CertificateSigningRequest,
    errors: Errors,
    may_approve: bool = False,
    may_certify: bool = False,
) -> None:
    _whole(new, old, errors)
    object_meta_update(new.metadata, old.metadata, errors)
    now, before = (each.status or CertificateSigningRequestStatus() for each in (new, old))
    for kind in (APPROVED, DENIED, FAILED):
        count, had = _count(now, kind), _count(before, kind)
        if count < had:
            why = f"updates may not remove a condition of type {quote(kind)}"
            errors.append(FieldError.forbidden("status.conditions", why))
        elif count > had and kind != FAILED and not may_approve:
            why = f"updates may not add a condition of type {quote(kind)}"
            errors.append(FieldError.forbidden("status.conditions", why))
    if (now.certificate or "") != (before.certificate or ""):
        if not may_certify:
            errors.append(FieldError.forbidden("status.certificate", "updates may not set certificate content"))
        elif before.certificate:
            why = "updates may not modify existing certificate content"
            errors.append(FieldError.forbidden("status.certificate", why))


def _count(answer: CertificateSigningRequestStatus, kind: str) -> int:
    return sum(each.type == kind for each in answer.conditions or ())


def _certificate_problem(text: str) -> str:
    """What is wrong with an issued certificate; empty where there is none, or it is right."""
    if not text:
        return ""
    blocks = pki.blocks(_decoded(text))
    other = next((kind for kind, _ in blocks if kind != "CERTIFICATE"), None)
    if other is not None:
        return f"only CERTIFICATE PEM blocks are allowed, found {quote(other)}"
    return "" if blocks else "must contain at least one CERTIFICATE PEM block"


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
