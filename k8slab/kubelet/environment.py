"""What a container finds in its environment (kubelet_pods.go makeEnvironmentVariables)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from k8slab.api import core_v1 as core
from k8slab.api import quantity
from k8slab.errors import ApiError

_REFERENCE = re.compile(r"\$(\$)?\(([^)]*)\)")


class ConfigError(Exception):
    """The container cannot be configured; the text is the kubelet's (CreateContainerConfigError)."""


class Lookup:
    """ConfigMaps and Secrets of one namespace, fetched when first asked for."""

    def __init__(self, client: Any, namespace: str) -> None:
        self.client = client
        self.namespace = namespace
        self._found: dict[tuple[str, str], Any] = {}

    def get(self, resource: str, name: str) -> Any:
        """The object, or None where it does not exist. Raises ConfigError where the server does not answer."""
        key = (resource, name)
        if key not in self._found:
            try:
                self._found[key] = self.client.get(resource, name, self.namespace)
            except ApiError as error:
                if error.code != 404:
                    raise ConfigError(error.message) from None
                self._found[key] = None
        return self._found[key]

    def data(self, resource: str, name: str) -> dict[str, str] | None:
        """The keys of a ConfigMap or (decoded) of a Secret; None where it does not exist."""
        found = self.get(resource, name)
        if found is None:
            return None
        if resource == "configmaps":
            return dict(found.data or {})
        return {key: _decoded(value) for key, value in (found.data or {}).items()}


def environment(
    pod: core.Pod, container: core.Container, lookup: Lookup, facts: dict[str, str], services: dict[str, str]
) -> dict[str, str]:
    """The variables of a container. Raises ConfigError for what is missing and not optional.

    Args:
        pod: the Pod.
        container: one of its containers.
        lookup: reads ConfigMaps and Secrets.
        facts: downward values that only the node knows, by field path (`status.podIP`, `spec.nodeName`, ...).
        services: variables about Services (`KUBERNETES_SERVICE_HOST`).
    """
    found: dict[str, str] = {"HOSTNAME": pod.spec.hostname or pod.metadata.name}
    for source in container.envFrom or ():
        found.update(_whole(source, lookup))
    for variable in container.env or ():
        value = _value(pod, container, variable, lookup, facts, {**services, **found})
        if value is not None:
            found[variable.name] = value
    return {**found, **{name: value for name, value in services.items() if name not in found}}


def expand(text: str, env: dict[str, str]) -> str:
    """Replace `$(NAME)`; unknown names stay, `$$(NAME)` is an escape.

    >>> expand("$(A) $$(A) $(B)", {"A": "1"})
    '1 $(A) $(B)'
    """

    def one(found: re.Match[str]) -> str:
        if found[1]:
            return f"$({found[2]})"
        return env.get(found[2], found[0])

    return _REFERENCE.sub(one, text)


def _whole(source: core.EnvFromSource, lookup: Lookup) -> dict[str, str]:
    resource, kind = "configmaps", "configmap"
    reference: Any = source.configMapRef
    if reference is None:
        resource, kind, reference = "secrets", "secret", source.secretRef
    if reference is None:
        return {}
    data = lookup.data(resource, reference.name)
    if data is None:
        if reference.optional:
            return {}
        raise ConfigError(f'{kind} "{reference.name}" not found')
    prefix = source.prefix or ""
    return {prefix + key: value for key, value in data.items()}


def _value(
    pod: core.Pod, container: core.Container, variable: core.EnvVar, lookup: Lookup, facts: dict, known: dict[str, str]
) -> str | None:
    source = variable.valueFrom
    if source is None:
        return expand(variable.value or "", known)
    if source.fieldRef is not None:
        return field_value(pod, source.fieldRef.fieldPath, facts)
    if source.resourceFieldRef is not None:
        return resource_value(pod, container, source.resourceFieldRef, facts)
    if source.configMapKeyRef is not None:
        return _keyed("configmaps", "configmap", "ConfigMap", source.configMapKeyRef, lookup)
    if source.secretKeyRef is not None:
        return _keyed("secrets", "secret", "Secret", source.secretKeyRef, lookup)
    return None


def _keyed(resource: str, kind: str, title: str, reference: Any, lookup: Lookup) -> str | None:
    data = lookup.data(resource, reference.name)
    if data is None:
        if reference.optional:
            return None
        raise ConfigError(f'{kind} "{reference.name}" not found')
    if reference.key not in data:
        if reference.optional:
            return None
        raise ConfigError(f"couldn't find key {reference.key} in {title} {lookup.namespace}/{reference.name}")
    return data[reference.key]


def field_value(pod: core.Pod, path: str, facts: dict[str, str]) -> str:
    """A downward API field."""
    metadata = pod.metadata
    keyed = re.fullmatch(r"metadata\.(labels|annotations)\['(.*)'\]", path)
    if keyed:
        return (getattr(metadata, keyed[1]) or {}).get(keyed[2], "")
    if path in ("metadata.labels", "metadata.annotations"):
        values = getattr(metadata, path.removeprefix("metadata.")) or {}
        return "\n".join(f'{key}="{value}"' for key, value in sorted(values.items()))
    simple = {
        "metadata.name": metadata.name,
        "metadata.namespace": metadata.namespace,
        "metadata.uid": metadata.uid,
        "spec.serviceAccountName": pod.spec.serviceAccountName or "",
    }
    return simple.get(path) or facts.get(path, "")


def resource_value(pod: core.Pod, container: core.Container, reference: Any, facts: dict[str, str]) -> str:
    """A downward API resource amount, rounded up to the divisor; limits default to what the node can allot."""
    if reference.containerName:
        every = (*(pod.spec.initContainers or ()), *pod.spec.containers)
        container = next((c for c in every if c.name == reference.containerName), container)
    group, _, name = reference.resource.partition(".")
    resources = container.resources
    amounts = (getattr(resources, group) if resources else None) or {}
    amount = amounts.get(name)
    if amount is None and group == "limits":
        amount = facts.get(f"allocatable.{name}")
    divisor = quantity.milli(reference.divisor or "1") or 1000
    return str(-(-quantity.milli(amount or "0") // divisor))


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return value
