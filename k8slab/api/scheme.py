"""What kinds exist, what they are called and which class holds them.

`SCHEME` knows the kinds of Kubernetes itself and never changes; a lab copies it and adds its custom resources.
Follows apimachinery's RESTMapper (`pkg/api/meta/restmapper.go`, `priority.go`) and discovery's resource lists.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
from collections.abc import Iterable
from functools import cache
from typing import Any, Self

from msgspec import Struct

from k8slab.api import kinds
from k8slab.errors import K8sLabError


class NoMatch(K8sLabError):
    """No resource or kind of this name is known."""


class Subresource(Struct, frozen=True, gc=False):
    """A subresource such as `scale`: its verbs, and the kind it takes and gives (empty: that of the resource)."""

    name: str
    verbs: tuple[str, ...]
    api_version: str = ""
    kind: str = ""


class Column(Struct, frozen=True, gc=False, kw_only=True):
    """A printer column of a custom resource (additionalPrinterColumns)."""

    name: str
    type: str
    path: str
    format: str = ""
    description: str = ""
    priority: int = 0


class Resource(Struct, frozen=True, gc=False, kw_only=True):
    """One resource of one group-version, as discovery lists it."""

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = kinds.ALL_VERBS
    subresources: tuple[Subresource, ...] = ()
    custom: bool = False
    """Defined by a CustomResourceDefinition: its objects are `Unstructured`."""
    custom_list_kind: str = ""
    """What lists of a custom kind are called, where its definition says."""
    storage_version: str = ""
    """The version in which a custom resource is stored."""
    selectable: tuple[str, ...] = ()
    """The fields of a custom resource that field selectors may name, besides name and namespace."""
    columns: tuple[Column, ...] = ()
    """The columns of a custom resource in Tables, besides the name; without any, the age is shown."""

    @property
    def api_version(self) -> str:
        """`apps/v1`, or `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def list_kind(self) -> str:
        """The kind of lists of it, `PodList`."""
        return self.custom_list_kind or f"{self.kind}List"

    @property
    def group_resource(self) -> str:
        """`deployments.apps`, or `pods` for the core group: as error messages name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def group_kind(self) -> str:
        """`Deployment.apps`, or `Pod` for the core group: as validation errors name it."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @property
    def cls(self) -> type:
        """The class of its objects; its module is imported at the first use."""
        return _unstructured() if self.custom or self.untyped else _load(self.group, self.version, self.kind)

    @property
    def untyped(self) -> bool:
        """It is another server's, and its answers have no schema here."""
        return self.group in kinds.UNTYPED

    @property
    def storage_version_hash(self) -> str:
        """Discovery's fingerprint of the version in etcd; empty for resources that are not stored."""
        if "list" not in self.verbs or self.kind == "ComponentStatus":
            return ""
        own = (self.group, self.storage_version or self.version)
        group, version = kinds.STORAGE.get((self.api_version, self.kind), own)
        digest = hashlib.sha256(f"{group}/{version}/{self.kind}".encode()).digest()
        return base64.b64encode(digest[:8]).decode()

    def empty(self) -> Any:
        """An object of the kind in which nothing is said."""
        return self.cls(apiVersion=self.api_version, kind=self.kind)

    def subresource(self, name: str) -> Subresource | None:
        """The subresource of this name, or None."""
        return next((entry for entry in self.subresources if entry.name == name), None)

    def names(self) -> tuple[str, ...]:
        """Every name that the command line accepts for it, in lower case."""
        return (self.plural, self.singular, *self.short_names, self.kind.lower())


class Scheme:
    """The resources of one API server. Only copies of the built-in `SCHEME` accept additions."""

    def __init__(self, resources: Iterable[Resource] = (), *, frozen: bool = False) -> None:
        self._resources: list[Resource] = []
        self._by_kind: dict[tuple[str, str], Resource] = {}
        self._by_name: dict[str, list[Resource]] = {}
        self._by_path: dict[tuple[str, str, str], Resource] = {}
        self._frozen = False
        for resource in resources:
            self.add(resource)
        self._frozen = frozen

    def copy(self) -> Self:
        """A scheme with the same resources, to which custom resources can be added."""
        return type(self)(self._resources)

    def add(self, resource: Resource) -> None:
        """Make a resource known; one of the same group, version and plural is replaced."""
        self._refuse_when_frozen()
        self.remove(resource.group, resource.version, resource.plural)
        self._resources.append(resource)
        self._by_kind[resource.api_version, resource.kind] = resource
        self._by_path[resource.group, resource.version, resource.plural] = resource
        for name in dict.fromkeys(resource.names()):
            self._by_name.setdefault(name, []).append(resource)

    def remove(self, group: str, version: str, plural: str) -> None:
        """Forget a resource; unknown ones are ignored."""
        self._refuse_when_frozen()
        resource = self._by_path.pop((group, version, plural), None)
        if resource is None:
            return
        self._resources.remove(resource)
        self._by_kind.pop((resource.api_version, resource.kind), None)
        for name in dict.fromkeys(resource.names()):
            self._by_name[name].remove(resource)

    def all_resources(self) -> tuple[Resource, ...]:
        """Everything that is served, in the order of discovery."""
        return tuple(self._resources)

    def served(self, group: str, version: str, plural: str) -> Resource | None:
        """The resource of a request's path, or None where the server would answer 404."""
        return self._by_path.get((group, version, plural))

    def resource(self, name: str, group: str | None = None, version: str | None = None) -> Resource:
        """Find a resource by plural, singular, short name or kind, also as `deployments.apps` or `deployments.v1.apps`.

        Of several groups the first of discovery wins (core `events`), of several versions the preferred one.
        Raises `NoMatch` with kubectl's words.
        """
        found = self._find(name.lower(), group, version)
        if found is None:
            raise NoMatch(f'the server doesn\'t have a resource type "{name if group is None else f"{name}.{group}"}"')
        return found

    def _find(self, name: str, group: str | None, version: str | None) -> Resource | None:
        if group is None and "." in name:
            plural, _, rest = name.partition(".")
            middle, _, tail = rest.partition(".")
            return self._match(plural, tail, middle) or self._match(plural, rest, None)
        return self._match(name, group, version)

    def _match(self, name: str, group: str | None, version: str | None) -> Resource | None:
        matches = [entry for entry in self._by_name.get(name, ()) if version in (None, entry.version)]
        if group is None:
            return matches[0] if matches else None
        exact = [entry for entry in matches if entry.group == group]
        prefixed = [entry for entry in matches if group and entry.group.startswith(group)]
        return next(iter(exact or prefixed), None)

    def by_kind(self, api_version: str, kind: str) -> Resource:
        """The resource of a kind. Raises `NoMatch`: `no matches for kind "X" in version "Y"`."""
        found = self._by_kind.get((api_version, kind))
        if found is None:
            raise NoMatch(f'no matches for kind "{kind}" in version "{api_version}"')
        return found

    def of(self, obj: Any) -> Resource:
        """The resource of an object, typed, unstructured or a plain dict. Raises `NoMatch`."""
        if isinstance(obj, dict):
            return self.by_kind(obj.get("apiVersion") or "", obj.get("kind") or "")
        return self.by_kind(obj.apiVersion, obj.kind)

    def class_of(self, api_version: str, kind: str) -> type:
        """The class for an object of this kind, also for those without a resource (`Scale`). Raises `NoMatch`."""
        found = self._by_kind.get((api_version, kind))
        if found is not None:
            return found.cls
        if (api_version, kind) in kinds.EXTRA_KINDS:
            group, _, version = api_version.rpartition("/")
            return _load(group, version, kind)
        raise NoMatch(f'no matches for kind "{kind}" in version "{api_version}"')

    def _refuse_when_frozen(self) -> None:
        if self._frozen:
            raise TypeError("the built-in scheme is shared by all labs: add to a copy of it")

    def __reduce__(self) -> Any:
        return (_restore, (self._frozen, self._resources))

    def __deepcopy__(self, memo: dict[int, Any]) -> Scheme:
        return self if self._frozen else self.copy()


def _restore(frozen: bool, resources: list[Resource]) -> Scheme:
    return SCHEME if frozen else Scheme(resources)


@cache
def _load(group: str, version: str, kind: str) -> type:
    prefix = "meta" if not group and kind in kinds.META_KINDS else group.partition(".")[0] or "core"
    return getattr(importlib.import_module(f"k8slab.api.{prefix}_{version}"), kind)


@cache
def _unstructured() -> type:
    from k8slab.api.unstructured import Unstructured

    return Unstructured


def _built_in() -> Iterable[Resource]:
    for group, version, rows in kinds.GROUPS:
        for row in rows:
            yield Resource(
                group=group,
                version=version,
                kind=row.kind,
                plural=row.plural,
                singular=row.kind.lower(),
                namespaced=row.namespaced,
                short_names=row.short,
                categories=row.categories,
                verbs=row.verbs,
                subresources=tuple(_subresource(row, name) for name in row.subresources),
            )


def _subresource(row: kinds.Row, name: str) -> Subresource:
    verbs, api_version, kind = kinds.SUBRESOURCES[name]
    return Subresource(name, verbs, api_version, kind.replace("*", row.kind))


SCHEME = Scheme(_built_in(), frozen=True)
