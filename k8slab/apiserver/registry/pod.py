"""Pods: QoS class, scheduling gates, graceful deletion (`pkg/registry/core/pod/strategy.go`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api.core_v1 import PodCondition, PodStatus
from k8slab.api.resources import qos_class
from k8slab.apiserver.registry.podchanges import ephemeral_errors, resize_errors, with_ephemeral, with_resources
from k8slab.apiserver.registry.strategy import Strategy
from k8slab.apiserver.registry.warnings import pod_warnings

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call
    from k8slab.errors import FieldError

GATED = "Scheduling is blocked due to non-empty scheduling gates"
_PENDING = {qos: PodStatus(phase="Pending", qosClass=qos) for qos in ("Guaranteed", "Burstable", "BestEffort")}


class PodStrategy(Strategy):
    """Rules of pods."""

    counts_generations = True
    returns_deleted = True

    def prepare_create(self, obj: Any, call: Call) -> Any:
        """Pending, with the QoS class; gated Pods say so."""
        status = _PENDING[qos_class(obj)]
        if not obj.spec.schedulingGates:
            return obj.replace(status=status)
        gated = PodCondition(
            type="PodScheduled",
            status="False",
            reason="SchedulingGated",
            message=GATED,
            lastTransitionTime=call.server.clock.rfc3339(),
        )
        return obj.replace(status=status.replace(conditions=(gated,)))

    def prepare_update(self, obj: Any, old: Any, call: Call) -> Any:
        """Keep the status, but for the condition that told of scheduling gates which are gone now."""
        if call.subresource == "ephemeralcontainers":
            return with_ephemeral(obj, old)
        if call.subresource == "resize":
            return with_resources(obj, old)
        status = old.status
        if old.spec.schedulingGates and not obj.spec.schedulingGates:
            kept = tuple(each for each in status.conditions or () if each.type != "PodScheduled")
            status = status.replace(conditions=kept or None)
        return obj if obj.status is status else obj.replace(status=status)

    def prepare_status(self, obj: Any, old: Any, call: Call) -> Any:
        """Neither spec nor owners change through /status; the QoS class stays where none is given."""
        status = obj.status or PodStatus()
        if not status.qosClass:
            status = status.replace(qosClass=old.status.qosClass)
        metadata = obj.metadata
        if metadata.ownerReferences != old.metadata.ownerReferences:
            metadata = metadata.replace(ownerReferences=old.metadata.ownerReferences)
        return obj.replace(spec=old.spec, status=status, metadata=metadata)

    def validate_update(self, obj: Any, old: Any, call: Call) -> list[FieldError]:
        """A running Pod changes little, and the rest through subresources."""
        if call.subresource == "ephemeralcontainers":
            return ephemeral_errors(obj, old)
        if call.subresource == "resize":
            return resize_errors(obj, old)
        return super().validate_update(obj, old, call)

    def warnings(self, obj: Any, old: Any, call: Call) -> tuple[str, ...]:
        """What is deprecated, ambiguous or without effect."""
        return tuple(pod_warnings(obj)) if old is None else ()

    def grace(self, obj: Any, requested: int | None) -> int | None:
        """The requested seconds, or the Pod's own; none where no kubelet has to stop anything."""
        if not obj.spec.nodeName or obj.status.phase in ("Succeeded", "Failed"):
            return 0
        period = requested if requested is not None else obj.spec.terminationGracePeriodSeconds
        period = 0 if period is None else period
        return 1 if period < 0 else period
