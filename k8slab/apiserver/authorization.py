"""Who may do what: the question, who answers it, and what the server says when the answer is no.

An authorizer has `allows_everything`, `knows(request)` (a quick yes), `authorize(attributes)` and
`rules(user, namespace)`; `AlwaysAllow` is one.
Follows `apiserver/pkg/authorization/authorizer` and `endpoints/handlers/responsewriters/errors.go`.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from k8slab.api.request import Request, UserInfo
from k8slab.errors import ApiError, forbidden

ALWAYS_ALLOW = "AlwaysAllow"


class Attributes(Struct, frozen=True, kw_only=True):
    """What somebody wants to do: to a resource, or to a path that is none."""

    user: UserInfo
    verb: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""
    field_selector: str = ""


class Decision(Struct, frozen=True):
    """Whether it is allowed, and why (or why not) where the authorizer says so."""

    allowed: bool
    reason: str = ""


class Rules(Struct, frozen=True):
    """What a user may do in a namespace, as plain data of `SelfSubjectRulesReview`."""

    resources: tuple[dict[str, Any], ...] = ()
    paths: tuple[dict[str, Any], ...] = ()
    incomplete: bool = False


class AlwaysAllow:
    """Lets everybody do everything (`--authorization-mode=AlwaysAllow`)."""

    allows_everything = True

    def knows(self, request: Request) -> bool:
        """Yes."""
        return True

    def authorize(self, attributes: Attributes) -> Decision:
        """Yes."""
        return Decision(True)

    def rules(self, user: UserInfo, namespace: str) -> Rules:
        """Everything."""
        resources = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
        return Rules((resources,), ({"verbs": ["*"], "nonResourceURLs": ["*"]},))


def attributes_of(request: Request) -> Attributes:
    """What a request wants to do."""
    return Attributes(
        user=request.user,
        verb=request.verb,
        group=request.group,
        version=request.version,
        resource=request.resource,
        subresource=request.subresource,
        namespace=request.namespace or "",
        name=request.name or _selected_name(request),
        field_selector=request.options.field_selector,
    )


def _selected_name(request: Request) -> str:
    """The one object that a list or watch is about, if its selector names it."""
    for part in request.options.field_selector.split(","):
        key, _, value = part.partition("=")
        if key == "metadata.name":
            return value.removeprefix("=")
    return ""


def refusal(attributes: Attributes, reason: str = "") -> ApiError:
    """403 in the server's words."""
    who, because = f'User "{attributes.user.name}"', f": {reason}" if reason else ""
    if attributes.path:
        return forbidden("", "", f'{who} cannot {attributes.verb} path "{attributes.path}"{because}')
    resource, group = attributes.resource, attributes.group
    shown = f"{resource}/{attributes.subresource}" if attributes.subresource else resource
    where = f'in the namespace "{attributes.namespace}"' if attributes.namespace else "at the cluster scope"
    why = f'{who} cannot {attributes.verb} resource "{shown}" in API group "{group}" {where}{because}'
    return forbidden(f"{resource}.{group}" if group else resource, attributes.name, why)
