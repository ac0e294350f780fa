"""Which resource follows which rules. A resource that is not listed here follows the plain ones."""

from __future__ import annotations

from k8slab.api.scheme import Resource
from k8slab.apiserver.crd.definition import DefinitionStrategy
from k8slab.apiserver.rbac.escalation import BindingStrategy, RoleStrategy
from k8slab.apiserver.registry.certificates import CertificateSigningRequestStrategy
from k8slab.apiserver.registry.cluster import (
    NamespaceStrategy,
    NodeStrategy,
    PersistentVolumeStrategy,
    ReturnedStrategy,
)
from k8slab.apiserver.registry.endpoint import Endpoint
from k8slab.apiserver.registry.pod import PodStrategy
from k8slab.apiserver.registry.service import ServiceStrategy
from k8slab.apiserver.registry.small import (
    CountedStrategy,
    CreatedByUpdateStrategy,
    EventStrategy,
    LeaseStrategy,
    PodDisruptionBudgetStrategy,
    StrictStrategy,
)
from k8slab.apiserver.registry.strategy import Strategy
from k8slab.apiserver.registry.workload import (
    DaemonSetStrategy,
    DeploymentStrategy,
    JobStrategy,
    ReplicationControllerStrategy,
    WorkloadStrategy,
)

STRATEGIES: dict[tuple[str, str], type[Strategy]] = {
    ("", "endpoints"): CreatedByUpdateStrategy,
    ("", "events"): EventStrategy,
    ("", "limitranges"): CreatedByUpdateStrategy,
    ("", "namespaces"): NamespaceStrategy,
    ("", "nodes"): NodeStrategy,
    ("", "persistentvolumeclaims"): ReturnedStrategy,
    ("", "persistentvolumes"): PersistentVolumeStrategy,
    ("", "pods"): PodStrategy,
    ("", "podtemplates"): CountedStrategy,
    ("", "replicationcontrollers"): ReplicationControllerStrategy,
    ("", "resourcequotas"): ReturnedStrategy,
    ("", "serviceaccounts"): ReturnedStrategy,
    ("", "services"): ServiceStrategy,
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"): CountedStrategy,
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations"): CountedStrategy,
    ("admissionregistration.k8s.io", "validatingadmissionpolicies"): CountedStrategy,
    ("admissionregistration.k8s.io", "mutatingadmissionpolicies"): CountedStrategy,
    ("apiextensions.k8s.io", "customresourcedefinitions"): DefinitionStrategy,
    ("apps", "daemonsets"): DaemonSetStrategy,
    ("apps", "deployments"): DeploymentStrategy,
    ("apps", "replicasets"): WorkloadStrategy,
    ("apps", "statefulsets"): WorkloadStrategy,
    ("batch", "cronjobs"): WorkloadStrategy,
    ("batch", "jobs"): JobStrategy,
    ("certificates.k8s.io", "certificatesigningrequests"): CertificateSigningRequestStrategy,
    ("coordination.k8s.io", "leases"): LeaseStrategy,
    ("discovery.k8s.io", "endpointslices"): CountedStrategy,
    ("events.k8s.io", "events"): EventStrategy,
    ("flowcontrol.apiserver.k8s.io", "flowschemas"): CountedStrategy,
    ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations"): CountedStrategy,
    ("networking.k8s.io", "ingressclasses"): CountedStrategy,
    ("networking.k8s.io", "ingresses"): CountedStrategy,
    ("networking.k8s.io", "networkpolicies"): CountedStrategy,
    ("node.k8s.io", "runtimeclasses"): StrictStrategy,
    ("policy", "poddisruptionbudgets"): PodDisruptionBudgetStrategy,
    ("rbac.authorization.k8s.io", "clusterrolebindings"): BindingStrategy,
    ("rbac.authorization.k8s.io", "clusterroles"): RoleStrategy,
    ("rbac.authorization.k8s.io", "rolebindings"): BindingStrategy,
    ("rbac.authorization.k8s.io", "roles"): RoleStrategy,
    ("scheduling.k8s.io", "priorityclasses"): CountedStrategy,
    ("storage.k8s.io", "csidrivers"): CountedStrategy,
    ("storage.k8s.io", "csinodes"): ReturnedStrategy,
    ("storage.k8s.io", "storageclasses"): ReturnedStrategy,
    ("storage.k8s.io", "volumeattachments"): ReturnedStrategy,
}


def endpoint_for(resource: Resource) -> Endpoint:
    """The endpoint that serves a resource."""
    from k8slab.apiserver.registry.conversion import conversions

    strategy = STRATEGIES.get((resource.group, resource.plural), Strategy)()
    return Endpoint(resource, strategy, *conversions(resource))
