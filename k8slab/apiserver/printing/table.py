"""Tables from objects and lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from k8slab.api.codec import encode_json, to_dict
from k8slab.api.request import ListBody, Request, Response
from k8slab.api.wire import to_wire
from k8slab.apiserver.crd.columns import cells, column_definitions
from k8slab.apiserver.printing import cluster, network, pods, policies, workloads
from k8slab.apiserver.printing.cells import Now
from k8slab.apiserver.printing.columns import definitions
from k8slab.apiserver.registry.autoscaling import scaler_to_v2
from k8slab.apiserver.registry.conversion import event_to_core
from k8slab.apiserver.registry.workload import TEMPLATE_GENERATION

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call
    from k8slab.apiserver.server import APIServer

Cells = Callable[[Any, Now], list[Any]]
META = "meta.k8s.io/v1"
SCALES = ("autoscaling", "scales")

CELLS: dict[str, Cells] = {
    "APIService": cluster.api_service,
    "CSIStorageCapacity": policies.storage_capacity,
    "FlowSchema": policies.flow_schema,
    "MutatingAdmissionPolicy": policies.mutating_policy,
    "MutatingAdmissionPolicyBinding": policies.policy_binding,
    "MutatingWebhookConfiguration": policies.webhooks,
    "PriorityLevelConfiguration": policies.priority_level,
    "ResourceClaim": policies.resource_claim,
    "ResourceSlice": policies.resource_slice,
    "ValidatingAdmissionPolicy": policies.validating_policy,
    "ValidatingAdmissionPolicyBinding": policies.policy_binding,
    "ValidatingWebhookConfiguration": policies.webhooks,
    "VolumeAttributesClass": policies.attributes_class,
    "CSIDriver": cluster.csi_driver,
    "CSINode": cluster.csi_node,
    "CertificateSigningRequest": cluster.certificate_signing_request,
    "ConfigMap": cluster.config_map,
    "ControllerRevision": workloads.controller_revision,
    "CronJob": workloads.cron_job,
    "ClusterRoleBinding": cluster.role_binding,
    "DaemonSet": workloads.daemon_set,
    "Deployment": workloads.deployment,
    "EndpointSlice": network.endpoint_slice,
    "Endpoints": network.endpoints,
    "Event": cluster.event,
    "HorizontalPodAutoscaler": workloads.scaler,
    "IPAddress": network.ip_address,
    "Ingress": network.ingress,
    "IngressClass": network.ingress_class,
    "Job": workloads.job,
    "Lease": cluster.lease,
    "Namespace": cluster.namespace,
    "NetworkPolicy": network.network_policy,
    "Node": cluster.node,
    "NodeMetrics": cluster.node_metrics,
    "PodMetrics": cluster.pod_metrics,
    "PersistentVolume": cluster.persistent_volume,
    "PersistentVolumeClaim": cluster.persistent_volume_claim,
    "Pod": pods.pod,
    "PodDisruptionBudget": workloads.disruption_budget,
    "PodTemplate": pods.pod_template,
    "PriorityClass": cluster.priority_class,
    "ReplicaSet": workloads.replica_set,
    "ReplicationController": workloads.replication_controller,
    "ResourceQuota": cluster.quota,
    "RoleBinding": cluster.role_binding,
    "RuntimeClass": cluster.runtime_class,
    "Scale": workloads.scale,
    "Secret": cluster.secret,
    "Service": network.service,
    "ServiceAccount": cluster.aged,
    "ServiceCIDR": network.service_cidr,
    "StatefulSet": workloads.stateful_set,
    "StorageClass": cluster.storage_class,
    "VolumeAttachment": cluster.volume_attachment,
}
CONVERSIONS: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("events.k8s.io/v1", "Event"): event_to_core,
    ("autoscaling/v1", "HorizontalPodAutoscaler"): scaler_to_v2,
}


def table_response(call: Call, response: Response) -> Response:
    """A response's objects as a Table; other answers stay what they are."""
    body = response.body
    if isinstance(body, dict) or not response.is_success or call.request.verb == "watch":
        return response
    return Response(response.code, table_of(call.server, call.request, body), response.warnings)


def table_of(
    server: APIServer, request: Request, body: Any, api_version: str = META, as_text: bool = False
) -> dict[str, Any]:
    """One object or a list as a Table: plain data, with the rows' objects as JSON texts where `as_text`."""
    if isinstance(body, dict):
        return body
    metadata: dict[str, Any] = {}
    if isinstance(body, ListBody):
        items: tuple[Any, ...] = body.items
        metadata["resourceVersion"] = body.resourceVersion
        if body.continue_:
            metadata["continue"] = body.continue_
        if body.remainingItemCount is not None:
            metadata["remainingItemCount"] = body.remainingItemCount
    else:
        items = (body,)
        metadata["resourceVersion"] = body.metadata.resourceVersion
    resource = server.endpoint(request.resource, request.group, request.version).resource
    now = Now(server.clock.unix_us)
    include = request.options.include_object
    if resource.custom:
        columns = column_definitions(resource)
        rows = [_row(item, now, include, api_version, as_text, cells(item, resource, now.unix_us)) for item in items]
    else:
        is_scale = request.subresource == "scale"
        columns = list(definitions(*SCALES if is_scale else (resource.group, resource.plural)))
        rows = [_row(item, now, include, api_version, as_text) for item in items]
    return {
        "kind": "Table",
        "apiVersion": api_version,
        "metadata": metadata,
        "columnDefinitions": columns,
        "rows": rows,
    }


def _row(
    obj: Any, now: Now, include: str, api_version: str, as_text: bool, made: list[Any] | None = None
) -> dict[str, Any]:
    if made is None:
        shown = CONVERSIONS.get((obj.apiVersion, obj.kind), _same)(obj)
        row: dict[str, Any] = {"cells": CELLS.get(obj.kind, cluster.created)(shown, now)}
    else:
        shown, row = obj, {"cells": made}
    if made is None and obj.kind == "Pod" and obj.status is not None and obj.status.phase in pods.COMPLETED:
        row["conditions"] = [pods.COMPLETED[obj.status.phase]]
    if include == "Object":
        row["object"] = to_wire(obj)
    elif include == "None":
        row["object"] = None
    else:
        metadata: Any
        if obj.kind == "DaemonSet" and made is None:
            metadata = to_dict(shown.metadata)
            _drop_template_generation(metadata)
        else:
            metadata = msgspec.Raw(encode_json(shown.metadata)) if as_text else to_dict(shown.metadata)
        row["object"] = {"kind": "PartialObjectMetadata", "apiVersion": api_version, "metadata": metadata}
    return row


def _drop_template_generation(metadata: dict[str, Any]) -> None:
    """The server makes this annotation when it writes apps/v1, and a Table's metadata is none."""
    annotations = metadata.get("annotations", {})
    annotations.pop(TEMPLATE_GENERATION, None)
    if not annotations:
        metadata.pop("annotations", None)


def _same(obj: Any) -> Any:
    return obj
