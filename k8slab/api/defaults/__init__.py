"""What the API server adds to an object before it looks at it: default values and the canonical form of amounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8slab.api import (
    admissionregistration_v1,
    apiextensions_v1,
    apps_v1,
    autoscaling_v1,
    autoscaling_v2,
    batch_v1,
    core_v1,
    discovery_v1,
    networking_v1,
    policy_v1,
    rbac_v1,
    scheduling_v1,
    storage_v1,
)
from k8slab.api.base import KubeObject
from k8slab.api.defaults import admission, core, others, pods, workloads
from k8slab.api.defaults.pods import template_spec
from k8slab.api.defaults.resources import canonical_quantities, resource_list

__all__ = ["canonical_quantities", "resource_list", "set_defaults", "set_status_defaults", "template_spec"]


def set_defaults(obj: Any) -> Any:
    """The object with the defaults of its kind filled in and all amounts in canonical form.

    Pure; parts that need nothing are shared with the argument, and an object that needs nothing is returned itself.
    Kinds without defaults and custom resources come back as they are.
    """
    if not isinstance(obj, KubeObject):
        return obj
    obj = canonical_quantities(obj)
    function = _BY_CLASS.get(type(obj))
    return obj if function is None else function(obj)


def set_status_defaults(obj: Any) -> Any:
    """The same for an object whose spec has its defaults already, as one that was read and gets a new status."""
    function = _STATUS_BY_CLASS.get(type(obj))
    if function is None:
        return set_defaults(obj)
    status = obj.status
    new = function(canonical_quantities(status) if status is not None else None)
    return obj if new is status else obj.replace(status=new)


_STATUS_BY_CLASS: dict[type, Callable[[Any], Any]] = {
    core_v1.Pod: pods.pod_status,
    apps_v1.Deployment: workloads.deployment_status,
    apps_v1.ReplicaSet: workloads.replica_set_status,
}
"""Of the kinds whose status is written most."""
_BY_CLASS: dict[type, Callable[[Any], Any]] = {
    admissionregistration_v1.ValidatingWebhookConfiguration: admission.validating_webhooks,
    admissionregistration_v1.MutatingWebhookConfiguration: admission.mutating_webhooks,
    admissionregistration_v1.ValidatingAdmissionPolicy: admission.policy,
    admissionregistration_v1.ValidatingAdmissionPolicyBinding: admission.binding,
    admissionregistration_v1.MutatingAdmissionPolicy: admission.policy,
    admissionregistration_v1.MutatingAdmissionPolicyBinding: admission.binding,
    apiextensions_v1.CustomResourceDefinition: others.custom_resource_definition,
    core_v1.Pod: pods.pod,
    core_v1.PodTemplate: pods.pod_template,
    core_v1.Service: core.service,
    core_v1.Namespace: core.namespace,
    core_v1.Node: core.node,
    core_v1.Secret: core.secret,
    core_v1.Endpoints: core.endpoints,
    core_v1.Event: core.event,
    core_v1.ReplicationController: core.replication_controller,
    core_v1.PersistentVolume: core.persistent_volume,
    core_v1.PersistentVolumeClaim: core.persistent_volume_claim,
    core_v1.LimitRange: core.limit_range,
    core_v1.ResourceQuota: core.resource_quota,
    apps_v1.Deployment: workloads.deployment,
    apps_v1.ReplicaSet: workloads.replica_set,
    apps_v1.StatefulSet: workloads.stateful_set,
    apps_v1.DaemonSet: workloads.daemon_set,
    batch_v1.Job: workloads.job,
    batch_v1.CronJob: workloads.cron_job,
    autoscaling_v1.HorizontalPodAutoscaler: others.scaler_v1,
    autoscaling_v2.HorizontalPodAutoscaler: others.scaler,
    discovery_v1.EndpointSlice: others.endpoint_slice,
    networking_v1.NetworkPolicy: others.network_policy,
    networking_v1.Ingress: others.ingress,
    networking_v1.IngressClass: others.ingress_class,
    policy_v1.PodDisruptionBudget: others.disruption_budget,
    rbac_v1.RoleBinding: others.role_binding,
    rbac_v1.ClusterRoleBinding: others.role_binding,
    scheduling_v1.PriorityClass: others.priority_class,
    storage_v1.StorageClass: others.storage_class,
    storage_v1.CSIDriver: others.csi_driver,
}
