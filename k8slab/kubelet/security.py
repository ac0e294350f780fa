"""As whom a container runs, and what the kubelet refuses (kuberuntime/security_context_others.go)."""

from __future__ import annotations

from typing import Any, NamedTuple

from k8slab.api import core_v1 as core
from k8slab.kubelet.environment import ConfigError


class Identity(NamedTuple):
    """User and groups of a container's first process, and whether it may write into its root file system."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = (0,)
    read_only: bool = False


ROOT = Identity()


def identity(pod: core.Pod, container: Any, user: str) -> Identity:
    """As whom a container runs; `user` is what its image says. Raises ConfigError where that breaks runAsNonRoot."""
    whole, own = pod.spec.securityContext, container.securityContext
    uid = _first(own and own.runAsUser, whole and whole.runAsUser)
    gid = _first(own and own.runAsGroup, whole and whole.runAsGroup)
    if _first(own and own.runAsNonRoot, whole and whole.runAsNonRoot):
        _check(pod, container.name, uid, user)
    name, _, group = user.partition(":")
    own_uid = uid if uid is not None else int(name) if name.isdigit() else NAMED.get(name, 0)
    own_gid = gid if gid is not None else int(group) if group.isdigit() else NAMED.get(name, 0)
    more = (*(whole.supplementalGroups or () if whole else ()), *((whole.fsGroup,) if whole and whole.fsGroup else ()))
    read_only = bool(own is not None and own.readOnlyRootFilesystem)
    return Identity(own_uid, own_gid, tuple(dict.fromkeys((own_gid, *more))), read_only)


NAMED = {"nobody": 65534, "nonroot": 65532, "curl_user": 100, "app": 100, "appuser": 1000}
"""Users that images name; only the runtime knows their numbers, the kubelet does not."""


def _first(own: Any, whole: Any) -> Any:
    return own if own is not None else whole


def _check(pod: core.Pod, name: str, uid: int | None, user: str) -> None:
    metadata = pod.metadata
    where = f'(pod: "{metadata.name}_{metadata.namespace}({metadata.uid})", container: {name})'
    if uid is not None:
        if uid == 0:
            raise ConfigError(f"container's runAsUser breaks non-root policy {where}")
        return
    named = user.partition(":")[0]
    if named in ("", "0"):
        raise ConfigError(f"container has runAsNonRoot and image will run as root {where}")
    if not named.isdigit():
        raise ConfigError(
            f"container has runAsNonRoot and image has non-numeric user ({named}), "
            f"cannot verify user is non-root {where}"
        )
