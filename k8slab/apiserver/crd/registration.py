"""Custom resources of one API server: from definitions to what is served, and what the server does to definitions.

Follows `apiextensions-apiserver/pkg/controller`: status (names), establish and finalizer; each looks at a definition a
moment after it was written, as through an informer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api.apiextensions_v1 import CustomResourceDefinitionCondition as Condition
from k8slab.api.conditions import find, is_true, set_condition
from k8slab.api.request import LOOPBACK, Request
from k8slab.api.scheme import Resource
from k8slab.apiserver.crd.conversion import WebhookConverter
from k8slab.apiserver.crd.definition import CLEANUP
from k8slab.apiserver.crd.names import settle
from k8slab.apiserver.crd.priority import version_order
from k8slab.apiserver.crd.strategy import Converter, CustomStrategy, Reader, Writer, relabelled
from k8slab.apiserver.crd.version import Version, resource_of, versions_of
from k8slab.apiserver.registry.endpoint import Endpoint
from k8slab.sim.clock import MILLISECOND, MINUTE, SECOND

if TYPE_CHECKING:
    from k8slab.apiserver.server import APIServer
    from k8slab.etcd.store import Event

GROUP, PLURAL = "apiextensions.k8s.io", "customresourcedefinitions"
POLL = 5 * SECOND
PATIENCE = MINUTE
RETRY = 5 * MILLISECOND
ESTABLISHED, TERMINATING = "Established", "Terminating"
IN_PROGRESS = ("True", "InstanceDeletionInProgress", "CustomResource deletion is in progress")
COMPLETED = ("False", "InstanceDeletionCompleted", "removed all instances")
UNCONFIRMED = (
    "True",
    "InstanceDeletionCheck",
    "could not confirm zero CustomResources remaining: timed out waiting for the condition",
)
NEVER = ("False", "NeverEstablished", "resource was never established")


class CustomResources:
    """Serves what is defined, and looks after the definitions.

    Args:
        server: the API server; its scheme gets a resource for each served version.
    """

    def __init__(self, server: APIServer) -> None:
        self.server = server
        self.versions: dict[tuple[str, str, str], Version] = {}
        self._served: dict[str, tuple[Resource, ...]] = {}
        self._waiting: dict[str, int] = {}
        """Definitions whose objects are going, and since when."""
        self._prefix = server.endpoint(PLURAL, GROUP).prefix
        for kv in server.store.range(self._prefix):
            self._serve(kv.value)
            self._soon(kv.value.metadata.name, kv.mod_revision)
        server.store.watch(self._prefix, self._changed)

    # -- serving

    def endpoint(self, resource: Resource) -> Endpoint:
        """The endpoint of a custom resource."""
        version = self.versions[resource.group, resource.version, resource.plural]
        strategy = CustomStrategy(version, resource.namespaced)
        convert: Converter = relabelled
        if version.conversion is not None:
            convert = WebhookConverter(self.server, version.definition, version.conversion)
        writer, reader = Writer(version.storage_api_version, convert), Reader(version, convert)
        return Endpoint(resource, strategy, writer, reader, version.warning)

    def _changed(self, event: Event) -> None:
        definition = event.kv.value
        if definition is None:
            self._forget(event.prev.value)
            definition = event.prev.value
        else:
            self._serve(definition)
            self._soon(definition.metadata.name, event.kv.mod_revision)
        for other in self._group(definition.spec.group):
            if not is_true(other.status.conditions, "NamesAccepted"):
                self._soon(other.metadata.name, event.kv.mod_revision)

    def _serve(self, definition: Any) -> None:
        """Serve a definition's versions as they are now; none before its names have been accepted."""
        conditions, group = definition.status.conditions, definition.spec.group
        shown = is_true(conditions, ESTABLISHED)
        going = is_true(conditions, TERMINATING)
        found = versions_of(definition, going) if shown else {}
        plural = definition.spec.names.plural
        wanted = {(group, name, plural): version for name, version in found.items()}
        current = {key: version for key, version in self.versions.items() if (key[0], key[2]) == (group, plural)}
        resources = tuple(resource_of(definition, each) for each in definition.spec.versions if each.name in found)
        name = definition.metadata.name
        if wanted == current and resources == self._served.get(name, ()):
            return
        for key in current:
            del self.versions[key]
        self.versions |= wanted
        self._served[name] = resources
        self._publish()

    def _forget(self, definition: Any) -> None:
        self._waiting.pop(definition.metadata.name, None)
        for resource in self._served.pop(definition.metadata.name, ()):
            self.versions.pop((resource.group, resource.version, resource.plural), None)
        self._publish()

    def _publish(self) -> None:
        """Put all custom resources after the others: by group, preferred version first, by name."""
        scheme = self.server.scheme
        for resource in [each for each in scheme.all_resources() if each.custom]:
            scheme.remove(resource.group, resource.version, resource.plural)
            self.server.forget_endpoint(resource)
        found = [resource for resources in self._served.values() for resource in resources]
        for resource in sorted(found, key=_order):
            if scheme.served(resource.group, resource.version, resource.plural) is None:
                scheme.add(resource)

    # -- looking after definitions

    def _soon(self, name: str, revision: int) -> None:
        self.server.clock.call_after(self.server.watch_latency, self._sync, name, revision)

    def _sync(self, name: str, revision: int) -> None:
        definition = self._stored(name)
        if definition is None:
            return
        with self.server.trace.acting("kube-apiserver", causes=(revision,)):
            if not definition.metadata.deletionTimestamp:
                self._settle(definition)
            elif CLEANUP in (definition.metadata.finalizers or ()) and name not in self._waiting:
                self._finalize(definition)

    def _settle(self, definition: Any) -> None:
        """Names first, then, as a change of its own, the establishment."""
        status, now = definition.status, self.server.clock.rfc3339()
        accepted, condition = settle(definition, self._group(definition.spec.group))
        conditions = set_condition(status.conditions, condition, now)
        established = find(conditions, ESTABLISHED)
        if established is None or established.status != "True":
            conditions = set_condition(conditions, self._establishment(condition, established), now)
        changed = status.replace(acceptedNames=accepted, conditions=conditions)
        if changed != status:
            self._write(definition.replace(status=changed))

    def _establishment(self, names: Condition, before: Condition | None) -> Condition:
        if names.status != "True":
            return _condition(ESTABLISHED, "False", "NotAccepted", "not all names are accepted")
        if before is None or before.reason != "Installing":
            return _condition(ESTABLISHED, "False", "Installing", "the initial names have been accepted")
        return _condition(ESTABLISHED, "True", "InitialNamesAccepted", "the initial names have been accepted")

    def _finalize(self, definition: Any) -> None:
        """Delete all objects, and then the definition."""
        definition = self._noted(definition, IN_PROGRESS)
        if definition is None:
            return
        if not is_true(definition.status.conditions, ESTABLISHED):
            self._release(definition, NEVER)
            return
        self._waiting[definition.metadata.name] = self.server.clock.now
        self._delete_instances(definition)
        self._check(definition.metadata.name)

    def _check(self, name: str) -> None:
        definition, started = self._stored(name), self._waiting.get(name)
        if definition is None or started is None:
            self._waiting.pop(name, None)
            return
        clock = self.server.clock
        with self.server.trace.acting("kube-apiserver"):
            if not self.server.store.count(self._instances(definition)):
                self._release(definition, COMPLETED)
            elif clock.now - started >= PATIENCE:
                self._noted(definition, UNCONFIRMED)
                clock.call_after(RETRY, self._retry, name)
            else:
                clock.call_after(POLL, self._check, name)

    def _retry(self, name: str) -> None:
        self._waiting.pop(name, None)
        self._sync(name, self.server.store.revision)

    def _instances(self, definition: Any) -> str:
        return f"/registry/{definition.spec.group}/{definition.spec.names.plural}/"

    def _delete_instances(self, definition: Any) -> None:
        served = self._served.get(definition.metadata.name)
        if not served:
            return
        resource = served[0]
        found = self.server.store.range(self._instances(definition))
        for namespace in dict.fromkeys(kv.value.metadata.namespace for kv in found):
            request = Request(
                verb="deletecollection",
                resource=resource.plural,
                group=resource.group,
                version=resource.version,
                namespace=namespace,
                user=LOOPBACK,
            )
            self.server.handle(request)

    def _release(self, definition: Any, outcome: tuple[str, str, str]) -> None:
        """Take our finalizer away, which ends a definition that nobody else holds."""
        finalizers = tuple(name for name in definition.metadata.finalizers or () if name != CLEANUP)
        conditions = self._with_terminating(definition, outcome)
        metadata = definition.metadata.replace(finalizers=finalizers or None)
        self._write(definition.replace(metadata=metadata, status=definition.status.replace(conditions=conditions)))

    def _noted(self, definition: Any, outcome: tuple[str, str, str]) -> Any:
        conditions = self._with_terminating(definition, outcome)
        return self._write(definition.replace(status=definition.status.replace(conditions=conditions)))

    def _with_terminating(self, definition: Any, outcome: tuple[str, str, str]) -> Any:
        condition = _condition(TERMINATING, *outcome)
        return set_condition(definition.status.conditions, condition, self.server.clock.rfc3339())

    def _write(self, definition: Any) -> Any:
        request = Request(
            verb="update",
            resource=PLURAL,
            group=GROUP,
            name=definition.metadata.name,
            subresource="status",
            body=definition,
            user=LOOPBACK,
        )
        response = self.server.handle(request)
        return response.body if response.is_success else None

    def _stored(self, name: str) -> Any:
        kv = self.server.store.get(self._prefix + name)
        return None if kv is None else kv.value

    def _group(self, group: str) -> list[Any]:
        found = (kv.value for kv in self.server.store.range(self._prefix))
        return [each for each in found if each.spec.group == group]


def _order(resource: Resource) -> tuple[Any, ...]:
    return resource.group, version_order(resource.version), resource.plural


def _condition(kind: str, status: str, reason: str, message: str) -> Condition:
    return Condition(type=kind, status=status, reason=reason, message=message)
