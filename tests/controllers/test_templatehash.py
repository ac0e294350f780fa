from __future__ import annotations

from k8slab.api.codec import from_dict
from k8slab.api.core_v1 import PodTemplateSpec
from k8slab.api.defaults import set_defaults
from k8slab.controllers.templatehash import template_hash
from tests.controllers.lab import workload


def template(image: str, **pod_spec: object) -> PodTemplateSpec:
    spec = {"replicas": 1, **workload("web", image, terminationGracePeriodSeconds=30, **pod_spec)}
    deployment = from_dict({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec})
    return set_defaults(deployment).spec.template


def test_hashes_are_those_of_the_real_controller():
    assert template_hash(template("app:1"), None) == "68b4fdb489"
    assert template_hash(template("app:2"), None) == "7b9f957f94"


def test_a_collision_gives_another_name():
    one = template("app:1")
    assert len({template_hash(one, None), template_hash(one, 0), template_hash(one, 1)}) == 3


def test_every_part_of_the_template_counts():
    found = {
        template_hash(template("app:1"), None),
        template_hash(template("app:1", nodeSelector={"a": "b"}), None),
        template_hash(template("app:1", hostNetwork=True), None),
        template_hash(template("app:1", tolerations=[{"key": "a", "operator": "Exists"}]), None),
        template_hash(template("app:1", volumes=[{"name": "v", "emptyDir": {}}]), None),
        template_hash(template("app:1", affinity={"podAntiAffinity": {}}), None),
    }
    assert len(found) == 6
