"""Patched objects share what the patch did not touch, and are the same as those read from the whole document."""

from __future__ import annotations

import pytest

from k8slab.api.codec import DecodeError, convert, to_dict
from k8slab.api.core_v1 import ConfigMap, Container, Node, NodeSpec, Pod, PodSpec, Taint
from k8slab.api.gojson import loads
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.patch import merge_patch, strategic_merge_rest
from k8slab.apiserver.grafting import grafted
from k8slab.apiserver.pruning import prune

NODE = Node(
    metadata=ObjectMeta(name="n", labels={"a": "b"}, resourceVersion="3"),
    spec=NodeSpec(taints=(Taint(key="k", effect="NoSchedule"),), podCIDRs=("10.0.0.0/24",)),
)
POD = Pod(
    metadata=ObjectMeta(name="p", namespace="default"),
    spec=PodSpec(containers=(Container(name="c", image="x"),), hostNetwork=True, terminationGracePeriodSeconds=1),
)
OBJECTS = (NODE, POD, ConfigMap(metadata=ObjectMeta(name="c"), data={"k": "v"}))
PATCHES = (
    '{"metadata": {"labels": {"c": "d"}}}',
    '{"metadata": {"labels": {"a": null}, "resourceVersion": "4"}}',
    '{"metadata": {"labels": null}}',
    '{"metadata": null}',
    '{"metadata": {"nmae": "x"}}',
    '{"metadata": {"creationTimestamp": "yesterday"}}',
    '{"spec": {"taints": []}}',
    '{"spec": {"taints": [{"key": "z", "effect": "NoExecute"}]}}',
    '{"spec": {"podCIDR": 7}}',
    '{"spec": {"hostNetwork": 1}}',
    '{"spec": {"terminationGracePeriodSeconds": true}}',
    '{"spec": {"containers": [{"name": "c", "image": "y"}]}}',
    '{"spec": {"containers": [{"name": "d", "resources": {"requests": {"cpu": "many"}}}]}}',
    '{"spec": null}',
    '{"status": {"phase": "Ready"}}',
    '{"data": {"k": "w"}}',
    '{"data": {"k": 3}}',
    '{"kind": "Other"}',
    '{"apiVersion": null}',
    "{}",
)


@pytest.mark.parametrize("text", PATCHES)
@pytest.mark.parametrize("strategic", [False, True])
def test_grafting_is_reading_it_all(text: str, strategic: bool):
    for obj in OBJECTS:
        before = to_dict(obj)
        if strategic:
            after, _ = strategic_merge_rest(to_dict(obj), loads(text), type(obj), share=True)
        else:
            after = merge_patch(before, loads(text), share=True)
        assert before == to_dict(obj)
        found = grafted(obj, before, after)
        problems: list[str] = []
        try:
            whole = convert(prune(type(obj), after), type(obj), False, problems)
        except DecodeError:
            assert found is None
        else:
            assert found == whole or found is None
            assert found is None or not problems


def test_what_a_patch_does_not_touch_is_shared():
    before = to_dict(NODE)
    found = grafted(NODE, before, merge_patch(before, {"metadata": {"labels": {"c": "d"}}}, share=True))
    assert found.metadata.labels == {"a": "b", "c": "d"}
    assert found.spec is NODE.spec
    assert found.metadata.name is NODE.metadata.name
