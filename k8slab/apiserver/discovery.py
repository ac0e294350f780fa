"""What the server serves, as documents for clients: groups, versions, resources, health and version.

Both forms of discovery are offered: one document per group-version, and all in one (apidiscovery.k8s.io/v2).
Follows `apiserver/pkg/endpoints/discovery`.
"""

from __future__ import annotations

from typing import Any

from k8slab.api.request import Response
from k8slab.api.scheme import Resource, Scheme, Subresource
from k8slab.errors import no_such_resource, not_acceptable

VERSION = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": "v1.36.2",
    "gitCommit": "$Format:%H$",
    "gitTreeState": "",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "go1.27.3",
    "compiler": "gc",
    "platform": "linux/amd64",
}
HEALTH = ("healthz", "livez", "readyz")
CHECKS = ("ping", "log", "etcd")
AGGREGATED = {"g": "apidiscovery.k8s.io", "v": "v2", "as": "APIGroupDiscoveryList"}
ONLY = (
    "only the following media types are accepted: "
    "application/json, application/yaml, application/vnd.kubernetes.protobuf"
)
PAGE_NOT_FOUND = "404 page not found\n"


def discover(scheme: Scheme, path: str, accept: str = "", address: str = "127.0.0.1:6443") -> Response | None:
    """The answer to a GET of a path that is no resource's; None where the path may be a resource's.

    Args:
        scheme: what is served.
        path: the request's path.
        accept: the Accept header.
        address: host and port under which clients reach the server.
    """
    parts = [part for part in path.split("/") if part]
    if parts == ["version"]:
        return Response(200, dict(VERSION))
    if parts and parts[0] in HEALTH:
        is_known = len(parts) == 1 or (len(parts) == 2 and parts[1] in CHECKS)
        return Response(200, "ok") if is_known else Response(404, PAGE_NOT_FOUND)
    if parts in (["api"], ["apis"]):
        return _root(scheme, parts[0], accept, address)
    if parts[:1] == ["api"] and len(parts) == 2:
        return _resources(scheme, "", parts[1])
    if parts[:1] == ["apis"] and len(parts) == 3:
        return _resources(scheme, parts[1], parts[2])
    if parts[:1] == ["apis"] and len(parts) == 2:
        found = next((group for group in groups(scheme) if group["name"] == parts[1]), None)
        if found is None:
            return Response(404, PAGE_NOT_FOUND)
        return Response(200, {"kind": "APIGroup", "apiVersion": "v1", **found})
    return None if parts[:1] in (["api"], ["apis"]) else Response(404, PAGE_NOT_FOUND)


def _root(scheme: Scheme, root: str, accept: str, address: str) -> Response:
    form = _form(accept)
    if form == "refused":
        error = not_acceptable(ONLY)
        return Response(error.code, error.status())
    if form == "aggregated":
        return Response(200, aggregated(scheme, core=root == "api"))
    if root == "api":
        reach = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
        return Response(200, {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": reach})
    return Response(200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups(scheme)})


def _form(accept: str) -> str:
    """Which form of discovery the client wants: plain, aggregated, or one that does not exist."""
    for clause in accept.split(","):
        media_type, *rest = (part.strip() for part in clause.split(";"))
        parameters = dict(part.split("=", 1) for part in rest if "=" in part)
        if not media_type or ("as" not in parameters and media_type in ("application/json", "*/*", "application/yaml")):
            return "plain"
        if all(parameters.get(key) == value for key, value in AGGREGATED.items()):
            return "aggregated"
    return "refused"


def groups(scheme: Scheme) -> list[dict[str, Any]]:
    """The named groups with their versions, preferred one first."""
    versions: dict[str, list[str]] = {}
    for resource in scheme.all_resources():
        if resource.group and resource.version not in versions.setdefault(resource.group, []):
            versions[resource.group].append(resource.version)
    return [_group(name, found) for name, found in versions.items()]


def _group(name: str, versions: list[str]) -> dict[str, Any]:
    entries = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": entries, "preferredVersion": dict(entries[0])}


def _resources(scheme: Scheme, group: str, version: str) -> Response:
    found = [each for each in scheme.all_resources() if (each.group, each.version) == (group, version)]
    if not found:
        error = no_such_resource()
        return Response(error.code, error.status())
    head = {"kind": "APIResourceList"} | ({"apiVersion": "v1"} if group else {})
    entries = [entry for resource in found for entry in _entries(resource)]
    return Response(200, {**head, "groupVersion": found[0].api_version, "resources": entries})


def _entries(resource: Resource) -> list[dict[str, Any]]:
    own = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
        "shortNames": list(resource.short_names),
        "categories": list(resource.categories),
        "storageVersionHash": resource.storage_version_hash,
    }
    optional = ("shortNames", "categories", "storageVersionHash")
    shown = {key: value for key, value in own.items() if value or key not in optional}
    return [
        *([shown] if resource.verbs else []),
        *(_subresource_entry(resource, each) for each in resource.subresources),
    ]


def _subresource_entry(resource: Resource, subresource: Subresource) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": f"{resource.plural}/{subresource.name}",
        "singularName": "",
        "namespaced": resource.namespaced,
    }
    if subresource.api_version:
        entry["group"], _, entry["version"] = subresource.api_version.rpartition("/")
    return entry | {"kind": subresource.kind or resource.kind, "verbs": list(subresource.verbs)}


def aggregated(scheme: Scheme, core: bool) -> dict[str, Any]:
    """All groups in one document: the core group's, or that of all others."""
    items: dict[str, dict[str, Any]] = {}
    for resource in scheme.all_resources():
        if bool(resource.group) is core:
            continue
        metadata = {"name": resource.group} if resource.group else {}
        item = items.setdefault(resource.group, {"metadata": metadata, "versions": []})
        versions = item["versions"]
        if not versions or versions[-1]["version"] != resource.version:
            versions.append({"version": resource.version, "resources": [], "freshness": "Current"})
        versions[-1]["resources"].append(_aggregated_resource(resource))
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": list(items.values()),
    }


def _aggregated_resource(resource: Resource) -> dict[str, Any]:
    group, version = (resource.group, resource.version) if resource.custom else ("", "")
    entry = {
        "resource": resource.plural,
        "responseKind": {"group": group, "version": version, "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
        "shortNames": list(resource.short_names),
        "categories": list(resource.categories),
        "subresources": [_aggregated_subresource(resource, each) for each in resource.subresources],
    }
    return {key: value for key, value in entry.items() if value or key == "verbs"}


def _aggregated_subresource(resource: Resource, subresource: Subresource) -> dict[str, Any]:
    group, _, version = subresource.api_version.rpartition("/")
    response_kind = {"group": group, "version": version, "kind": subresource.kind or resource.kind}
    return {"subresource": subresource.name, "responseKind": response_kind, "verbs": list(subresource.verbs)}
