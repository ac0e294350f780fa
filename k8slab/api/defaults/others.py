"""Defaults of the remaining groups (each group's `v1/defaults.go`)."""

from __future__ import annotations

from typing import Any

from k8slab.api import autoscaling_v1, autoscaling_v2, discovery_v1, networking_v1, policy_v1, rbac_v1, storage_v1
from k8slab.api.apiextensions_v1 import (
    CustomResourceConversion,
    CustomResourceDefinitionNames,
    CustomResourceDefinitionSpec,
)
from k8slab.api.defaults.fill import change, each, fill, fill_absent
from k8slab.api.meta_v1 import LabelSelector
from k8slab.api.scheduling_v1 import PriorityClass

RBAC = "rbac.authorization.k8s.io"
CPU_80 = autoscaling_v2.MetricSpec(
    type="Resource",
    resource=autoscaling_v2.ResourceMetricSource(
        name="cpu", target=autoscaling_v2.MetricTarget(type="Utilization", averageUtilization=80)
    ),
)
FOUR_PODS = autoscaling_v2.HPAScalingPolicy(type="Pods", value=4, periodSeconds=15)
DOUBLE = autoscaling_v2.HPAScalingPolicy(type="Percent", value=100, periodSeconds=15)
READY_UNKNOWN = discovery_v1.EndpointConditions()
ALL_PODS = LabelSelector()
NO_LOAD_BALANCER = networking_v1.IngressLoadBalancerStatus()


def scaler_v1(obj: autoscaling_v1.HorizontalPodAutoscaler) -> autoscaling_v1.HorizontalPodAutoscaler:
    """A HorizontalPodAutoscaler in its old form."""
    spec = fill_absent(obj.spec or autoscaling_v1.HorizontalPodAutoscalerSpec(), minReplicas=1)
    status = obj.status or autoscaling_v1.HorizontalPodAutoscalerStatus()
    return change(obj, spec=spec, status=fill_absent(status, currentReplicas=0, desiredReplicas=0))


def scaler(obj: autoscaling_v2.HorizontalPodAutoscaler) -> autoscaling_v2.HorizontalPodAutoscaler:
    """A HorizontalPodAutoscaler: 80 % of CPU unless it says what to measure."""
    spec = fill_absent(obj.spec or autoscaling_v2.HorizontalPodAutoscalerSpec(), minReplicas=1)
    spec = fill(spec, metrics=(CPU_80,))
    behavior = spec.behavior
    if behavior is not None:
        up = behavior.scaleUp or autoscaling_v2.HPAScalingRules()
        up = fill_absent(up, stabilizationWindowSeconds=0, selectPolicy="Max", policies=(FOUR_PODS, DOUBLE))
        down = behavior.scaleDown or autoscaling_v2.HPAScalingRules()
        down = fill_absent(down, selectPolicy="Max", policies=(DOUBLE,))
        spec = change(spec, behavior=change(behavior, scaleUp=up, scaleDown=down))
    status = fill_absent(obj.status or autoscaling_v2.HorizontalPodAutoscalerStatus(), desiredReplicas=0)
    return change(obj, spec=spec, status=status)


def endpoint_slice(obj: discovery_v1.EndpointSlice) -> discovery_v1.EndpointSlice:
    """An EndpointSlice: ports have a name, if empty, and are TCP."""
    return change(obj, endpoints=each(_endpoint, obj.endpoints), ports=each(_slice_port, obj.ports))


def _endpoint(item: discovery_v1.Endpoint) -> discovery_v1.Endpoint:
    return fill_absent(item, conditions=READY_UNKNOWN)


def _slice_port(port: discovery_v1.EndpointPort) -> discovery_v1.EndpointPort:
    return fill_absent(port, name="", protocol="TCP")


def network_policy(obj: networking_v1.NetworkPolicy) -> networking_v1.NetworkPolicy:
    """A NetworkPolicy: it governs ingress, and egress if it has such rules."""
    spec = fill_absent(obj.spec or networking_v1.NetworkPolicySpec(), podSelector=ALL_PODS)
    spec = fill(spec, policyTypes=("Ingress", "Egress") if spec.egress else ("Ingress",))
    spec = change(spec, ingress=each(_ports, spec.ingress), egress=each(_ports, spec.egress))
    return change(obj, spec=spec)


def _ports(rule: Any) -> Any:
    return change(rule, ports=each(_policy_port, rule.ports))


def _policy_port(port: networking_v1.NetworkPolicyPort) -> networking_v1.NetworkPolicyPort:
    return fill_absent(port, protocol="TCP")


def ingress(obj: networking_v1.Ingress) -> networking_v1.Ingress:
    """An Ingress: its status is always written."""
    status = fill(obj.status or networking_v1.IngressStatus(), loadBalancer=NO_LOAD_BALANCER)
    return change(obj, status=status)


def ingress_class(obj: networking_v1.IngressClass) -> networking_v1.IngressClass:
    """An IngressClass: its parameters are cluster-wide."""
    if obj.spec is None or obj.spec.parameters is None:
        return obj
    return change(obj, spec=change(obj.spec, parameters=fill_absent(obj.spec.parameters, scope="Cluster")))


def disruption_budget(obj: policy_v1.PodDisruptionBudget) -> policy_v1.PodDisruptionBudget:
    """A PodDisruptionBudget: its counts are always written."""
    status = obj.status or policy_v1.PodDisruptionBudgetStatus()
    status = fill_absent(status, disruptionsAllowed=0, currentHealthy=0, desiredHealthy=0, expectedPods=0)
    return change(obj, spec=obj.spec or policy_v1.PodDisruptionBudgetSpec(), status=status)


def role_binding(obj: Any) -> Any:
    """A RoleBinding or ClusterRoleBinding: API groups follow from the kinds."""
    role = fill(obj.roleRef or rbac_v1.RoleRef(), apiGroup=RBAC)
    return change(obj, roleRef=role, subjects=each(_subject, obj.subjects))


def _subject(item: rbac_v1.Subject) -> rbac_v1.Subject:
    return fill(item, apiGroup=RBAC) if item.kind in ("User", "Group") else item


def priority_class(obj: PriorityClass) -> PriorityClass:
    """A PriorityClass."""
    return fill_absent(obj, preemptionPolicy="PreemptLowerPriority", value=0)


def storage_class(obj: storage_v1.StorageClass) -> storage_v1.StorageClass:
    """A StorageClass."""
    return fill_absent(obj, reclaimPolicy="Delete", volumeBindingMode="Immediate")


def csi_driver(obj: storage_v1.CSIDriver) -> storage_v1.CSIDriver:
    """A CSIDriver."""
    spec = fill_absent(
        obj.spec or storage_v1.CSIDriverSpec(),
        attachRequired=True,
        podInfoOnMount=False,
        storageCapacity=False,
        fsGroupPolicy="ReadWriteOnceWithFSType",
        requiresRepublish=False,
        seLinuxMount=False,
    )
    return change(obj, spec=fill(spec, volumeLifecycleModes=("Persistent",)))


def _conversion(conversion: Any) -> Any:
    """A webhook listens on port 443 unless it says where."""
    webhook = conversion.webhook
    config = webhook.clientConfig if webhook is not None else None
    if config is None or config.service is None:
        return conversion
    config = change(config, service=fill_absent(config.service, port=443))
    return change(conversion, webhook=change(webhook, clientConfig=config))


def custom_resource_definition(definition: Any) -> Any:
    """Singular and list kind follow from the kind; nothing is converted between versions."""
    spec = definition.spec or CustomResourceDefinitionSpec()
    names = spec.names or CustomResourceDefinitionNames()
    if spec.names is None:
        spec = spec.replace(names=names)
    if names.kind:
        singular, list_kind = names.singular or names.kind.lower(), names.listKind or f"{names.kind}List"
        if (names.singular, names.listKind) != (singular, list_kind):
            spec = spec.replace(names=names.replace(singular=singular, listKind=list_kind))
    if spec.conversion is None:
        spec = spec.replace(conversion=CustomResourceConversion(strategy="None"))
    spec = change(spec, conversion=_conversion(spec.conversion))
    if spec.preserveUnknownFields is False:
        spec = spec.replace(preserveUnknownFields=None)
    return definition if spec is definition.spec else definition.replace(spec=spec)
