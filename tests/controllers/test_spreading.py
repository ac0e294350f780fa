"""How endpoints are spread over EndpointSlices."""

from __future__ import annotations

from typing import Any

from k8slab.api.discovery_v1 import Endpoint, EndpointPort, EndpointSlice
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.controllers.endpointslice.endpointslice import Plan

PORTS = (EndpointPort(name="", port=80, protocol="TCP"),)


class Owner:
    """A Service as far as a plan needs one."""

    apiVersion, kind = "v1", "Service"
    metadata = ObjectMeta(name="web", namespace="default", uid="u")


def piece(name: str, first: int, count: int) -> EndpointSlice:
    endpoints = tuple(Endpoint(addresses=(f"10.0.0.{number}",)) for number in range(first, first + count))
    return EndpointSlice(
        metadata=ObjectMeta(name=name, labels={}), addressType="IPv4", ports=PORTS, endpoints=endpoints
    )


def plan(existing: list[EndpointSlice], numbers: range) -> Any:
    endpoints = {("", f"10.0.0.{number}"): Endpoint(addresses=(f"10.0.0.{number}",)) for number in numbers}
    return Plan(Owner(), "", {}).make(existing, {PORTS: endpoints})


def names(pieces: list[EndpointSlice]) -> list[tuple[str | None, int]]:
    return [(each.metadata.name, len(each.endpoints or ())) for each in pieces]


def test_what_is_left_goes_to_the_fullest_slice_with_room():
    made = plan([piece("a", 0, 10), piece("b", 10, 40), piece("c", 50, 98)], range(151))
    assert (names(made.update), made.create, made.delete) == ([("b", 43)], [], [])


def test_slices_that_change_anyway_are_filled_first():
    made = plan([piece("a", 0, 10), piece("b", 10, 40)], range(1, 60))
    assert names(made.update) == [("a", 19)]


def test_a_slice_that_has_lost_all_goes_when_another_has_room():
    made = plan([piece("a", 0, 3), piece("b", 3, 40)], range(3, 45))
    assert (names(made.update), names(made.delete)) == ([("b", 42)], [("a", 3)])
