"""Defaults of the core kinds other than Pods (`pkg/apis/core/v1/defaults.go` and its conversions)."""

from __future__ import annotations

import base64

from k8slab.api.core_v1 import (
    ClientIPConfig,
    DaemonEndpoint,
    EndpointPort,
    Endpoints,
    EndpointSubset,
    Event,
    EventSource,
    LimitRange,
    LimitRangeItem,
    LoadBalancerIngress,
    LoadBalancerStatus,
    Namespace,
    NamespaceStatus,
    Node,
    NodeDaemonEndpoints,
    NodeSpec,
    NodeStatus,
    NodeSystemInfo,
    PersistentVolume,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpec,
    PersistentVolumeClaimStatus,
    PersistentVolumeSpec,
    PersistentVolumeStatus,
    ReplicationController,
    ReplicationControllerSpec,
    ReplicationControllerStatus,
    ResourceQuota,
    ResourceQuotaSpec,
    ResourceQuotaStatus,
    Secret,
    Service,
    ServicePort,
    ServiceSpec,
    ServiceStatus,
    SessionAffinityConfig,
)
from k8slab.api.defaults.fill import change, each, fill, fill_absent
from k8slab.api.defaults.pods import template_spec
from k8slab.api.defaults.volumes import azure_disk, host_path, iscsi, rbd, scale_io

AFFINITY_SECONDS = 10800
NO_LOAD_BALANCER = LoadBalancerStatus()
CLIENT_IP = SessionAffinityConfig(clientIP=ClientIPConfig(timeoutSeconds=AFFINITY_SECONDS))
ACTIVE = NamespaceStatus(phase="Active")
NO_ENDPOINTS = NodeDaemonEndpoints(kubeletEndpoint=DaemonEndpoint(Port=0))
NO_INFO = NodeSystemInfo(
    architecture="",
    bootID="",
    containerRuntimeVersion="",
    kernelVersion="",
    kubeProxyVersion="",
    kubeletVersion="",
    machineID="",
    operatingSystem="",
    osImage="",
    systemUUID="",
)


def service(obj: Service) -> Service:
    """A Service, but for its addresses, families and node ports, which are allocated when it is stored."""
    spec = fill(obj.spec or ServiceSpec(), sessionAffinity="None", type="ClusterIP")
    affinity = None
    if spec.sessionAffinity == "ClientIP":
        config = spec.sessionAffinityConfig
        known = config is not None and config.clientIP is not None and config.clientIP.timeoutSeconds is not None
        affinity = config if known else CLIENT_IP
    spec = change(spec, sessionAffinityConfig=affinity, ports=each(_service_port, spec.ports))
    if spec.type in ("NodePort", "LoadBalancer") or (spec.type == "ClusterIP" and spec.externalIPs):
        spec = fill(spec, externalTrafficPolicy="Cluster")
    if spec.type in ("NodePort", "LoadBalancer", "ClusterIP"):
        spec = fill_absent(spec, internalTrafficPolicy="Cluster")
    if spec.type == "LoadBalancer":
        spec = fill_absent(spec, allocateLoadBalancerNodePorts=True)
    status = fill(obj.status or ServiceStatus(), loadBalancer=NO_LOAD_BALANCER)
    balancer = status.loadBalancer
    status = change(status, loadBalancer=change(balancer, ingress=each(_ingress, balancer.ingress)))
    return change(obj, spec=spec, status=status)


def _service_port(port: ServicePort) -> ServicePort:
    return fill(port, protocol="TCP", targetPort=port.port)


def _ingress(item: LoadBalancerIngress) -> LoadBalancerIngress:
    return fill_absent(item, ipMode="VIP") if item.ip else item


def namespace(obj: Namespace) -> Namespace:
    """A Namespace: its name as a label, for selectors."""
    status = ACTIVE if obj.status is None else fill(obj.status, phase="Active")
    name, labels = obj.metadata.name, obj.metadata.labels or {}
    if name and labels.get("kubernetes.io/metadata.name") != name:
        labels = {**labels, "kubernetes.io/metadata.name": name}
        obj = obj.replace(metadata=obj.metadata.replace(labels=labels))
    return change(obj, status=status)


def node(obj: Node) -> Node:
    """A Node: what is not said to be reserved is allocatable."""
    status = fill_absent(obj.status or NodeStatus(), daemonEndpoints=NO_ENDPOINTS, nodeInfo=NO_INFO)
    if status.allocatable is None and status.capacity is not None:
        status = status.replace(allocatable=status.capacity)
    return change(obj, spec=_pod_cidrs(obj.spec or NodeSpec()), status=status)


def _pod_cidrs(spec: NodeSpec) -> NodeSpec:
    """The old field `podCIDR` and the first of `podCIDRs` say the same; the old one wins."""
    if spec.podCIDR and (not spec.podCIDRs or spec.podCIDRs[0] != spec.podCIDR):
        return spec.replace(podCIDRs=(spec.podCIDR,))
    return fill(spec, podCIDR=spec.podCIDRs[0]) if spec.podCIDRs else spec


def secret(obj: Secret) -> Secret:
    """A Secret: `stringData` goes into `data`."""
    obj = fill(obj, type="Opaque")
    if obj.stringData is None:
        return obj
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in obj.stringData.items()}
    return obj.replace(data={**(obj.data or {}), **encoded} or None, stringData=None)


def endpoints(obj: Endpoints) -> Endpoints:
    """Endpoints: ports are TCP."""
    return change(obj, subsets=each(_subset, obj.subsets))


def _subset(item: EndpointSubset) -> EndpointSubset:
    return change(item, ports=each(_endpoint_port, item.ports))


def _endpoint_port(port: EndpointPort) -> EndpointPort:
    return fill(port, protocol="TCP")


def event(obj: Event) -> Event:
    """An Event: fields that are written even if empty."""
    return fill_absent(obj, source=EventSource(), reportingComponent="", reportingInstance="")


def replication_controller(obj: ReplicationController) -> ReplicationController:
    """A ReplicationController: selector and labels follow the template."""
    spec = fill_absent(obj.spec or ReplicationControllerSpec(), replicas=1)
    if spec.template is not None:
        spec = change(spec, template=template_spec(spec.template))
        labels = spec.template.metadata.labels
        if labels:
            spec = fill(spec, selector=labels)
            obj = change(obj, metadata=fill(obj.metadata, labels=labels))
    status = fill_absent(obj.status or ReplicationControllerStatus(), replicas=0)
    return change(obj, spec=spec, status=status)


def persistent_volume(obj: PersistentVolume) -> PersistentVolume:
    """A PersistentVolume."""
    spec = fill(obj.spec or PersistentVolumeSpec(), persistentVolumeReclaimPolicy="Retain")
    spec = fill_absent(spec, volumeMode="Filesystem")
    for name, function in _VOLUME_SOURCES.items():
        source = getattr(spec, name)
        if source is not None:
            spec = change(spec, **{name: function(source)})
    return change(obj, spec=spec, status=fill(obj.status or PersistentVolumeStatus(), phase="Pending"))


_VOLUME_SOURCES = {"hostPath": host_path, "iscsi": iscsi, "rbd": rbd, "scaleIO": scale_io, "azureDisk": azure_disk}


def persistent_volume_claim(obj: PersistentVolumeClaim) -> PersistentVolumeClaim:
    """A PersistentVolumeClaim."""
    spec = fill_absent(obj.spec or PersistentVolumeClaimSpec(), volumeMode="Filesystem")
    return change(obj, spec=spec, status=fill(obj.status or PersistentVolumeClaimStatus(), phase="Pending"))


def limit_range(obj: LimitRange) -> LimitRange:
    """A LimitRange: limits of containers default to the maximum, requests to the limit, else to the minimum."""
    if obj.spec is None:
        return obj
    return change(obj, spec=change(obj.spec, limits=each(_limit, obj.spec.limits)))


def _limit(item: LimitRangeItem) -> LimitRangeItem:
    if item.type != "Container":
        return item
    default = {**(item.max or {}), **(item.default or {})}
    request = {**(item.min or {}), **default, **(item.defaultRequest or {})}
    changes = {}
    if default != (item.default or {}):
        changes["default"] = default
    if request != (item.defaultRequest or {}):
        changes["defaultRequest"] = request
    return item.replace(**changes) if changes else item


def resource_quota(obj: ResourceQuota) -> ResourceQuota:
    """A ResourceQuota: both halves are always written."""
    return change(obj, spec=obj.spec or ResourceQuotaSpec(), status=obj.status or ResourceQuotaStatus())
