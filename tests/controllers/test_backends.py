"""What the endpoints controllers remember of each Pod equals what they would make of it now."""

from __future__ import annotations

from random import Random

import pytest

from k8slab.errors import ApiError
from tests.controllers.lab import Lab
from tests.controllers.test_invariants import act

STEPS = 40
CONTROLLERS = ("endpoints-controller", "endpointslice-controller")
ZONE = "topology.kubernetes.io/zone"


def meddle(lab: Lab, rng: Random) -> None:
    """A Service changes what it asks for, or a node moves to another zone."""
    if rng.random() < 0.5:
        name = rng.choice(["red", "green", "blue"])
        spec = {"publishNotReadyAddresses": rng.random() < 0.5, "ports": [{"port": rng.choice([80, 81])}]}
        lab.client.patch("services", name, {"spec": spec}, "default")
    else:
        labels = {ZONE: rng.choice(["north", "south", None])}
        lab.client.patch("nodes", f"worker-{rng.randrange(3) + 1}", {"metadata": {"labels": labels}})


@pytest.mark.parametrize("seed", range(4))
def test_remembered_backends_equal_fresh_ones(seed):
    lab, rng = Lab(), Random(seed)
    compared = 0
    lab.deployment("red", replicas=3)
    lab.apply("Service", "red", {"selector": {"app": "red"}, "ports": [{"port": 80}]}, api="v1")
    for _ in range(STEPS):
        try:
            (act if rng.random() < 0.7 else meddle)(lab, rng)
        except ApiError as error:
            assert error.code in (404, 409), error
        lab.run(rng.random() * 3)
        for name in CONTROLLERS:
            controller = lab.manager.controllers[name]
            for service in controller.services.list("default"):
                if not service.spec.selector:
                    continue
                found = controller.backends(service)
                assert [each.pod for each in found] == controller.selected(service)
                assert [each.value for each in found] == [controller.value_of(service, each.pod) for each in found]
                compared += len(found)
    assert compared
