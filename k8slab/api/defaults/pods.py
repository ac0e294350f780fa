"""Defaults of Pods and of everything in them (`pkg/apis/core/v1/defaults.go`, `zz_generated.defaults.go`)."""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import (
    Container,
    ContainerPort,
    EnvVar,
    EphemeralContainer,
    Lifecycle,
    LifecycleHandler,
    Pod,
    PodIP,
    PodSecurityContext,
    PodSpec,
    PodStatus,
    PodTemplate,
    PodTemplateSpec,
    Probe,
    ResourceRequirements,
)
from k8slab.api.defaults.fill import change, each, fill, fill_absent, maybe
from k8slab.api.defaults.images import pull_policy
from k8slab.api.defaults.podresources import pod_level_requests
from k8slab.api.defaults.volumes import volume
from k8slab.api.meta_v1 import ObjectMeta

NO_RESOURCES = ResourceRequirements()
NO_SECURITY_CONTEXT = PodSecurityContext()
NO_METADATA = ObjectMeta()
PENDING = PodStatus(phase="Pending")


def pod(obj: Pod) -> Pod:
    """A Pod: the defaults of its spec and those that templates do not get (requests, host ports, service links)."""
    spec = pod_spec(obj.spec or PodSpec())
    spec = change(
        spec,
        containers=each(_requests_from_limits, spec.containers),
        initContainers=each(_requests_from_limits, spec.initContainers),
    )
    if spec.hostNetwork:
        spec = change(
            spec, containers=each(_host_ports, spec.containers), initContainers=each(_host_ports, spec.initContainers)
        )
    spec = pod_level_requests(fill_absent(spec, enableServiceLinks=True))
    return change(obj, spec=spec, status=pod_status(obj.status))


def pod_status(status: PodStatus | None) -> PodStatus:
    """A Pod's status."""
    return PENDING if status is None else _addresses(fill(status, phase="Pending"))


def _addresses(status: PodStatus) -> PodStatus:
    """The old field `podIP` and the first of `podIPs` say the same; the old one wins."""
    if status.podIP and (not status.podIPs or status.podIPs[0].ip != status.podIP):
        return status.replace(podIPs=(PodIP(ip=status.podIP),))
    return fill(status, podIP=status.podIPs[0].ip) if status.podIPs else status


def pod_template(obj: PodTemplate) -> PodTemplate:
    """A PodTemplate object."""
    return change(obj, template=template_spec(obj.template))


def template_spec(template: PodTemplateSpec | None) -> PodTemplateSpec:
    """The template of a workload."""
    template = template or PodTemplateSpec()
    return change(template, metadata=template.metadata or NO_METADATA, spec=pod_spec(template.spec or PodSpec()))


def pod_spec(spec: PodSpec) -> PodSpec:
    """What Pods and templates have in common."""
    spec = fill(
        spec,
        dnsPolicy="ClusterFirst",
        restartPolicy="Always",
        schedulerName="default-scheduler",
        securityContext=NO_SECURITY_CONTEXT,
    )
    account = spec.serviceAccountName or spec.serviceAccount or None
    grace = spec.terminationGracePeriodSeconds
    return change(
        spec,
        terminationGracePeriodSeconds=30 if grace is None else grace,
        serviceAccountName=account,
        serviceAccount=account,
        containers=each(container, spec.containers),
        initContainers=each(container, spec.initContainers),
        ephemeralContainers=each(container, spec.ephemeralContainers),
        volumes=each(volume, spec.volumes),
    )


def container(item: Container | EphemeralContainer) -> Any:
    """A container of any kind."""
    item = fill(
        item,
        imagePullPolicy=pull_policy(item.image),
        resources=NO_RESOURCES,
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
    )
    return change(
        item,
        ports=each(_port, item.ports),
        env=each(_env, item.env),
        livenessProbe=maybe(probe, item.livenessProbe),
        readinessProbe=maybe(probe, item.readinessProbe),
        startupProbe=maybe(probe, item.startupProbe),
        lifecycle=maybe(_lifecycle, item.lifecycle),
    )


def _port(port: ContainerPort) -> ContainerPort:
    return port if port.protocol else port.replace(protocol="TCP")


def _env(variable: EnvVar) -> EnvVar:
    source = variable.valueFrom
    if source is None:
        return variable
    if source.fieldRef is not None:
        source = change(source, fieldRef=fill(source.fieldRef, apiVersion="v1"))
    if source.resourceFieldRef is not None:
        source = change(source, resourceFieldRef=fill(source.resourceFieldRef, divisor="0"))
    if source.fileKeyRef is not None:
        source = change(source, fileKeyRef=fill_absent(source.fileKeyRef, optional=False))
    return change(variable, valueFrom=source)


def probe(item: Probe) -> Probe:
    """A probe of any kind."""
    item = fill(item, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
    if item.grpc is not None:
        item = change(item, grpc=fill_absent(item.grpc, service=""))
    return _handler(item)


def _lifecycle(item: Lifecycle) -> Lifecycle:
    return change(item, postStart=maybe(_handler, item.postStart), preStop=maybe(_handler, item.preStop))


def _handler(item: Probe | LifecycleHandler) -> Any:
    return item if item.httpGet is None else change(item, httpGet=fill(item.httpGet, path="/", scheme="HTTP"))


def _requests_from_limits(item: Container) -> Container:
    limits = item.resources.limits
    if not limits:
        return item
    requests = item.resources.requests or {}
    missing = {name: amount for name, amount in limits.items() if name not in requests}
    return item.replace(resources=item.resources.replace(requests=requests | missing)) if missing else item


def _host_ports(item: Container) -> Container:
    return change(item, ports=each(_host_port, item.ports))


def _host_port(port: ContainerPort) -> ContainerPort:
    return port if port.hostPort else port.replace(hostPort=port.containerPort)
