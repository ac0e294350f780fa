"""The roles and bindings that every cluster has (`bootstrappolicy/policy.go`).

A line of a table is a rule: verbs, API groups (`core` is the empty one), resources and names, apart by bars; of a rule
for paths the group is `url`. READ, WRITE and ALL stand for verbs, EVENTS for the rule of who records Events.
"""

from __future__ import annotations

from functools import cache

from k8slab.api.meta_v1 import LabelSelector, ObjectMeta
from k8slab.api.rbac_v1 import (
    AggregationRule,
    ClusterRole,
    ClusterRoleBinding,
    PolicyRule,
    Role,
    RoleBinding,
    RoleRef,
    Subject,
)
from k8slab.apiserver.rbac.tables import CLUSTER_ROLES, CONTROLLER_ROLES, ROLES

GROUP = "rbac.authorization.k8s.io"
LABELS = {"kubernetes.io/bootstrapping": "rbac-defaults"}
ANNOTATIONS = {"rbac.authorization.kubernetes.io/autoupdate": "true"}
CONTROLLER = "system:controller:"
VERBS = {
    "READ": "get list watch",
    "WRITE": "create delete deletecollection patch update",
    "ALL": "create delete deletecollection get list patch update watch",
}
AGGREGATES = {"admin": (), "edit": ("admin",), "view": ("edit",)}
"""Roles that are put together from others, and into which they go themselves."""
BINDINGS = {
    "cluster-admin": "Group:system:masters",
    "system:monitoring": "Group:system:monitoring",
    "system:discovery": "Group:system:authenticated",
    "system:basic-user": "Group:system:authenticated",
    "system:public-info-viewer": "Group:system:authenticated Group:system:unauthenticated",
    "system:node-proxier": "User:system:kube-proxy",
    "system:kube-controller-manager": "User:system:kube-controller-manager",
    "system:kube-dns": "ServiceAccount:kube-system:kube-dns",
    "system:kube-scheduler": "User:system:kube-scheduler",
    "system:volume-scheduler": "User:system:kube-scheduler",
    "system:node": "",
    "system:service-account-issuer-discovery": "Group:system:serviceaccounts",
    "csi-drivers": "User:system:csi-drivers ServiceAccount:kube-system:csi-provisioner",
}
"""Cluster roles, each with those who have it everywhere."""
ROLE_BINDINGS = {
    ("kube-system", "extension-apiserver-authentication-reader"): (
        "system::extension-apiserver-authentication-reader",
        "User:system:kube-controller-manager User:system:kube-scheduler",
    ),
    ("kube-system", "system::leader-locking-kube-controller-manager"): (
        "system::leader-locking-kube-controller-manager",
        "User:system:kube-controller-manager ServiceAccount:kube-system:kube-controller-manager",
    ),
    ("kube-system", "system::leader-locking-kube-scheduler"): (
        "system::leader-locking-kube-scheduler",
        "User:system:kube-scheduler ServiceAccount:kube-system:kube-scheduler",
    ),
    ("kube-system", "system:controller:bootstrap-signer"): (
        "system:controller:bootstrap-signer",
        "ServiceAccount:kube-system:bootstrap-signer",
    ),
    ("kube-system", "system:controller:cloud-provider"): (
        "system:controller:cloud-provider",
        "ServiceAccount:kube-system:cloud-provider",
    ),
    ("kube-system", "system:controller:token-cleaner"): (
        "system:controller:token-cleaner",
        "ServiceAccount:kube-system:token-cleaner",
    ),
    ("kube-public", "system:controller:bootstrap-signer"): (
        "system:controller:bootstrap-signer",
        "ServiceAccount:kube-system:bootstrap-signer",
    ),
}
"""Roles in a namespace, each with its binding and those who have it."""


def _tables(text: str) -> dict[str, tuple[PolicyRule, ...]]:
    """The roles of a table, with their rules."""
    found: dict[str, list[PolicyRule]] = {}
    name = ""
    for line in text.strip().splitlines():
        if not line.startswith(" "):
            name = line
            found[name] = []
        else:
            found[name].append(_rule(line.strip()))
    return {name: tuple(rules) for name, rules in found.items()}


def _rule(line: str) -> PolicyRule:
    if line == "EVENTS":
        line = "create patch update | core events.k8s.io | events"
    verbs, groups, resources, *names = (part.split() for part in line.split("|"))
    actions = tuple(" ".join(VERBS.get(verb, verb) for verb in verbs).split())
    if groups == ["url"]:
        return PolicyRule(verbs=actions, nonResourceURLs=tuple(resources))
    return PolicyRule(
        verbs=actions,
        apiGroups=tuple("" if group == "core" else group for group in groups),
        resources=tuple(resources),
        resourceNames=tuple(names[0]) if names else None,
    )


def _metadata(name: str, namespace: str | None = None, **labels: str) -> ObjectMeta:
    merged = LABELS | {f"{GROUP}/aggregate-to-{key}": "true" for key in labels} if labels else LABELS
    return ObjectMeta(name=name, namespace=namespace, labels=merged, annotations=ANNOTATIONS)


@cache
def cluster_roles() -> tuple[ClusterRole, ...]:
    """The default ClusterRoles."""
    found = [_aggregate(name, goes_to) for name, goes_to in AGGREGATES.items()]
    for name, rules in _tables(CLUSTER_ROLES).items():
        target = name.removeprefix("system:aggregate-to-")
        labels = {target: "true"} if target != name else {}
        found.append(ClusterRole(metadata=_metadata(name, **labels), rules=rules))
    for name, rules in _tables(CONTROLLER_ROLES).items():
        found.append(ClusterRole(metadata=_metadata(CONTROLLER + name), rules=rules))
    return tuple(sorted(found, key=_name))


def _aggregate(name: str, goes_to: tuple[str, ...]) -> ClusterRole:
    selector = LabelSelector(matchLabels={f"{GROUP}/aggregate-to-{name}": "true"})
    labels = dict.fromkeys(goes_to, "true")
    return ClusterRole(
        metadata=_metadata(name, **labels), aggregationRule=AggregationRule(clusterRoleSelectors=(selector,))
    )


@cache
def cluster_role_bindings() -> tuple[ClusterRoleBinding, ...]:
    """The default ClusterRoleBindings."""
    given = dict(BINDINGS)
    for name in _tables(CONTROLLER_ROLES):
        given[CONTROLLER + name] = f"ServiceAccount:kube-system:{name}"
    found = [
        ClusterRoleBinding(
            metadata=_metadata(name),
            roleRef=RoleRef(apiGroup=GROUP, kind="ClusterRole", name=name),
            subjects=_subjects(subjects) or None,
        )
        for name, subjects in given.items()
    ]
    return tuple(sorted(found, key=_name))


@cache
def roles() -> tuple[Role, ...]:
    """The default Roles."""
    found = []
    for place, rules in _tables(ROLES).items():
        namespace, _, name = place.partition("/")
        found.append(Role(metadata=_metadata(name, namespace), rules=rules))
    return tuple(found)


@cache
def role_bindings() -> tuple[RoleBinding, ...]:
    """The default RoleBindings."""
    return tuple(
        RoleBinding(
            metadata=_metadata(binding, namespace),
            roleRef=RoleRef(apiGroup=GROUP, kind="Role", name=role),
            subjects=_subjects(subjects),
        )
        for (namespace, role), (binding, subjects) in ROLE_BINDINGS.items()
    )


def _subjects(text: str) -> tuple[Subject, ...]:
    return tuple(_subject(word) for word in text.split())


def _subject(word: str) -> Subject:
    kind, _, name = word.partition(":")
    if kind == "ServiceAccount":
        namespace, _, name = name.partition(":")
        return Subject(kind=kind, name=name, namespace=namespace)
    return Subject(kind=kind, apiGroup=GROUP, name=name)


def _name(obj: ClusterRole | ClusterRoleBinding) -> str:
    return obj.metadata.name


NODE_RULES = _tables(CLUSTER_ROLES)["system:node"]
"""What kubelets may do."""
