"""Questions to the authorizer (`apiserver/pkg/cel/library/authz.go`, `authzselectors.go`), and JSON pointers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8slab.api.cel.overloads import Table, declare
from k8slab.api.cel.values import CelError

PREFIX = "kubernetes.authorization."
AUTHORIZER, PATH, GROUP = f"{PREFIX}Authorizer", f"{PREFIX}PathCheck", f"{PREFIX}GroupCheck"
RESOURCE, DECISION = f"{PREFIX}ResourceCheck", f"{PREFIX}Decision"
CHECK_COST = 350_000
Ask = Callable[[str, dict[str, str]], tuple[bool, str]]
"""Who decides: for a user name (empty: the one who asks) and the attributes of a request, yes or no, and why."""


class Question:
    """A request that is being described, step by step."""

    __slots__ = ("ask", "given", "kind", "user")

    def __init__(self, ask: Ask, kind: str = AUTHORIZER, user: str = "", given: dict[str, str] | None = None) -> None:
        self.ask = ask
        self.kind = kind
        self.user = user
        self.given = given or {}

    def also(self, kind: str, **more: str) -> Question:
        """The question with more said about it."""
        return Question(self.ask, kind, self.user, self.given | more)


class Answer:
    """What the authorizer says."""

    __slots__ = ("allowed", "reason")
    kind = DECISION

    def __init__(self, allowed: bool, reason: str) -> None:
        self.allowed = allowed
        self.reason = reason


def _service_account(question: Question, namespace: str, name: str) -> Question:
    if not namespace or not name:
        raise CelError("Invalid service account name")
    return Question(question.ask, AUTHORIZER, f"system:serviceaccount:{namespace}:{name}", question.given)


def _path(question: Question, path: str) -> Question:
    if not path:
        raise CelError("path must not be empty")
    return question.also(PATH, path=path)


def _group(question: Question, group: str) -> Question:
    return question.also(GROUP, group=group)


def _resource(question: Question, resource: str) -> Question:
    if not resource:
        raise CelError("resource must not be empty")
    return question.also(RESOURCE, resource=resource)


def _subresource(question: Question, name: str) -> Question:
    return question.also(RESOURCE, subresource=name)


def _namespace(question: Question, name: str) -> Question:
    return question.also(RESOURCE, namespace=name)


def _name(question: Question, name: str) -> Question:
    return question.also(RESOURCE, name=name)


def _selector(question: Question, text: str) -> Question:
    """Selectors narrow a request; rules of roles do not look at them."""
    return question.also(RESOURCE)


def _check(question: Question, verb: str) -> Answer:
    return Answer(*question.ask(question.user, question.given | {"verb": verb}))


def _allowed(answer: Answer) -> bool:
    return answer.allowed


def _reason(answer: Answer) -> str:
    return answer.reason


def _errored(answer: Answer) -> bool:
    return False


def _error(answer: Answer) -> str:
    return ""


def _escape_key(text: str) -> str:
    return text.replace("~", "~0").replace("/", "~1")


def add_authorizer(table: Table) -> None:
    """Declare what the authorizer can be asked."""
    methods: tuple[tuple[str, Any, str, str], ...] = (
        (AUTHORIZER, _path, "path(string)", PATH),
        (AUTHORIZER, _group, "group(string)", GROUP),
        (AUTHORIZER, _service_account, "serviceAccount(string, string)", AUTHORIZER),
        (GROUP, _resource, "resource(string)", RESOURCE),
        (RESOURCE, _subresource, "subresource(string)", RESOURCE),
        (RESOURCE, _namespace, "namespace(string)", RESOURCE),
        (RESOURCE, _name, "name(string)", RESOURCE),
        (RESOURCE, _selector, "fieldSelector(string)", RESOURCE),
        (RESOURCE, _selector, "labelSelector(string)", RESOURCE),
        (DECISION, _allowed, "allowed()", "bool"),
        (DECISION, _reason, "reason()", "string"),
        (DECISION, _errored, "errored()", "bool"),
        (DECISION, _error, "error()", "string"),
    )
    for target, run, signature, result in methods:
        declare(table, run, f"{target}~{signature} {result}")
    declare(table, _check, f"{PATH}~check(string) {DECISION}", f"{RESOURCE}~check(string) {DECISION}", cost=CHECK_COST)
    declare(table, _escape_key, "jsonpatch.escapeKey(string) string")
