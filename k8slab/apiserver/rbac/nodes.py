"""The node authorizer: a kubelet may do what kubelets do, to its own node and to what its Pods refer to.

Follows `plugin/pkg/auth/authorizer/node/node_authorizer.go`, whose graph of references is looked up here when asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.apiserver.authorization import Attributes, Decision
from k8slab.apiserver.rbac.policy import NODE_RULES
from k8slab.apiserver.rbac.rules import allows

if TYPE_CHECKING:
    from k8slab.apiserver.server import APIServer

NODE_GROUP = "system:nodes"
PREFIX = "system:node:"
ALLOWED = Decision(True)
LINKED = ("secrets", "configmaps", "persistentvolumeclaims")
UNRELATED = "no relationship found between node '{}' and this object"


def node_decision(server: APIServer, wanted: Attributes) -> Decision | None:
    """The decision on a kubelet's request; None where roles have to decide. A reason forbids to remember it."""
    name = wanted.user.name
    if wanted.path or not name.startswith(PREFIX):
        return None
    node = name.removeprefix(PREFIX)
    if wanted.resource in LINKED and not wanted.group and wanted.verb in ("get", "list", "watch"):
        return _linked(server, wanted, node)
    if not wanted.group and wanted.resource in OWN:
        return OWN[wanted.resource](server, wanted, node)
    if wanted.resource == "leases" and wanted.group == "coordination.k8s.io":
        return _own_lease(wanted, node)
    return ALLOWED if any(allows(rule, wanted) for rule in NODE_RULES) else None


def _own_node(server: APIServer, wanted: Attributes, node: str) -> Decision | None:
    """Its own Node; what it may write there is for NodeRestriction to say."""
    if wanted.subresource:
        return ALLOWED if wanted.subresource == "status" and wanted.verb in ("update", "patch") else None
    if wanted.verb in ("create", "update", "patch"):
        return ALLOWED
    if wanted.verb not in ("get", "list", "watch"):
        return None
    if wanted.name == node:
        return Decision(True, "own node")
    if not wanted.name:
        return Decision(False, f"node '{node}' cannot read all nodes, only its own Node object")
    return Decision(False, f"node '{node}' cannot read '{wanted.name}', only its own Node object")


def _own_pods(server: APIServer, wanted: Attributes, node: str) -> Decision | None:
    """The Pods that are bound to it."""
    allowed = {"": ("create", "delete"), "status": ("update", "patch"), "eviction": ("create",)}
    if wanted.verb in allowed.get(wanted.subresource, ()):
        return ALLOWED
    if wanted.subresource:
        return None
    if wanted.verb == "get":
        found = server.peek("pods", wanted.name, wanted.namespace) if wanted.name else None
        is_own = found is not None and found.spec.nodeName == node
        return Decision(True, "own Pod") if is_own else Decision(False, UNRELATED.format(node))
    if wanted.verb in ("list", "watch"):
        parts = wanted.field_selector.replace("==", "=").split(",")
        if f"spec.nodeName={node}" in parts:
            return Decision(True, "own Pods")
        return Decision(False, "can only list/watch pods with spec.nodeName field selector")
    return None


def _own_accounts(server: APIServer, wanted: Attributes, node: str) -> Decision | None:
    """Tokens of the accounts as which its Pods run."""
    if wanted.subresource != "token":
        return None
    if wanted.verb != "create" or not wanted.name:
        return Decision(False, "can only create tokens for individual service accounts")
    for kv in server.broadcaster(server.endpoint("pods")).on_node(node):
        pod = kv.value
        if pod.metadata.namespace == wanted.namespace and pod.spec.serviceAccountName == wanted.name:
            return Decision(True, "used by a Pod of the node")
    return Decision(False, UNRELATED.format(node))


OWN = {"nodes": _own_node, "pods": _own_pods, "serviceaccounts": _own_accounts}
"""Core resources of which a kubelet has its own ones only."""


def _own_lease(wanted: Attributes, node: str) -> Decision:
    if wanted.verb not in ("get", "create", "update", "patch", "delete"):
        return Decision(False, "can only get, create, update, patch, or delete a node lease")
    if wanted.namespace != "kube-node-lease":
        return Decision(False, 'can only access leases in the "kube-node-lease" system namespace')
    if wanted.verb != "create" and wanted.name != node:
        return Decision(False, "can only access node lease with the same name as the requesting node")
    return Decision(True, "own lease")


def _linked(server: APIServer, wanted: Attributes, node: str) -> Decision:
    if not wanted.name:
        return Decision(False, "No Object name found")
    pods = server.broadcaster(server.endpoint("pods")).on_node(node)
    for kv in pods:
        pod = kv.value
        if pod.metadata.namespace == wanted.namespace and wanted.name in references(pod, wanted.resource):
            return Decision(True, "used by a Pod of the node")
    return Decision(False, UNRELATED.format(node))


def references(pod: Any, resource: str) -> set[str]:
    """The names of the secrets, configmaps or claims that a Pod uses."""
    kind = {"secrets": "secret", "configmaps": "configMap", "persistentvolumeclaims": "claim"}[resource]
    spec = pod.spec
    found: set[str] = set()
    for volume in spec.volumes or ():
        found |= _of_volume(pod, volume, kind)
    for container in (*(spec.initContainers or ()), *(spec.containers or ()), *(spec.ephemeralContainers or ())):
        found |= _of_container(container, kind)
    if kind == "secret":
        found |= {each.name for each in spec.imagePullSecrets or ()}
    return found


def _of_volume(pod: Any, volume: Any, kind: str) -> set[str]:
    sources = [volume, *((volume.projected.sources or ()) if volume.projected is not None else ())]
    if kind == "claim":
        if volume.persistentVolumeClaim is not None:
            return {volume.persistentVolumeClaim.claimName}
        return {f"{pod.metadata.name}-{volume.name}"} if volume.ephemeral is not None else set()
    found = set()
    for source in sources:
        used = getattr(source, kind, None)
        if used is not None:
            found.add(getattr(used, "secretName", None) or used.name)
    return found


def _of_container(container: Any, kind: str) -> set[str]:
    found = set()
    for source in container.envFrom or ():
        used = getattr(source, f"{kind}Ref", None)
        found |= {used.name} if used is not None else set()
    for variable in container.env or ():
        used = getattr(variable.valueFrom, f"{kind}KeyRef", None) if variable.valueFrom is not None else None
        found |= {used.name} if used is not None else set()
    return found
