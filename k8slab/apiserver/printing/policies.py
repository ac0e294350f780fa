"""The cells of admission, flow control and the rarer kinds of storage and devices (`pkg/printers/internalversion`)."""

from __future__ import annotations

from typing import Any

from k8slab.api.flowcontrol_v1 import FlowSchemaSpec, PriorityLevelConfigurationSpec
from k8slab.api.resource_v1 import ResourceSliceSpec
from k8slab.apiserver.printing.cells import NONE, Now

UNSET = "<unset>"


def webhooks(obj: Any, now: Now) -> list[Any]:
    """A MutatingWebhookConfiguration or ValidatingWebhookConfiguration."""
    return [obj.metadata.name, len(obj.webhooks or ()), now.age(obj)]


def validating_policy(obj: Any, now: Now) -> list[Any]:
    """A ValidatingAdmissionPolicy."""
    return [obj.metadata.name, len(obj.spec.validations or ()), _param_kind(obj), now.age(obj)]


def mutating_policy(obj: Any, now: Now) -> list[Any]:
    """A MutatingAdmissionPolicy."""
    return [obj.metadata.name, len(obj.spec.mutations or ()), _param_kind(obj), now.age(obj)]


def _param_kind(obj: Any) -> str:
    kind = obj.spec.paramKind
    return UNSET if kind is None else f"{kind.apiVersion}/{kind.kind}"


def policy_binding(obj: Any, now: Now) -> list[Any]:
    """A binding of an admission policy."""
    reference, shown = obj.spec.paramRef, UNSET
    if reference is not None and reference.name:
        shown = f"{reference.namespace}/{reference.name}" if reference.namespace else reference.name
    return [obj.metadata.name, obj.spec.policyName, shown, now.age(obj)]


def flow_schema(obj: Any, now: Now) -> list[Any]:
    """A FlowSchema; what it leaves out is empty, as in Go."""
    spec = obj.spec or FlowSchemaSpec()
    conditions = (obj.status.conditions if obj.status is not None else None) or ()
    dangling = next((each.status for each in conditions if each.type == "Dangling"), "?")
    method = spec.distinguisherMethod.type if spec.distinguisherMethod is not None else NONE
    level = spec.priorityLevelConfiguration.name if spec.priorityLevelConfiguration is not None else ""
    return [obj.metadata.name, level or "", spec.matchingPrecedence or 0, method, now.age(obj), dangling]


def priority_level(obj: Any, now: Now) -> list[Any]:
    """A PriorityLevelConfiguration."""
    spec = obj.spec or PriorityLevelConfigurationSpec()
    limited = spec.limited
    shares: Any = NONE if limited is None else limited.nominalConcurrencyShares
    response = limited.limitResponse if limited is not None else None
    queuing = response.queuing if response is not None else None
    queues = [NONE] * 3 if queuing is None else [queuing.queues, queuing.handSize, queuing.queueLengthLimit]
    return [obj.metadata.name, spec.type or "", shares, *queues, now.age(obj)]


def attributes_class(obj: Any, now: Now) -> list[Any]:
    """A VolumeAttributesClass."""
    return [obj.metadata.name, obj.driverName, now.age(obj)]


def storage_capacity(obj: Any, now: Now) -> list[Any]:
    """A CSIStorageCapacity."""
    return [obj.metadata.name, obj.storageClassName, obj.capacity or UNSET]


def resource_claim(obj: Any, now: Now) -> list[Any]:
    """A ResourceClaim."""
    status = obj.status
    states = ["deleted"] if obj.metadata.deletionTimestamp else []
    allocated = status is not None and status.allocation is not None
    states.append("allocated" if allocated else "pending")
    if status is not None and status.reservedFor:
        states.append("reserved")
    return [obj.metadata.name, ",".join(states), now.age(obj)]


def resource_slice(obj: Any, now: Now) -> list[Any]:
    """A ResourceSlice."""
    spec = obj.spec or ResourceSliceSpec()
    pool = spec.pool.name if spec.pool is not None else ""
    return [obj.metadata.name, spec.nodeName or "", spec.driver or "", pool or "", now.age(obj)]
