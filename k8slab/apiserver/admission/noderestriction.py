"""NodeRestriction: a kubelet writes only what concerns its own node (`plugin/pkg/admission/noderestriction`).

Off by default in kube-apiserver; kubeadm switches it on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api.labels import kubelet_may_set
from k8slab.apiserver.admission.plugin import Plugin, refuse
from k8slab.apiserver.meta import with_meta
from k8slab.apiserver.rbac.nodes import NODE_GROUP, PREFIX, references
from k8slab.errors import not_found, quote

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call

MIRROR = "kubernetes.io/config.mirror"
LEASES = "kube-node-lease"


class NodeRestriction(Plugin):
    """Keeps kubelets to themselves."""

    name = "NodeRestriction"
    resources = frozenset(
        {
            ("", "pods"),
            ("", "nodes"),
            ("", "persistentvolumeclaims"),
            ("", "serviceaccounts"),
            ("coordination.k8s.io", "leases"),
            ("storage.k8s.io", "csinodes"),
        }
    )
    operations = frozenset({"CREATE", "UPDATE"})
    sees_subresources = True

    def admit(self, call: Call, obj: Any, old: Any) -> Any:
        """Refuse kubelets' writes to what is not theirs; nothing is changed."""
        if NODE_GROUP in call.user.groups:
            self._check(call, obj, old)
        return obj

    def check_delete(self, call: Call, obj: Any) -> None:
        """As for other writes."""
        if NODE_GROUP in call.user.groups and (call.endpoint.resource.group, call.endpoint.plural) in self.resources:
            self._check(call, obj, obj)

    def _check(self, call: Call, obj: Any, old: Any) -> None:
        node = call.user.name.removeprefix(PREFIX) if call.user.name.startswith(PREFIX) else ""
        if not node:
            raise refuse(call, obj, f"could not determine node from user {quote(call.user.name)}")
        why = CHECKS[call.endpoint.plural](call, obj, old, node)
        if why:
            raise refuse(call, obj, why)


def _pod(call: Call, pod: Any, old: Any, node: str) -> str:
    if call.subresource == "status":
        return _pod_status(pod, old, node)
    if call.subresource == "eviction":
        if _bound_to(call, call.name) != node:
            return f"node {node} can only evict pods with spec.nodeName set to itself"
        return ""
    if call.subresource:
        return f"unexpected pod subresource {quote(call.subresource)}, only 'status' and 'eviction' are allowed"
    if call.operation == "CREATE":
        return _mirror_pod(call, pod, node)
    if call.operation == "DELETE":
        if pod.spec.nodeName != node:
            return f"node {quote(node)} can only delete pods with spec.nodeName set to itself"
        return ""
    shown = quote(call.operation)
    return f"unexpected operation {shown}, node {quote(node)} can only create and delete mirror pods"


def _bound_to(call: Call, name: str) -> str:
    pod = call.server.peek("pods", name, call.namespace)
    if pod is None:
        raise not_found("pods", name)
    return pod.spec.nodeName or ""


def _pod_status(pod: Any, old: Any, node: str) -> str:
    if old.spec.nodeName != node:
        return f"node {quote(node)} can only update pod status for pods with spec.nodeName set to itself"
    if (pod.metadata.labels or {}) != (old.metadata.labels or {}):
        return f"node {quote(node)} cannot update labels through pod status"
    claims = [(each.status.resourceClaimStatuses or ()) if each.status is not None else () for each in (pod, old)]
    return "" if claims[0] == claims[1] else f"node {quote(node)} cannot update resource claim statues"


def _mirror_pod(call: Call, pod: Any, node: str) -> str:
    shown = f"node {quote(node)}"
    if MIRROR not in (pod.metadata.annotations or {}):
        return f"pod does not have {quote(MIRROR)} annotation, {shown} can only create mirror pods"
    if pod.spec.nodeName != node:
        return f"{shown} can only create pods with spec.nodeName set to itself"
    return _owner_problem(call, pod, node, shown) or _reference_problem(pod, shown)


def _owner_problem(call: Call, pod: Any, node: str, shown: str) -> str:
    owners = pod.metadata.ownerReferences or ()
    if len(owners) > 1:
        return f"{shown} can only create pods with a single owner reference set to itself"
    if not owners or (owners[0].apiVersion, owners[0].kind, owners[0].name) != ("v1", "Node", node):
        return f"{shown} can only create pods with an owner reference set to itself"
    if not owners[0].controller:
        return f"{shown} can only create pods with a controller owner reference set to itself"
    if owners[0].blockOwnerDeletion:
        return f"{shown} must not set blockOwnerDeletion on an owner reference"
    found = call.server.peek("nodes", node)
    if found is None:
        raise not_found("nodes", node)
    if owners[0].uid != found.metadata.uid:
        return f"node {node} UID mismatch: expected {owners[0].uid} got {found.metadata.uid}"
    return ""


def _reference_problem(pod: Any, shown: str) -> str:
    spec = pod.spec
    if spec.serviceAccountName:
        return f"{shown} can not create pods that reference a service account"
    for kind in ("secrets", "configmaps"):
        if references(pod, kind):
            return f"{shown} can not create pods that reference {kind}"
    for volume in spec.volumes or ():
        sources = (volume.projected.sources or ()) if volume.projected is not None else ()
        if any(source.clusterTrustBundle is not None for source in sources):
            return f"{shown} can not create pods that reference clustertrustbundles"
    if any(volume.persistentVolumeClaim is not None for volume in spec.volumes or ()):
        return f"{shown} can not create pods that reference persistentvolumeclaims"
    return ""


def _node(call: Call, obj: Any, old: Any, node: str) -> str:
    name = obj.metadata.name or ""
    if name != node:
        return f"node {quote(node)} is not allowed to modify node {quote(name)}"
    if call.operation == "DELETE":
        return ""
    labels, before = obj.metadata.labels or {}, (old.metadata.labels or {}) if old is not None else {}
    forbidden = sorted(
        key for key in labels | before if labels.get(key) != before.get(key) and not kubelet_may_set(key)
    )
    if old is None:
        if forbidden:
            return f"node {quote(node)} is not allowed to set the following labels: {', '.join(forbidden)}"
        return ""
    if (obj.spec.taints or ()) != (old.spec.taints or ()):
        return f"node {quote(node)} is not allowed to modify taints"
    return f"is not allowed to modify labels: {', '.join(forbidden)}" if forbidden else ""


def _claim(call: Call, obj: Any, old: Any, node: str) -> str:
    if call.subresource != "status":
        return "may only update PVC status"
    if _kept(obj) != _kept(old):
        return f"node {quote(node)} is not allowed to update fields other than status.capacity and status.conditions"
    return ""


def _kept(claim: Any) -> Any:
    """A claim without what its node may write."""
    claim = with_meta(claim, resourceVersion=None, managedFields=None)
    changes = dict.fromkeys(("capacity", "conditions", "allocatedResources", "allocatedResourceStatuses"))
    return claim if claim.status is None else claim.replace(status=claim.status.replace(**changes))


def _token(call: Call, request: Any, old: Any, node: str) -> str:
    """Tokens that kubelets ask for belong to Pods on their nodes."""
    if call.operation != "CREATE" or call.subresource != "token":
        return ""
    bound = request.spec.boundObjectRef if request.spec is not None else None
    if bound is None or (bound.apiVersion, bound.kind) != ("v1", "Pod") or not bound.name:
        return "node requested token not bound to a pod"
    if not bound.uid:
        return "node requested token with a pod binding without a uid"
    pod = call.server.peek("pods", bound.name, call.namespace)
    if pod is None:
        raise not_found("pods", bound.name)
    if bound.uid != pod.metadata.uid:
        why = "does not match the UID in record. The object might have been deleted and then recreated"
        return f"the UID in the bound object reference ({bound.uid}) {why}"
    return "" if pod.spec.nodeName == node else "node requested token bound to a pod scheduled on a different node"


def _lease(call: Call, lease: Any, old: Any, node: str) -> str:
    if call.namespace != LEASES:
        return f"can only access leases in the {quote(LEASES)} system namespace"
    return "" if lease.metadata.name == node else "can only access node lease with the same name as the requesting node"


def _csi_node(call: Call, obj: Any, old: Any, node: str) -> str:
    return "" if obj.metadata.name == node else "can only access CSINode with the same name as the requesting node"


CHECKS = {
    "pods": _pod,
    "nodes": _node,
    "persistentvolumeclaims": _claim,
    "serviceaccounts": _token,
    "leases": _lease,
    "csinodes": _csi_node,
}
