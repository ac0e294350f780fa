"""Image names, what the registries have, pulls."""

import pytest

from k8slab.kubelet.images import Image, ImageRegistry, ImageStore, InvalidReference, PullError, parse_reference
from k8slab.kubelet.program import Program
from k8slab.sim.clock import SECOND


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("bitnami/redis:7", "docker.io/bitnami/redis:7"),
        ("localhost:5000/a/b", "localhost:5000/a/b:latest"),
        ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"),
        ("busybox@sha256:" + "a" * 64, "docker.io/library/busybox@sha256:" + "a" * 64),
    ],
)
def test_references(name, canonical):
    assert parse_reference(name).canonical == canonical


@pytest.mark.parametrize("name", ["", "a b", "nginx:", "nginx:a b", "-x", "a//b", "nginx@sha256:12"])
def test_bad_references(name):
    with pytest.raises(InvalidReference, match="invalid reference format"):
        parse_reference(name)


def test_upper_case_names_are_explained():
    with pytest.raises(InvalidReference, match=r"repository name \(library/Nginx\) must be lowercase"):
        parse_reference("Nginx")


@pytest.mark.parametrize(
    "name",
    [
        "nginx:1.14.2", "nginx:1.27-alpine", "redis:alpine", "postgres:15-alpine", "busybox:1.36", "mysql:8.0",
        "registry.k8s.io/kube-apiserver:v1.36.2", "gcr.io/google-samples/gb-frontend:v5", "perl:5.34.0",
        "dockersamples/examplevotingapp_vote", "gcr.io/google-samples/cassandra:v14", "python:3.12-slim-bookworm",
    ],
)  # fmt: skip
def test_images_of_tutorials_are_there(name):
    assert name in ImageRegistry()


@pytest.mark.parametrize("name", ["nginx:1.161", "nginx:latests", "redis:99", "busybox:1.36-nope", "kubernetes:v1"])
def test_what_does_not_exist_is_not_found(name):
    assert name not in ImageRegistry()


def test_texts_of_failures():
    registry = ImageRegistry()
    assert registry.find("nginx:1.161").message == (
        'rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/nginx:1.161": '
        'failed to resolve reference "docker.io/library/nginx:1.161": docker.io/library/nginx:1.161: not found'
    )
    assert "pull access denied, repository does not exist" in registry.find("nosuchimage").message
    assert "lookup registry.example on" in registry.find("registry.example/a:1").message


def test_learners_add_images():
    registry = ImageRegistry()
    assert isinstance(registry.find("shop:v2"), PullError)
    registry["shop:v2"] = Program(ready_after="3s", memory="80Mi")
    registry.add("shop:v3", ready_after="1s", image_size="120M")
    assert registry["shop:v2"].program.ready_after == 3 * SECOND
    assert registry["shop:v3"].size == 120_000_000
    assert registry.find("shop:v4").message.endswith("docker.io/library/shop:v4: not found")
    del registry["shop:v2"]
    assert "shop:v2" not in registry


def test_pulls_wait_for_each_other():
    store = ImageStore(ImageRegistry(bandwidth=10_000_000))
    first, second = store.pull("nginx", 0), store.pull("redis", 0)
    assert isinstance(first.result, Image)
    assert first.ends > 7 * SECOND
    assert second.begins == first.ends
    again = store.pull("nginx", 0)
    assert again.ends - again.begins < SECOND, "the layers are already coming"


def test_no_image_name_is_in_two_places_of_a_registry():
    registry = ImageRegistry()
    assert all(parse_reference(name).repository == name for name in registry.repositories)
