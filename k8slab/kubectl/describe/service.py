"""Services, Endpoints, EndpointSlices and Ingresses."""

from __future__ import annotations

from typing import Any

from k8slab.errors import ApiError
from k8slab.kubectl.describe.writer import Object, Writer, events, head, labels, notes, selector_text


def describe_service(inv: Any, obj: Object) -> str:
    """A Service, with the addresses behind it."""
    writer, spec, status = Writer(), obj.get("spec") or {}, obj.get("status") or {}
    head(writer, obj)
    writer.field("Selector", selector_text(spec.get("selector")))
    writer.field("Type", spec.get("type", ""))
    if spec.get("ipFamilyPolicy"):
        writer.field("IP Family Policy", spec["ipFamilyPolicy"])
    writer.field("IP Families", ",".join(spec.get("ipFamilies") or ()) or "<none>")
    writer.field("IP", spec.get("clusterIP", ""))
    if spec.get("clusterIPs"):
        writer.field("IPs", ",".join(spec["clusterIPs"]))
    else:
        writer.field("IPs", "<none>")
    _outside(writer, spec, status)
    endpoints = _endpoints(inv, obj)
    for port in spec.get("ports") or ():
        _port(writer, spec, port, endpoints)
    writer.field("Session Affinity", spec.get("sessionAffinity", ""))
    if spec.get("externalTrafficPolicy"):
        writer.field("External Traffic Policy", spec["externalTrafficPolicy"])
    if spec.get("internalTrafficPolicy"):
        writer.field("Internal Traffic Policy", spec["internalTrafficPolicy"])
    if spec.get("healthCheckNodePort"):
        writer.field("HealthCheck NodePort", spec["healthCheckNodePort"])
    if spec.get("loadBalancerSourceRanges"):
        writer.field("LoadBalancer Source Ranges", ",".join(spec["loadBalancerSourceRanges"]))
    events(writer, inv, obj)
    return writer.text()


def _outside(writer: Writer, spec: Object, status: Object) -> None:
    if spec.get("externalIPs"):
        writer.field("External IPs", ",".join(spec["externalIPs"]))
    if spec.get("loadBalancerIP"):
        writer.field("Desired LoadBalancer IP", spec["loadBalancerIP"])
    if spec.get("externalName"):
        writer.field("External Name", spec["externalName"])
    ingress = (status.get("loadBalancer") or {}).get("ingress") or []
    if ingress:
        texts = [
            f"{each['ip']} ({each['ipMode']})"
            if each.get("ip") and each.get("ipMode")
            else each.get("ip") or each.get("hostname", "")
            for each in ingress
        ]
        writer.field("LoadBalancer Ingress", ", ".join(texts))


def _port(writer: Writer, spec: Object, port: Object, slices: list[Object]) -> None:
    name, protocol = port.get("name") or "<unset>", port.get("protocol", "TCP")
    writer.field("Port", f"{name}\t{port['port']}/{protocol}")
    writer.field("TargetPort", f"{port.get('targetPort', port['port'])}/{protocol}")
    if port.get("nodePort"):
        writer.field("NodePort", f"{name}\t{port['nodePort']}/{protocol}")
    writer.field("Endpoints", format_endpoints(slices, port.get("name") or ""))


def _endpoints(inv: Any, obj: Object) -> list[Object]:
    resource = inv.access.scheme.resource("endpointslices")
    selector = f"kubernetes.io/service-name={obj['metadata']['name']}"
    return inv.access.list(resource, obj["metadata"].get("namespace"), selector)


def format_endpoints(slices: list[Object], port_name: str) -> str:
    """At most three `address:port`, then how many more; empty without any."""
    texts: list[str] = []
    for each in slices:
        ports = [port.get("port") for port in each.get("ports") or () if (port.get("name") or "") == port_name]
        for endpoint in each.get("endpoints") or ():
            if (endpoint.get("conditions") or {}).get("ready") is False:
                continue
            texts += [f"{address}:{port}" for port in ports for address in endpoint.get("addresses", ())[:1]]
    more = f" + {len(texts) - 3} more..." if len(texts) > 3 else ""
    return ",".join(texts[:3]) + more


def describe_endpoints(inv: Any, obj: Object) -> str:
    """Endpoints."""
    writer = Writer()
    head(writer, obj)
    writer.line(0, "Subsets:")
    for index, subset in enumerate(obj.get("subsets") or ()):
        if index:
            writer.line(0)
        for title, key in (("Addresses", "addresses"), ("NotReadyAddresses", "notReadyAddresses")):
            writer.field(title, ",".join(each["ip"] for each in subset.get(key) or ()) or "<none>", 1)
        if subset.get("ports"):
            writer.line(1, "Ports:")
            rows = [
                (port.get("name") or "<unset>", port["port"], port.get("protocol", "TCP")) for port in subset["ports"]
            ]
            writer.rows(2, ("Name", "Port", "Protocol"), rows)
    writer.line(0)
    events(writer, inv, obj)
    return writer.text()


def describe_slice(inv: Any, obj: Object) -> str:
    """An EndpointSlice."""
    writer = Writer()
    head(writer, obj)
    writer.field("AddressType", obj.get("addressType", ""))
    ports = obj.get("ports") or []
    if ports:
        writer.line(0, "Ports:")
        rows = [
            (port.get("name") or "<unset>", port.get("port", "<unset>"), port.get("protocol", "TCP")) for port in ports
        ]
        writer.rows(1, ("Name", "Port", "Protocol"), rows)
    else:
        writer.line(0, "Ports: <unset>")
    endpoints = obj.get("endpoints") or []
    if not endpoints:
        writer.line(0, "Endpoints: <none>")
    else:
        writer.line(0, "Endpoints:")
    for endpoint in endpoints:
        _endpoint(writer, endpoint)
    events(writer, inv, obj)
    return writer.text()


def _endpoint(writer: Writer, endpoint: Object) -> None:
    writer.field("- Addresses", ",".join(endpoint.get("addresses") or ()), 1)
    writer.line(2, "Conditions:")
    ready = (endpoint.get("conditions") or {}).get("ready")
    writer.field("Ready", "<unset>" if ready is None else str(ready).lower(), 3)
    writer.field("Hostname", endpoint.get("hostname", "<unset>"), 2)
    target = endpoint.get("targetRef")
    if target:
        writer.field("TargetRef", f"{target.get('kind')}/{target.get('name')}", 2)
    writer.field("NodeName", endpoint.get("nodeName", "<unset>"), 2)
    writer.field("Zone", endpoint.get("zone", "<unset>"), 2)


def describe_ingress(inv: Any, obj: Object) -> str:
    """An Ingress."""
    writer, spec = Writer(), obj.get("spec") or {}
    metadata = obj["metadata"]
    writer.field("Name", metadata["name"])
    labels(writer, metadata.get("labels"))
    writer.field("Namespace", metadata.get("namespace", ""))
    ingress = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    writer.field("Address", ",".join(each.get("ip") or each.get("hostname", "") for each in ingress))
    writer.field("Ingress Class", spec.get("ingressClassName", "<none>"))
    backend = spec.get("defaultBackend")
    writer.field("Default backend", _backend(inv, obj, backend) if backend else "<default>")
    if spec.get("tls"):
        writer.line(0, "TLS:")
        for tls in spec["tls"]:
            writer.line(1, f"{tls.get('secretName') or 'SNI routes'} terminates {','.join(tls.get('hosts') or ())}")
    writer.line(0, "Rules:\n  Host\tPath  Backends\n  ----\t----  --------")
    for rule in spec.get("rules") or ():
        writer.line(1, f"{rule.get('host') or '*'}\t")
        for path in (rule.get("http") or {}).get("paths") or ():
            writer.line(2, f"\t{path.get('path', '')} \t{_backend(inv, obj, path['backend'])}")
    notes(writer, metadata.get("annotations"))
    events(writer, inv, obj)
    return writer.text()


def _backend(inv: Any, obj: Object, backend: Object) -> str:
    """`web:80 (10.244.1.2:8080)`: what is behind the Service's port, or why that cannot be told."""
    service = backend.get("service")
    if not service:
        resource = backend.get("resource") or {}
        return f"APIGroup: {resource.get('apiGroup', '')}, Kind: {resource.get('kind')}, Name: {resource.get('name')}"
    port = service.get("port") or {}
    text = f"{service['name']}:{port.get('number') or port.get('name', '')}"
    try:
        found = inv.access.get(inv.access.scheme.resource("services"), service["name"], obj["metadata"]["namespace"])
    except ApiError as error:
        return f"{text} (<error: {error.message}>)"
    ports = (found.get("spec") or {}).get("ports") or ()
    chosen = [
        each for each in ports if port.get("number") == each["port"] or port.get("name") == (each.get("name") or "")
    ]
    name = (chosen[-1].get("name") or "") if chosen else ""
    return f"{text} ({format_endpoints(_endpoints(inv, found), name) if chosen else ''})"
