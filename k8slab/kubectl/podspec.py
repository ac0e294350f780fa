"""Where the Pod template of a workload is, in plain dicts."""

from __future__ import annotations

from typing import Any

_TEMPLATED = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicationController")


def template_path(kind: str) -> tuple[str, ...] | None:
    """Path from the object to its Pod template; empty for a Pod itself, None for kinds that run no Pods."""
    if kind == "Pod":
        return ()
    if kind in _TEMPLATED:
        return ("spec", "template")
    return ("spec", "jobTemplate", "spec", "template") if kind == "CronJob" else None


def pod_template(obj: dict[str, Any]) -> dict[str, Any] | None:
    """The part of the object that holds a Pod's metadata and spec, None where there is none."""
    path = template_path(obj.get("kind", ""))
    if path is None:
        return None
    node: Any = obj
    for name in path:
        node = node.get(name) or {}
    return node


def pod_spec(obj: dict[str, Any]) -> dict[str, Any] | None:
    """The Pod spec in the object, None where there is none."""
    template = pod_template(obj)
    return None if template is None else template.setdefault("spec", {})
