"""What a client should know about Pods and templates that are accepted all the same (`pkg/api/pod/warnings.go`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from k8slab.api.quantity import NANO, QuantityError, canonical, nano
from k8slab.apiserver.registry.nodelabels import NODE_LABELS, term_warnings
from k8slab.errors import quote

SECCOMP = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP_OF = "container.seccomp.security.alpha.kubernetes.io/"
APPARMOR_OF = "container.apparmor.security.beta.kubernetes.io/"
NO_SECCOMP = 'non-functional in v1.27+; use the "seccompProfile" field instead'
OLD_ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": 'non-functional in v1.16+; use the "priorityClassName" field instead',
    "security.alpha.kubernetes.io/sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
    "security.alpha.kubernetes.io/unsafe-sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
}
OLD_VOLUMES = {
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "gitRepo": "deprecated in v1.11, and disabled by default in v1.33+",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}
SHOWN_AS = {"storageos": "storageOS"}
NO_SELECTOR = "a null labelSelector results in matching no pod"
WHOLE_BYTES = ("memory", "ephemeral-storage")


def template_warnings(spec: Any, metadata: Any, prefix: str) -> Iterator[str]:
    """About what a Pod or a template says; `prefix` goes before each path."""
    place, annotations = f"{prefix}spec", (metadata.annotations if metadata is not None else None) or {}
    yield from _label_warnings(spec, place)
    for name, text in OLD_ANNOTATIONS.items():
        if name in annotations:
            yield f"{prefix}metadata.annotations[{name}]: {text}"
    for index, volume in enumerate(spec.volumes or ()):
        yield from _volume_warnings(volume, f"{place}.volumes[{index}]")
    for volume in spec.volumes or ():
        yield from _overlap_warnings(volume)
    yield from _repeat_warnings(spec, place)
    for name in WHOLE_BYTES:
        yield from amount_warning(spec.overhead, name, f"{place}.overhead")
    if SECCOMP in annotations and getattr(spec.securityContext, "seccompProfile", None) is None:
        yield f"{prefix}metadata.annotations[{SECCOMP}]: {NO_SECCOMP}"
    containers = [
        (container, f"{place}.{field}[{index}]")
        for field in ("initContainers", "containers", "ephemeralContainers")
        for index, container in enumerate(getattr(spec, field) or ())
    ]
    for container, here in containers:
        yield from _profile_warnings(container, spec, annotations, prefix)
        yield from _container_warnings(container, here)
    yield from _port_warnings(containers)
    if (spec.terminationGracePeriodSeconds or 0) < 0:
        text = "must be >= 0; negative values are invalid and will be treated as 1"
        yield f"{place}.terminationGracePeriodSeconds: {text}"
    yield from _selector_warnings(spec.affinity, f"{place}.affinity")


def _label_warnings(spec: Any, place: str) -> Iterator[str]:
    for key in spec.nodeSelector or ():
        if key in NODE_LABELS:
            yield f"{place}.nodeSelector[{key}]: {NODE_LABELS[key]}"
    affinity = spec.affinity.nodeAffinity if spec.affinity is not None else None
    if affinity is not None:
        here = f"{place}.affinity.nodeAffinity"
        required = affinity.requiredDuringSchedulingIgnoredDuringExecution
        for index, term in enumerate((required.nodeSelectorTerms if required is not None else None) or ()):
            terms = f"{here}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
            yield from term_warnings(term, f"{terms}[{index}]")
        for index, weighted in enumerate(affinity.preferredDuringSchedulingIgnoredDuringExecution or ()):
            terms = f"{here}.preferredDuringSchedulingIgnoredDuringExecution"
            yield from term_warnings(weighted.preference, f"{terms}[{index}].preference")
    for index, constraint in enumerate(spec.topologySpreadConstraints or ()):
        here = f"{place}.topologySpreadConstraints[{index}]"
        key = constraint.topologyKey
        if key in NODE_LABELS:
            yield f"{here}.topologyKey: {key} is {NODE_LABELS[key]}"
        if constraint.labelSelector is None:
            yield f"{here}.labelSelector: {NO_SELECTOR}"


def _volume_warnings(volume: Any, place: str) -> Iterator[str]:
    for name, text in OLD_VOLUMES.items():
        if getattr(volume, name) is not None:
            yield f"{place}.{SHOWN_AS.get(name, name)}: {text}"
    ephemeral = volume.ephemeral
    if ephemeral is not None and ephemeral.volumeClaimTemplate is not None:
        yield from claim_warnings(ephemeral.volumeClaimTemplate.spec, f"{place}.ephemeral.volumeClaimTemplate.spec")


def claim_warnings(spec: Any, place: str) -> Iterator[str]:
    """About the spec of a PersistentVolumeClaim (`pkg/api/persistentvolumeclaim/util.go`)."""
    resources = spec.resources if spec is not None else None
    for kind in ("requests", "limits"):
        yield from amount_warning(getattr(resources, kind, None), "storage", f"{place}.resources.{kind}")


def amount_warning(amounts: dict[str, Any] | None, name: str, place: str) -> Iterator[str]:
    """About an amount of bytes that is not whole."""
    amount = (amounts or {}).get(name)
    # Whole numbers, with or without a unit above one, are the normal case.
    if amount is None or isinstance(amount, int) or str(amount)[-1:] not in "munk":
        return
    try:
        is_fractional = bool(nano(amount) % NANO)
    except QuantityError:
        return
    if is_fractional:
        yield f"{place}[{name}]: fractional byte value {quote(canonical(amount))} is invalid, must be an integer"


def _overlap_warnings(volume: Any) -> Iterator[str]:
    """About files of one volume that hide each other."""
    name = quote(volume.name or "")
    if volume.configMap is not None and volume.configMap.items:
        about = f"volume {name} (ConfigMap {quote(volume.configMap.name or '')})"
        yield from _overlaps(_paths(volume.configMap), about)
    if volume.secret is not None and volume.secret.items:
        yield from _overlaps(_paths(volume.secret), f"volume {name} (Secret {quote(volume.secret.secretName or '')})")
    if volume.downwardAPI is not None and volume.downwardAPI.items:
        yield from _overlaps(_paths(volume.downwardAPI), f"volume {name} (DownwardAPI)")
    if volume.projected is not None:
        yield from _projected_warnings(volume.projected.sources or (), name)


def _projected_warnings(sources: Sequence[Any], name: str) -> Iterator[str]:
    before: set[str] = set()
    for source in sources:
        kind, paths = _projection(source)
        if not kind:
            yield f"volume {name} (Projected) has no sources provided"
        if not paths:
            continue
        about = f"volume {name} (Projected {kind})"
        yield from _overlaps(paths, about)
        yield from _overlaps(sorted([*set(paths), *before]), about)
        before |= set(paths)


def _projection(source: Any) -> tuple[str, list[str]]:
    """What a source of a projected volume is called, and the files that it names."""
    if source.configMap is not None:
        return f"ConfigMap {quote(source.configMap.name or '')}", _paths(source.configMap)
    if source.secret is not None:
        return f"Secret {quote(source.secret.name or '')}", _paths(source.secret)
    if source.downwardAPI is not None:
        return "DownwardAPI", _paths(source.downwardAPI)
    if source.serviceAccountToken is not None:
        return "ServiceAccountToken", [source.serviceAccountToken.path or ""]
    bundle = source.clusterTrustBundle
    if bundle is not None:
        return f"ClusterTrustBundle {quote(bundle.name or bundle.signerName or '')}", [bundle.path or ""]
    return ("PodCertificate", []) if source.podCertificate is not None else ("", [])


def _paths(source: Any) -> list[str]:
    return [item.path or "" for item in source.items or ()]


def _overlaps(paths: Sequence[str], about: str) -> Iterator[str]:
    seen: dict[str, None] = {}
    for each in paths:
        path = each.rstrip("/")
        other = next((known for known in seen if known and path and _collide(known, path)), None)
        if other is not None:
            yield f"{about}: overlapping paths: {quote(path)} with {quote(other)}"
        seen[path] = None


def _collide(one: str, other: str) -> bool:
    return f"{one}/".startswith(other) or f"{other}/".startswith(one)


def _repeat_warnings(spec: Any, place: str) -> Iterator[str]:
    for field, key, word in (("hostAliases", "ip", "ip"), ("imagePullSecrets", "name", "name")):
        seen: set[str] = set()
        for index, item in enumerate(getattr(spec, field) or ()):
            value = getattr(item, key) or ""
            if value in seen:
                yield f"{place}.{field}[{index}].{key}: duplicate {word} {quote(value)}"
            seen.add(value)
    for index, item in enumerate(spec.imagePullSecrets or ()):
        if not item.name:
            yield f'{place}.imagePullSecrets[{index}].name: invalid empty name ""'


def _profile_warnings(container: Any, spec: Any, annotations: dict[str, str], prefix: str) -> Iterator[str]:
    """About annotations that have become fields of security contexts."""
    own = container.securityContext
    key = f"{SECCOMP_OF}{container.name}"
    if key in annotations and getattr(own, "seccompProfile", None) is None:
        yield f"{prefix}metadata.annotations[{key}]: {NO_SECCOMP}"
    key = f"{APPARMOR_OF}{container.name}"
    has_field = any(getattr(each, "appArmorProfile", None) is not None for each in (own, spec.securityContext))
    if prefix and key in annotations and not has_field:
        yield f'{prefix}metadata.annotations[{key}]: deprecated since v1.30; use the "appArmorProfile" field instead'


def _container_warnings(container: Any, place: str) -> Iterator[str]:
    resources = container.resources
    for name in WHOLE_BYTES if resources is not None else ():
        for kind in ("limits", "requests"):
            yield from amount_warning(getattr(resources, kind), name, f"{place}.resources.{kind}")
    names: set[str] = set()
    for index, variable in enumerate(container.env or ()):
        if variable.name in names and _hides(variable):
            text = f"hides previous definition of {quote(variable.name)}, which may be dropped when using apply"
            yield f"{place}.env[{index}]: {text}"
        names.add(variable.name)


def _hides(variable: Any) -> bool:
    """Whether a variable does not build on the one of the same name before it."""
    reference = f"$({variable.name})"
    value = variable.value or ""
    return variable.valueFrom is not None or value == reference or reference not in value


def _port_warnings(containers: Sequence[tuple[Any, str]]) -> Iterator[str]:
    known: dict[tuple[int, str], list[tuple[Any, str]]] = {}
    for container, place in containers:
        for index, port in enumerate(container.ports or ()):
            here = f"{place}.ports[{index}]"
            if port.hostIP and not port.hostPort:
                shown = f"Name:{port.name or ''} HostPort:0 ContainerPort:{port.containerPort} Protocol:{port.protocol}"
                yield f"{here}: hostIP set without hostPort: {{{shown} HostIP:{port.hostIP}}}"
            others = known.setdefault((port.containerPort, port.protocol), [])
            for other, there in others:
                clash = _clash(port, other)
                if clash:
                    yield f"{here}: {clash} port definition with {there}"
            others.append((port, here))


def _clash(port: Any, other: Any) -> str:
    same_port = (port.hostPort or 0) == (other.hostPort or 0)
    if same_port and (port.hostIP or "") == (other.hostIP or ""):
        return "duplicate"
    if not port.hostPort or not other.hostPort:
        return "overlapping"
    return "dangerously ambiguous" if same_port and bool(port.hostIP) != bool(other.hostIP) else ""


def _selector_warnings(affinity: Any, place: str) -> Iterator[str]:
    for field in ("podAffinity", "podAntiAffinity") if affinity is not None else ():
        rules = getattr(affinity, field)
        if rules is None:
            continue
        required, preferred = (f"{kind}DuringSchedulingIgnoredDuringExecution" for kind in ("required", "preferred"))
        for index, term in enumerate(getattr(rules, required) or ()):
            if term.labelSelector is None:
                yield f"{place}.{field}.{required}[{index}].labelSelector: {NO_SELECTOR}"
        for index, weighted in enumerate(getattr(rules, preferred) or ()):
            if weighted.podAffinityTerm.labelSelector is None:
                yield f"{place}.{field}.{preferred}[{index}].podAffinityTerm.labelSelector: {NO_SELECTOR}"
