"""The generated groups: up to date, complete, frozen, and quick to import."""

import copy
import importlib
import importlib.util
import pickle
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from k8slab.api.base import KubeStruct
from k8slab.api.core_v1 import Container, Pod, PodSpec
from k8slab.api.decoding import shapes
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.scheme import SCHEME

ROOT = Path(__file__).parents[2]


def generator():
    spec = importlib.util.spec_from_file_location("generate_api", ROOT / "tools" / "generate_api.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["generate_api"] = module
    spec.loader.exec_module(module)
    return module


def test_committed_files_are_what_the_generator_writes():
    pytest.importorskip("kubernetes_validate", reason="the schema comes from a development dependency")
    module = generator()
    for name, text in module.generate(module.load_schema()).items():
        assert (ROOT / "k8slab" / "api" / f"{name}.py").read_text() == text, f"run tools/generate_api.py: {name}"


def classes():
    for name in generator().MODULES:
        module = importlib.import_module(f"k8slab.api.{name}")
        yield from (
            value
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, KubeStruct) and value.__module__ == module.__name__
        )


def test_every_class_can_be_decoded_and_described():
    found = list(classes())
    assert len(found) > 450
    for cls in found:
        msgspec.json.Decoder(cls)
        assert list(shapes(cls)) == list(cls.__struct_encode_fields__)
        assert cls.GO_TYPE.endswith(f".{cls.__name__}")


def test_tables_name_only_existing_fields():
    for cls in classes():
        for table in (
            cls.PATCH_MERGE_KEY,
            cls.PATCH_STRATEGY,
            cls.LIST_TYPE,
            cls.LIST_MAP_KEYS,
            cls.MAP_TYPE,
            cls.FORMAT,
        ):
            assert set(table) <= set(cls.__struct_encode_fields__)
        assert set(cls.REQUIRED) <= set(cls.__struct_encode_fields__)


def test_merge_facts_of_well_known_fields():
    assert PodSpec.PATCH_MERGE_KEY["containers"] == "name"
    assert PodSpec.PATCH_STRATEGY["volumes"] == ("merge", "retainKeys")
    assert PodSpec.LIST_MAP_KEYS["topologySpreadConstraints"] == ("topologyKey", "whenUnsatisfiable")
    assert PodSpec.MAP_TYPE["nodeSelector"] == "atomic"
    assert Container.LIST_TYPE["args"] == "atomic"
    assert PodSpec.FORMAT["priority"] == "int32"


def test_apiversion_and_kind_are_written_first_and_absent_fields_not():
    pod = Pod(spec=PodSpec(containers=(), nodeName="", hostNetwork=False, priority=0))
    expected = (
        b'{"apiVersion":"v1","kind":"Pod","metadata":{},'
        b'"spec":{"containers":[],"hostNetwork":false,"nodeName":"","priority":0}}'
    )
    assert msgspec.json.encode(pod) == expected


def test_a_changed_object_is_a_new_one_that_shares_the_rest():
    pod = Pod(metadata=ObjectMeta(name="a"), spec=PodSpec(nodeName="n"))
    moved = pod.replace(metadata=pod.metadata.replace(name="b"))
    assert (pod.metadata.name, moved.metadata.name) == ("a", "b")
    assert moved.spec is pod.spec


def test_assignment_is_refused_with_advice():
    pod = Pod(spec=PodSpec())
    with pytest.raises(AttributeError, match=r"lab\.patch.*%kubectl edit.*podspec\.replace\(nodeName=\.\.\.\)"):
        pod.spec.nodeName = "worker-1"
    with pytest.raises(AttributeError, match=r"pod\.replace\(spec=\.\.\.\)"):
        del pod.spec
    with pytest.raises(AttributeError):
        pod.typo = 1
    assert pod.spec.nodeName is None


def test_short_repr():
    assert repr(Pod(metadata=ObjectMeta(name="web", namespace="default"))) == "<Pod default/web>"
    assert repr(Container(name="c", image="i")) == "Container(image='i', name='c')"


def test_objects_pickle_and_copy():
    for resource in SCHEME.all_resources():
        obj = resource.cls(metadata=ObjectMeta(name="x", labels={"a": "b"}))
        assert pickle.loads(pickle.dumps(obj)) == obj == copy.deepcopy(obj)


def test_importing_core_does_not_pull_in_other_groups_or_yaml():
    code = "import sys, k8slab.api.core_v1; print([m for m in sys.modules if m in ('yaml', 'k8slab.api.resource_v1')])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert result.stdout.strip() == "[]"
