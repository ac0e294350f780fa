"""What a client should know about an object that is accepted all the same.

Follows `pkg/api/*/warnings.go` and the WarningsOnCreate of `pkg/registry`; Pods have a file of their own.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from typing import Any

from k8slab.api.validation.names import dns_label
from k8slab.apiserver.registry.nodelabels import NODE_LABELS, term_warnings
from k8slab.apiserver.registry.podwarnings import OLD_VOLUMES, SHOWN_AS, claim_warnings, template_warnings
from k8slab.errors import quote

SURPRISING = "which can result in surprising behavior; a DNS label is recommended:"
STORAGE_CLASS = "volume.beta.kubernetes.io/storage-class"
INGRESS_CLASS = "kubernetes.io/ingress.class"
TOPOLOGY_HINTS, TOPOLOGY_MODE = "service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode"
MANY_COMPLETIONS, MANY_AT_ONCE = 100_000, 10_000
TOO_MANY = (
    "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, "
    "Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
)


def pod_warnings(pod: Any) -> Iterator[str]:
    """About a Pod."""
    yield from _name_warnings(pod, "the Pod's hostname")
    yield from template_warnings(pod.spec, pod.metadata, "")


def _name_warnings(obj: Any, use: str) -> Iterator[str]:
    problems = dns_label(obj.metadata.name or "")
    if problems:
        yield f"metadata.name: this is used in {use}, {SURPRISING} [{' '.join(problems)}]"


def workload_warnings(obj: Any, template: Any, path: str, is_new: bool = True) -> Iterator[str]:
    """About an object that makes Pods from a template; `path` is that of the template."""
    if is_new and obj.kind not in ("DaemonSet", "StatefulSet"):
        yield from _name_warnings(obj, "Pod names and hostnames")
    if obj.kind in ("Job", "CronJob"):
        yield from _job_warnings(obj.spec if obj.kind == "Job" else obj.spec.jobTemplate.spec, path)
    if template is not None and template.spec is not None:
        yield from template_warnings(template.spec, template.metadata, f"{path}.")
    if obj.kind == "StatefulSet":
        yield from _statefulset_warnings(obj.spec)


def _job_warnings(spec: Any, path: str) -> Iterator[str]:
    if spec is None or spec.completionMode != "Indexed":
        return
    if (spec.completions or 0) > MANY_COMPLETIONS and (spec.parallelism or 0) > MANY_AT_ONCE:
        yield f"{path.removesuffix('.template')}: {TOO_MANY}"


def _statefulset_warnings(spec: Any) -> Iterator[str]:
    if (spec.revisionHistoryLimit or 0) < 0:
        text = "a negative value retains all historical revisions; a value >= 0 is recommended"
        yield f"spec.revisionHistoryLimit: {text}"
    for index, claim in enumerate(spec.volumeClaimTemplates or ()):
        yield from claim_warnings(claim.spec, f"spec.volumeClaimTemplates[{index}]")


def service_warnings(service: Any) -> Iterator[str]:
    """About a Service."""
    spec = service.spec
    if TOPOLOGY_HINTS in (service.metadata.annotations or ()):
        yield f"annotation {TOPOLOGY_HINTS} is deprecated, please use {TOPOLOGY_MODE} instead"
    is_headless = spec.type == "ClusterIP" and spec.clusterIP == "None"
    if is_headless:
        if spec.loadBalancerIP:
            yield "spec.loadBalancerIP is ignored for headless services"
        if spec.externalIPs:
            yield "spec.externalIPs is ignored for headless services"
        if spec.sessionAffinity == "ClientIP":
            yield "spec.SessionAffinity is ignored for headless services"
    for index, address in enumerate(spec.externalIPs or ()):
        yield from _address_warnings(address, f"spec.externalIPs[{index}]")
    if spec.externalIPs and not is_headless and spec.type != "ExternalName":
        yield "spec.externalIPs is deprecated and may no longer be implemented in some clusters"
    yield from _address_warnings(spec.loadBalancerIP or "", "spec.loadBalancerIP")
    for index, block in enumerate(spec.loadBalancerSourceRanges or ()):
        yield from _block_warnings(block, f"spec.loadBalancerSourceRanges[{index}]")
    if spec.type == "ExternalName" and spec.externalIPs:
        yield 'spec.externalIPs is ignored when spec.type is "ExternalName"'
    if spec.type != "ExternalName" and spec.externalName:
        yield 'spec.externalName is ignored when spec.type is not "ExternalName"'
    if spec.trafficDistribution == "PreferClose":
        yield 'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'


def _address_warnings(text: str, place: str) -> Iterator[str]:
    """About an IPv6 address that is not written as it should be (`util/validation/ip.go`)."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return
    if address.version == 6 and str(address) != text:
        yield f"{place}: IPv6 address {quote(text)} should be in RFC 5952 canonical format ({quote(str(address))})"


def _block_warnings(text: str, place: str) -> Iterator[str]:
    """About a CIDR with bits beyond its prefix, or one that is not written as it should be."""
    try:
        block = ipaddress.ip_interface(text)
    except ValueError:
        return
    if block.ip != block.network.network_address:
        either = f"{quote(str(block.network))} or {quote(f'{block.ip}/{block.max_prefixlen}')}"
        yield f"{place}: CIDR value {quote(text)} is ambiguous in this context (should be {either}?)"
    canonical = f"{block.ip}/{block.network.prefixlen}"
    if block.version == 6 and canonical != text:
        yield f"{place}: IPv6 CIDR value {quote(text)} should be in RFC 5952 canonical format ({quote(canonical)})"


def _claim(claim: Any) -> Iterator[str]:
    if STORAGE_CLASS in (claim.metadata.annotations or ()):
        yield _old_storage_class()
    yield from claim_warnings(claim.spec, "spec")


def _old_storage_class() -> str:
    text = 'deprecated since v1.8; use "storageClassName" attribute instead'
    return f"metadata.annotations[{STORAGE_CLASS}]: {text}"


def _volume(volume: Any) -> Iterator[str]:
    """About a PersistentVolume (`pkg/api/persistentvolume/util.go`)."""
    spec = volume.spec
    if STORAGE_CLASS in (volume.metadata.annotations or ()):
        yield _old_storage_class()
    if spec.persistentVolumeReclaimPolicy == "Recycle":
        advice = "Instead, the recommended approach is to use dynamic provisioning."
        yield f"spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. {advice}"
    required = spec.nodeAffinity.required if spec.nodeAffinity is not None else None
    for index, term in enumerate((required.nodeSelectorTerms if required is not None else None) or ()):
        yield from term_warnings(term, f"spec.nodeAffinity.required.nodeSelectorTerms[{index}]")
    for name, text in OLD_VOLUMES.items():
        if getattr(spec, name, None) is not None:
            yield f"spec.{SHOWN_AS.get(name, name)}: {text}"


def _network_policy(policy: Any) -> Iterator[str]:
    for direction, field in (("ingress", "from_"), ("egress", "to")):
        for index, rule in enumerate(getattr(policy.spec, direction) or ()):
            for number, peer in enumerate(getattr(rule, field) or ()):
                if peer.ipBlock is not None:
                    place = f"spec.{direction}[{index}].{field.rstrip('_')}[{number}].ipBlock"
                    yield from _block_warnings(peer.ipBlock.cidr or "", f"{place}.cidr")
                    for count, block in enumerate(peer.ipBlock.except_ or ()):
                        yield from _block_warnings(block, f"{place}.except[{count}]")


def _ingress(ingress: Any) -> Iterator[str]:
    if INGRESS_CLASS in (ingress.metadata.annotations or ()) and ingress.spec.ingressClassName is None:
        yield f"annotation {quote(INGRESS_CLASS)} is deprecated, please use 'spec.ingressClassName' instead"


def _storage_class(storage_class: Any) -> Iterator[str]:
    for index, term in enumerate(storage_class.allowedTopologies or ()):
        for number, expression in enumerate(term.matchLabelExpressions or ()):
            if expression.key in NODE_LABELS:
                place = f"allowedTopologies[{index}].matchLabelExpressions[{number}]"
                yield f"{place}: {NODE_LABELS[expression.key]}"


def _capacity(capacity: Any) -> Iterator[str]:
    topology = capacity.nodeTopology
    if topology is not None:
        yield from term_warnings(topology, "nodeTopology")
        for key in topology.matchLabels or ():
            if key in NODE_LABELS:
                yield f"nodeTopology.matchLabels.{key}: {NODE_LABELS[key]}"


def _runtime_class(runtime_class: Any) -> Iterator[str]:
    scheduling = runtime_class.scheduling
    for key in (scheduling.nodeSelector if scheduling is not None else None) or ():
        if key in NODE_LABELS:
            yield f"scheduling.nodeSelector: {NODE_LABELS[key]}"


def _node(node: Any) -> Iterator[str]:
    if node.spec is not None and node.spec.externalID:
        yield "spec.externalID: this field is deprecated, and is unused by Kubernetes"


def _pod_template(obj: Any) -> Iterator[str]:
    if obj.template is not None and obj.template.spec is not None:
        yield from template_warnings(obj.template.spec, obj.template.metadata, "template.")


_BY_KIND: dict[str, Callable[[Any], Iterator[str]]] = {
    "CSIStorageCapacity": _capacity,
    "Ingress": _ingress,
    "NetworkPolicy": _network_policy,
    "Node": _node,
    "PersistentVolume": _volume,
    "PersistentVolumeClaim": _claim,
    "PodTemplate": _pod_template,
    "RuntimeClass": _runtime_class,
    "StorageClass": _storage_class,
}
_ON_CREATE_ONLY = ("Ingress",)


def object_warnings(obj: Any, old: Any) -> tuple[str, ...]:
    """About an object of one of the kinds that have nothing special otherwise."""
    found = _BY_KIND.get(obj.kind)
    if found is None or (old is not None and (obj.kind in _ON_CREATE_ONLY or obj == old)):
        return ()
    return tuple(found(obj))
