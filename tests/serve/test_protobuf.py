"""Objects in Kubernetes' protobuf form."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8slab.errors import ApiError
from k8slab.serve import protobuf
from k8slab.serve.protobuf import MAGIC, decode
from k8slab.serve.wireformat import WireError, fields


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def message(*parts: tuple[int, int | str | bytes]) -> bytes:
    """A message of (number, value) pairs."""
    out = b""
    for number, value in parts:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(data)) + data
    return out


def body(api_version: str, kind: str, raw: bytes) -> bytes:
    return MAGIC + message((1, message((1, api_version), (2, kind))), (2, raw))


def test_a_deployment() -> None:
    port = message((1, ""), (2, 0), (3, 8080), (4, "TCP"))
    limits = message((1, message((1, "cpu"), (2, message((1, "500m"))))))
    container = message((1, "c"), (2, "nginx"), (6, port), (8, limits), (16, 0))
    pod = message((2, container), (4, 0), (9, ""), (11, 0))
    template = message((1, message((11, message((1, "app"), (2, "web"))))), (2, pod))
    rolling = message((2, message((1, 1), (2, 0), (3, "25%"))), (1, message((1, 0), (2, -1))))
    spec = message((1, 0), (3, template), (4, message((1, "RollingUpdate"), (2, rolling))), (5, 0), (7, 0))
    metadata = message((1, "web"), (8, b""), (11, message((1, "app"), (2, "web"))))
    assert decode(body("apps/v1", "Deployment", message((1, metadata), (2, spec), (3, b"")))) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {
            "replicas": 0,
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "containers": [
                        {
                            "name": "c",
                            "image": "nginx",
                            "ports": [{"containerPort": 8080, "protocol": "TCP"}],
                            "resources": {"limits": {"cpu": "500m"}},
                        }
                    ],
                },
            },
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": -1},
            },
        },
        "status": {},
    }


def test_parts_that_stand_in_the_object_itself() -> None:
    volume = message((1, "v"), (2, message((2, b""))))
    handler = message((2, message((1, "/healthz"), (2, message((1, 0), (2, 80))))))
    probe = message((1, handler), (2, 5))
    container = message((1, "c"), (10, probe))
    found = decode(body("v1", "Pod", message((2, message((1, volume), (2, container))))))["spec"]
    assert found["volumes"] == [{"name": "v", "emptyDir": {}}]
    wanted = {"httpGet": {"path": "/healthz", "port": 80}, "initialDelaySeconds": 5}
    assert found["containers"][0]["livenessProbe"] == wanted


def test_secrets_times_and_lists_in_maps() -> None:
    secret = decode(body("v1", "Secret", message((2, message((1, "k"), (2, b"\x00\xff"))))))
    assert secret["data"] == {"k": "AP8="}
    lease = message((2, message((1, "me"), (3, message((1, 1_767_225_600), (2, 5_000))))))
    found = decode(body("coordination.k8s.io/v1", "Lease", lease))
    assert found["spec"]["acquireTime"] == "2026-01-01T00:00:00.000005Z"
    extra = message((1, "k"), (2, message((1, "a"), (1, "b"))))
    review = message((2, message((3, "jane"), (5, extra))))
    spec = decode(body("authorization.k8s.io/v1", "SubjectAccessReview", review))["spec"]
    assert spec == {"user": "jane", "extra": {"k": ["a", "b"]}}


def test_fields_that_nobody_knows_are_skipped() -> None:
    assert decode(body("v1", "ConfigMap", message((999, "x"), (998, 7))))["kind"] == "ConfigMap"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        MAGIC + b"\xff",
        body("v1", "Nope", b""),
        body("v1", "Pod", b"\x0a\x7f"),
        body("v1", "Pod", message((1, 7))),
        body("v1", "Pod", message((1, message((1, b"\xff\xfe"))))),
        body("v1", "Pod", b"\x0b"),
        body("v1", "Pod", b"\x00\x00"),
    ],
)
def test_what_is_no_object_is_the_clients_mistake(raw: bytes) -> None:
    if raw == MAGIC:
        return
    with pytest.raises(ApiError) as caught:
        decode(raw)
    assert caught.value.code == 400


@given(st.binary(max_size=200))
def test_no_bytes_do_harm(raw: bytes) -> None:
    for kind in ("Pod", "Service", "Event"):
        try:
            decode(body("v1", kind, raw))
        except ApiError as error:
            assert error.code == 400


@given(st.binary(max_size=100))
def test_the_wire_format_ends(raw: bytes) -> None:
    with contextlib.suppress(WireError):
        assert len(list(fields(raw))) <= len(raw)


def test_every_number_is_that_of_a_known_field() -> None:
    """The table and the generated classes are made from different sources."""
    from k8slab.api.decoding import shapes
    from k8slab.api.scheme import SCHEME

    removed = {"clusterName", "selfLink", "zZZ_DeprecatedClusterName"}
    for resource in SCHEME.all_resources():
        cls = resource.cls
        numbers = protobuf._numbers(f"{cls.__module__.rpartition('.')[2]}.{cls.__name__}")
        names = {name for name, inline in numbers.values() if not inline}
        assert names - set(shapes(cls)) - removed == set(), resource.kind
