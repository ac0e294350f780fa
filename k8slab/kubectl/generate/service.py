"""`kubectl create service|ingress`."""

from __future__ import annotations

import re
from typing import Any

from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.flags import array, integer, several, text
from k8slab.kubectl.generate.base import Object, generator, meta, one_name

_RULE = re.compile(
    r"(?P<host>[\w*\-.]*)(?P<path>/[^=]*)?=(?P<service>[\w\-]+):(?P<port>[\w\-]+)(?P<tls>,tls(=(?P<secret>[\w\-.]+)?)?)?"
)


def _port(value: str) -> int:
    if not value.isdigit() or not 0 <= int(value) <= 65535:
        raise CommandError(f'strconv.ParseUint: parsing "{value}": invalid syntax')
    return int(value)


def _ports(inv: Any, node_port: int = 0) -> list[Object]:
    ports: list[Object] = []
    for given in inv.flags["tcp"]:
        port, colon, target = given.partition(":")
        entry: Object = {"name": given.replace(":", "-"), "protocol": "TCP", "port": _port(port)}
        entry["targetPort"] = (int(target) if target.isdigit() else target) if colon else _port(port)
        ports.append(entry | ({"nodePort": node_port} if node_port else {}))
    return ports


def _service(inv: Any, kind: str, **more: Any) -> Object:
    name = one_name(inv)
    ports = _ports(inv, inv.flags.get("node-port", 0))
    if not ports and kind != "ExternalName" and more.get("clusterIP") != "None":
        raise CommandError("at least one tcp port specifier must be provided")
    spec: Object = ({"ports": ports} if ports else {}) | {"selector": {"app": name}}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta(name, inv, labels={"app": name}),
        "spec": spec | {key: value for key, value in more.items() if value} | {"type": kind},
        "status": {"loadBalancer": {}},
    }


def _cluster_ip(inv: Any) -> Object:
    return _service(inv, "ClusterIP", clusterIP=inv.flags["clusterip"])


def _node_port(inv: Any) -> Object:
    return _service(inv, "NodePort")


def _load_balancer(inv: Any) -> Object:
    return _service(inv, "LoadBalancer")


def _external_name(inv: Any) -> Object:
    return _service(inv, "ExternalName", externalName=inv.flags["external-name"])


def _ingress(inv: Any) -> Object:
    flags = inv.flags
    if not flags["rule"] and not flags["default-backend"]:
        raise CommandError(
            "not enough information provided: every ingress has to either specify a default-backend (which catches all "
            "traffic) or a list of rules (which catch specific paths)"
        )
    spec: Object = {"ingressClassName": flags["class"]} if flags["class"] else {}
    if flags["default-backend"]:
        service, _, port = flags["default-backend"].partition(":")
        spec["defaultBackend"] = {"service": {"name": service, "port": _backend_port(port)}}
    matches = [_rule(rule) for rule in flags["rule"]]
    tls = _tls(matches)
    spec |= ({"tls": tls} if tls else {}) | ({"rules": _rules(matches)} if matches else {})
    annotations = _annotations(flags["annotation"])
    more: Object = {"annotations": annotations} if annotations else {}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": meta(one_name(inv), inv, **more),
        "spec": spec,
        "status": {"loadBalancer": {}},
    }


def _annotations(given: list[str]) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in given]
    bad = next((key for key, equals, _ in pairs if not equals), None)
    if bad is not None:
        raise CommandError(f"annotation {bad} is invalid and should be in format key=[value]")
    return {key: value for key, _, value in pairs}


def _rule(rule: str) -> re.Match[str]:
    match = _RULE.fullmatch(rule)
    if match is None:
        raise CommandError(f"rule {rule} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]")
    return match


def _backend_port(port: str) -> Object:
    return {"number": int(port)} if port.isdigit() else {"name": port}


def _rules(matches: list[re.Match[str]]) -> list[Object]:
    by_host: dict[str, list[Object]] = {}
    for match in matches:
        path = match["path"] or "/"
        kind = "Prefix" if path.endswith("*") else "Exact"
        backend = {"service": {"name": match["service"], "port": _backend_port(match["port"])}}
        by_host.setdefault(match["host"], []).append(
            {"path": path.removesuffix("*"), "pathType": kind, "backend": backend}
        )
    return [({"host": host} if host else {}) | {"http": {"paths": paths}} for host, paths in by_host.items()]


def _tls(matches: list[re.Match[str]]) -> list[Object]:
    by_secret: dict[str, list[str]] = {}
    for match in matches:
        if match["tls"]:
            hosts = by_secret.setdefault(match["secret"] or "", [])
            hosts += [match["host"]] if match["host"] and match["host"] not in hosts else []
    return [
        ({"hosts": hosts} if hosts else {}) | ({"secretName": secret} if secret else {})
        for secret, hosts in by_secret.items()
    ]


_TCP = several("tcp")
_SERVICES = (
    generator(
        "clusterip",
        "service clusterip NAME [--tcp=<port>:<targetPort>]",
        _cluster_ip,
        (_TCP, text("clusterip")),
        about="Create a ClusterIP service",
        failure="failed to create ClusterIP service: ",
    ),
    generator(
        "externalname",
        "service externalname NAME --external-name external.name",
        _external_name,
        (_TCP, text("external-name", required=True)),
        about="Create an ExternalName service",
        failure="failed to create ExternalName service: ",
    ),
    generator(
        "loadbalancer",
        "service loadbalancer NAME [--tcp=port:targetPort]",
        _load_balancer,
        (_TCP,),
        about="Create a LoadBalancer service",
        failure="failed to create LoadBalancer service: ",
    ),
    generator(
        "nodeport",
        "service nodeport NAME [--tcp=port:targetPort]",
        _node_port,
        (_TCP, integer("node-port")),
        about="Create a NodePort service",
        failure="failed to create NodePort service: ",
    ),
)

COMMANDS: tuple[Command, ...] = (
    generator(
        "ingress",
        "ingress NAME --rule=host/path=service:port[,tls[=secret]]",
        _ingress,
        (array("annotation"), text("class"), text("default-backend"), array("rule")),
        ("ing",),
        "Create an ingress with the specified name",
        "failed to create ingress: ",
    ),
    Command(
        "service",
        "Create a service using a specified subcommand",
        "kubectl create service [flags] [options]",
        aliases=("svc",),
        commands=_SERVICES,
    ),
)
