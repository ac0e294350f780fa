"""The admission plugins in their order: first all may change an object, later all may refuse it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from k8slab.apiserver.admission.certificateapproval import CertificateApproval
from k8slab.apiserver.admission.certificatesigning import CertificateSigning
from k8slab.apiserver.admission.certificatesubjectrestriction import CertificateSubjectRestriction
from k8slab.apiserver.admission.clustertrustbundleattest import ClusterTrustBundleAttest
from k8slab.apiserver.admission.defaultingressclass import DefaultIngressClass
from k8slab.apiserver.admission.defaultstorageclass import DefaultStorageClass
from k8slab.apiserver.admission.defaulttolerationseconds import DefaultTolerationSeconds
from k8slab.apiserver.admission.dynamic.changes import Reinvocation
from k8slab.apiserver.admission.limitranger import LimitRanger
from k8slab.apiserver.admission.mutatingadmissionpolicy import MutatingAdmissionPolicy
from k8slab.apiserver.admission.mutatingadmissionwebhook import MutatingAdmissionWebhook
from k8slab.apiserver.admission.namespacelifecycle import NamespaceLifecycle
from k8slab.apiserver.admission.nodedeclaredfeatures import NodeDeclaredFeatureValidator
from k8slab.apiserver.admission.noderestriction import NodeRestriction
from k8slab.apiserver.admission.persistentvolumeclaimresize import PersistentVolumeClaimResize
from k8slab.apiserver.admission.plugin import Plugin
from k8slab.apiserver.admission.podresize import PodResizeValidator
from k8slab.apiserver.admission.podsecurity import PodSecurity
from k8slab.apiserver.admission.podtopologylabels import PodTopologyLabels
from k8slab.apiserver.admission.priority import Priority
from k8slab.apiserver.admission.resourcequota import ResourceQuota
from k8slab.apiserver.admission.runtimeclass import RuntimeClass
from k8slab.apiserver.admission.serviceaccount import ServiceAccount
from k8slab.apiserver.admission.storageobjectinuse import StorageObjectInUseProtection
from k8slab.apiserver.admission.taintnodes import TaintNodesByCondition
from k8slab.apiserver.admission.validatingadmissionpolicy import ValidatingAdmissionPolicy
from k8slab.apiserver.admission.validatingadmissionwebhook import ValidatingAdmissionWebhook
from k8slab.errors import K8sLabError

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call

PLUGINS: tuple[type[Plugin], ...] = (
    NamespaceLifecycle,
    LimitRanger,
    ServiceAccount,
    NodeRestriction,
    TaintNodesByCondition,
    PodSecurity,
    Priority,
    DefaultTolerationSeconds,
    DefaultStorageClass,
    StorageObjectInUseProtection,
    PersistentVolumeClaimResize,
    RuntimeClass,
    CertificateApproval,
    CertificateSigning,
    ClusterTrustBundleAttest,
    CertificateSubjectRestriction,
    DefaultIngressClass,
    PodTopologyLabels,
    NodeDeclaredFeatureValidator,
    PodResizeValidator,
    MutatingAdmissionPolicy,
    MutatingAdmissionWebhook,
    ValidatingAdmissionPolicy,
    ValidatingAdmissionWebhook,
    ResourceQuota,
)
"""In the order of `pkg/kubeapiserver/options/plugins.go`. Plugins that wait for a feature which is off by default
(PodGroupProtection, PodGroupWorkloadExists, JobValidation) are not there, as their resources are not served."""
OFF_BY_DEFAULT = frozenset({"NodeRestriction"})
OWN_KINDS = frozenset({"binding", "eviction", "token"})
"""Subresources whose objects are of another kind than their resource."""

Key = tuple[str, str, str, str]


class Chain:
    """The plugins that are switched on.

    Args:
        names: which ones (None: those that are on by default).
        extra: which ones besides (`--enable-admission-plugins`).

    Raises:
        K8sLabError: for a name that no plugin has.
    """

    def __init__(self, names: Sequence[str] | None = None, extra: Sequence[str] = ()) -> None:
        known = {cls.name: cls for cls in PLUGINS}
        unknown = [name for name in (*(names or ()), *extra) if name not in known]
        if unknown:
            raise K8sLabError(f'unknown admission plugin "{unknown[0]}", known are {", ".join(known)}')
        wanted = {*(known.keys() - OFF_BY_DEFAULT if names is None else names), *extra}
        self.plugins = tuple(cls() for cls in PLUGINS if cls.name in wanted)
        self._admitting: dict[Key, tuple[Plugin, ...]] = {}
        self._validating: dict[Key, tuple[Plugin, ...]] = {}

    def has(self, name: str) -> bool:
        """Whether the plugin is switched on."""
        return any(plugin.name == name for plugin in self.plugins)

    def admit(self, call: Call, obj: Any, old: Any) -> Any:
        """The object as the plugins make it. Raises ApiError where one refuses."""
        resource = call.endpoint.resource
        key = (call.operation, resource.group, resource.plural, call.subresource)
        plugins = self._admitting.get(key)
        if plugins is None:
            plugins = self._admitting[key] = self._interested(key, "admit")
        rounds = call.reinvocation = Reinvocation()
        for plugin in plugins:
            obj = plugin.admit(call, obj, old)
        if rounds.wanted:
            # Once more for all, as somebody's change may be another's business.
            rounds.repeating = True
            for plugin in plugins:
                obj = plugin.admit(call, obj, old)
        return obj

    def validate(self, call: Call, obj: Any, old: Any) -> None:
        """Ask all plugins about the final object. Raises ApiError where one refuses."""
        resource = call.endpoint.resource
        key = (call.operation, resource.group, resource.plural, call.subresource)
        plugins = self._validating.get(key)
        if plugins is None:
            plugins = self._validating[key] = self._interested(key, "validate")
        for plugin in plugins:
            plugin.validate(call, obj, old)

    def check_delete(self, call: Call, obj: Any) -> None:
        """Ask all plugins about a deletion. Raises ApiError where one refuses."""
        call.operation = "DELETE"
        call.reinvocation = Reinvocation()
        for plugin in self.plugins:
            if type(plugin).check_delete is not Plugin.check_delete:
                plugin.check_delete(call, obj)

    def _interested(self, key: Key, method: str) -> tuple[Plugin, ...]:
        operation, group, plural, subresource = key
        guarded = subresource in OWN_KINDS or (subresource == "status" and method == "admit")
        return tuple(
            plugin
            for plugin in self.plugins
            if operation in plugin.operations
            and (plugin.sees_subresources or not guarded)
            and (plugin.resources is None or (group, plural) in plugin.resources)
            and getattr(type(plugin), method) is not getattr(Plugin, method)
        )
