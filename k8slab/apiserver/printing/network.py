"""The cells of Services and what belongs to them."""

from __future__ import annotations

from typing import Any

from k8slab.apiserver.printing.cells import NONE, UNSET, Now, labels_text, selector_cell, text

SHOWN = 3


def service(obj: Any, now: Now) -> list[Any]:
    """A Service."""
    spec = obj.spec
    ips = spec.clusterIPs or ((spec.clusterIP,) if spec.clusterIP else ())
    return [
        obj.metadata.name,
        spec.type,
        ips[0] if ips and ips[0] else NONE,
        _external(obj),
        _ports(spec.ports or ()),
        now.age(obj),
        labels_text(spec.selector),
    ]


def _ports(ports: tuple[Any, ...]) -> str:
    pieces = [
        f"{port.port}:{port.nodePort}/{port.protocol}" if port.nodePort else f"{port.port}/{port.protocol}"
        for port in ports
    ]
    return ",".join(pieces) or NONE


def _external(obj: Any) -> str:
    spec = obj.spec
    own = list(spec.externalIPs or ())
    if spec.type == "ExternalName":
        return spec.externalName
    if spec.type != "LoadBalancer":
        return ",".join(own) or NONE
    balancers = _balancers(obj)
    if balancers:
        return ",".join([*balancers, *own])
    return ",".join(own) or "<pending>"


def _balancers(obj: Any) -> list[str]:
    status = obj.status.loadBalancer if obj.status is not None else None
    ingress = (status.ingress if status is not None else None) or ()
    return list(dict.fromkeys(each.ip or each.hostname for each in ingress if each.ip or each.hostname))


def endpoints(obj: Any, now: Now) -> list[Any]:
    """An Endpoints object."""
    found = []
    for subset in obj.subsets or ():
        addresses = subset.addresses or ()
        if not subset.ports:
            found += [address.ip for address in addresses]
        for port in subset.ports or ():
            found += [_joined(address.ip, port.port) for address in addresses]
    return [obj.metadata.name, _some(found) if obj.subsets else NONE, now.age(obj)]


def _joined(ip: str, port: int) -> str:
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def _some(items: list[str]) -> str:
    """The first three, and how many more there are."""
    if not items:
        return NONE
    more = len(items) - SHOWN
    return ",".join(items[:SHOWN]) + (f" + {more} more..." if more > 0 else "")


def endpoint_slice(obj: Any, now: Now) -> list[Any]:
    """An EndpointSlice."""
    ports = [text(str(port.port) if port.port else port.name, "*") for port in obj.ports or ()]
    addresses = [address for each in obj.endpoints or () for address in each.addresses or ()]
    return [
        obj.metadata.name,
        obj.addressType,
        _some(ports) if ports else UNSET,
        _some(addresses) if addresses else UNSET,
        now.age(obj),
    ]


def ingress(obj: Any, now: Now) -> list[Any]:
    """An Ingress."""
    spec = obj.spec
    hosts = list(dict.fromkeys(rule.host for rule in spec.rules or () if rule.host))
    status = obj.status.loadBalancer if obj.status is not None else None
    addresses = [each.ip or each.hostname or "" for each in (status.ingress if status is not None else None) or ()]
    more = len(hosts) - SHOWN
    shown = ",".join(hosts[:SHOWN]) + (f" + {more} more..." if more > 0 else "")
    name = NONE if spec.ingressClassName is None else spec.ingressClassName
    return [
        obj.metadata.name,
        name,
        shown or "*",
        ",".join(addresses),
        "80, 443" if spec.tls else "80",
        now.age(obj),
    ]


def ingress_class(obj: Any, now: Now) -> list[Any]:
    """An IngressClass."""
    parameters = obj.spec.parameters
    shown = NONE
    if parameters is not None:
        kind = f"{parameters.kind}.{parameters.apiGroup}" if parameters.apiGroup else parameters.kind
        shown = f"{kind}/{parameters.name}"
    return [obj.metadata.name, obj.spec.controller, shown, now.age(obj)]


def network_policy(obj: Any, now: Now) -> list[Any]:
    """A NetworkPolicy."""
    return [obj.metadata.name, selector_cell(obj.spec.podSelector), now.age(obj)]


def ip_address(obj: Any, now: Now) -> list[Any]:
    """An IPAddress."""
    ref = obj.spec.parentRef if obj.spec is not None else None
    parts = [ref.resource, ref.group, ref.namespace, ref.name] if ref is not None else []
    return [obj.metadata.name, "/".join(part for part in parts if part) or NONE]


def service_cidr(obj: Any, now: Now) -> list[Any]:
    """A ServiceCIDR."""
    return [obj.metadata.name, ",".join((obj.spec.cidrs if obj.spec is not None else None) or ()), now.age(obj)]
