"""The RBAC authorizer: whoever a binding gives a role may do what its rules say (`plugin/pkg/auth/authorizer/rbac`).

Members of `system:masters` may do everything, and kubelets are judged by the node authorizer. Bindings are indexed by
subject until one changes, and what was allowed everywhere is remembered, as the control plane asks the same questions
again and again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from k8slab.api.rbac_v1 import PolicyRule
from k8slab.api.request import Request, UserInfo
from k8slab.apiserver.authorization import Attributes, Decision, Rules
from k8slab.apiserver.rbac.nodes import NODE_GROUP, node_decision
from k8slab.apiserver.rbac.rules import EVERYTHING, allows

if TYPE_CHECKING:
    from k8slab.apiserver.server import APIServer

MASTERS = "system:masters"
GROUP = "rbac.authorization.k8s.io"
KINDS = ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
ALLOWED = Decision(True)
Subject = tuple[str, str]
Grant = tuple[PolicyRule, str]


class RBAC:
    """Decides by the roles and bindings in the store of an API server."""

    allows_everything = False

    def __init__(self, server: APIServer) -> None:
        self.server = server
        self._cluster: dict[Subject, list[Any]] | None = None
        self._namespaced: dict[tuple[str, Subject], list[Any]] = {}
        self._known: set[tuple[Any, ...]] = set()
        for kind in KINDS:
            server.store.watch(server.endpoint(kind, GROUP).prefix, self._forget)

    def _forget(self, event: Any) -> None:
        self._cluster = None
        self._known.clear()

    def knows(self, request: Request) -> bool:
        """Whether a request is surely allowed: the quick answer for those who ask all the time."""
        user = request.user
        if MASTERS in user.groups:
            return True
        key = (user.name, user.groups, request.verb, request.group, request.resource, request.subresource)
        return key in self._known

    def authorize(self, attributes: Attributes) -> Decision:
        """Whether it is allowed; the reason names the binding, or the roles that are missing."""
        user = attributes.user
        if MASTERS in user.groups:
            return ALLOWED
        if NODE_GROUP not in user.groups:
            return self._by_rules(attributes)
        decision = node_decision(self.server, attributes)
        if decision is not None and decision.allowed:
            if not decision.reason:
                self._remember(attributes)
            return decision
        by_rules = self._by_rules(attributes)
        if by_rules.allowed or decision is None:
            return by_rules
        # Who denies gives reasons of all authorizers.
        return Decision(False, "\n".join(each for each in (decision.reason, by_rules.reason) if each))

    def _by_rules(self, attributes: Attributes) -> Decision:
        problems: list[str] = []
        for rule, reason in self._grants(attributes.user, attributes.namespace, problems):
            if allows(rule, attributes):
                if reason.startswith("Cluster") and not rule.resourceNames and not attributes.path:
                    self._remember(attributes)
                return Decision(True, f"RBAC: allowed by {reason}")
        if not problems:
            return Decision(False)
        return Decision(False, f"RBAC: {problems[0] if len(problems) == 1 else '[' + ', '.join(problems) + ']'}")

    def _remember(self, wanted: Attributes) -> None:
        self._known.add(
            (wanted.user.name, wanted.user.groups, wanted.verb, wanted.group, wanted.resource, wanted.subresource)
        )

    def rules_of(self, user: UserInfo, namespace: str, problems: list[str] | None = None) -> Iterator[PolicyRule]:
        """All rules that hold for a user in a namespace (empty: in the whole cluster)."""
        if MASTERS in user.groups:
            yield from EVERYTHING
        for rule, _ in self._grants(user, namespace, [] if problems is None else problems):
            yield rule

    def rules(self, user: UserInfo, namespace: str) -> Rules:
        """What a user may do in a namespace, as SelfSubjectRulesReview answers."""
        problems: list[str] = []
        resources: list[dict[str, Any]] = []
        paths: list[dict[str, Any]] = []
        for rule in self.rules_of(user, namespace, problems):
            if rule.nonResourceURLs:
                paths.append({"verbs": rule.verbs or (), "nonResourceURLs": rule.nonResourceURLs})
            if rule.resources:
                fields = {"apiGroups": rule.apiGroups, "resources": rule.resources, "resourceNames": rule.resourceNames}
                resources.append({"verbs": rule.verbs or ()} | {key: each for key, each in fields.items() if each})
        return Rules(tuple(resources), tuple(paths), bool(problems))

    def role_rules(self, reference: Any, namespace: str) -> tuple[PolicyRule, ...] | None:
        """The rules of a role that a binding refers to; None where there is no such role."""
        if reference.kind == "ClusterRole":
            role = self.server.peek("clusterroles", reference.name, None, GROUP)
        else:
            role = self.server.peek("roles", reference.name, namespace, GROUP)
        return None if role is None else role.rules or ()

    def _grants(self, user: UserInfo, namespace: str, problems: list[str]) -> Iterator[Grant]:
        """The user's rules, each with the binding that gives it."""
        if self._cluster is None:
            self._index()
        subjects = (("User", user.name), *(("Group", group) for group in user.groups))
        for subject in subjects:
            for binding in self._cluster.get(subject, ()):
                yield from self._granted(binding, "", subject, problems)
        if not namespace:
            return
        for subject in subjects:
            for binding in self._namespaced.get((namespace, subject), ()):
                yield from self._granted(binding, namespace, subject, problems)

    def _granted(self, binding: Any, namespace: str, subject: Subject, problems: list[str]) -> Iterator[Grant]:
        role = binding.roleRef
        rules = self.role_rules(role, namespace)
        if rules is None:
            plural = "clusterrole" if role.kind == "ClusterRole" else "role"
            problems.append(f'{plural}.{GROUP} "{role.name}" not found')
            return
        where = f'RoleBinding "{binding.metadata.name}/{namespace}"'
        given_by = where if namespace else f'ClusterRoleBinding "{binding.metadata.name}"'
        reason = f'{given_by} of {role.kind} "{role.name}" to {_subject_text(subject)}'
        for rule in rules:
            yield rule, reason

    def _index(self) -> None:
        server = self.server
        self._cluster, self._namespaced = {}, {}
        for binding in server.peek_all("clusterrolebindings", None, GROUP):
            for subject in _subjects(binding, ""):
                self._cluster.setdefault(subject, []).append(binding)
        for binding in server.peek_all("rolebindings", None, GROUP):
            namespace = binding.metadata.namespace
            for subject in _subjects(binding, namespace):
                self._namespaced.setdefault((namespace, subject), []).append(binding)


def _subjects(binding: Any, namespace: str) -> dict[Subject, None]:
    found: dict[Subject, None] = {}
    for subject in binding.subjects or ():
        if subject.kind == "ServiceAccount":
            found["User", f"system:serviceaccount:{subject.namespace or namespace}:{subject.name}"] = None
        else:
            found[subject.kind, subject.name] = None
    return found


def _subject_text(subject: Subject) -> str:
    kind, name = subject
    if name.startswith("system:serviceaccount:"):
        namespace, _, account = name.removeprefix("system:serviceaccount:").partition(":")
        return f'ServiceAccount "{account}/{namespace}"'
    return f'{kind} "{name}"'
