"""The Pod Security Standards: what the levels baseline and restricted forbid.

Follows `staging/src/k8s.io/pod-security-admission/policy`: each check has a reason, and details that name the
containers. Checks run in the order of their names, those of baseline first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from k8slab.errors import quote

DEFAULT_CAPABILITIES = frozenset(
    {
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)
SAFE_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_wmem",
    }
)
SELINUX_TYPES = frozenset({"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"})
VOLUME_TYPES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
Check = Callable[[Any], str]
"""The details of what a Pod spec violates; empty where it is fine."""


def containers_of(spec: Any) -> tuple[Any, ...]:
    """All containers in the order in which they are checked."""
    return (*(spec.initContainers or ()), *(spec.containers or ()), *(spec.ephemeralContainers or ()))


def _context(owner: Any, name: str) -> Any:
    context = owner.securityContext
    return getattr(context, name) if context is not None else None


def _named(word: str, names: Iterable[str]) -> str:
    """`container "a"` or `containers "a", "b"`."""
    quoted = [quote(name) for name in names]
    return f"{word}{'s' if len(quoted) > 1 else ''} {', '.join(quoted)}"


def _bad(spec: Any, is_bad: Callable[[Any], bool], text: str) -> str:
    names = [each.name for each in containers_of(spec) if is_bad(each)]
    return f"{_named('container', names)} {text}" if names else ""


def _listed(values: Iterable[str]) -> str:
    return ", ".join(quote(value) for value in sorted(set(values)))


def _added(container: Any) -> tuple[str, ...]:
    capabilities = _context(container, "capabilities")
    return tuple((capabilities.add if capabilities is not None else None) or ())


def _capabilities(spec: Any, allowed: frozenset[str]) -> str:
    names = [each.name for each in containers_of(spec) if set(_added(each)) - allowed]
    values = [value for each in containers_of(spec) for value in _added(each) if value not in allowed]
    if not names:
        return ""
    return f"{_named('container', names)} must not include {_listed(values)} in securityContext.capabilities.add"


def capabilities_baseline(spec: Any) -> str:
    """Capabilities beyond the default ones."""
    return _capabilities(spec, DEFAULT_CAPABILITIES)


def capabilities_restricted(spec: Any) -> str:
    """Any capability but NET_BIND_SERVICE."""
    kept = _bad(spec, _keeps_capabilities, 'must set securityContext.capabilities.drop=["ALL"]')
    added = _capabilities(spec, frozenset({"NET_BIND_SERVICE"}))
    return "; ".join(text for text in (kept, added) if text)


def _keeps_capabilities(container: Any) -> bool:
    capabilities = _context(container, "capabilities")
    return "ALL" not in ((capabilities.drop if capabilities is not None else None) or ())


def host_namespaces(spec: Any) -> str:
    """The node's network, processes or shared memory."""
    return ", ".join(f"{name}=true" for name in ("hostNetwork", "hostPID", "hostIPC") if getattr(spec, name))


def host_path_volumes(spec: Any) -> str:
    """The node's files."""
    names = [each.name for each in spec.volumes or () if each.hostPath is not None]
    return _named("volume", names) if names else ""


def host_ports(spec: Any) -> str:
    """The node's ports."""
    found = [(each.name, port.hostPort) for each in containers_of(spec) for port in each.ports or () if port.hostPort]
    if not found:
        return ""
    names = dict.fromkeys(name for name, _ in found)
    numbers = ", ".join(str(port) for port in sorted({port for _, port in found}))
    uses = "use" if len(names) > 1 else "uses"
    return f"{_named('container', names)} {uses} hostPort{'s' if ',' in numbers else ''} {numbers}"


def privileged(spec: Any) -> str:
    """All of the node."""
    return _bad(spec, _is_privileged, "must not set securityContext.privileged=true")


def _is_privileged(container: Any) -> bool:
    return bool(_context(container, "privileged"))


def proc_mount(spec: Any) -> str:
    """The whole of /proc."""
    values = [_context(each, "procMount") for each in containers_of(spec)]
    shown = _listed(value for value in values if value not in (None, "Default"))
    return _bad(spec, _has_proc, f"must not set securityContext.procMount to {shown}")


def _has_proc(container: Any) -> bool:
    return _context(container, "procMount") not in (None, "Default")


def selinux_options(spec: Any) -> str:
    """SELinux labels of one's own choice."""
    owners = [("pod", spec), *((f'container "{each.name}"', each) for each in containers_of(spec))]
    bad, problems = [], []
    for name, owner in owners:
        options = _context(owner, "seLinuxOptions")
        if options is None:
            continue
        found = [f'type "{options.type}"'] if (options.type or "") not in SELINUX_TYPES else []
        found += [f"{field} may not be set" for field in ("user", "role") if getattr(options, field)]
        if found:
            bad.append(name)
            problems += found
    return f"{' and '.join(bad)} set forbidden securityContext.seLinuxOptions: {'; '.join(problems)}" if bad else ""


def seccomp_baseline(spec: Any) -> str:
    """No filter of system calls."""
    text = 'must not set securityContext.seccompProfile.type to "Unconfined"'
    own = f"pod {text}" if _seccomp(spec) == "Unconfined" else ""
    theirs = _bad(spec, _is_unconfined, text)
    return "; ".join(each for each in (own, theirs) if each)


def _seccomp(owner: Any) -> str | None:
    profile = _context(owner, "seccompProfile")
    return profile.type if profile is not None else None


def _is_unconfined(container: Any) -> bool:
    return _seccomp(container) == "Unconfined"


def seccomp_restricted(spec: Any) -> str:
    """A filter must be chosen, for the Pod or for each container."""
    wanted = 'securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    is_set = _seccomp(spec) in ("RuntimeDefault", "Localhost")
    silent = [each.name for each in containers_of(spec) if _seccomp(each) is None]
    parts = [seccomp_baseline(spec)]
    if silent and not is_set:
        parts.append(f"pod or {_named('container', silent)} must set {wanted}")
    return "; ".join(part for part in parts if part)


def sysctls(spec: Any) -> str:
    """Kernel settings that reach beyond the Pod."""
    return ", ".join(
        each.name for each in _context(spec, "sysctls") or () if each.name.replace("/", ".") not in SAFE_SYSCTLS
    )


def allow_privilege_escalation(spec: Any) -> str:
    """Processes that gain rights."""
    return _bad(spec, _may_escalate, "must set securityContext.allowPrivilegeEscalation=false")


def _may_escalate(container: Any) -> bool:
    return _context(container, "allowPrivilegeEscalation") is not False


def restricted_volumes(spec: Any) -> str:
    """Volumes that are not Kubernetes' own."""
    found = [(each.name, _volume_type(each)) for each in spec.volumes or ()]
    bad = [(name, kind) for name, kind in found if kind not in VOLUME_TYPES]
    if not bad:
        return ""
    kinds = list(dict.fromkeys(quote(kind) for _, kind in bad))
    many = "use restricted volume types" if len(bad) > 1 else "uses restricted volume type"
    return f"{_named('volume', [name for name, _ in bad])} {many} {', '.join(kinds)}"


def _volume_type(volume: Any) -> str:
    fields = volume.__struct_fields__
    return next((name for name in fields if name != "name" and getattr(volume, name) is not None), "emptyDir")


def run_as_non_root(spec: Any) -> str:
    """Processes that may be root."""
    whole = _context(spec, "runAsNonRoot")
    parts = ["pod must not set securityContext.runAsNonRoot=false"] if whole is False else []
    explicit = _bad(spec, _wants_root, "must not set securityContext.runAsNonRoot=false")
    silent = [each.name for each in containers_of(spec) if _context(each, "runAsNonRoot") is None]
    if explicit:
        parts.append(explicit)
    if silent and whole is None:
        parts.append(f"pod or {_named('container', silent)} must set securityContext.runAsNonRoot=true")
    return "; ".join(parts)


def _wants_root(container: Any) -> bool:
    return _context(container, "runAsNonRoot") is False


def run_as_user(spec: Any) -> str:
    """Processes that are root."""
    own = "pod must not set runAsUser=0" if _context(spec, "runAsUser") == 0 else ""
    theirs = _bad(spec, _is_root, "must not set runAsUser=0")
    return "; ".join(text for text in (own, theirs) if text)


def _is_root(container: Any) -> bool:
    return _context(container, "runAsUser") == 0


SHARED: tuple[tuple[str, Check], ...] = (
    ("host namespaces", host_namespaces),
    ("hostPath volumes", host_path_volumes),
    ("hostPort", host_ports),
    ("privileged", privileged),
    ("procMount", proc_mount),
    ("seLinuxOptions", selinux_options),
    ("forbidden sysctls", sysctls),
)
CHECKS: dict[str, tuple[tuple[str, Check], ...]] = {
    "privileged": (),
    "baseline": (
        ("non-default capabilities", capabilities_baseline),
        *SHARED[:-1],
        ("seccompProfile", seccomp_baseline),
        SHARED[-1],
    ),
    "restricted": (
        *SHARED,
        ("allowPrivilegeEscalation != false", allow_privilege_escalation),
        ("unrestricted capabilities", capabilities_restricted),
        ("restricted volume types", restricted_volumes),
        ("runAsNonRoot != true", run_as_non_root),
        ("runAsUser=0", run_as_user),
        ("seccompProfile", seccomp_restricted),
    ),
}


def violations(level: str, spec: Any) -> list[tuple[str, str]]:
    """Reasons and details of everything in a Pod spec that the level forbids."""
    if spec.os is not None and spec.os.name == "windows":
        return []
    found = ((reason, check(spec)) for reason, check in CHECKS[level])
    return [(reason, details) for reason, details in found if details]
