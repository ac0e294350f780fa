"""Tokens that are kept in Secrets: since when their use is followed, and when one was used last.

Follows `pkg/controlplane/controller/legacytokentracking` and `pkg/serviceaccount/legacy.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8slab.api.core_v1 import ConfigMap
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.request import LOOPBACK, MERGE_PATCH, Request

if TYPE_CHECKING:
    from k8slab.apiserver.server import APIServer

TRACKING = "kube-apiserver-legacy-service-account-token-tracking"
LAST_USED = "kubernetes.io/legacy-token-last-used"
INVALID_SINCE = "kubernetes.io/legacy-token-invalid-since"
DATE = 10
"""Characters of a date in a timestamp."""


def tracking_config(server: APIServer) -> ConfigMap:
    """The ConfigMap that says since when uses of such tokens are noted."""
    metadata = ObjectMeta(name=TRACKING, namespace="kube-system")
    return ConfigMap(metadata=metadata, data={"since": server.clock.rfc3339()[:DATE]})


def note_use(server: APIServer, secret: tuple[str, str] | None) -> Request | None:
    """The write that notes today's use of a Secret's token; None where it is noted."""
    if secret is None:
        return None
    namespace, name = secret
    found, today = server.peek("secrets", name, namespace), server.clock.rfc3339()[:DATE]
    if found is None or (found.metadata.labels or {}).get(LAST_USED) == today:
        return None
    return Request(
        verb="patch",
        resource="secrets",
        namespace=namespace,
        name=name,
        body={"metadata": {"labels": {LAST_USED: today}}},
        content_type=MERGE_PATCH,
        user=LOOPBACK,
        user_agent="kube-apiserver",
    )
