"""Bootstrap tokens: with which a new node introduces itself (`plugin/pkg/auth/authenticator/token/bootstrap`)."""

from __future__ import annotations

import base64
import hmac
import re
from typing import TYPE_CHECKING, Any

from k8slab.api.request import UserInfo
from k8slab.api.timestamps import TimeError, parse

if TYPE_CHECKING:
    from k8slab.apiserver.server import APIServer

FORM = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")
TYPE = "bootstrap.kubernetes.io/token"
PREFIX = "system:bootstrap:"
GROUP = "system:bootstrappers"
EXTRA_GROUP = re.compile(r"system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]")


def bootstrap_user(server: APIServer, token: str) -> UserInfo | None:
    """The user of a bootstrap token; None where it is none, or none that counts now."""
    parts = FORM.fullmatch(token)
    if parts is None:
        return None
    secret = server.peek("secrets", f"bootstrap-token-{parts[1]}", "kube-system")
    if secret is None or secret.metadata.deletionTimestamp or secret.type != TYPE:
        return None
    data = {key: _decoded(value) for key, value in (secret.data or {}).items()}
    # As bytes: texts are compared only if they are ASCII.
    given, wanted = parts[2].encode(), data.get("token-secret", "").encode()
    if data.get("token-id") != parts[1] or not hmac.compare_digest(wanted, given):
        return None
    if data.get("usage-bootstrap-authentication") != "true" or _is_over(server, data):
        return None
    groups = [each for each in data.get("auth-extra-groups", "").split(",") if each]
    if not all(EXTRA_GROUP.fullmatch(each) for each in groups):
        return None
    return UserInfo(name=PREFIX + parts[1], groups=(GROUP, *groups, "system:authenticated"))


def _is_over(server: APIServer, data: dict[str, Any]) -> bool:
    if not data.get("expiration"):
        return False
    try:
        return parse(data["expiration"]) <= server.clock.unix_us
    except TimeError:
        return True


def _decoded(value: str) -> str:
    return base64.b64decode(value).decode("utf-8", "replace")
