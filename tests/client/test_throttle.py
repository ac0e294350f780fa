"""The limit that a controller's client puts on its own requests."""

from __future__ import annotations

import doctest

from k8slab import Lab
from k8slab.client import throttle
from k8slab.client.throttle import Throttle
from k8slab.sim.clock import SECOND, Clock


def test_example():
    assert doctest.testmod(throttle).failed == 0


def test_the_bucket_fills_up_to_the_burst():
    clock = Clock()
    bucket = Throttle(clock, qps=20, burst=30)
    assert bucket.spend(50) == 1 * SECOND
    clock.run_for(1 * SECOND)
    assert bucket.spend(20) == 1 * SECOND
    clock.run_for(3600 * SECOND)
    assert bucket.spend(30) == 0
    assert bucket.spend(1) == SECOND // 20
    assert Throttle(clock, qps=0, burst=0).spend(10**9) == 0


def test_absurd_numbers_of_replicas_come_slowly():
    """kube-controller-manager allows itself 20 requests a second with bursts of 30 (its defaults)."""
    lab = Lab(workers=1)
    lab.kubectl("create deployment absurd --image=nginx --replicas=1000000000", echo=False)
    lab.run("10s")
    first = len(lab.list("pods", namespace="default"))
    lab.run("60s")
    assert 100 < first <= 1100
    assert len(lab.list("pods", namespace="default")) - first <= 60 * 20 + 500
