"""managedFields of objects that nobody kept them for: worked out from the history of their writes, when asked.

The control plane's components write thousands of Pods; accounting for each field at each write would cost more than the
writes. The store keeps all versions of an object and the trace says who wrote them, so the answer is the same as if
somebody had kept it, as long as the history is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api.apply import Managers, TypedError, changes, created, update
from k8slab.api.apply.fieldset import Path
from k8slab.api.apply.managers import UPDATE, Manager
from k8slab.apiserver.fieldmanager import SERVERS_OWN, component
from k8slab.etcd.store import CompactedError, KeyValue
from k8slab.sim.timestamps import rfc3339

if TYPE_CHECKING:
    from k8slab.apiserver.server import APIServer
    from k8slab.sim.trace import Write

UNACCOUNTED = ("bind", "delete")
"""Writes that the server makes itself, past the managers of fields."""
TOKEN_VOLUME = 'k:{"name":"kube-api-access-'
TOKEN_MOUNT = 'k:{"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}'
ADMITTED = {
    "Pod": ("priority", "preemptionPolicy", "tolerations", "serviceAccount", "serviceAccountName"),
    "Service": ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"),
}
"""Fields under `spec` which admission and allocation fill in after the creator's fields were noted."""


def attributed(server: APIServer, obj: Any, key: str) -> Managers:
    """Who manages the fields of a stored object by its history; empty where that is not known."""
    managers = Managers()
    previous = None
    try:
        for version in _versions(server, key, int(obj.metadata.resourceVersion)):
            write = server.trace.write(version.mod_revision)
            if write is None or not write.actor:
                return Managers()
            if write.verb not in UNACCOUNTED:
                _account(server, managers, previous, version, write)
            previous = version.value
    except (CompactedError, TypedError):
        return Managers()
    return managers


def with_attribution(server: APIServer, obj: Any, key: str) -> Any:
    """The object with managedFields, if they can be told."""
    if obj.metadata.managedFields is not None:
        return obj
    entries = attributed(server, obj, key).entries()
    return obj if entries is None else obj.replace(metadata=obj.metadata.replace(managedFields=entries))


def _versions(server: APIServer, key: str, revision: int) -> list[KeyValue]:
    """All versions of an object up to a revision, oldest first."""
    found: list[KeyValue] = []
    version = server.store.get(key, revision)
    while version is not None:
        found.append(version)
        if version.mod_revision == version.create_revision:
            break
        version = server.store.get(key, version.mod_revision - 1)
    return found[::-1]


def _account(server: APIServer, managers: Managers, previous: Any, version: KeyValue, write: Write) -> None:
    obj = version.value
    _, _, subresource = write.verb.partition(" ")
    who = Manager(component(write.actor.partition("/")[0]), UPDATE, obj.apiVersion, subresource)
    time = rfc3339(server.clock.unix_at(write.time))
    if previous is None:
        paths = {path for path in created(obj) - SERVERS_OWN if not _is_servers(obj, path)}
        if paths:
            managers.own(who, paths, obj.apiVersion, time)
        return
    added, removed, modified = (paths - SERVERS_OWN for paths in changes(previous, obj))
    update(managers, who, added, removed, modified, obj.apiVersion, time)


def _is_servers(obj: Any, path: Path) -> bool:
    """Whether the server filled in a field of a new object."""
    if path[0] == "f:status":
        return True
    if path[0] != "f:spec" or len(path) < 2:
        return False
    if path[1][2:] in ADMITTED.get(obj.kind, ()):
        return True
    if obj.kind != "Pod":
        return False
    return any(element.startswith((TOKEN_VOLUME, TOKEN_MOUNT)) for element in path) or path in _emptied(obj)


def _emptied(pod: Any) -> set[Path]:
    """Lists in which there is nothing but what gives a Pod its token."""
    found: set[Path] = set()
    if all(volume.name.startswith("kube-api-access-") for volume in pod.spec.volumes or ()):
        found.add(("f:spec", "f:volumes"))
    for container in pod.spec.containers or ():
        if len(container.volumeMounts or ()) == 1:
            found.add(("f:spec", "f:containers", f'k:{{"name":"{container.name}"}}', "f:volumeMounts"))
    return found
