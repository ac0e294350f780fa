"""Which processes a cluster consists of, and how many there are of each.

Components of which several may run compete for a Lease in kube-system; the first is called by the component's name, the
others by that and a number: `kube-scheduler`, `kube-scheduler-2`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from k8slab.cluster.topology import TopologyError

API_SERVER, SCHEDULER, MANAGER = "kube-apiserver", "kube-scheduler", "kube-controller-manager"
CLOUD_MANAGER, DRIVERS, KUBELET = "cloud-controller-manager", "csi-drivers", "kubelet"
METRICS = "metrics-server"
COMPONENTS = (API_SERVER, SCHEDULER, MANAGER, DRIVERS, METRICS, KUBELET)
"""What a cluster consists of; ``components=`` chooses some of them. The API server (with its etcd) is always there."""
WITH_CLOUD = (*COMPONENTS, CLOUD_MANAGER)
"""With ``cloud=True`` there is one more."""
REPLICATED = (MANAGER, CLOUD_MANAGER, SCHEDULER)
"""Components that elect a leader."""
MAX_REPLICAS = 9


def chosen_parts(components: Sequence[str] | None, cloud: bool) -> Sequence[str]:
    """The components to run. Raises TopologyError for one that there is not."""
    if components is None:
        return WITH_CLOUD if cloud else COMPONENTS
    unknown = [name for name in components if name not in WITH_CLOUD]
    if unknown:
        raise TopologyError(f"there is no component {unknown[0]!r}: choose from {', '.join(WITH_CLOUD)}")
    return components


def checked_replicas(replicas: Mapping[str, int] | None, parts: Sequence[str]) -> dict[str, int]:
    """How many there are of each component that elects a leader. Raises TopologyError.

    >>> checked_replicas({"kube-scheduler": 2}, COMPONENTS)
    {'kube-controller-manager': 1, 'kube-scheduler': 2}
    """
    for name, count in (replicas or {}).items():
        if name not in REPLICATED:
            raise TopologyError(f"replicas: {name!r} does not elect a leader: choose from {', '.join(REPLICATED)}")
        if name not in parts:
            raise TopologyError(f"replicas: this cluster has no {name}")
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MAX_REPLICAS:
            raise TopologyError(f"replicas: {name} must be a number from 1 to {MAX_REPLICAS}, not {count!r}")
    return {name: (replicas or {}).get(name, 1) for name in REPLICATED if name in parts}


def instances(name: str, count: int) -> list[tuple[str, str]]:
    """The processes of a component: what each is called, and the machine that it runs on.

    >>> instances("kube-scheduler", 2)
    [('kube-scheduler', 'control-plane-1'), ('kube-scheduler-2', 'control-plane-2')]
    """
    return [(name if number == 1 else f"{name}-{number}", f"control-plane-{number}") for number in range(1, count + 1)]
