"""Values of enumerated types, and descriptions that come from an installed package."""

from __future__ import annotations

import pytest

from k8slab.api import apps_v1, core_v1, descriptions
from k8slab.api.enums import ENUMS, enum_of
from k8slab.api.gotypes import FIELD_TYPES
from k8slab.api.schema import Definitions, schema_name


def test_enumerated_fields() -> None:
    assert enum_of(core_v1.PodSpec, "restartPolicy") == ("Always", "Never", "OnFailure")
    assert enum_of(core_v1.ServiceSpec, "ipFamilies") == ("", "IPv4", "IPv6")
    assert enum_of(core_v1.PodSpec, "nodeName") == ()


def test_every_enumerated_type_is_some_fields_and_sorted() -> None:
    used = {name.removeprefix("[]") for name in FIELD_TYPES.values()}
    assert set(ENUMS) <= used
    assert all(list(values) == sorted(values) for values in ENUMS.values())


def test_schemas_hold_values_and_descriptions() -> None:
    pytest.importorskip("kubernetes_validate", reason="the descriptions come with kubernetes-validate")
    definitions = Definitions("#/components/schemas/")
    definitions.reference(apps_v1.Deployment)
    kind = schema_name(apps_v1.DeploymentStrategy)
    field = definitions.schemas[kind]["properties"]["type"]
    assert field["enum"] == ["Recreate", "RollingUpdate"]
    assert field["description"].endswith('\n\nPossible enum values:\n - `"Recreate"`\n - `"RollingUpdate"`')
    assert descriptions.description(kind) == definitions.schemas[kind]["description"]


def test_without_the_package_there_are_no_descriptions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptions, "PACKAGE", "no_such_package")
    descriptions._definitions.cache_clear()
    try:
        assert not descriptions.available()
        assert descriptions.field_description(schema_name(core_v1.Pod), "spec") == ""
    finally:
        descriptions._definitions.cache_clear()
