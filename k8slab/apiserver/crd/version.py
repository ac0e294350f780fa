"""One version of a custom resource, as its definition describes it: what the server needs for each request."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from k8slab.api.codec import to_dict
from k8slab.api.scheme import Column, Resource, Subresource
from k8slab.apiserver.crd.structural import has_defaults

VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
CHANGING = ("get", "patch", "update")


class Version(Struct, frozen=True):
    """A served version; `schema` is plain data and never changed."""

    api_version: str
    kind: str
    storage_api_version: str
    schema: dict[str, Any]
    has_status: bool = False
    scale: Any = None
    """The paths of the scale subresource, None where there is none."""
    has_defaults: bool = False
    has_rules: bool = False
    warning: str = ""
    """What clients of a deprecated version are told."""
    terminating: bool = False
    definition: str = ""
    conversion: Any = None
    """The webhook that converts between versions, None where only the apiVersion changes."""


def versions_of(definition: Any, terminating: bool = False) -> dict[str, Version]:
    """The served versions of a definition by name."""
    return {each.name: _version(definition, each, terminating) for each in definition.spec.versions if each.served}


def _version(definition: Any, version: Any, terminating: bool) -> Version:
    spec = definition.spec
    group, kind = spec.group, spec.names.kind
    storage = next(each.name for each in spec.versions if each.storage)
    schema = to_dict(version.schema.openAPIV3Schema)
    subresources = version.subresources
    return Version(
        api_version=f"{group}/{version.name}",
        kind=kind,
        storage_api_version=f"{group}/{storage}",
        schema=schema,
        has_status=subresources is not None and subresources.status is not None,
        scale=subresources.scale if subresources is not None else None,
        has_defaults=has_defaults(schema),
        has_rules="x-kubernetes-validations" in str(schema),
        warning=_warning(version, f"{group}/{version.name}", kind),
        terminating=terminating,
        definition=definition.metadata.name,
        conversion=spec.conversion.webhook if spec.conversion is not None else None,
    )


def _warning(version: Any, api_version: str, kind: str) -> str:
    if not version.deprecated:
        return ""
    return version.deprecationWarning or f"{api_version} {kind} is deprecated"


def resource_of(definition: Any, version: Any) -> Resource:
    """A version as discovery lists it, under the names that the definition has got."""
    spec, names = definition.spec, definition.status.acceptedNames
    storage = next(each.name for each in spec.versions if each.storage)
    return Resource(
        group=spec.group,
        version=version.name,
        kind=names.kind,
        plural=names.plural,
        singular=names.singular or "",
        namespaced=spec.scope == "Namespaced",
        short_names=names.shortNames or (),
        categories=names.categories or (),
        verbs=VERBS,
        subresources=_subresources(version.subresources, names.kind),
        custom=True,
        custom_list_kind=names.listKind or "",
        storage_version=storage,
        selectable=tuple(each.jsonPath.removeprefix(".") for each in version.selectableFields or ()),
        columns=tuple(_column(each) for each in version.additionalPrinterColumns or ()),
    )


def _column(declared: Any) -> Column:
    return Column(
        name=declared.name,
        type=declared.type,
        path=declared.jsonPath,
        format=declared.format or "",
        description=declared.description or "",
        priority=declared.priority or 0,
    )


def _subresources(declared: Any, kind: str) -> tuple[Subresource, ...]:
    if declared is None:
        return ()
    status = (Subresource("status", CHANGING, "", kind),) if declared.status is not None else ()
    scale = (Subresource("scale", CHANGING, "autoscaling/v1", "Scale"),) if declared.scale is not None else ()
    return status + scale
