"""Security contexts of Pods and containers (`pkg/apis/core/validation`, `ValidateSecurityContext`)."""

from __future__ import annotations

import re

from k8slab.api.core_v1 import AppArmorProfile, PodSecurityContext, PodSpec, SeccompProfile, SecurityContext
from k8slab.api.validation import names
from k8slab.api.validation.gostruct import quoted
from k8slab.api.validation.metadata import Errors
from k8slab.api.validation.volumes import local_path
from k8slab.errors import FieldError

PROFILES = ("Localhost", "RuntimeDefault", "Unconfined")
_SEGMENT = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SYSCTL = re.compile(rf"({_SEGMENT}[\./])*{_SEGMENT}")


def pod_security_context(item: PodSecurityContext, spec: PodSpec, path: str, errors: Errors) -> None:
    """Security settings of a whole Pod."""
    for name in ("fsGroup", "runAsUser", "runAsGroup"):
        _id(getattr(item, name), f"{path}.{name}", errors)
    for index, group in enumerate(item.supplementalGroups or ()):
        _id(group, f"{path}.supplementalGroups[{index}]", errors)
    if spec.shareProcessNamespace and spec.hostPID:
        text = "ShareProcessNamespace and HostPID cannot both be enabled"
        errors.append(FieldError.invalid(f"{path}.shareProcessNamespace", True, text))
    _sysctls(item, spec, f"{path}.sysctls", errors)
    _choice(item.fsGroupChangePolicy, ("Always", "OnRootMismatch"), f"{path}.fsGroupChangePolicy", errors)
    seccomp(item.seccompProfile, f"{path}.seccompProfile", errors)
    app_armor(item.appArmorProfile, f"{path}.appArmorProfile", errors)
    _choice(item.supplementalGroupsPolicy, ("Merge", "Strict"), f"{path}.supplementalGroupsPolicy", errors)
    _choice(item.seLinuxChangePolicy, ("MountOption", "Recursive"), f"{path}.seLinuxChangePolicy", errors)


def _id(number: int | None, path: str, errors: Errors) -> None:
    if number is not None:
        for message in names.user_id(number):
            errors.append(FieldError.invalid(path, number, message))


def _choice(value: str | None, values: tuple[str, ...], path: str, errors: Errors) -> None:
    if value is not None and value not in values:
        errors.append(FieldError.not_supported(path, value, values))


def _sysctls(item: PodSecurityContext, spec: PodSpec, path: str, errors: Errors) -> None:
    seen: set[str] = set()
    for index, setting in enumerate(item.sysctls or ()):
        place = f"{path}[{index}].name"
        if not setting.name:
            errors.append(FieldError.required(place))
        elif len(setting.name) > 253 or not _SYSCTL.fullmatch(setting.name):
            text = f"must have at most 253 characters and match regex ^{_SYSCTL.pattern}$"
            errors.append(FieldError.invalid(place, setting.name, text))
        elif setting.name in seen:
            errors.append(FieldError.duplicate(place, setting.name))
        seen.add(setting.name)
        _shared_sysctl(setting.name or "", spec, place, errors)


def _shared_sysctl(name: str, spec: PodSpec, path: str, errors: Errors) -> None:
    """Settings of a namespace that the Pod shares with its node are the node's."""
    dotted = name.replace("/", ".")
    if spec.hostNetwork and dotted.startswith("net."):
        errors.append(FieldError.invalid(path, name, "may not be specified when 'hostNetwork' is true"))
    elif spec.hostIPC and dotted.startswith(("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.")):
        errors.append(FieldError.invalid(path, name, "may not be specified when 'hostIPC' is true"))


def seccomp(item: SeccompProfile | None, path: str, errors: Errors) -> None:
    """Which system calls are allowed."""
    if item is None:
        return
    if not item.type:
        errors.append(FieldError.required(f"{path}.type", "type is required when seccompProfile is set"))
    else:
        _choice(item.type, PROFILES, f"{path}.type", errors)
    if item.type == "Localhost":
        if item.localhostProfile is None:
            text = "must be set when seccomp type is Localhost"
            errors.append(FieldError.required(f"{path}.localhostProfile", text))
        else:
            local_path(item.localhostProfile, f"{path}.localhostProfile", errors)
    elif item.localhostProfile is not None:
        text = "can only be set when seccomp type is Localhost"
        errors.append(FieldError.invalid(f"{path}.localhostProfile", quoted(item), text))


def app_armor(item: AppArmorProfile | None, path: str, errors: Errors) -> None:
    """Which AppArmor profile applies."""
    if item is None:
        return
    profile = item.localhostProfile
    if item.type == "Localhost":
        if not (profile or "").strip():
            text = "must be set when AppArmor type is Localhost"
            errors.append(FieldError.required(f"{path}.localhostProfile", text))
        elif profile.strip() != profile:
            errors.append(FieldError.invalid(f"{path}.localhostProfile", profile, "must not be padded with whitespace"))
    elif item.type in PROFILES:
        if profile is not None:
            text = "can only be set when AppArmor type is Localhost"
            errors.append(FieldError.invalid(f"{path}.localhostProfile", profile, text))
    elif not item.type:
        errors.append(FieldError.required(f"{path}.type", "type is required when appArmorProfile is set"))
    else:
        errors.append(FieldError.not_supported(f"{path}.type", item.type, PROFILES))


def security_context(item: SecurityContext, host_users: bool, path: str, errors: Errors) -> None:
    """Security settings of one container; `host_users` says whether it shares the node's users."""
    _id(item.runAsUser, f"{path}.runAsUser", errors)
    _id(item.runAsGroup, f"{path}.runAsGroup", errors)
    if item.procMount is not None and item.procMount not in ("Default", "Unmasked"):
        errors.append(FieldError.not_supported(f"{path}.procMount", item.procMount, ("Default", "Unmasked")))
    if host_users and item.procMount == "Unmasked":
        text = "`hostUsers` must be false to use `Unmasked`"
        errors.append(FieldError.invalid(f"{path}.procMount", item.procMount, text))
    seccomp(item.seccompProfile, f"{path}.seccompProfile", errors)
    if item.allowPrivilegeEscalation is False:
        if item.privileged:
            text = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            errors.append(FieldError.invalid(path, quoted(item), text))
        if item.capabilities is not None and "CAP_SYS_ADMIN" in (item.capabilities.add or ()):
            text = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            errors.append(FieldError.invalid(path, quoted(item), text))
    app_armor(item.appArmorProfile, f"{path}.appArmorProfile", errors)
