"""What `kubectl debug --profile` allows a debugging container (`kubectl/pkg/cmd/debug/profiles.go`)."""

from __future__ import annotations

from typing import Any

PROFILES = ("legacy", "general", "baseline", "netadmin", "restricted", "sysadmin")
EPHEMERAL, COPY, NODE = "ephemeral", "copy", "node"
PROBES = {"keep-liveness": "livenessProbe", "keep-readiness": "readinessProbe", "keep-startup": "startupProbe"}

Data = dict[str, Any]


def apply(profile: str, style: str, pod: Data, container: Data, keep: Data) -> None:
    """Shape a Pod and its debugging container.

    Args:
        profile: one of PROFILES.
        style: EPHEMERAL (a container in a running Pod), COPY (of a Pod) or NODE (a Pod on a node).
        pod: the Pod; changed.
        container: the debugging container in it; changed.
        keep: the `--keep-...` flags, for copies.
    """
    if style == COPY and profile != "legacy":
        _strip(pod, keep)
        if profile in ("general", "netadmin", "sysadmin"):
            pod["spec"].setdefault("shareProcessNamespace", True)
    if style == NODE:
        _on_node(profile, pod, container)
    _rights(profile, style, pod, container)


def _strip(pod: Data, keep: Data) -> None:
    """A copy is not to be found by Services and controllers, nor killed by probes."""
    for flag, field in (("keep-labels", "labels"), ("keep-annotations", "annotations")):
        if not keep[flag]:
            pod["metadata"].pop(field, None)
    for container in pod["spec"]["containers"]:
        for flag, field in PROBES.items():
            if not keep[flag]:
                container.pop(field, None)
    if not keep["keep-init-containers"]:
        pod["spec"].pop("initContainers", None)


def _on_node(profile: str, pod: Data, container: Data) -> None:
    if profile in ("baseline", "restricted"):
        return
    pod["spec"] |= {"hostNetwork": True, "hostPID": True, "hostIPC": True}
    if profile != "netadmin":
        pod["spec"]["volumes"] = [{"name": "host-root", "hostPath": {"path": "/"}}]
        container["volumeMounts"] = [{"name": "host-root", "mountPath": "/host"}]


def _rights(profile: str, style: str, pod: Data, container: Data) -> None:
    context = dict(container.get("securityContext") or {})
    if profile == "general" and style != NODE:
        context["capabilities"] = {"add": ["SYS_PTRACE"]}
    elif profile == "netadmin":
        context["capabilities"] = {"add": ["NET_ADMIN", "NET_RAW"]}
    elif profile == "sysadmin":
        context["privileged"] = True
    elif profile == "restricted":
        context |= {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
    elif profile in ("general", "baseline") and style == NODE:
        context = {}
    if context:
        container["securityContext"] = context
