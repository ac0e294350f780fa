"""PodSecurity: namespaces choose by label which Pods they take (`pod-security-admission/admission/admission.go`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from k8slab.apiserver.admission.plugin import Plugin, refuse
from k8slab.apiserver.admission.podstandards import LATEST, LEVELS, Found, Subject, violations
from k8slab.errors import FieldError, invalid

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call

PREFIX = "pod-security.kubernetes.io/"
MODES = ("enforce", "audit", "warn")
WORKLOADS = frozenset(
    {
        ("", "podtemplates"),
        ("", "replicationcontrollers"),
        ("apps", "daemonsets"),
        ("apps", "deployments"),
        ("apps", "replicasets"),
        ("apps", "statefulsets"),
        ("batch", "cronjobs"),
        ("batch", "jobs"),
    }
)
_VERSION = re.compile(r"v1\.(\d|[1-9]\d*)")


class Level(NamedTuple):
    """A level in a version of the standards."""

    name: str = "privileged"
    minor: int = LATEST

    def __str__(self) -> str:
        return f"{self.name}:{'latest' if self.minor == LATEST else f'v1.{self.minor}'}"


ANY = Level()
PRIVILEGED = dict.fromkeys(MODES, ANY)
"""The levels of a namespace that does not say."""


class PodSecurity(Plugin):
    """Enforces the levels that the labels of a namespace name."""

    name = "PodSecurity"
    resources = frozenset({("", "pods"), ("", "namespaces"), *WORKLOADS})
    operations = frozenset({"CREATE", "UPDATE"})

    def validate(self, call: Call, obj: Any, old: Any) -> None:
        """Refuse Pods below the enforced level; warn about Pods and workloads below the level of warnings."""
        if obj.kind == "Namespace":
            if not call.subresource:
                _check_namespace(call, obj, old)
        elif obj.kind == "Pod":
            if call.subresource != "status" and _is_significant(obj, old):
                self._judge(call, obj, obj, True)
        elif not call.subresource:
            self._judge(call, obj, _template(obj), False)

    def _judge(self, call: Call, obj: Any, pod: Any, enforced: bool) -> None:
        labels = _labels(call)
        if pod is None or pod.spec is None:
            return
        levels = levels_of(labels)[0] if labels else PRIVILEGED
        if enforced:
            call.annotate(f"{PREFIX}enforce-policy", str(levels["enforce"]), replace=True)
        if levels is PRIVILEGED:
            return
        metadata = pod.metadata
        annotations = (metadata.annotations if metadata is not None else None) or {}
        found = {mode: _judged(levels[mode], pod.spec, annotations) for mode in MODES}
        if found["audit"]:
            text = f'would violate PodSecurity "{levels["audit"]}": {_text(found["audit"])}'
            call.annotate(f"{PREFIX}audit-violations", text, replace=True)
        if enforced and found["enforce"]:
            raise refuse(call, obj, f'violates PodSecurity "{levels["enforce"]}": {_text(found["enforce"])}')
        if found["warn"]:
            call.warn(f'would violate PodSecurity "{levels["warn"]}": {_text(found["warn"])}')


def _labels(call: Call) -> dict[str, str]:
    namespace = call.server.peek("namespaces", call.namespace)
    labels = (namespace.metadata.labels if namespace is not None else None) or {}
    return {key: value for key, value in labels.items() if key.startswith(PREFIX)} if len(labels) > 1 else {}


def levels_of(labels: dict[str, str]) -> tuple[dict[str, Level], list[FieldError]]:
    """The level of each mode, and what is wrong with the labels.

    Warnings are given for what is enforced on Pods, unless the namespace says otherwise (PolicyToEvaluate).
    """
    levels: dict[str, Level] = {}
    errors: list[FieldError] = []
    for mode in MODES:
        name, minor = ANY
        key = PREFIX + mode
        if key in labels:
            # What cannot be read is enforced as the strictest level, but neither noted nor warned of.
            name = labels[key] if labels[key] in LEVELS else "restricted" if mode == "enforce" else "privileged"
            if labels[key] not in LEVELS:
                why = "must be one of privileged, baseline, restricted"
                errors.append(FieldError.invalid(f"metadata.labels[{key}]", labels[key], why))
        version = labels.get(f"{key}-version", "latest")
        found = _VERSION.fullmatch(version)
        minor = int(found[1]) if found else LATEST
        if not found and version != "latest":
            why = 'must be "latest" or "v1.x"'
            errors.append(FieldError.invalid(f"metadata.labels[{key}-version]", version, why))
        levels[mode] = Level(name, minor)
    if labels.get(PREFIX + "enforce") in LEVELS and PREFIX + "warn" not in labels:
        minor = levels["warn" if f"{PREFIX}warn-version" in labels else "enforce"].minor
        levels["warn"] = Level(levels["enforce"].name, minor)
    return levels, errors


def _judged(level: Level, spec: Any, annotations: dict[str, str]) -> list[Found]:
    return violations(level.name, Subject(spec, annotations, level.minor))


def _text(found: list[Found]) -> str:
    return ", ".join(f"{each.reason} ({each.details})" if each.details else each.reason for each in found)


def _template(obj: Any) -> Any:
    if obj.kind == "PodTemplate":
        return obj.template
    if obj.kind == "CronJob":
        return obj.spec.jobTemplate.spec.template if obj.spec.jobTemplate.spec is not None else None
    return obj.spec.template


def _is_significant(pod: Any, old: Any) -> bool:
    """Whether an update changes what the standards look at: images, and which containers there are."""
    if old is None:
        return True
    if pod.spec is old.spec and pod.metadata.annotations == old.metadata.annotations:
        return False
    fields = ("containers", "initContainers", "ephemeralContainers")
    new, before = ([[(each.name, each.image) for each in getattr(p.spec, f) or ()] for f in fields] for p in (pod, old))
    return new != before or _seccomp(pod) != _seccomp(old)


def _seccomp(pod: Any) -> dict[str, str]:
    annotations = pod.metadata.annotations or {}
    return {key: value for key, value in annotations.items() if "seccomp.security.alpha.kubernetes.io/" in key}


def _check_namespace(call: Call, namespace: Any, old: Any) -> None:
    """Refuse labels that mean nothing, and tell which Pods would not be let in again."""
    levels, errors = levels_of(namespace.metadata.labels or {})
    before, old_errors = levels_of(old.metadata.labels or {}) if old is not None else ({}, [])
    if errors and (old is None or errors != old_errors):
        raise invalid("Namespace", namespace.metadata.name or "", errors)
    if old is None:
        return
    new, former = levels["enforce"], before["enforce"]
    is_relaxed = new.minor == former.minor and LEVELS.index(new.name) <= LEVELS.index(former.name)
    if new != former and new.name != "privileged" and not is_relaxed:
        _warn_of_existing(call, namespace.metadata.name, new)


def _warn_of_existing(call: Call, name: str, level: Level) -> None:
    groups: dict[str, list[str]] = {}
    for pod in call.server.peek_all("pods", name):
        found = _judged(level, pod.spec, pod.metadata.annotations or {})
        if found:
            groups.setdefault(", ".join(each.reason for each in found), []).append(pod.metadata.name)
    if not groups:
        return
    texts = []
    for reasons, names in groups.items():
        others = len(names) - 1
        more = f" (and {others} other pod{'s' if others > 1 else ''})" if others else ""
        texts.append(f"{min(names)}{more}: {reasons}")
    call.warn(f'existing pods in namespace "{name}" violate the new PodSecurity enforce level "{level}"')
    call.warn(*sorted(texts))
