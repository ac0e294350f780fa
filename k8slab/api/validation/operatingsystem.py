"""What Pods for Linux and for Windows may say (`pkg/apis/core/validation`, `validateLinux`, `validateWindows`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from k8slab.api.core_v1 import PodSpec
from k8slab.api.validation.metadata import Errors
from k8slab.errors import FieldError

SYSTEMS = ("linux", "windows")
NOT_LINUX = "windows options cannot be set for a linux pod"
NOT_WINDOWS = "cannot be set for a windows pod"
POD_FIELDS = (
    ("securityContext", "appArmorProfile"),
    ("securityContext", "seLinuxOptions"),
    ("", "hostUsers"),
    ("", "hostPID"),
    ("", "hostIPC"),
    ("securityContext", "seccompProfile"),
    ("securityContext", "fsGroup"),
    ("securityContext", "fsGroupChangePolicy"),
    ("securityContext", "sysctls"),
    ("", "shareProcessNamespace"),
    ("securityContext", "runAsUser"),
    ("securityContext", "runAsGroup"),
    ("securityContext", "supplementalGroups"),
    ("securityContext", "supplementalGroupsPolicy"),
)
CONTAINER_FIELDS = (
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "capabilities",
    "readOnlyRootFilesystem",
    "privileged",
    "allowPrivilegeEscalation",
    "procMount",
    "runAsUser",
    "runAsGroup",
)


def operating_system(spec: PodSpec, path: str, errors: Errors) -> None:
    """`spec.os`, and what does not go with it."""
    name = spec.os.name
    if not name:
        errors.append(FieldError.required(f"{path}.os.name", "cannot be empty"))
    elif name not in SYSTEMS:
        errors.append(FieldError.not_supported(f"{path}.os", name, SYSTEMS))
    elif name == "linux":
        _linux(spec, path, errors)
    else:
        _windows(spec, path, errors)


def _contexts(spec: PodSpec, path: str) -> Iterator[tuple[Any, str]]:
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for index, item in enumerate(getattr(spec, kind) or ()):
            if item.securityContext is not None:
                yield item.securityContext, f"{path}.{kind}[{index}].securityContext"


def _linux(spec: PodSpec, path: str, errors: Errors) -> None:
    if spec.securityContext is not None and spec.securityContext.windowsOptions is not None:
        errors.append(FieldError.forbidden(f"{path}.securityContext.windowsOptions", NOT_LINUX))
    for context, place in _contexts(spec, path):
        if context.windowsOptions is not None:
            errors.append(FieldError.forbidden(f"{place}.windowsOptions", NOT_LINUX))


def _windows(spec: PodSpec, path: str, errors: Errors) -> None:
    for owner, name in POD_FIELDS:
        source = spec.securityContext if owner else spec
        if source is not None and getattr(source, name) not in (None, False, ()):
            errors.append(FieldError.forbidden(".".join(filter(None, (path, owner, name))), NOT_WINDOWS))
    for context, place in _contexts(spec, path):
        for name in CONTAINER_FIELDS:
            if getattr(context, name) is not None:
                errors.append(FieldError.forbidden(f"{place}.{name}", NOT_WINDOWS))
