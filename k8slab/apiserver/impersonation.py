"""Acting as somebody else: who may, and as whom the request then counts.

Each thing that is claimed (name, uid, groups, extra) has to be allowed, in one of several modes: as a node, as a
service account, as another user, each for certain requests only (`impersonate-on:<mode>:<verb>`), or altogether
(`impersonate`). Follows `apiserver/pkg/endpoints/filters/impersonation` with ConstrainedImpersonation (KEP-5284), which
is on by default in v1.36.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from k8slab.api.request import ANONYMOUS, Request, UserInfo
from k8slab.api.validation import names
from k8slab.apiserver.authorization import Attributes, attributes_of, refusal
from k8slab.errors import ApiError, bad_request, quote

GROUP = "authentication.k8s.io"
AUTHENTICATED, UNAUTHENTICATED = "system:authenticated", "system:unauthenticated"
MASTERS, NODES = "system:masters", "system:nodes"
NODE, SERVICE_ACCOUNT = "system:node:", "system:serviceaccount:"
NODE_NAME_KEY = "authentication.kubernetes.io/node-name"
NODE_KEYS = "authentication.kubernetes.io/associated-node-keys"
MANY = 4
"""From so many groups or extra values on, the right to all of them is asked for first."""
EXTRA_KEY = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9/\-._~%!$&'()*+,;=:]+")


class Mode(Struct, frozen=True):
    """One way to act as somebody: the verb that allows it, and for whom it is meant."""

    name: str
    applies: Callable[[UserInfo, UserInfo], bool]

    @property
    def verb(self) -> str:
        """The verb for what is claimed."""
        return f"impersonate:{self.name}" if self.name else "impersonate"


def impersonated(authorizer: Any, wanted: UserInfo, attributes: Attributes) -> UserInfo:
    """The user that a request counts as.

    Args:
        authorizer: decides on each claim.
        wanted: what is claimed; other groups than those named follow from the name.
        attributes: the request, with the user who really asks.

    Raises ApiError: BadRequest without a name, Forbidden where a claim is not allowed (the first refusal counts).
    """
    if not wanted.name:
        raise bad_request(f"requested {_go(wanted)} without impersonating a user name")
    first: ApiError | None = None
    for mode in MODES:
        if not mode.applies(wanted, attributes.user):
            continue
        try:
            return _Check(authorizer, mode, attributes).user(wanted)
        except ApiError as error:
            first = first or error
    raise first


def acting_as(authorizer: Any, request: Request) -> Request:
    """The request as one of the user that it claims to be. Raises ApiError."""
    user = impersonated(authorizer, request.impersonate, attributes_of(request))
    return replace(request, user=user, impersonate=None)


class _Check:
    """One attempt to act as somebody in one mode."""

    def __init__(self, authorizer: Any, mode: Mode, attributes: Attributes) -> None:
        self.authorizer, self.mode, self.attributes = authorizer, mode, attributes
        self.group = GROUP if mode.name else ""
        self.asker = attributes.user
        if mode.name == "associated-node":
            keys = {NODE_KEYS: tuple(sorted(self.asker.extra))}
            self.asker = replace(self.asker, extra=keys)

    def user(self, wanted: UserInfo) -> UserInfo:
        """Whom the request counts as. Raises ApiError (Forbidden)."""
        if self.mode.name:
            verb = f"impersonate-on:{self.mode.name}:{self.attributes.verb}"
            self._require(replace(self.attributes, user=self.asker, verb=verb))
        groups = self._name(wanted)
        if wanted.uid:
            self._require(self._claim("uids", wanted.uid, group=GROUP))
        self._groups(wanted.groups)
        self._extra(wanted.extra)
        if wanted.name == ANONYMOUS.name:
            groups = _with(groups, UNAUTHENTICATED)
        elif UNAUTHENTICATED not in groups:
            groups = _with(groups, AUTHENTICATED)
        return replace(wanted, groups=groups)

    def _name(self, wanted: UserInfo) -> tuple[str, ...]:
        """Ask for the name; returns the groups that follow from it or were named."""
        node, account = _node_of(wanted.name), _account_of(wanted.name)
        groups = wanted.groups
        if node and self.mode.name:
            name = "*" if self.mode.name == "associated-node" else node
            claim = self._claim("nodes", name)
            groups = (NODES,)
        elif account is not None:
            namespace, name = account
            claim = self._claim("serviceaccounts", name, namespace=namespace)
            groups = groups or ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
        else:
            claim = self._claim("users", wanted.name)
        self._require(claim)
        return groups

    def _groups(self, groups: tuple[str, ...]) -> None:
        if self.mode.name:
            if "" in groups:
                raise refusal(self._claim("groups", ""), "impersonating the empty string group is not allowed")
            if MASTERS in groups:
                why = "impersonating the system:masters group is not allowed"
                raise refusal(self._claim("groups", MASTERS), why)
            if len(groups) >= MANY and self._allows(self._claim("groups", "*")):
                return
        for group in groups:
            self._require(self._claim("groups", group))

    def _extra(self, extra: dict[str, tuple[str, ...]]) -> None:
        if not extra:
            return
        if self.mode.name:
            problem = _extra_problem(extra)
            if problem:
                raise refusal(self._claim("userextras", "", group=GROUP), problem)
            is_large = sum(map(len, extra.values())) >= MANY
            if is_large and self._allows(self._claim("userextras", "*", group=GROUP, subresource="*")):
                return
        for key, values in extra.items():
            for value in values:
                self._require(self._claim("userextras", value, group=GROUP, subresource=key))

    def _claim(self, resource: str, name: str, group: str | None = None, **more: str) -> Attributes:
        group = self.group if group is None else group
        return Attributes(
            user=self.asker, verb=self.mode.verb, group=group, version="v1", resource=resource, name=name, **more
        )

    def _allows(self, attributes: Attributes) -> bool:
        return self.authorizer.authorize(attributes).allowed

    def _require(self, attributes: Attributes) -> None:
        decision = self.authorizer.authorize(attributes)
        if not decision.allowed:
            raise refusal(attributes, decision.reason)


def _only_name(wanted: UserInfo) -> bool:
    return not (wanted.uid or wanted.groups or wanted.extra)


def _is_associated_node(wanted: UserInfo, asker: UserInfo) -> bool:
    """Whether a service account wants to act as the node on which its Pod runs."""
    own = asker.extra.get(NODE_NAME_KEY, ())
    is_own = len(own) == 1 and own[0] == _node_of(wanted.name)
    return _only_name(wanted) and is_own and _account_of(asker.name) is not None


def _is_node(wanted: UserInfo, asker: UserInfo) -> bool:
    return _only_name(wanted) and bool(_node_of(wanted.name))


def _is_account(wanted: UserInfo, asker: UserInfo) -> bool:
    return _only_name(wanted) and _account_of(wanted.name) is not None


def _is_other(wanted: UserInfo, asker: UserInfo) -> bool:
    return not _node_of(wanted.name) and _account_of(wanted.name) is None


def _is_anybody(wanted: UserInfo, asker: UserInfo) -> bool:
    return True


MODES = (
    Mode("associated-node", _is_associated_node),
    Mode("arbitrary-node", _is_node),
    Mode("serviceaccount", _is_account),
    Mode("user-info", _is_other),
    Mode("", _is_anybody),
)
"""In the order in which they are tried; the last one is how it always was."""


def _node_of(username: str) -> str:
    name = username.removeprefix(NODE)
    return name if name != username and not names.subdomain_name(name) else ""


def _account_of(username: str) -> tuple[str, str] | None:
    if not username.startswith(SERVICE_ACCOUNT):
        return None
    namespace, colon, name = username.removeprefix(SERVICE_ACCOUNT).partition(":")
    if not colon or ":" in name or names.label_name(namespace) or names.subdomain_name(name):
        return None
    return namespace, name


def _with(groups: tuple[str, ...], group: str) -> tuple[str, ...]:
    return groups if group in groups else (*groups, group)


def _extra_problem(extra: dict[str, tuple[str, ...]]) -> str:
    for key, values in extra.items():
        if not key:
            return "impersonating the empty string key in extra is not allowed"
        if not EXTRA_KEY.fullmatch(key):
            why = f'extra.key: Invalid value: {quote(key)}: must be a domain-prefixed path (such as "acme.io/foo")'
            return f"impersonating an invalid key in extra is not allowed: {why}"
        if key != key.lower():
            return f"impersonating a non-lowercase key in extra is not allowed: {quote(key)}"
        if not values:
            return "impersonating empty values in extra is not allowed"
        if "" in values:
            return "impersonating the empty string value in extra is not allowed"
    return ""


def _go(wanted: UserInfo) -> str:
    """Claims as Go prints the struct in which they are."""
    groups = "[]string{" + ", ".join(map(quote, wanted.groups)) + "}" if wanted.groups else "[]string(nil)"
    pairs = (
        f"{quote(key)}:[]string{{{', '.join(map(quote, values))}}}" for key, values in sorted(wanted.extra.items())
    )
    extra = "map[string][]string{" + ", ".join(pairs) + "}" if wanted.extra else "map[string][]string(nil)"
    return f'&user.DefaultInfo{{Name:"", UID:{quote(wanted.uid)}, Groups:{groups}, Extra:{extra}}}'
