"""`kubectl create role|clusterrole|rolebinding|clusterrolebinding`."""

from __future__ import annotations

from typing import Any

from k8slab.api.scheme import NoMatch, Resource
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.flags import array, several, text
from k8slab.kubectl.generate.base import Object, generator, meta, one_name
from k8slab.kubectl.policyrules import KNOWN_VERBS

GROUP = "rbac.authorization.k8s.io"
_VERSION = f"{GROUP}/v1"


def _role(inv: Any) -> Object:
    verbs = _verbs(inv)
    if not inv.flags["resource"]:
        raise CommandError("at least one resource must be specified")
    metadata = meta(one_name(inv), inv)
    return {"apiVersion": _VERSION, "kind": "Role", "metadata": metadata, "rules": _rules(inv, verbs)}


def _verbs(inv: Any) -> list[str]:
    verbs = list(dict.fromkeys(verb.strip() for verb in inv.flags["verb"]))
    if not verbs:
        raise CommandError("at least one verb must be specified")
    if "*" in verbs:
        verbs = ["*"]
    for verb in verbs:
        if verb not in KNOWN_VERBS:
            inv.warn(f"'{verb}' is not a standard resource verb")
    return verbs


def _served(inv: Any, name: str) -> Resource:
    try:
        return inv.access.scheme.resource(name)
    except NoMatch as error:
        raise CommandError(str(error), plain=True) from None


def _rules(inv: Any, verbs: list[str]) -> list[Object]:
    """One rule per API group, in the order in which the groups are named."""
    by_group: dict[str, list[str]] = {}
    for word in inv.flags["resource"]:
        name, _, subresource = word.partition("/")
        if name == "*":
            group, plural = "", "*"
        else:
            resource = _served(inv, name)
            group, plural = resource.group, resource.plural
        by_group.setdefault(group, []).append(f"{plural}/{subresource}" if subresource else plural)
    names: Object = {"resourceNames": inv.flags["resource-name"]} if inv.flags["resource-name"] else {}
    return [
        {"verbs": verbs, "apiGroups": [group], "resources": resources, **names} for group, resources in by_group.items()
    ]


def _cluster_role(inv: Any) -> Object:
    name, aggregation = one_name(inv), inv.flags["aggregation-rule"]
    first: Object = {"apiVersion": _VERSION, "kind": "ClusterRole", "metadata": meta(name)}
    if aggregation:
        labels = dict(pair.partition("=")[::2] for pair in aggregation.split(","))
        selector = {"clusterRoleSelectors": [{"matchLabels": labels}]}
        return {**first, "rules": None, "aggregationRule": selector}
    verbs, urls = _verbs(inv), inv.flags["non-resource-url"]
    if not inv.flags["resource"] and not urls:
        raise CommandError("one of resource or nonResourceURL must be specified")
    rules = _rules(inv, verbs) if inv.flags["resource"] else []
    return {**first, "rules": rules + ([{"verbs": verbs, "nonResourceURLs": urls}] if urls else [])}


def _subjects(inv: Any) -> list[Object]:
    subjects: list[Object] = []
    for kind, flag in (("User", "user"), ("Group", "group")):
        subjects += [{"kind": kind, "apiGroup": GROUP, "name": name} for name in inv.flags[flag]]
    for account in inv.flags["serviceaccount"]:
        namespace, colon, name = account.partition(":")
        if not colon or not namespace or not name:
            raise CommandError("serviceaccount must be <namespace>:<name>")
        subjects.append({"kind": "ServiceAccount", "name": name, "namespace": namespace})
    return subjects


def _role_binding(inv: Any) -> Object:
    name, role, cluster_role = one_name(inv), inv.flags["role"], inv.flags["clusterrole"]
    if bool(role) == bool(cluster_role):
        raise CommandError("exactly one of clusterrole or role must be specified")
    reference = {"apiGroup": GROUP, "kind": "Role" if role else "ClusterRole", "name": role or cluster_role}
    metadata = meta(name, inv)
    return _binding("RoleBinding", metadata, _subjects(inv), reference)


def _cluster_role_binding(inv: Any) -> Object:
    if not inv.flags["clusterrole"]:
        raise CommandError("exactly one clusterrole must be specified")
    reference = {"apiGroup": GROUP, "kind": "ClusterRole", "name": inv.flags["clusterrole"]}
    return _binding("ClusterRoleBinding", meta(one_name(inv)), _subjects(inv), reference)


def _binding(kind: str, metadata: Object, subjects: list[Object], reference: Object) -> Object:
    obj: Object = {"apiVersion": _VERSION, "kind": kind, "metadata": metadata}
    return obj | ({"subjects": subjects} if subjects else {}) | {"roleRef": reference}


_RULE_FLAGS = (several("resource"), array("resource-name"), several("verb"))
_SUBJECT_FLAGS = (array("user"), array("group"), array("serviceaccount"), text("clusterrole"))

COMMANDS: tuple[Command, ...] = (
    generator(
        "clusterrole",
        "clusterrole NAME --verb=verb --resource=resource.group [--resource-name=resourcename]",
        _cluster_role,
        (*_RULE_FLAGS, text("aggregation-rule"), several("non-resource-url")),
        about="Create a cluster role",
    ),
    generator(
        "clusterrolebinding",
        "clusterrolebinding NAME --clusterrole=NAME [--user=username] [--group=groupname] "
        "[--serviceaccount=namespace:serviceaccountname]",
        _cluster_role_binding,
        _SUBJECT_FLAGS,
        about="Create a cluster role binding for a particular cluster role",
        failure="failed to create clusterrolebinding: ",
    ),
    generator(
        "role",
        "role NAME --verb=verb --resource=resource.group/subresource [--resource-name=resourcename]",
        _role,
        _RULE_FLAGS,
        about="Create a role with single rule",
    ),
    generator(
        "rolebinding",
        "rolebinding NAME --clusterrole=NAME|--role=NAME [--user=username] [--group=groupname] "
        "[--serviceaccount=namespace:serviceaccountname]",
        _role_binding,
        (*_SUBJECT_FLAGS, text("role")),
        about="Create a role binding for a particular role or cluster role",
        failure="failed to create rolebinding: ",
    ),
)
