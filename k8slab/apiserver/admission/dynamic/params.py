"""The parameters with which a binding uses a policy (`plugin/policy/generic/policy_dispatcher.go`, CollectParams)."""

from __future__ import annotations

from typing import Any

from k8slab.api.codec import to_dict
from k8slab.api.scheme import NoMatch
from k8slab.api.selector import from_label_selector
from k8slab.apiserver.admission.dynamic.attributes import Attributes

NEEDS_NAMESPACE = "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources"
HAS_NO_NAMESPACE = "paramRef.namespace must not be provided for a cluster-scoped `paramKind`"
NONE_FOUND = "no params found for policy binding with `Deny` parameterNotFoundAction"


class UnknownKind(Exception):
    """Parameters of a kind that is not served."""


class ParamsError(Exception):
    """A binding whose parameters cannot be found: the server's words."""


def params_for(attributes: Attributes, kind: Any, ref: Any) -> list[Any]:
    """The parameters, each of which the policy is evaluated with; `[None]` where it is evaluated without.

    Raises UnknownKind, ParamsError.
    """
    if kind is None:
        return [None]
    server = attributes.call.server
    try:
        resource = server.scheme.by_kind(kind.apiVersion, kind.kind)
    except NoMatch:
        group, _, version = kind.apiVersion.rpartition("/")
        shown = f"{group}/{version}, Kind={kind.kind}"
        raise UnknownKind(f"failed to find resource referenced by paramKind: '{shown}'") from None
    if ref is None:
        return [None]
    endpoint = server.endpoint(resource.plural, resource.group, resource.version)
    namespace = _namespace(attributes, resource.namespaced, ref.namespace)
    if ref.name:
        kv = server.store.get(endpoint.key(namespace, ref.name))
        found = [] if kv is None else [kv.value]
    else:
        wanted = from_label_selector(ref.selector)
        stored = (kv.value for kv in server.store.range(endpoint.prefix_of(namespace)))
        found = [each for each in stored if wanted.matches(each.metadata.labels or {})]
    if not found and ref.parameterNotFoundAction == "Deny":
        raise ParamsError(NONE_FOUND)
    convert = endpoint.from_storage
    return [to_dict(each if convert is None else convert(each)) for each in found]


def _namespace(attributes: Attributes, namespaced: bool, wanted: str | None) -> str | None:
    if not namespaced:
        if wanted:
            raise ParamsError(HAS_NO_NAMESPACE)
        return None
    own = attributes.namespace if attributes.resource.namespaced else ""
    if not wanted and not own:
        raise ParamsError(NEEDS_NAMESPACE)
    return wanted or own
