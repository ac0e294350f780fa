"""PodSecurity: namespaces choose by label which Pods they take (`pod-security-admission/admission/admission.go`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.apiserver.admission.plugin import Plugin, refuse
from k8slab.apiserver.admission.podstandards import CHECKS, violations
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


class PodSecurity(Plugin):
    """Enforces the levels that the labels of a namespace name."""

    name = "PodSecurity"
    resources = frozenset({("", "pods"), ("", "namespaces"), *WORKLOADS})
    operations = frozenset({"CREATE", "UPDATE"})

    def validate(self, call: Call, obj: Any, old: Any) -> None:
        """Refuse Pods below the enforced level; warn about Pods and workloads below the level of warnings."""
        if obj.kind == "Namespace":
            _check_labels(obj)
            if old is not None:
                _warn_of_existing(call, obj, old)
            return
        spec = _pod_spec(obj)
        labels = _labels(call)
        if spec is None or not labels or call.subresource == "status":
            return
        if old is not None and (obj.kind != "Pod" or obj.spec is old.spec or obj.spec == old.spec):
            return
        if obj.kind == "Pod":
            level, shown = _level(labels, "enforce")
            found = violations(level, spec)
            if found:
                raise refuse(call, obj, f'violates PodSecurity "{shown}": {_text(found)}')
        level, shown = _level(labels, "warn")
        found = violations(level, spec)
        if found:
            call.warn(f'would violate PodSecurity "{shown}": {_text(found)}')


def _labels(call: Call) -> dict[str, str]:
    namespace = call.server.peek("namespaces", call.namespace)
    labels = (namespace.metadata.labels if namespace is not None else None) or {}
    return {key: value for key, value in labels.items() if key.startswith(PREFIX)} if len(labels) > 1 else {}


def _level(labels: dict[str, str], mode: str) -> tuple[str, str]:
    level = labels.get(PREFIX + mode, "privileged")
    level = level if level in CHECKS else "restricted"
    return level, f"{level}:{labels.get(f'{PREFIX}{mode}-version', 'latest')}"


def _text(found: list[tuple[str, str]]) -> str:
    return ", ".join(f"{reason} ({details})" for reason, details in found)


def _pod_spec(obj: Any) -> Any:
    if obj.kind == "Pod":
        return obj.spec
    if obj.kind == "PodTemplate":
        template = obj.template
    elif obj.kind == "CronJob":
        template = obj.spec.jobTemplate.spec.template if obj.spec.jobTemplate.spec is not None else None
    else:
        template = obj.spec.template
    return template.spec if template is not None else None


def _check_labels(namespace: Any) -> None:
    labels, errors = namespace.metadata.labels or {}, []
    for mode in MODES:
        key = PREFIX + mode
        if key in labels and labels[key] not in CHECKS:
            why = "must be one of privileged, baseline, restricted"
            errors.append(FieldError.invalid(f"metadata.labels[{key}]", labels[key], why))
        version = labels.get(f"{key}-version")
        if version is not None and version != "latest" and not _is_version(version):
            why = 'must be "latest" or "v1.x"'
            errors.append(FieldError.invalid(f"metadata.labels[{key}-version]", version, why))
    if errors:
        raise invalid("Namespace", namespace.metadata.name, errors)


def _is_version(text: str) -> bool:
    return text.startswith("v1.") and text[3:].isdigit()


def _warn_of_existing(call: Call, namespace: Any, old: Any) -> None:
    """A higher level leaves the Pods alone that are there; the client should know which would not be let in again."""
    level, shown = _level(namespace.metadata.labels or {}, "enforce")
    if level == "privileged" or (level, shown) == _level(old.metadata.labels or {}, "enforce"):
        return
    groups: dict[str, list[str]] = {}
    for pod in call.server.peek_all("pods", namespace.metadata.name):
        found = violations(level, pod.spec)
        if found:
            groups.setdefault(", ".join(reason for reason, _ in found), []).append(pod.metadata.name)
    if not groups:
        return
    name = namespace.metadata.name
    call.warn(f'existing pods in namespace "{name}" violate the new PodSecurity enforce level "{shown}"')
    for reasons, names in sorted(groups.items(), key=_first_name):
        others = len(names) - 1
        more = f" (and {others} other pod{'s' if others > 1 else ''})" if others else ""
        call.warn(f"{names[0]}{more}: {reasons}")


def _first_name(group: tuple[str, list[str]]) -> str:
    return group[1][0]
