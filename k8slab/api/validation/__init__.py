"""The rules that objects have to follow, with the paths, values and words of the API server, in its order.

Objects are checked after defaulting (`k8slab.api.defaults`) and admission. Follows `pkg/apis/*/validation` and, for
updates, `validateCommonFields` of the generic registry (metadata is checked there and by the kind once more, and the
server lists the same error twice).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from k8slab.api import (
    admissionregistration_v1,
    apiregistration_v1,
    apps_v1,
    autoscaling_v1,
    autoscaling_v2,
    batch_v1,
    certificates_v1,
    coordination_v1,
    core_v1,
    discovery_v1,
    flowcontrol_v1,
    networking_v1,
    node_v1,
    policy_v1,
    rbac_v1,
    scheduling_v1,
    storage_v1,
)
from k8slab.api.scheme import SCHEME
from k8slab.api.validation import (
    addresses,
    admission,
    apiservices,
    budgets,
    certificates,
    classes,
    core,
    cronjobs,
    drivers,
    endpoints,
    flowcontrol,
    jobs,
    jobstatus,
    metadata,
    names,
    networking,
    pods,
    quotas,
    rbac,
    scaling,
    services,
    storage,
    workloads,
)
from k8slab.api.validation.metadata import Errors
from k8slab.errors import FieldError

__all__ = ["names", "validate_create", "validate_status_update", "validate_update"]


class Rules(NamedTuple):
    """The checks of one kind; without one for the status, only its metadata is checked."""

    create: Callable[[Any, Errors], None]
    update: Callable[[Any, Any, Errors], None]
    status: Callable[[Any, Any, Errors], None] | None = None


def validate_create(obj: Any, namespaced: bool | None = None) -> list[FieldError]:
    """All rules that a new object violates; empty if it may be stored.

    `namespaced` says whether objects of the kind live in namespaces, for kinds that the scheme does not know.
    """
    errors: Errors = []
    rules = _RULES.get(type(obj))
    if rules is not None:
        rules.create(obj, errors)
    else:
        metadata.object_meta_general(obj.metadata, _namespaced(obj, namespaced), names.subdomain_name, errors)
    return errors


def validate_update(new: Any, old: Any, namespaced: bool | None = None) -> list[FieldError]:
    """All rules that a changed object violates, among them those on what may not change."""
    errors: Errors = []
    metadata.object_meta_general(new.metadata, _namespaced(new, namespaced), names.segment_name, errors)
    metadata.object_meta_update(new.metadata, old.metadata, errors)
    rules = _RULES.get(type(new))
    if rules is not None:
        rules.update(new, old, errors)
    return errors


def validate_status_update(new: Any, old: Any, namespaced: bool | None = None) -> list[FieldError]:
    """All rules that an object violates whose status was changed through the status subresource."""
    errors: Errors = []
    metadata.object_meta_general(new.metadata, _namespaced(new, namespaced), names.segment_name, errors)
    metadata.object_meta_update(new.metadata, old.metadata, errors)
    rules = _RULES.get(type(new))
    if rules is not None and rules.status is not None:
        rules.status(new, old, errors)
    return errors


def _namespaced(obj: Any, known: bool | None) -> bool:
    if known is not None:
        return known
    return SCHEME.of(obj).namespaced if type(obj) in _RULES else bool(obj.metadata.namespace)


_RULES: dict[type, Rules] = {
    admissionregistration_v1.ValidatingWebhookConfiguration: Rules(admission.webhooks, admission.update_webhooks),
    admissionregistration_v1.MutatingWebhookConfiguration: Rules(admission.webhooks, admission.update_webhooks),
    admissionregistration_v1.ValidatingAdmissionPolicy: Rules(
        admission.validating_policy, admission.update_validating_policy
    ),
    admissionregistration_v1.ValidatingAdmissionPolicyBinding: Rules(
        admission.validating_binding, admission.update_validating_binding
    ),
    admissionregistration_v1.MutatingAdmissionPolicy: Rules(
        admission.mutating_policy, admission.update_mutating_policy
    ),
    admissionregistration_v1.MutatingAdmissionPolicyBinding: Rules(
        admission.mutating_binding, admission.update_mutating_binding
    ),
    apiregistration_v1.APIService: Rules(
        apiservices.api_service, apiservices.update_api_service, apiservices.api_service_status
    ),
    core_v1.Pod: Rules(pods.create, pods.update, pods.status),
    core_v1.PodTemplate: Rules(pods.create_template, pods.update_template),
    core_v1.Service: Rules(services.create, services.update, services.status),
    core_v1.Endpoints: Rules(endpoints.create_endpoints, endpoints.update_endpoints),
    core_v1.Node: Rules(core.create_node, core.update_node, core.node_status),
    core_v1.Namespace: Rules(core.create_namespace, core.update_namespace, core.namespace_status),
    core_v1.ConfigMap: Rules(core.create_config_map, core.update_config_map),
    core_v1.Secret: Rules(core.create_secret, core.update_secret),
    core_v1.ServiceAccount: Rules(core.create_service_account, core.update_service_account),
    core_v1.Event: Rules(core.create_event, core.update_event),
    core_v1.ReplicationController: Rules(
        workloads.create_replication_controller, workloads.update_replication_controller, workloads.status
    ),
    core_v1.PersistentVolume: Rules(storage.create_volume, storage.update_volume),
    core_v1.PersistentVolumeClaim: Rules(storage.create_claim, storage.update_claim),
    core_v1.ResourceQuota: Rules(quotas.resource_quota, quotas.update_resource_quota, quotas.quota_status),
    core_v1.LimitRange: Rules(quotas.limit_range, quotas.update_limit_range),
    apps_v1.Deployment: Rules(workloads.create_deployment, workloads.update_deployment, workloads.status),
    apps_v1.ReplicaSet: Rules(workloads.create_replica_set, workloads.update_replica_set, workloads.status),
    apps_v1.StatefulSet: Rules(workloads.create_stateful_set, workloads.update_stateful_set, workloads.status),
    apps_v1.DaemonSet: Rules(workloads.create_daemon_set, workloads.update_daemon_set, workloads.status),
    apps_v1.ControllerRevision: Rules(workloads.create_controller_revision, workloads.update_controller_revision),
    batch_v1.Job: Rules(jobs.create, jobs.update, jobstatus.status),
    batch_v1.CronJob: Rules(cronjobs.create_cron, cronjobs.update_cron),
    certificates_v1.CertificateSigningRequest: Rules(certificates.create, certificates.update, certificates.status),
    coordination_v1.Lease: Rules(core.create_lease, core.update_lease),
    discovery_v1.EndpointSlice: Rules(endpoints.create_slice, endpoints.update_slice),
    autoscaling_v1.HorizontalPodAutoscaler: Rules(scaling.scaler, scaling.update_scaler, scaling.scaler_status),
    autoscaling_v2.HorizontalPodAutoscaler: Rules(scaling.scaler, scaling.update_scaler, scaling.scaler_status),
    networking_v1.Ingress: Rules(networking.ingress, networking.update_ingress),
    networking_v1.IngressClass: Rules(networking.ingress_class, networking.update_ingress_class),
    networking_v1.NetworkPolicy: Rules(networking.network_policy, networking.update_network_policy),
    networking_v1.IPAddress: Rules(addresses.ip_address, addresses.update_ip_address),
    networking_v1.ServiceCIDR: Rules(addresses.service_cidr, addresses.update_service_cidr),
    flowcontrol_v1.FlowSchema: Rules(flowcontrol.flow_schema, flowcontrol.update_flow_schema),
    flowcontrol_v1.PriorityLevelConfiguration: Rules(flowcontrol.priority_level, flowcontrol.update_priority_level),
    node_v1.RuntimeClass: Rules(classes.runtime_class, classes.update_runtime_class),
    policy_v1.PodDisruptionBudget: Rules(budgets.disruption_budget, budgets.update_disruption_budget),
    rbac_v1.Role: Rules(rbac.role, rbac.update_role),
    rbac_v1.ClusterRole: Rules(rbac.role, rbac.update_role),
    rbac_v1.RoleBinding: Rules(rbac.binding, rbac.update_binding),
    rbac_v1.ClusterRoleBinding: Rules(rbac.binding, rbac.update_binding),
    scheduling_v1.PriorityClass: Rules(classes.priority_class, classes.update_priority_class),
    storage_v1.StorageClass: Rules(storage.create_class, storage.update_class),
    storage_v1.CSIDriver: Rules(drivers.csi_driver, drivers.update_csi_driver),
    storage_v1.CSINode: Rules(drivers.csi_node, drivers.update_csi_node),
    storage_v1.VolumeAttachment: Rules(
        drivers.volume_attachment, drivers.update_volume_attachment, drivers.update_volume_attachment
    ),
    storage_v1.VolumeAttributesClass: Rules(drivers.attributes_class, drivers.update_attributes_class),
    storage_v1.CSIStorageCapacity: Rules(drivers.storage_capacity, drivers.update_storage_capacity),
}
