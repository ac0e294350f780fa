"""Credentials for private registries: imagePullSecrets (pkg/credentialprovider)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

CONFIG, OLD_CONFIG = ".dockerconfigjson", ".dockercfg"
NO_CREDENTIALS = "authorization failed: no basic auth credentials"
WRONG = "authorization failed"


class Credential(NamedTuple):
    """Who one is at a registry, or below a path of it."""

    server: str
    username: str
    password: str

    def covers(self, repository: str) -> bool:
        """Whether it is meant for a repository."""
        server = self.server.removeprefix("https://").removeprefix("http://").rstrip("/")
        server = server.removesuffix("/v1").removesuffix("/v2")
        server = {"index.docker.io": "docker.io", "registry-1.docker.io": "docker.io"}.get(server, server)
        return repository == server or repository.startswith(server + "/")


def read(secret: Any) -> list[Credential]:
    """The credentials in a Secret; unreadable ones are none."""
    data = secret.data or {}
    try:
        if CONFIG in data:
            auths = json.loads(base64.b64decode(data[CONFIG])).get("auths") or {}
        else:
            auths = json.loads(base64.b64decode(data.get(OLD_CONFIG) or "e30="))
        return [_credential(server, entry) for server, entry in auths.items()]
    except (ValueError, AttributeError, TypeError, binascii.Error):
        return []


def _credential(server: str, entry: dict[str, str]) -> Credential:
    username, password = entry.get("username", ""), entry.get("password", "")
    if "auth" in entry and not username:
        username, _, password = base64.b64decode(entry["auth"]).decode().partition(":")
    return Credential(server, username, password)


def refusal(repository: str, username: str, password: str, credentials: Iterable[Credential]) -> str:
    """Why a private registry does not let somebody in, empty where it does."""
    offered = [each for each in credentials if each.covers(repository)]
    if not offered:
        return NO_CREDENTIALS
    fits = any((each.username, each.password) == (username, password) for each in offered)
    return "" if fits else WRONG
