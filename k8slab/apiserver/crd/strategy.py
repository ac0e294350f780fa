"""The rules of custom objects, which their definition makes.

Follows `apiextensions-apiserver/pkg/registry/customresource` (strategy.go, status_strategy.go, validator.go).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from k8slab.api.codec import to_dict
from k8slab.api.unstructured import Unstructured
from k8slab.api.validation import metadata, names
from k8slab.apiserver.crd.correlation import MISSING
from k8slab.apiserver.crd.embedded import object_errors
from k8slab.apiserver.crd.lists import duplicates
from k8slab.apiserver.crd.paths import number_at
from k8slab.apiserver.crd.structural import default, prune
from k8slab.apiserver.crd.values import validate
from k8slab.apiserver.crd.version import Version
from k8slab.apiserver.registry.strategy import Strategy
from k8slab.errors import FieldError, method_not_supported

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call

BLOCKING = frozenset({"Unsupported value", "Required value", "Too long", "Too many"})
UNCHECKED = (
    "some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation"
)
MAX_REPLICAS = 2**31 - 1


Converter = Callable[[Any, str], Any]
"""Makes an object of another version of one."""


def relabelled(obj: Any, api_version: str) -> Any:
    """The object under another apiVersion (conversion strategy None)."""
    return obj.replace(apiVersion=api_version)


class Reader:
    """Stored objects as a version shows them: converted, with the defaults of its schema."""

    __slots__ = ("convert", "version")

    def __init__(self, version: Version, convert: Converter = relabelled) -> None:
        self.version = version
        self.convert = convert

    def __call__(self, obj: Any) -> Any:
        """The object as clients of the version see it. Raises ApiError where it cannot be converted."""
        version = self.version
        if obj.apiVersion != version.api_version:
            obj = self.convert(obj, version.api_version)
        return with_defaults(obj, version) if version.has_defaults else obj


class Writer:
    """Objects of any version as they are stored: in the storage version."""

    __slots__ = ("api_version", "convert")

    def __init__(self, api_version: str, convert: Converter = relabelled) -> None:
        self.api_version = api_version
        self.convert = convert

    def __call__(self, obj: Any) -> Any:
        """The object as it is stored. Raises ApiError where it cannot be converted."""
        return obj if obj.apiVersion == self.api_version else self.convert(obj, self.api_version)


def with_defaults(obj: Any, version: Version) -> Any:
    """The object with the defaults of the schema."""
    content = default(obj.content, version.schema)
    return obj if content == obj.content else obj.replace(content=content)


def pruned(obj: Any, version: Version) -> tuple[Any, list[str]]:
    """The object without fields that the schema does not know, and `unknown field "x"` for each."""
    content, unknown = prune(obj.content, version.schema, is_resource=True)
    problems = [f'unknown field "{path}"' for path in unknown]
    return (obj.replace(content=content) if unknown else obj), problems


class CustomStrategy(Strategy):
    """The rules of the objects of one version of a custom resource."""

    counts_generations = True
    unconditional_update = False

    def __init__(self, version: Version, namespaced: bool) -> None:
        self.version = version
        self.namespaced = namespaced

    def prepare_create(self, obj: Any, call: Call) -> Any:
        """A status comes through its subresource, where there is one. Raises ApiError while the kind goes away."""
        if self.version.terminating:
            raise method_not_supported(call.endpoint.group_resource, "create")
        return _without_status(obj) if self.version.has_status else obj

    def prepare_update(self, obj: Any, old: Any, call: Call) -> Any:
        """The stored status stays, where it has a subresource."""
        return _with_status(obj, old.content.get("status", MISSING)) if self.version.has_status else obj

    def prepare_status(self, obj: Any, old: Any, call: Call) -> Any:
        """Everything but the status stays."""
        kept = old.metadata.replace(managedFields=obj.metadata.managedFields)
        kept = old.replace(metadata=kept if kept != old.metadata else old.metadata)
        return _with_status(kept, obj.content.get("status", MISSING))

    def wanted_changed(self, obj: Any, old: Any) -> bool:
        """Whether anything but metadata changed, and status where it has a subresource."""
        if self.version.has_status:
            obj, old = _without_status(obj), _without_status(old)
        return obj.content != old.content

    def validate_create(self, obj: Any, call: Call) -> list[FieldError]:
        """Metadata, schema, lists, rules."""
        errors: list[FieldError] = []
        metadata.object_meta_general(obj.metadata, self.namespaced, names.subdomain_name, errors)
        return errors + self._content_errors(obj, None, call)

    def validate_update(self, obj: Any, old: Any, call: Call) -> list[FieldError]:
        """As for new objects; what an update leaves alone is not checked again."""
        errors: list[FieldError] = []
        metadata.object_meta_general(obj.metadata, self.namespaced, names.subdomain_name, errors)
        metadata.object_meta_update(obj.metadata, old.metadata, errors)
        return errors + self._content_errors(obj, old, call)

    def validate_status(self, obj: Any, old: Any, call: Call) -> list[FieldError]:
        """As for updates."""
        return self.validate_update(obj, old, call)

    def _content_errors(self, obj: Any, old: Any, call: Call) -> list[FieldError]:
        schema = self.version.schema
        data = to_dict(obj)
        before = MISSING if old is None else to_dict(old)
        errors = validate(data, schema, before)
        errors += self._scale_errors(data)
        errors += object_errors(data, schema)
        errors += duplicates(data, schema)
        if not self.version.has_rules:
            return errors
        if any(each.type in BLOCKING or each.reason == "FieldValueTypeInvalid" for each in errors):
            return [*errors, FieldError.invalid("<nil>", None, UNCHECKED)]
        from k8slab.apiserver.crd.rules import violations

        broken, tolerated = violations(data, schema, before)
        call.warn(*(str(each) for each in tolerated))
        return errors + broken

    def _scale_errors(self, data: dict[str, Any]) -> list[FieldError]:
        scale, errors = self.version.scale, []
        if scale is None:
            return []
        for path in (scale.specReplicasPath, scale.statusReplicasPath):
            found = number_at(data, path)
            if isinstance(found, str):
                errors.append(FieldError.invalid(path, 0, found))
            elif found is not None and found < 0:
                errors.append(FieldError.invalid(path, found, "should be a non-negative integer"))
            elif found is not None and found > MAX_REPLICAS:
                errors.append(FieldError.invalid(path, found, f"should be less than or equal to {MAX_REPLICAS}"))
        return errors

    def warnings(self, obj: Any, old: Any, call: Call) -> tuple[str, ...]:
        """None of its own."""
        return ()


def _without_status(obj: Any) -> Any:
    if "status" not in obj.content:
        return obj
    return obj.replace(content={name: value for name, value in obj.content.items() if name != "status"})


def _with_status(obj: Unstructured, status: Any) -> Any:
    if obj.content.get("status", MISSING) == status:
        return obj
    obj = _without_status(obj)
    return obj if status is MISSING else obj.replace(content=obj.content | {"status": status})
