"""kubectl describe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8slab.errors import ApiError
from k8slab.kubectl import builder
from k8slab.kubectl.builder import Target
from k8slab.kubectl.command import Command
from k8slab.kubectl.describe import autoscaler, certificate, config, network, pod, service, workload
from k8slab.kubectl.describe.generic import describe_generic
from k8slab.kubectl.failure import CommandError, raise_all
from k8slab.kubectl.flags import ALL_NAMESPACES, FILES, SELECTOR, boolean, integer
from k8slab.kubectl.manifests import Info

_DESCRIBERS: dict[str, Callable[[Any, dict[str, Any]], str]] = {
    "Pod": pod.describe_pod,
    "Node": pod.describe_node,
    "Deployment.apps": workload.describe_deployment,
    "ReplicaSet.apps": workload.describe_replica_set,
    "ReplicationController": workload.describe_replica_set,
    "StatefulSet.apps": workload.describe_stateful_set,
    "DaemonSet.apps": workload.describe_daemon_set,
    "Job.batch": workload.describe_job,
    "CronJob.batch": workload.describe_cron_job,
    "HorizontalPodAutoscaler.autoscaling": autoscaler.describe_autoscaler,
    "Service": service.describe_service,
    "Endpoints": service.describe_endpoints,
    "EndpointSlice.discovery.k8s.io": service.describe_slice,
    "Ingress.networking.k8s.io": service.describe_ingress,
    "Namespace": config.describe_namespace,
    "ConfigMap": config.describe_config_map,
    "Secret": config.describe_secret,
    "ServiceAccount": config.describe_service_account,
    "ResourceQuota": config.describe_quota,
    "LimitRange": config.describe_limit_range,
    "IngressClass.networking.k8s.io": network.describe_ingress_class,
    "NetworkPolicy.networking.k8s.io": network.describe_policy,
    "PodDisruptionBudget.policy": config.describe_budget,
    "CertificateSigningRequest.certificates.k8s.io": certificate.describe_request,
    "PriorityClass.scheduling.k8s.io": config.describe_priority_class,
    "CSINode.storage.k8s.io": config.describe_csi_node,
    "StorageClass.storage.k8s.io": config.describe_storage_class,
    "PersistentVolumeClaim": config.describe_claim,
    "PersistentVolume": config.describe_volume,
    "Role.rbac.authorization.k8s.io": config.describe_role,
    "ClusterRole.rbac.authorization.k8s.io": config.describe_role,
    "RoleBinding.rbac.authorization.k8s.io": config.describe_binding,
    "ClusterRoleBinding.rbac.authorization.k8s.io": config.describe_binding,
}


_BY_PREFIX = "prefix"


def run(inv: Any) -> None:
    """Describe the objects meant; a name that does not exist is taken for a prefix of names."""
    if not inv.args and not builder.has_files(inv):
        raise CommandError(
            'You must specify the type of resource to describe. Use "kubectl api-resources" for a complete list of '
            "supported resources."
        )
    infos, errors = _meant(inv)
    for index, info in enumerate(infos):
        if index:
            inv.write("\n\n")
        inv.write(describe(inv, info))
        if info.source == _BY_PREFIX:
            inv.print()
    if not infos and not errors:
        inv.complain("No resources found" + ("" if inv.all_namespaces else f" in {inv.namespace} namespace."))
    raise_all(errors)


def describe(inv: Any, info: Info) -> str:
    """The description of one object."""
    return _DESCRIBERS.get(info.resource.group_kind, describe_generic)(inv, info.object)


def _meant(inv: Any) -> tuple[list[Info], list[Exception]]:
    if builder.has_files(inv):
        return builder.live(inv)
    infos: list[Info] = []
    errors: list[Exception] = []
    for target in builder.targets(inv, inv.args, allow_all=True):
        try:
            infos += _fetch(inv, target)
        except ApiError as error:
            errors.append(error)
    return infos, errors


def _fetch(inv: Any, target: Target) -> list[Info]:
    access, resource = inv.access, target.resource
    if target.name is None:
        where = None if inv.all_namespaces else inv.namespace
        found = access.list(resource, where, inv.flags["selector"])
        return [builder.info_of(resource, obj) for obj in found]
    try:
        return [builder.info_of(resource, access.get(resource, target.name, inv.namespace))]
    except ApiError as error:
        if error.reason != "NotFound":
            raise
        found = [obj for obj in access.list(resource, inv.namespace) if obj["metadata"]["name"].startswith(target.name)]
        if not found:
            raise
        return [builder.info_of(resource, obj, _BY_PREFIX) for obj in found]


COMMAND = Command(
    "describe",
    "Show details of a specific resource or group of resources",
    "kubectl describe (-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME) [options]",
    run,
    (
        *FILES,
        *SELECTOR,
        *ALL_NAMESPACES,
        integer("chunk-size", default=500),
        boolean("show-events", default=True),
    ),
    examples="kubectl describe pod web-0\nkubectl describe nodes\nkubectl describe deployment/web",
)
