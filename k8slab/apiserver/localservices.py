"""APIServices of the groups that this server answers for itself: built in, or of custom resources.

Follows `kube-aggregator/pkg/controllers/autoregister`, `pkg/controlplane/controller/crdregistration` and
`cmd/kube-apiserver/app/aggregator.go` (the priorities).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api.apiregistration_v1 import APIService, APIServiceCondition, APIServiceSpec, APIServiceStatus
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.errors import ApiError
from k8slab.sim.clock import MILLISECOND

if TYPE_CHECKING:
    from k8slab.apiserver.server import APIServer
    from k8slab.etcd.store import Event

GROUP, PLURAL = "apiregistration.k8s.io", "apiservices"
MANAGED = "kube-aggregator.kubernetes.io/automanaged"
BUILT_IN, CUSTOM = "onstart", "true"
LOOK = 10 * MILLISECOND
"""From a change of a definition until its APIServices are as they should be."""
PRIORITIES = {
    "": 18000,
    "apps": 17800,
    "events.k8s.io": 17750,
    "authentication.k8s.io": 17700,
    "authorization.k8s.io": 17600,
    "autoscaling": 17500,
    "batch": 17400,
    "certificates.k8s.io": 17300,
    "networking.k8s.io": 17200,
    "policy": 17100,
    "rbac.authorization.k8s.io": 17000,
    "storage.k8s.io": 16800,
    "apiextensions.k8s.io": 16700,
    "admissionregistration.k8s.io": 16700,
    "scheduling.k8s.io": 16600,
    "coordination.k8s.io": 16500,
    "node.k8s.io": 16300,
    "discovery.k8s.io": 16200,
    "resource.k8s.io": 16200,
    "flowcontrol.apiserver.k8s.io": 16100,
}
"""Of groups; custom resources come after all of them."""
VERSIONS = {"v1.": 1, "v2.autoscaling": 30, "v1.flowcontrol.apiserver.k8s.io": 21, "v1.resource.k8s.io": 20}
STABLE = 15
CUSTOM_PRIORITIES = (1000, 100)
STATUS = ("True", "Local", "Local APIServices are always available")


class LocalServices:
    """Makes the APIServices, and removes those of definitions that are gone.

    Args:
        server: knows which groups there are.
    """

    def __init__(self, server: APIServer) -> None:
        self.server = server
        self.started = False
        self._timer: Any = None
        prefix = server.endpoint("customresourcedefinitions", "apiextensions.k8s.io").prefix
        server.store.watch(prefix, self._changed)

    def start(self) -> None:
        """Make the APIServices of what is built in; from now on follow definitions of custom resources."""
        self.started = True
        for group, version in sorted({(one.group, one.version) for one in self._resources(custom=False)}):
            if group in PRIORITIES:
                name = f"{version}.{group}"
                self._ensure(group, version, (PRIORITIES[group], VERSIONS.get(name, STABLE)), BUILT_IN)
        self._look()

    def _resources(self, custom: bool) -> list[Any]:
        return [one for one in self.server.scheme.all_resources() if one.custom is custom]

    def _changed(self, event: Event) -> None:
        if self.started and self._timer is None:
            self._timer = self.server.clock.call_after(LOOK, self._look)

    def _look(self) -> None:
        """Bring the APIServices of custom resources in line with what is served."""
        self._timer = None
        wanted = sorted({(one.group, one.version) for one in self._resources(custom=True)})
        names = {f"{version}.{group}" for group, version in wanted}
        with self.server.trace.acting("kube-apiserver", note="APIServices of what is served here"):
            for group, version in wanted:
                self._ensure(group, version, CUSTOM_PRIORITIES, CUSTOM)
            endpoint = self.server.endpoint(PLURAL, GROUP)
            for kv in self.server.store.range(endpoint.prefix):
                metadata = kv.value.metadata
                if (metadata.labels or {}).get(MANAGED) == CUSTOM and metadata.name not in names:
                    self.server.storage.delete(endpoint, kv)

    def _ensure(self, group: str, version: str, priority: tuple[int, int], managed: str) -> None:
        server, name = self.server, f"{version}.{group}"
        if server.peek(PLURAL, name, None, GROUP) is not None:
            return
        spec = APIServiceSpec(
            group=group or None, version=version, groupPriorityMinimum=priority[0], versionPriority=priority[1]
        )
        response = server.create(APIService(metadata=ObjectMeta(name=name, labels={MANAGED: managed}), spec=spec))
        if not response.is_success:
            raise ApiError.from_status(response.body)
        self._tell(name)

    def _tell(self, name: str) -> None:
        """Write that it is available."""
        server = self.server
        state, reason, message = STATUS
        now = server.clock.rfc3339()
        condition = APIServiceCondition(
            type="Available", status=state, reason=reason, message=message, lastTransitionTime=now
        )
        endpoint = server.endpoint(PLURAL, GROUP)
        stored = server.storage.read(endpoint, None, name)
        changed = stored.value.replace(status=APIServiceStatus(conditions=(condition,)))
        server.storage.update(endpoint, changed, stored)
