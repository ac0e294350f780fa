"""Nodes, Namespaces, ConfigMaps, Secrets, ServiceAccounts, Events and Leases."""

from __future__ import annotations

import base64
from typing import Any

from k8slab.api import gojson
from k8slab.api.coordination_v1 import Lease, LeaseSpec
from k8slab.api.core_v1 import (
    ConfigMap,
    Event,
    Namespace,
    Node,
    NodeSpec,
    ObjectReference,
    Secret,
    ServiceAccount,
    Taint,
)
from k8slab.api.validation import names
from k8slab.api.validation.affinity import EFFECTS
from k8slab.api.validation.gostruct import quoted
from k8slab.api.validation.metadata import (
    STANDARD_FINALIZERS,
    Errors,
    immutable,
    label_key,
    object_meta,
    object_meta_update,
)
from k8slab.api.validation.resources import quantity_value
from k8slab.errors import FieldError

MAX_BYTES = 1024 * 1024
WHOLE = "[]"
"""How the server writes the path of the whole object."""
FROZEN = "field is immutable when `immutable` is set"
NO_NODE = NodeSpec()
ACCOUNT_NAME = "kubernetes.io/service-account.name"


def create_config_map(obj: ConfigMap, errors: Errors) -> None:
    """A new ConfigMap."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    binary = obj.binaryData or {}
    for key in obj.data or {}:
        _key(key, "data", errors)
        if key in binary:
            errors.append(FieldError.invalid(f"data[{key}]", key, "duplicate of key present in binaryData"))
    for key in binary:
        _key(key, "binaryData", errors)
    size = sum(len(text.encode()) for text in (obj.data or {}).values()) + sum(map(_decoded, binary.values()))
    if size > MAX_BYTES:
        errors.append(FieldError.too_long(WHOLE, MAX_BYTES))


def _decoded(text: str) -> int:
    return len(text) * 3 // 4 - text[-2:].count("=")


def _key(key: str, path: str, errors: Errors) -> None:
    for message in names.config_key(key):
        errors.append(FieldError.invalid(f"{path}[{key}]", key, message))


def update_config_map(new: ConfigMap, old: ConfigMap, errors: Errors) -> None:
    """A changed ConfigMap."""
    object_meta_update(new.metadata, old.metadata, errors)
    _frozen(new, old, ("data", "binaryData"), errors)
    create_config_map(new, errors)


def _frozen(new: Any, old: Any, fields: tuple[str, ...], errors: Errors) -> None:
    if not old.immutable:
        return
    if not new.immutable:
        errors.append(FieldError.forbidden("immutable", FROZEN))
    for name in fields:
        if (getattr(new, name) or {}) != (getattr(old, name) or {}):
            errors.append(FieldError.forbidden(name, FROZEN))


def create_secret(obj: Secret, errors: Errors) -> None:
    """A new Secret: its type says which keys it needs."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    data = obj.data or {}
    for key in data:
        _key(key, "data", errors)
    if sum(map(_decoded, data.values())) > MAX_BYTES:
        errors.append(FieldError.too_long("data", MAX_BYTES))
    if obj.type == "kubernetes.io/service-account-token":
        if not (obj.metadata.annotations or {}).get(ACCOUNT_NAME):
            errors.append(FieldError.required(f"metadata.annotations[{ACCOUNT_NAME}]"))
    elif obj.type in _JSON_KEYS:
        _json_key(data, _JSON_KEYS[obj.type], errors)
    elif obj.type == "kubernetes.io/basic-auth":
        if "username" not in data and "password" not in data:
            errors.append(FieldError.required("data[username]"))
            errors.append(FieldError.required("data[password]"))
    else:
        for key in _NEEDED.get(obj.type, ()):
            if key not in data or (key == "ssh-privatekey" and not data[key]):
                errors.append(FieldError.required(f"data[{key}]"))


_NEEDED = {"kubernetes.io/ssh-auth": ("ssh-privatekey",), "kubernetes.io/tls": ("tls.crt", "tls.key")}
_JSON_KEYS = {"kubernetes.io/dockercfg": ".dockercfg", "kubernetes.io/dockerconfigjson": ".dockerconfigjson"}


def _json_key(data: dict[str, str], key: str, errors: Errors) -> None:
    if key not in data:
        errors.append(FieldError.required(f"data[{key}]"))
        return
    problem = _not_an_object(base64.b64decode(data[key]))
    if problem:
        errors.append(FieldError.invalid(f"data[{key}]", "<secret contents redacted>", problem))


def _not_an_object(text: bytes) -> str:
    try:
        found = gojson.loads(text)
    except gojson.SyntaxFault as fault:
        return str(fault)
    if found is None or isinstance(found, dict):
        return ""
    kind = next(name for type_, name in _JSON_KINDS if isinstance(found, type_))
    return f"json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"


_JSON_KINDS = ((bool, "bool"), (str, "string"), (int | float, "number"), (list | tuple, "array"), (object, "value"))


def update_secret(new: Secret, old: Secret, errors: Errors) -> None:
    """A changed Secret: its type stays."""
    object_meta_update(new.metadata, old.metadata, errors)
    immutable(new.type, old.type, "type", errors)
    _frozen(new, old, ("data",), errors)
    create_secret(new, errors)


def create_service_account(obj: ServiceAccount, errors: Errors) -> None:
    """A new ServiceAccount."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)


def update_service_account(new: ServiceAccount, old: ServiceAccount, errors: Errors) -> None:
    """A changed ServiceAccount."""
    object_meta_update(new.metadata, old.metadata, errors)
    create_service_account(new, errors)


def create_namespace(obj: Namespace, errors: Errors) -> None:
    """A new Namespace."""
    object_meta(obj.metadata, False, names.label_name, errors)


def update_namespace(new: Namespace, old: Namespace, errors: Errors) -> None:
    """A changed Namespace."""
    create_namespace(new, errors)
    object_meta_update(new.metadata, old.metadata, errors)
    for index, finalizer in enumerate((new.spec.finalizers or ()) if new.spec else ()):
        path = f"spec.finalizers[{index}]"
        for message in names.qualified_name(finalizer):
            errors.append(FieldError.invalid(path, finalizer, message))
        if "/" not in finalizer and finalizer not in STANDARD_FINALIZERS:
            text = "name is neither a standard finalizer name nor is it fully qualified"
            errors.append(FieldError.invalid(path, finalizer, text))


def namespace_status(new: Namespace, old: Namespace, errors: Errors) -> None:
    """A changed status of a Namespace: it is Terminating exactly while it is being deleted."""
    object_meta_update(new.metadata, old.metadata, errors)
    wanted, why = ("Terminating", "not empty") if new.metadata.deletionTimestamp else ("Active", "empty")
    phase = new.status.phase if new.status else None
    if phase != wanted:
        text = f"may only be '{wanted}' if `deletionTimestamp` is {why}"
        errors.append(FieldError.invalid("status.Phase", phase or "", text))


def create_node(obj: Node, errors: Errors) -> None:
    """A new Node."""
    _node(obj, None, errors)


def _node(obj: Node, old: Node | None, errors: Errors) -> None:
    object_meta(obj.metadata, False, names.subdomain_name, errors)
    spec = obj.spec or NO_NODE
    _taints(spec.taints or (), "metadata.taints", errors)
    _node_amounts(obj, old, errors)
    for index, text in enumerate(spec.podCIDRs or ()):
        for message in names.cidr(text):
            errors.append(FieldError.invalid(f"spec.podCIDRs[{index}]", text, message))
    _pod_ranges(spec.podCIDRs or (), errors)


def _pod_ranges(ranges: tuple[str, ...], errors: Errors) -> None:
    if len(ranges) < 2:
        return
    if sorted(":" in text for text in ranges) != [False, True]:
        text = "may specify no more than one CIDR for each IP family"
        errors.append(FieldError.invalid("spec.podCIDRs", ranges, text))
    for index, one in enumerate(ranges):
        if one in ranges[:index]:
            errors.append(FieldError.duplicate(f"spec.podCIDRs[{index}]", one))


def _node_amounts(obj: Node, old: Node | None, errors: Errors) -> None:
    for name in ("capacity", "allocatable"):
        amounts = getattr(obj.status, name) if obj.status else None
        if old is not None and old.status is not None and amounts == getattr(old.status, name):
            continue  # what is stored was looked at when it was new
        for resource, amount in (amounts or {}).items():
            quantity_value(resource, amount, f"status.{name}.{resource}", errors)


def node_status(new: Node, old: Node, errors: Errors) -> None:
    """A changed status of a Node."""
    object_meta_update(new.metadata, old.metadata, errors)
    _node_amounts(new, old, errors)
    _addresses(new, errors)


def _addresses(obj: Node, errors: Errors) -> None:
    listed = (obj.status.addresses if obj.status else None) or ()
    for index, address in enumerate(listed):
        if address in listed[:index]:
            errors.append(FieldError.duplicate(f"status.addresses[{index}]", quoted(address)))


def _taints(items: tuple[Taint, ...], path: str, errors: Errors) -> None:
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(items):
        place = f"{path}[{index}]"
        label_key(taint.key, f"{place}.key", errors)
        messages = names.label_value(taint.value or "")
        if messages:
            errors.append(FieldError.invalid(f"{place}.value", taint.value, ";".join(messages)))
        if not taint.effect:
            errors.append(FieldError.required(f"{place}.effect"))
        elif taint.effect not in EFFECTS:
            errors.append(FieldError.not_supported(f"{place}.effect", taint.effect, EFFECTS))
        if (taint.key, taint.effect) in seen:
            text = "taints must be unique by key and effect pair"
            errors.append(FieldError("Duplicate value", place, quoted(taint), text))
        seen.add((taint.key, taint.effect))


def update_node(new: Node, old: Node, errors: Errors) -> None:
    """A changed Node: address range and provider's id are set once."""
    _node(new, old, errors)
    object_meta_update(new.metadata, old.metadata, errors)
    _addresses(new, errors)
    spec, before = new.spec or NO_NODE, old.spec or NO_NODE
    if before.podCIDRs and spec.podCIDRs != before.podCIDRs:
        text = 'node updates may not change podCIDR except from "" to valid'
        errors.append(FieldError.forbidden("spec.podCIDRs", text))
    if before.providerID and spec.providerID != before.providerID:
        text = 'node updates may not change providerID except from "" to valid'
        errors.append(FieldError.forbidden("spec.providerID", text))


def create_event(obj: Event, errors: Errors) -> None:
    """A new Event; the old form (without eventTime) only has to be in the namespace of its object."""
    namespace = obj.metadata.namespace or ""
    about = (obj.involvedObject or ObjectReference()).namespace or ""
    homeless = not about and namespace in (("default", "kube-system") if obj.eventTime else ("", "default"))
    if about != namespace and not homeless and (about or not obj.eventTime or namespace):
        text = "does not match event.namespace"
        errors.append(FieldError.invalid("involvedObject.namespace", about, text))
    if obj.eventTime:
        _series_event(obj, errors)
    for message in names.dns_subdomain(namespace):
        errors.append(FieldError.invalid("namespace", namespace, message))


def _series_event(obj: Event, errors: Errors) -> None:
    if not obj.reportingComponent:
        errors.append(FieldError.required("reportingComponent"))
    for message in names.qualified_name(obj.reportingComponent or ""):
        errors.append(FieldError.invalid("reportingComponent", obj.reportingComponent or "", message))
    for name, maximum in (("reportingInstance", 128), ("action", 128), ("reason", 128)):
        value = getattr(obj, name)
        if not value:
            errors.append(FieldError.required(name))
        elif len(value) > maximum:
            errors.append(FieldError.invalid(name, "", f"can have at most {maximum} characters"))
    if len(obj.message or "") > 1024:
        errors.append(FieldError.invalid("message", "", "can have at most 1024 characters"))


def update_event(new: Event, old: Event, errors: Errors) -> None:
    """A changed Event."""
    create_event(new, errors)


def create_lease(obj: Lease, errors: Errors) -> None:
    """A new Lease."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    _lease_spec(obj.spec or LeaseSpec(), errors)


def update_lease(new: Lease, old: Lease, errors: Errors) -> None:
    """A changed Lease."""
    object_meta_update(new.metadata, old.metadata, errors)
    _lease_spec(new.spec or LeaseSpec(), errors)


def _lease_spec(spec: LeaseSpec, errors: Errors) -> None:
    if spec.leaseDurationSeconds is not None and spec.leaseDurationSeconds <= 0:
        text = "must be greater than 0"
        errors.append(FieldError.invalid("spec.leaseDurationSeconds", spec.leaseDurationSeconds, text))
    if spec.leaseTransitions is not None and spec.leaseTransitions < 0:
        text = "must be greater than or equal to 0"
        errors.append(FieldError.invalid("spec.leaseTransitions", spec.leaseTransitions, text))
    if spec.strategy is None and spec.preferredHolder:
        text = "may only be specified when `strategy` is defined"
        errors.append(FieldError.forbidden("spec.preferredHolder", text))
