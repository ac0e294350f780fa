"""Every namespace has the cluster's CA in a ConfigMap (pkg/controller/certificates/rootcacertpublisher)."""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import ConfigMap
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.client import Request, Result
from k8slab.controllers.controller import Controller
from k8slab.errors import ApiError
from k8slab.pki.x509 import Authority, cluster_authority
from k8slab.sim.clock import SECOND

NAME = "kube-root-ca.crt"
KEY = "ca.crt"
DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters."
)


class RootCAPublisher(Controller):
    """Publishes the CA, and repairs its ConfigMaps."""

    name = "root-ca-certificate-publisher-controller"
    about = "gives every namespace the ConfigMap kube-root-ca.crt with the cluster's CA"

    def setup(self) -> None:
        """Watch Namespaces and ConfigMaps."""
        self.maps = self.informer("configmaps")
        self.maps.add_handler(on_update=self._map_updated, on_delete=self._map_changed)
        self.namespaces = self.informer("namespaces")
        self.namespaces.add_handler(self.enqueue, self.enqueue_new)
        self.own = self.bundle = self.options.root_ca or self._authority().certificate

    def _authority(self) -> Authority:
        return self.options.cluster_signing or cluster_authority(self.streams.secret("ca"), self.clock.epoch // SECOND)

    def trust(self, certificates: str) -> None:
        """Publish further certificates (PEM) besides the cluster's own, instead of those that were told last."""
        self.bundle = self.own + certificates
        if self.running:
            for namespace in self.namespaces.items():
                self.enqueue(namespace)

    def _map_changed(self, config_map: Any) -> None:
        if config_map.metadata.name == NAME:
            self.queue.add(Request("", config_map.metadata.namespace))

    def _map_updated(self, old: Any, new: Any) -> None:
        self._map_changed(new)

    def reconcile(self, request: Request) -> Result | None:
        """Create or repair one namespace's ConfigMap."""
        namespace = self.namespaces.get("", request.name)
        if namespace is None or namespace.status.phase != "Active":
            return None
        known = self.maps.get(request.name, NAME)
        data = {KEY: self.bundle}
        if known is None:
            self.say(f"namespace {request.name} has no {NAME}: creating it")
            self._create(request.name, data)
        elif known.data != data:
            self.say(f"{NAME} was changed: restoring the CA")
            self.client.update(known.replace(data=data))
        return None

    def _create(self, namespace: str, data: dict[str, str]) -> None:
        metadata = ObjectMeta(name=NAME, namespace=namespace, annotations={"kubernetes.io/description": DESCRIPTION})
        try:
            self.client.create(ConfigMap(metadata=metadata, data=data))
        except ApiError as error:
            if error.reason != "AlreadyExists" and "being terminated" not in str(error):
                raise
