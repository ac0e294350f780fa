"""What a CustomResourceDefinition has to be like (`apiextensions-apiserver/pkg/apis/apiextensions/validation`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8slab.api.codec import to_dict
from k8slab.api.validation import metadata, names
from k8slab.api.validation.admission import client_config, review_version_names
from k8slab.apiserver.crd.schemas import schema_errors
from k8slab.errors import FieldError, Verbatim, go_json

Errors = list[FieldError]
APPROVAL = "api-approved.kubernetes.io"
ENHANCEMENT = "see https://github.com/kubernetes/enhancements/pull/1111"
COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
MIXED = "may have mixed case, but should otherwise match: "


def definition_errors(definition: Any) -> Errors:
    """What is wrong with a new definition, besides rules on updates."""
    errors: Errors = []
    metadata.object_meta_general(definition.metadata, False, _name_check(definition.spec), errors)
    return errors + content_errors(definition)


def content_errors(definition: Any) -> Errors:
    """What is wrong with all but the metadata."""
    errors: Errors = []
    _spec(definition.spec, errors)
    _stored_versions(definition, errors)
    _approval(definition, errors)
    return errors


def update_errors(new: Any, old: Any, established: bool) -> Errors:
    """What is wrong with a changed definition."""
    errors: Errors = []
    metadata.object_meta_general(new.metadata, False, names.segment_name, errors)
    metadata.object_meta_update(new.metadata, old.metadata, errors)
    errors += content_errors(new)
    if established:
        metadata.immutable(new.spec.scope, old.spec.scope, "spec.scope", errors)
        metadata.immutable(new.spec.names.kind, old.spec.names.kind, "spec.names.kind", errors)
    metadata.immutable(new.spec.group, old.spec.group, "spec.group", errors)
    metadata.immutable(new.spec.names.plural, old.spec.names.plural, "spec.names.plural", errors)
    return errors


class _NameCheck:
    def __init__(self, wanted: str) -> None:
        self.wanted = wanted

    def __call__(self, text: str, prefix: bool = False) -> tuple[str, ...]:
        messages = tuple(names.subdomain_name(text, prefix))
        return messages if text == self.wanted else (*messages, 'must be spec.names.plural+"."+spec.group')


def _name_check(spec: Any) -> Callable[[str, bool], tuple[str, ...]]:
    plural = (spec.names.plural if spec is not None and spec.names is not None else None) or ""
    return _NameCheck(f"{plural}.{(spec.group if spec is not None else None) or ''}")


def _spec(spec: Any, errors: Errors) -> None:
    _group(spec.group, errors)
    if not spec.scope:
        errors.append(FieldError.required("spec.scope"))
    elif spec.scope not in ("Cluster", "Namespaced"):
        errors.append(FieldError.not_supported("spec.scope", spec.scope, ("Cluster", "Namespaced")))
    if spec.preserveUnknownFields:
        text = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
        errors.append(FieldError.invalid("spec.preserveUnknownFields", True, text))
    _versions(spec, errors)
    _names(spec.names, errors)
    _shared_parts(spec, errors)
    _conversion(spec.conversion, errors)


def _group(group: str | None, errors: Errors) -> None:
    if not group:
        errors.append(FieldError.required("spec.group"))
        return
    problems = names.dns_subdomain(group)
    if problems:
        errors.append(FieldError.invalid("spec.group", group, ",".join(problems)))
    elif "." not in group:
        errors.append(FieldError.invalid("spec.group", group, "should be a domain with at least one dot"))


def _versions(spec: Any, errors: Errors) -> None:
    versions = spec.versions or ()
    for index, version in enumerate(versions):
        if version.served and _schema(version) is None:
            errors.append(FieldError.required(f"spec.versions[{index}].schema.openAPIV3Schema"))
    for index, version in enumerate(versions):
        problems = names.dns1035_label(version.name or "")
        if problems:
            errors.append(FieldError.invalid(f"spec.versions[{index}].name", version.name or "", ",".join(problems)))
        _version(version, spec, f"spec.versions[{index}]", errors)
    found = [version.name for version in versions]
    if len(set(found)) < len(found):
        errors.append(FieldError.invalid("spec.versions", _shown(versions), "must contain unique version names"))
    if sum(bool(version.storage) for version in versions) != 1:
        text = "must have exactly one version marked as storage version"
        errors.append(FieldError.invalid("spec.versions", _shown(versions), text))


def _schema(version: Any) -> Any:
    return version.schema.openAPIV3Schema if version.schema is not None else None


def shared(spec: Any, field: str) -> bool:
    """Whether all versions agree on a field: internally it is one of the definition then, not of each version."""
    found = [getattr(version, field) for version in spec.versions or ()]
    return bool(found) and all(each == found[0] for each in found)


def _version(version: Any, spec: Any, path: str, errors: Errors) -> None:
    if version.deprecationWarning is not None and not version.deprecated:
        text = "can only be set for deprecated versions"
        errors.append(FieldError.invalid(f"{path}.deprecationWarning", version.deprecationWarning, text))
    if _schema(version) is not None and not shared(spec, "schema"):
        errors += schema_errors(to_dict(_schema(version)), f"{path}.schema.openAPIV3Schema")
    if not shared(spec, "subresources"):
        _subresources(version.subresources, f"{path}.subresources", errors)
    if not shared(spec, "additionalPrinterColumns"):
        _columns(version.additionalPrinterColumns, f"{path}.additionalPrinterColumns", errors)
    for index, each in enumerate(version.selectableFields or ()):
        if not each.jsonPath:
            errors.append(FieldError.required(f"{path}.selectableFields[{index}].jsonPath", "must not be empty"))


def _shared_parts(spec: Any, errors: Errors) -> None:
    """What is the same in all versions, which the server therefore keeps (and names) above them."""
    if not spec.versions:
        return
    first = spec.versions[0]
    if shared(spec, "schema") and _schema(first) is not None:
        errors += schema_errors(to_dict(_schema(first)), "spec.validation.openAPIV3Schema")
    if shared(spec, "subresources"):
        _subresources(first.subresources, "spec.subresources", errors)
    if shared(spec, "additionalPrinterColumns"):
        _columns(first.additionalPrinterColumns, "spec.additionalPrinterColumns", errors)


def _shown(versions: Any) -> Any:
    """The versions as the server prints them: what they share is not among them any more."""
    head = (("Name", "name"), ("Served", "served"), ("Storage", "storage"), ("Deprecated", "deprecated"))
    rest = ("DeprecationWarning", "Schema", "Subresources", "AdditionalPrinterColumns", "SelectableFields")
    shown = []
    for version in versions:
        fields = [f'"{name}":{go_json(getattr(version, field) or _ZERO[field])}' for name, field in head]
        shown.append("{" + ",".join([*fields, *(f'"{name}":null' for name in rest)]) + "}")
    return Verbatim("[" + ",".join(shown) + "]") if shown else Verbatim("null")


_ZERO = {"name": "", "served": False, "storage": False, "deprecated": False}


def _names(wanted: Any, errors: Errors) -> None:
    path = "spec.names"
    for field in ("plural", "singular", "kind", "listKind"):
        if wanted is None or not getattr(wanted, field):
            errors.append(FieldError.required(f"{path}.{field}"))
    if wanted is None:
        return
    for field in ("plural", "singular"):
        _label(getattr(wanted, field), f"{path}.{field}", errors)
    for field in ("kind", "listKind"):
        name = getattr(wanted, field)
        problems = names.dns1035_label(name.lower()) if name else ()
        if problems:
            errors.append(FieldError.invalid(f"{path}.{field}", name, MIXED + ",".join(problems)))
    for field in ("shortNames", "categories"):
        if field == "categories" and wanted.kind and wanted.kind == wanted.listKind:
            text = "kind and listKind may not be the same"
            errors.append(FieldError.invalid(f"{path}.listKind", wanted.listKind, text))
        for index, name in enumerate(getattr(wanted, field) or ()):
            _label(name, f"{path}.{field}[{index}]", errors)


def _label(name: str | None, path: str, errors: Errors) -> None:
    problems = names.dns1035_label(name) if name else ()
    if problems:
        errors.append(FieldError.invalid(path, name, ",".join(problems)))


def _subresources(declared: Any, path: str, errors: Errors) -> None:
    scale = declared.scale if declared is not None else None
    if scale is None:
        return
    for field, root in (("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")):
        value = getattr(scale, field)
        if not value:
            errors.append(FieldError.required(f"{path}.scale.{field}"))
        elif not value.startswith(root):
            text = f"should be a json path under {root.rstrip('.')}"
            errors.append(FieldError.invalid(f"{path}.scale.{field}", value, text))
    selector = scale.labelSelectorPath
    if selector and not selector.startswith((".spec.", ".status.")):
        text = "should be a json path under either .status or .spec"
        errors.append(FieldError.invalid(f"{path}.scale.labelSelectorPath", selector, text))


def _columns(columns: Any, path: str, errors: Errors) -> None:
    for index, column in enumerate(columns or ()):
        place = f"{path}[{index}]"
        if not column.name:
            errors.append(FieldError.required(f"{place}.name"))
        text = f"must be one of {','.join(COLUMN_TYPES)}"
        if not column.type:
            errors.append(FieldError.required(f"{place}.type", text))
        elif column.type not in COLUMN_TYPES:
            errors.append(FieldError.invalid(f"{place}.type", column.type, text))
        if column.format and column.format not in COLUMN_FORMATS:
            text = f"must be one of {','.join(COLUMN_FORMATS)}"
            errors.append(FieldError.invalid(f"{place}.format", column.format, text))
        if not column.jsonPath:
            errors.append(FieldError.required(f"{place}.JSONPath"))


def _conversion(conversion: Any, errors: Errors) -> None:
    path, strategy = "spec.conversion", conversion.strategy if conversion is not None else "None"
    if not strategy:
        errors.append(FieldError.required(f"{path}.strategy"))
    elif strategy not in ("None", "Webhook"):
        errors.append(FieldError.not_supported(f"{path}.strategy", strategy, ("None", "Webhook")))
    webhook = conversion.webhook if conversion is not None else None
    config = webhook.clientConfig if webhook is not None else None
    versions = (webhook.conversionReviewVersions if webhook is not None else None) or ()
    if strategy == "Webhook":
        if config is None:
            text = "required when strategy is set to Webhook"
            errors.append(FieldError.required(f"{path}.webhookClientConfig", text))
        else:
            client_config(config, f"{path}.webhookClientConfig", errors)
        _review_versions(versions, f"{path}.conversionReviewVersions", errors)
        return
    text = "should not be set when strategy is not set to Webhook"
    for name, value in (("webhookClientConfig", config), ("conversionReviewVersions", versions)):
        if value:
            errors.append(FieldError.forbidden(f"{path}.{name}", text))


def _review_versions(versions: Any, path: str, errors: Errors) -> None:
    if not versions:
        errors.append(FieldError.required(path))
        return
    review_version_names(versions, path, errors)
    if not {"v1", "v1beta1"} & set(versions):
        errors.append(FieldError.invalid(path, list(versions), "must include at least one of v1, v1beta1"))


def _stored_versions(definition: Any, errors: Errors) -> None:
    path = "status.storedVersions"
    stored = (definition.status.storedVersions if definition.status is not None else None) or ()
    if not stored:
        errors.append(FieldError.invalid(path, None, "must have at least one stored version"))
        return
    known = [version.name for version in definition.spec.versions or ()]
    for index, name in enumerate(stored):
        if name not in known:
            text = (
                f"missing from spec.versions; {name} was previously a storage version, and must remain in "
                f"spec.versions until a storage migration ensures no data remains persisted in {name} and removes "
                f"{name} from status.storedVersions"
            )
            errors.append(FieldError.invalid(f"{path}[{index}]", name, text))
    storage = next((version.name for version in definition.spec.versions or () if version.storage), None)
    if storage is not None and storage not in stored:
        text = f"must have the storage version {storage}"
        errors.append(FieldError.invalid(path, list(stored), text))


def is_protected(group: str | None) -> bool:
    """Whether a group is reserved for what the Kubernetes community has approved."""
    return group in ("k8s.io", "kubernetes.io") or (group or "").endswith((".k8s.io", ".kubernetes.io"))


def _approval(definition: Any, errors: Errors) -> None:
    if not is_protected(definition.spec.group):
        return
    path, found = f"metadata.annotations[{APPROVAL}]", (definition.metadata.annotations or {}).get(APPROVAL)
    text = f'protected groups must have approval annotation "{APPROVAL}"'
    if not found:
        errors.append(FieldError.required(path, f"{text}, {ENHANCEMENT}"))
    elif not found.startswith("unapproved") and "://" not in found:
        text = f'{text} with either a URL or a reason starting with "unapproved", {ENHANCEMENT}'
        errors.append(FieldError.invalid(path, found, text))
