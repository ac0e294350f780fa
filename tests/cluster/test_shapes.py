"""Shapes of machines: what kubelets are told."""

import pytest

from k8slab.cluster.topology import TopologyError, machines


def test_a_kubelets_configuration():
    shape = {
        "ephemeral_storage": "20Gi",
        "system_reserved": {"cpu": "200m"},
        "eviction_soft": {"memory.available": "1Gi"},
        "eviction_soft_grace": {"memory.available": "1m30s"},
        "pids": 1000,
    }
    spec = machines([shape], 0)[0]
    assert (spec.ephemeral_storage, spec.pids, spec.system_reserved) == ("20Gi", 1000, {"cpu": "200m"})


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({"eviction_hard": {"disk": "10%"}}, "worker 1: unsupported eviction signal disk"),
        (
            {"eviction_hard": {"memory.available": "lots"}},
            "worker 1: eviction threshold memory.available: inv",
        ),
        ({"eviction_soft": {"memory.available": "1Gi"}}, "worker 1: grace period must be specified for the soft"),
        ({"system_reserved": "200m"}, "worker 1: system_reserved is a dict such as"),
        ({"kube_reserved": {"cpu": "many"}}, "worker 1: "),
        ({"pids": "many"}, "worker 1: pids is a number from 100 to"),
        ({"ephemeral_storage": "big"}, "worker 1: ephemeral_storage 'big'"),
        ({"shutdown_grace_period": "soon"}, "worker 1: invalid duration"),
    ],
)
def test_kubelets_that_would_not_start(shape, message):
    with pytest.raises(TopologyError) as caught:
        machines([shape], 0)
    assert str(caught.value).startswith(message)
