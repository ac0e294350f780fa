"""Requests for certificates: who asks is written down, and approval and answer come through their own subresources.

Follows `pkg/registry/certificates/certificates/strategy.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api.certificates_v1 import CertificateSigningRequestSpec, CertificateSigningRequestStatus
from k8slab.api.validation import certificates
from k8slab.apiserver.registry.strategy import Strategy

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call
    from k8slab.errors import FieldError

DECISIONS = (certificates.APPROVED, certificates.DENIED)


class CertificateSigningRequestStrategy(Strategy):
    """Rules of certificatesigningrequests."""

    def prepare_create(self, obj: Any, call: Call) -> Any:
        """Write down who asks."""
        user, spec = call.user, obj.spec or CertificateSigningRequestSpec()
        return obj.replace(
            spec=spec.replace(
                username=user.name or None,
                uid=user.uid or None,
                groups=user.groups or None,
                extra=user.extra or None,
            )
        )

    def prepare_update(self, obj: Any, old: Any, call: Call) -> Any:
        """Neither what is asked nor the answer changes here; the approval through its own subresource."""
        if call.subresource != "approval":
            return obj.replace(spec=old.spec, status=old.status)
        before = old.status or CertificateSigningRequestStatus()
        wanted = obj.status or CertificateSigningRequestStatus()
        failed = [each for each in before.conditions or () if each.type == certificates.FAILED]
        kept = [each for each in wanted.conditions or () if each.type != certificates.FAILED]
        status = before.replace(conditions=_timed((*kept, *failed), before, call) or None)
        return obj.replace(spec=old.spec, status=status)

    def prepare_status(self, obj: Any, old: Any, call: Call) -> Any:
        """The answer: everything but the decision."""
        before, wanted = old.status or CertificateSigningRequestStatus(), obj.status
        if wanted is None:
            wanted = CertificateSigningRequestStatus()
        if _decisions(wanted) == _decisions(before):
            decided = iter([each for each in before.conditions or () if each.type in DECISIONS])
            conditions = [next(decided) if each.type in DECISIONS else each for each in wanted.conditions or ()]
            wanted = wanted.replace(conditions=tuple(conditions) or None)
        status = wanted.replace(conditions=_timed(wanted.conditions or (), before, call) or None)
        return obj.replace(spec=old.spec, status=status)

    def validate_update(self, obj: Any, old: Any, call: Call) -> list[FieldError]:
        """Check an update, or an approval."""
        if call.subresource != "approval":
            return super().validate_update(obj, old, call)
        errors: list[FieldError] = []
        certificates.approval(obj, old, errors)
        return errors


def _decisions(status: Any) -> list[str]:
    return [each.type for each in status.conditions or () if each.type in DECISIONS]


def _timed(conditions: tuple[Any, ...], before: Any, call: Call) -> tuple[Any, ...]:
    """The conditions with the times that their writers left out."""
    since = {
        (each.type, each.status): each.lastTransitionTime for each in before.conditions or () if each.lastTransitionTime
    }
    return tuple(
        each.replace(
            lastUpdateTime=each.lastUpdateTime or call.now,
            lastTransitionTime=each.lastTransitionTime or since.get((each.type, each.status), call.now),
        )
        for each in conditions
    )
