"""Asking for objects and changing them, with kubectl and without."""

from __future__ import annotations

import sys
from typing import Any

from k8slab.apiserver.registry.endpoint import storage_prefix
from k8slab.kubectl.output import Output
from k8slab.lab.core import Core
from k8slab.lab.naming import CommandError, split, texts
from k8slab.lab.session import Session
from k8slab.sim.clock import MILLISECOND

#: What a kubectl command that changes something takes.
COMMAND_TIME = 100 * MILLISECOND


class Objects(Core):
    """A cluster whose objects can be asked for and changed."""

    def kubectl(self, command: str, stdin: str = "", echo: bool = True) -> Output:
        """Run a kubectl command and print what it prints; returns text and exit code.

        A command that changed something takes a tenth of a second of virtual time, about what a person's does: so the
        next command meets a cluster that has begun to act on this one.
        """
        from k8slab.kubectl import run

        before = self.cluster.store.revision
        result = run(command, self.session(), stdin)
        if self.cluster.store.revision != before:
            self.cluster.advance(COMMAND_TIME)
        output = Output(result.stdout, result.stderr, result.exit_code)
        if echo:
            sys.stdout.write(result.stdout)
            sys.stderr.write(result.stderr)
        return output

    def apply(self, manifest: Any, echo: bool = True) -> list[Any]:
        """``kubectl apply`` a path, YAML text, dict, typed object, or a list of these; returns the live objects.

        Raises CommandError with kubectl's own message where something was refused; what came before it in the
        manifest is applied, as with kubectl.
        """
        from k8slab.api.codec import decode_yaml

        text = "---\n".join(texts(manifest))
        output = self.kubectl("apply -f -", text, echo=False)
        if echo:
            sys.stdout.write(output.stdout)
        if output.exit_code:
            raise CommandError(output.stderr.strip())
        return [self._live(obj) for obj in decode_yaml(text, scheme=self.client.scheme)]

    def get(self, target: str, name: str | None = None, namespace: str | None = None) -> Any:
        """One object: ``lab.get("deployment/web")``, ``lab.get("pod", "web", namespace="shop")``.

        Raises ApiError (NotFound) where it is not there.
        """
        resource, name = split(target, name)
        return self.client.get(resource, name, self._namespace(resource, namespace))

    def list(self, resource: str, namespace: str | None = None, selector: str = "", fields: str = "") -> list[Any]:
        """All objects of a resource, in all namespaces unless one is named; ``selector="app=web"`` chooses by label."""
        body = self.client.list(resource, namespace, label_selector=selector, field_selector=fields)
        return list(body.items)

    def patch(self, target: str, patch: dict[str, Any], namespace: str | None = None) -> Any:
        """Change some fields (a JSON merge patch): ``lab.patch("deployment/web", {"spec": {"replicas": 5}})``."""
        resource, name = split(target, None)
        namespace = self._namespace(resource, namespace)
        return self.client.patch(resource, name, patch, namespace, field_validation="Strict")

    def delete(self, target: str, namespace: str | None = None, **options: Any) -> None:
        """Delete one object: ``lab.delete("pod/web-1")``."""
        resource, name = split(target, None)
        self.client.delete(resource, name, self._namespace(resource, namespace), **options)

    def _live(self, obj: Any) -> Any:
        resource = self.client.scheme.of(obj)
        namespace = (obj.metadata.namespace or self.namespace) if resource.namespaced else None
        return self.client.get(resource.plural, obj.metadata.name, namespace)

    def _namespace(self, resource: str, namespace: str | None) -> str | None:
        return (namespace or self.namespace) if self.client.scheme.resource(resource).namespaced else None

    def session(self) -> Session:
        """What kubectl needs of this lab: client, clock, namespace, files."""
        return Session(self)

    def _key(self, target: str, namespace: str | None) -> str:
        resource, name = split(target, None)
        found = self.client.scheme.resource(resource)
        return storage_prefix(found) + (f"{namespace or self.namespace}/" if found.namespaced else "") + name
