"""POST pods/binding: assign a Pod to a node (`pkg/registry/core/pod/storage/storage.go`, BindingREST)."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from k8slab.api.conditions import set_condition
from k8slab.api.core_v1 import PodCondition
from k8slab.api.request import Response
from k8slab.apiserver.admission.podtopologylabels import topology_labels
from k8slab.apiserver.call import Call
from k8slab.apiserver.subresources.body import read_as, succeeded
from k8slab.apiserver.verbs.update import uid_conflict
from k8slab.errors import FieldError, aggregate, bad_request, conflict, unexpected


def bind(call: Call) -> Response:
    """Bind the Pod in the path to the node in the body."""
    binding = read_as(call, "v1", "Binding")
    if binding.metadata.name and binding.metadata.name != call.name:
        raise bad_request("name in URL does not match name in Binding object")
    return _bind(call, binding)


def bind_by_body(call: Call) -> Response:
    """Bind the Pod that the body names (the resource `bindings`)."""
    binding = read_as(call, "v1", "Binding")
    call.name = binding.metadata.name or ""
    call.endpoint = call.server.endpoint("pods")
    return _bind(call, binding)


def _bind(call: Call, binding: Any) -> Response:
    call.operation, call.subresource = "CREATE", "binding"
    binding = call.server.admission.admit(call, binding, None)
    call.server.admission.validate(call, binding, None)
    errors = _target_errors(binding)
    if errors:
        raise unexpected(aggregate(errors))
    kv = call.server.storage.read(call.endpoint, call.namespace, call.name)
    pod, metadata = kv.value, binding.metadata
    if metadata.uid and metadata.uid != pod.metadata.uid:
        raise uid_conflict(call, metadata.uid, pod)
    _check(pod)
    bound = _bound(call, pod, binding)
    if not call.options.dry_run:
        call.server.storage.update(call.endpoint, bound, kv, "bind")
    return Response(201, succeeded())


def _target_errors(binding: Any) -> list[FieldError]:
    target, errors = binding.target, []
    if target is not None and target.kind not in (None, "", "Node"):
        errors.append(FieldError.not_supported("target.kind", target.kind, ("Node", "<empty>")))
    if target is None or not target.name:
        errors.append(FieldError.required("target.name"))
    return errors


def _check(pod: Any) -> None:
    name, why = pod.metadata.name, ""
    if pod.metadata.deletionTimestamp:
        why = f"pod {name} is being deleted, cannot be assigned to a host"
    elif pod.spec.nodeName:
        why = f'pod {name} is already assigned to node "{pod.spec.nodeName}"'
    elif pod.spec.schedulingGates:
        why = f"pod {name} has non-empty .spec.schedulingGates"
    if why:
        raise conflict("pods/binding", name, why)


def _bound(call: Call, pod: Any, binding: Any) -> Any:
    node, metadata = binding.target.name, pod.metadata
    labels = topology_labels(call.server, node) if call.server.admission.has("PodTopologyLabels") else {}
    labels = {**(binding.metadata.labels or {}), **labels}
    changes: dict[str, Any] = {}
    if labels:
        changes["labels"] = (metadata.labels or {}) | labels
    if binding.metadata.annotations:
        changes["annotations"] = (metadata.annotations or {}) | binding.metadata.annotations
    condition = PodCondition(type="PodScheduled", status="True", lastTransitionTime=call.now)
    status = pod.status
    conditions = set_condition(status.conditions, condition, call.now)
    status = replace(status, conditions=conditions, nominatedNodeName=None)
    spec = replace(pod.spec, nodeName=node)
    return replace(pod, metadata=replace(metadata, **changes) if changes else metadata, spec=spec, status=status)
