"""Subresources that do something of their own; all others (`/status`, `/resize`) are views of the object."""

from __future__ import annotations

from collections.abc import Callable

from k8slab.api.request import Response
from k8slab.apiserver.call import Call
from k8slab.apiserver.subresources.binding import bind, bind_by_body
from k8slab.apiserver.subresources.connecting import connect
from k8slab.apiserver.subresources.eviction import evict
from k8slab.apiserver.subresources.finalize import finalize
from k8slab.apiserver.subresources.node import log, pass_on
from k8slab.apiserver.subresources.proxying import pass_to_pod, pass_to_service
from k8slab.apiserver.subresources.reviews import (
    review_access,
    review_local_access,
    review_own_access,
    review_own_rules,
    review_self,
    review_token,
)
from k8slab.apiserver.subresources.scale import get_scale, patch_scale, update_scale
from k8slab.apiserver.subresources.token import create_token

Handler = Callable[[Call], Response]

SUBRESOURCES: dict[tuple[str, str], dict[str, Handler]] = {
    ("pods", "binding"): {"create": bind},
    ("pods", "eviction"): {"create": evict},
    ("pods", "log"): {"get": log},
    ("pods", "exec"): {"create": connect, "get": connect},
    ("pods", "attach"): {"create": connect, "get": connect},
    ("pods", "portforward"): {"create": connect, "get": connect},
    ("pods", "proxy"): {"get": pass_to_pod},
    ("services", "proxy"): {"get": pass_to_service},
    ("nodes", "proxy"): {"get": pass_on},
    ("namespaces", "finalize"): {"update": finalize},
    ("serviceaccounts", "token"): {"create": create_token},
    ("", "scale"): {"get": get_scale, "update": update_scale, "patch": patch_scale},
}
"""(plural, subresource) -> verb -> handler; an empty plural stands for all resources that have it."""

RESOURCES: dict[str, Handler] = {
    "bindings": bind_by_body,
    "localsubjectaccessreviews": review_local_access,
    "selfsubjectaccessreviews": review_own_access,
    "selfsubjectreviews": review_self,
    "selfsubjectrulesreviews": review_own_rules,
    "subjectaccessreviews": review_access,
    "tokenreviews": review_token,
}
"""Resources that are not stored: POST does something."""

__all__ = ["RESOURCES", "SUBRESOURCES"]
