"""Object metadata (`apimachinery/pkg/api/validation/objectmeta.go`)."""

from __future__ import annotations

from typing import Any

from k8slab.api.meta_v1 import ObjectMeta, OwnerReference
from k8slab.api.validation import names
from k8slab.errors import FieldError

Errors = list[FieldError]
IMMUTABLE = "field is immutable"
NEGATIVE = "must be greater than or equal to 0"
ANNOTATIONS_BYTES = 256 * 1024
STANDARD_FINALIZERS = ("kubernetes", "orphan", "foregroundDeletion")
NO_METADATA = ObjectMeta()


def object_meta(
    meta: ObjectMeta, namespaced: bool, name_check: names.NameCheck, errors: Errors, path: str = "metadata"
) -> None:
    """The metadata of a new object: general rules, then those of the kinds of Kubernetes itself."""
    object_meta_general(meta, namespaced, name_check, errors, path)
    for index, finalizer in enumerate(meta.finalizers or ()):
        if "/" not in finalizer and finalizer not in STANDARD_FINALIZERS:
            text = "name is neither a standard finalizer name nor is it fully qualified"
            errors.append(FieldError.invalid(f"{path}.finalizers[{index}]", finalizer, text))


def object_meta_general(
    meta: ObjectMeta, namespaced: bool, name_check: names.NameCheck, errors: Errors, path: str = "metadata"
) -> None:
    """The rules that custom resources have to follow too."""
    if meta.generateName:
        for message in name_check(meta.generateName, True):
            errors.append(FieldError.invalid(f"{path}.generateName", meta.generateName, message))
    if not meta.name:
        errors.append(FieldError.required(f"{path}.name", "name or generateName is required"))
    else:
        for message in name_check(meta.name, False):
            errors.append(FieldError.invalid(f"{path}.name", meta.name, message))
    _namespace(meta, namespaced, errors, path)
    nonnegative(meta.generation, f"{path}.generation", errors)
    labels(meta.labels, f"{path}.labels", errors)
    annotation_map(meta.annotations, f"{path}.annotations", errors)
    owner_references(meta.ownerReferences, f"{path}.ownerReferences", errors)
    finalizers(meta.finalizers, f"{path}.finalizers", errors)


def _namespace(meta: ObjectMeta, namespaced: bool, errors: Errors, path: str) -> None:
    if not namespaced:
        if meta.namespace:
            errors.append(FieldError.forbidden(f"{path}.namespace", "not allowed on this type"))
    elif not meta.namespace:
        errors.append(FieldError.required(f"{path}.namespace"))
    else:
        for message in names.label_name(meta.namespace):
            errors.append(FieldError.invalid(f"{path}.namespace", meta.namespace, message))


def object_meta_update(new: ObjectMeta, old: ObjectMeta, errors: Errors, path: str = "metadata") -> None:
    """What may change in metadata: labels, annotations, owners and, until deletion, finalizers."""
    if old.deletionTimestamp:
        _no_new_finalizers(new, old, errors, path)
    if not new.resourceVersion:
        errors.append(FieldError.invalid(f"{path}.resourceVersion", "", "must be specified for an update"))
    if (new.generation or 0) < (old.generation or 0):
        errors.append(FieldError.invalid(f"{path}.generation", new.generation or 0, "must not be decremented"))
    for name in ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"):
        immutable(getattr(new, name), getattr(old, name), f"{path}.{name}", errors)
    labels(new.labels, f"{path}.labels", errors)
    annotation_map(new.annotations, f"{path}.annotations", errors)
    owner_references(new.ownerReferences, f"{path}.ownerReferences", errors)


def _no_new_finalizers(new: ObjectMeta, old: ObjectMeta, errors: Errors, path: str) -> None:
    added = sorted(set(new.finalizers or ()) - set(old.finalizers or ()))
    if added:
        shown = "[]string{" + ", ".join(f'"{name}"' for name in added) + "}"
        text = f"no new finalizers can be added if the object is being deleted, found new finalizers {shown}"
        errors.append(FieldError.forbidden(f"{path}.finalizers", text))


def immutable(new: Any, old: Any, path: str, errors: Errors) -> None:
    """A field that never changes; the error shows the new value."""
    if new != old:
        errors.append(FieldError.invalid(path, new, IMMUTABLE))


def nonnegative(number: int | None, path: str, errors: Errors) -> None:
    """A count."""
    if number is not None and number < 0:
        errors.append(FieldError.invalid(path, number, NEGATIVE))


def labels(items: dict[str, str] | None, path: str, errors: Errors) -> None:
    """Labels, node selectors, Service selectors."""
    for key, value in (items or {}).items():
        for message in names.qualified_name(key):
            errors.append(FieldError.invalid(path, key, message))
        for message in names.label_value(value):
            errors.append(FieldError.invalid(path, value, message))


def label_key(key: str | None, path: str, errors: Errors) -> None:
    """A single key of a label."""
    for message in names.qualified_name(key or ""):
        errors.append(FieldError.invalid(path, key or "", message))


def annotation_map(items: dict[str, str] | None, path: str, errors: Errors) -> None:
    """Annotations: keys like those of labels but in any case; values together at most 256 KiB."""
    if not items:
        return
    size = 0
    for key, value in items.items():
        for message in names.qualified_name(key.lower()):
            errors.append(FieldError.invalid(path, key, message))
        size += len(key) + len(value)
    if size > ANNOTATIONS_BYTES // 4 and sum(len((k + v).encode()) for k, v in items.items()) > ANNOTATIONS_BYTES:
        errors.append(FieldError.too_long(path, ANNOTATIONS_BYTES))


def finalizers(items: tuple[str, ...] | None, path: str, errors: Errors) -> None:
    """Finalizers: qualified names; not both ways of deleting dependents."""
    for name in items or ():
        for message in names.qualified_name(name):
            errors.append(FieldError.invalid(path, name, message))
    if items and "orphan" in items and "foregroundDeletion" in items:
        text = "finalizer orphan and foregroundDeletion cannot be both set"
        errors.append(FieldError.invalid(path, items, text))


def owner_references(items: tuple[OwnerReference, ...] | None, path: str, errors: Errors) -> None:
    """Owners: complete references, at most one of them the controller."""
    first = ""
    for owner in items or ():
        _owner_reference(owner, path, errors)
        if owner.controller:
            name = f"{owner.kind}/{owner.name}"
            if first:
                text = f'Only one reference can have Controller set to true. Found "true" in references for {first}'
                errors.append(FieldError.invalid(path, items, f"{text} and {name}"))
            first = first or name


def _owner_reference(owner: OwnerReference, path: str, errors: Errors) -> None:
    group_version = (owner.apiVersion or "").split("/")
    if len(group_version) > 2 or not group_version[-1]:
        errors.append(FieldError.invalid(f"{path}.apiVersion", owner.apiVersion or "", "version must not be empty"))
    for name in ("kind", "name", "uid"):
        if not getattr(owner, name):
            errors.append(FieldError.invalid(f"{path}.{name}", "", f"{name} must not be empty"))
    if owner.apiVersion == "v1" and owner.kind == "Event":
        text = "/v1, Kind=Event is disallowed from being an owner"
        errors.append(FieldError.invalid(path, owner, text))


def domain_prefixed_path(text: str, path: str, errors: Errors) -> None:
    """A name such as `example.com/operator` (`IsDomainPrefixedPath`)."""
    domain, _, rest = text.partition("/")
    if not text:
        errors.append(FieldError.required(path))
    elif not domain or not rest:
        errors.append(FieldError.invalid(path, text, 'must be a domain-prefixed path (such as "acme.io/foo")'))
    else:
        errors.extend(FieldError.invalid(path, domain, message) for message in names.dns_subdomain(domain))
        if not names.HTTP_PATH.fullmatch(rest):
            errors.append(FieldError.invalid(path, rest, names.regex_error("Invalid path", names.HTTP_PATH.pattern)))
