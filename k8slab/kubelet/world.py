"""What programs in containers reach by name: Services, Pods, and the rest of the Internet."""

from __future__ import annotations

import re
from typing import Any

from k8slab.api.request import UserInfo
from k8slab.api.selector import escape_field
from k8slab.client import Client
from k8slab.errors import ApiError

CLUSTER_DOMAIN = "cluster.local"
KUBE_PROXY = UserInfo(name="system:kube-proxy", groups=("system:authenticated",))
_WORDS = (
    "ai app biz ca ch cloud cn co com de dev edu es eu example fr gg gov in info int io it jp me mil net nl org ru sh "
    "tech uk us xyz"
)
DOMAINS = frozenset(_WORDS.split())
"""Top-level domains: other names of several parts are those of Services in namespaces."""
OUTSIDE = "93.184.215.14"
"""The address of everything that is not in the cluster."""
NO_NAME, NO_ANSWER = (-1, ""), (-2, "")
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")


class World:
    """Answers the questions of programs from what the API server knows now.

    Args:
        client: leads to the API server, which is asked for Services and EndpointSlices.
        cni: delivers requests to addresses.
        rng: chooses among the endpoints of a Service, as kube-proxy's rules do.
    """

    def __init__(self, client: Any, cni: Any, rng: Any = None) -> None:
        # Names and addresses of Services are the business of the node's kube-proxy, not of its kubelet.
        self.client = Client(client.handle, client.clock, client.trace, user=KUBE_PROXY, user_agent="kube-proxy")
        self.cni = cni
        self.rng = rng

    def ask(self, namespace: str, kind: str, target: Any) -> Any:
        """Answer a question of a program.

        `dns`: a name's address or ""; `lookup`: a name in full and all its addresses; `http` and `tcp`: status and body
        for `(host, port, path)`. Status 0 means refused, -1 no such name, -2 no answer; an open port that speaks no
        HTTP is 1 for `tcp`.
        """
        if kind == "dns":
            return self.resolve(namespace, target)
        if kind == "lookup":
            return self.lookup(namespace, target)
        host, port, path = target
        status, body = self._request(namespace, host, port, path)
        if kind == "tcp" and (status == -1 and body is None):
            return 1, ""
        return status, body or ""

    def resolve(self, namespace: str, host: str) -> str:
        """The address of a name, as the cluster's DNS answers; "" where there is none."""
        addresses = self.lookup(namespace, host)[1]
        return addresses[0] if addresses else ""

    def lookup(self, namespace: str, host: str) -> tuple[str, list[str]]:
        """A name in full and its addresses: a Service's, its Pods' where it is headless, a Pod's with a hostname."""
        if _ADDRESS.fullmatch(host):
            return host, [host]
        service = self._service(namespace, host)
        if service is None:
            return self._pod_name(namespace, host) or (host, [OUTSIDE] if _is_outside(host) else [])
        name = f"{service.metadata.name}.{service.metadata.namespace}.svc.{CLUSTER_DOMAIN}"
        if service.spec.clusterIP and service.spec.clusterIP != "None":
            return name, [service.spec.clusterIP]
        return name, list(dict.fromkeys(address for address, _ in self._endpoints(service, None)))

    def _pod_name(self, namespace: str, host: str) -> tuple[str, list[str]] | None:
        """What the name of a Pod below its Service stands for (`web-0.nginx`); None where it is no such name."""
        hostname, _, rest = host.partition(".")
        service = self._service(namespace, rest) if rest else None
        if service is None:
            return None
        addresses = [
            address
            for endpoint in self._ready(service)
            if endpoint.hostname == hostname
            for address in endpoint.addresses or ()
        ]
        domain = f"{service.metadata.name}.{service.metadata.namespace}.svc.{CLUSTER_DOMAIN}"
        return (f"{hostname}.{domain}", addresses) if addresses else None

    def targets(self, namespace: str, host: str, port: int) -> list[tuple[str, int]]:
        """Addresses and ports to which requests for a host and port may be led."""
        is_address = bool(_ADDRESS.fullmatch(host))
        service = self._by_address(host) if is_address else self._service(namespace, host)
        if service is None:
            return [(host, port)] if is_address else []
        if service.spec.clusterIP == "None":
            return [(address, port) for address, _ in self._endpoints(service, None)]
        wanted = next((p for p in service.spec.ports or () if p.port == port), None)
        return self._endpoints(service, wanted) if wanted is not None else []

    def _request(self, namespace: str, host: str, port: int, path: str) -> tuple[int, str | None]:
        if _ADDRESS.fullmatch(host):
            service = self._by_address(host)
            if service is None:
                return self._deliver(host, port, path)
        else:
            service = self._service(namespace, host)
        if service is None:
            address = self.resolve(namespace, host)
            if not address:
                return NO_NAME
            return (200, "") if address == OUTSIDE else self._deliver(address, port, path)
        wanted = next((p for p in service.spec.ports or () if p.port == port), None)
        headless = service.spec.clusterIP == "None"
        if wanted is None and not headless:
            return NO_ANSWER
        endpoints = self._endpoints(service, None if headless else wanted)
        if not endpoints:
            return (0, "")
        address, target = self.rng.choice(endpoints) if self.rng is not None else endpoints[0]
        return self._deliver(address, port if headless else target, path)

    def _deliver(self, address: str, port: int, path: str) -> tuple[int, str | None]:
        status, body = self.cni.request(address, port, path)
        return (-1, None) if status == -1 else (status, body)

    def _service(self, namespace: str, host: str) -> Any:
        parts = host.removesuffix(".").removesuffix("." + CLUSTER_DOMAIN).removesuffix(".svc").split(".")
        if len(parts) > 2:
            return None
        try:
            found = self.client.list(
                "services",
                parts[1] if len(parts) == 2 else namespace,
                field_selector=f"metadata.name={escape_field(parts[0])}",
            ).items
        except ApiError:
            return None
        return found[0] if found else None

    def _by_address(self, address: str) -> Any:
        try:
            services = self.client.list("services").items
        except ApiError:
            return None
        return next((service for service in services if address in _addresses(service)), None)

    def _endpoints(self, service: Any, port: Any) -> list[tuple[str, int]]:
        """Addresses and target ports of the ready endpoints."""
        found: list[tuple[str, int]] = []
        for part in self._slices(service):
            number = next((p.port for p in part.ports or () if port is None or (p.name or "") == (port.name or "")), 0)
            for endpoint in part.endpoints or ():
                if _is_ready(endpoint):
                    found.extend((address, number) for address in endpoint.addresses or ())
        return found

    def _ready(self, service: Any) -> list[Any]:
        """The ready endpoints."""
        return [each for part in self._slices(service) for each in part.endpoints or () if _is_ready(each)]

    def _slices(self, service: Any) -> list[Any]:
        metadata = service.metadata
        try:
            found = self.client.list(
                "endpointslices.discovery.k8s.io",
                metadata.namespace,
                label_selector=f"kubernetes.io/service-name={metadata.name}",
            )
        except ApiError:
            return []
        return list(found.items)


def _is_ready(endpoint: Any) -> bool:
    return endpoint.conditions is None or endpoint.conditions.ready is not False


def _is_outside(host: str) -> bool:
    """Whether a name is one of the Internet."""
    return host.rstrip(".").rpartition(".")[2].lower() in DOMAINS and "." in host


def _addresses(service: Any) -> list[str]:
    """Where kube-proxy answers for a Service: its own address, and those of its load balancer."""
    balancer = service.status.loadBalancer if service.status is not None else None
    virtual = [one.ip for one in (balancer.ingress if balancer is not None else None) or () if one.ipMode != "Proxy"]
    return [service.spec.clusterIP, *(ip for ip in virtual if ip)]
