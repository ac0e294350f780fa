"""kubectl api-resources, api-versions, cluster-info and version."""

from __future__ import annotations

import json
from typing import Any

from k8slab.api.scheme import Resource
from k8slab.errors import ApiError
from k8slab.kubectl import goyaml, tabular
from k8slab.kubectl.builder import preferred
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.flags import ALL_NAMESPACES, PRINT, boolean, period, several, text

CLIENT_VERSION = "v1.32.4"
SERVER_VERSION = "v1.36.2"
_SERVER = "https://127.0.0.1:6443"


def _resources(inv: Any) -> None:
    flags = inv.flags
    if flags["output"] not in ("", "wide", "name"):
        raise CommandError(f"--output {flags['output']} is not available")
    if flags["sort-by"] not in ("", "name", "kind"):
        raise CommandError("--sort-by accepts only name or kind")
    chosen = sorted((each for each in preferred(inv.access.scheme) if _wanted(inv, each)), key=_order(flags["sort-by"]))
    if flags["output"] == "name":
        for each in chosen:
            inv.print(each.group_resource)
        return
    wide = flags["output"] == "wide"
    header = ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND", *(["VERBS", "CATEGORIES"] if wide else [])]
    rows = [] if flags["no-headers"] else [header]
    inv.write(tabular.table([*rows, *(_row(each, wide) for each in chosen)]))


def _wanted(inv: Any, resource: Resource) -> bool:
    flags, given = inv.flags, inv.given
    if "api-group" in given and resource.group != flags["api-group"]:
        return False
    if "namespaced" in given and resource.namespaced != flags["namespaced"]:
        return False
    if any(verb not in resource.verbs for verb in flags["verbs"]):
        return False
    return all(category in resource.categories for category in flags["categories"])


def _order(field: str) -> Any:
    if field == "name":
        return _by_name
    return _by_kind if field == "kind" else _by_group


def _by_group(resource: Resource) -> tuple[str, str]:
    return resource.group, resource.plural


def _by_name(resource: Resource) -> str:
    return resource.plural


def _by_kind(resource: Resource) -> str:
    return resource.kind


def _row(resource: Resource, wide: bool) -> list[str]:
    row = [
        resource.plural,
        ",".join(resource.short_names),
        resource.api_version,
        "true" if resource.namespaced else "false",
        resource.kind,
    ]
    return [*row, ",".join(resource.verbs), ",".join(resource.categories)] if wide else row


def _versions(inv: Any) -> None:
    versions = {resource.api_version for resource in inv.access.scheme.all_resources()}
    for version in sorted(versions):
        inv.print(version)


def _cluster_info(inv: Any) -> None:
    inv.print(f"Kubernetes control plane is running at {getattr(inv.session, 'server', '') or _SERVER}")
    inv.print("\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.")


def _dump(inv: Any) -> None:
    if inv.flags["output-directory"] not in ("", "-"):
        raise CommandError("a notebook's cluster is dumped to the notebook: leave out --output-directory")
    namespaces = inv.flags["namespaces"] or ["kube-system", inv.namespace]
    if inv.all_namespaces:
        namespaces = [each["metadata"]["name"] for each in inv.access.list(inv.access.scheme.resource("namespaces"))]
    kinds = ("events", "replicationcontrollers", "services", "daemonsets", "deployments", "replicasets", "pods")
    _dump_list(inv, "nodes", None)
    for namespace in namespaces:
        pods = [_dump_list(inv, kind, namespace) for kind in kinds][-1]
        for pod in pods:
            _dump_logs(inv, pod)


def _dump_list(inv: Any, plural: str, namespace: str | None) -> list[dict[str, Any]]:
    found = inv.access.scheme.resource(plural)
    items = inv.access.list(found, namespace)
    body = {"kind": found.list_kind, "apiVersion": found.api_version, "metadata": {}, "items": items}
    inv.write(goyaml.dump(body) if inv.flags["output"] == "yaml" else json.dumps(body, indent=4) + "\n")
    return items


def _dump_logs(inv: Any, pod: dict[str, Any]) -> None:
    """The logs of all containers of a Pod."""
    metadata, spec = pod["metadata"], pod["spec"]
    for container in (*(spec.get("initContainers") or ()), *spec["containers"]):
        about = f"logs for container {container['name']} of pod {metadata['namespace']}/{metadata['name']} ====\n"
        inv.write(f"==== START {about}")
        try:
            inv.write(inv.access.logs(metadata["name"], metadata["namespace"], {"container": container["name"]}))
        except ApiError as error:
            inv.write(f"Request log error: {error.message}\n")
        inv.write(f"==== END {about}")


def _version(inv: Any) -> None:
    output = inv.flags["output"]
    if output not in ("", "json", "yaml"):
        raise CommandError("--output must be 'yaml' or 'json'")
    versions = {"clientVersion": _details(CLIENT_VERSION), "kustomizeVersion": "v5.5.0"}
    if not inv.flags["client"]:
        versions["serverVersion"] = _details(SERVER_VERSION)
    if output == "json":
        inv.print(json.dumps(versions, indent=2))
    elif output == "yaml":
        inv.write(goyaml.dump(versions) + "\n")
    else:
        inv.print(f"Client Version: {CLIENT_VERSION}\nKustomize Version: v5.5.0")
        if not inv.flags["client"]:
            inv.print(f"Server Version: {SERVER_VERSION}")
            _skew(inv)


def _details(version: str) -> dict[str, str]:
    major, minor, _ = version.lstrip("v").split(".")
    return {"major": major, "minor": minor, "gitVersion": version, "platform": "linux/amd64"}


def _skew(inv: Any) -> None:
    client, server = (int(version.split(".")[1]) for version in (CLIENT_VERSION, SERVER_VERSION))
    if abs(client - server) > 1:
        inv.complain(
            f"WARNING: version difference between client (1.{client}) and server (1.{server}) exceeds the supported "
            "minor version skew of +/-1"
        )


API_RESOURCES = Command(
    "api-resources",
    "Print the supported API resources on the server",
    "kubectl api-resources [flags] [options]",
    _resources,
    (
        text("api-group"),
        boolean("cached"),
        several("categories"),
        boolean("namespaced", default=True),
        boolean("no-headers"),
        text("output", "o"),
        text("sort-by"),
        several("verbs"),
    ),
)
API_VERSIONS = Command(
    "api-versions",
    'Print the supported API versions on the server, in the form of "group/version"',
    "kubectl api-versions [options]",
    _versions,
)
CLUSTER_INFO = Command(
    "cluster-info",
    "Display cluster information",
    "kubectl cluster-info [flags] [options]",
    _cluster_info,
    commands=(
        Command(
            "dump",
            "Dump relevant information for debugging and diagnosis",
            "kubectl cluster-info dump [flags] [options]",
            _dump,
            (
                *ALL_NAMESPACES,
                *PRINT[1:],
                several("namespaces"),
                text("output", "o", default="json"),
                text("output-directory"),
                period("pod-running-timeout", "20s"),
            ),
        ),
    ),
)
VERSION = Command(
    "version",
    "Print the client and server version information",
    "kubectl version [flags] [options]",
    _version,
    (boolean("client"), text("output", "o")),
)
