"""The Pod Security Standards: what the levels baseline and restricted forbid, and since when.

Follows `staging/src/k8s.io/pod-security-admission/policy`: each check has a reason, and details that name the
containers. Checks run in the order of their names, those of baseline first; some of restricted take the place of one
of baseline. Where a namespace asks for an older version of a level, the checks are those of that version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from k8slab.errors import quote

DEFAULT_CAPABILITIES = frozenset(
    (
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP"),
        *("SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
    )
)
SAFE_SYSCTLS = (
    (0, "kernel.shm_rmid_forced"),
    (0, "net.ipv4.ip_local_port_range"),
    (0, "net.ipv4.tcp_syncookies"),
    (0, "net.ipv4.ping_group_range"),
    (0, "net.ipv4.ip_unprivileged_port_start"),
    (27, "net.ipv4.ip_local_reserved_ports"),
    (29, "net.ipv4.tcp_keepalive_time"),
    (29, "net.ipv4.tcp_fin_timeout"),
    (29, "net.ipv4.tcp_keepalive_intvl"),
    (29, "net.ipv4.tcp_keepalive_probes"),
    (32, "net.ipv4.tcp_rmem"),
    (32, "net.ipv4.tcp_wmem"),
)
SELINUX_TYPES = (
    (0, ""),
    (0, "container_t"),
    (0, "container_init_t"),
    (0, "container_kvm_t"),
    (31, "container_engine_t"),
)
"""What is allowed, each with the minor version since which it is."""
VOLUME_TYPES = frozenset(
    (
        *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image"),
        *("persistentVolumeClaim", "projected", "secret"),
    )
)
APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
SECCOMP, SECCOMP_CONTAINER = (
    "seccomp.security.alpha.kubernetes.io/pod",
    "container.seccomp.security.alpha.kubernetes.io/",
)
LATEST = 10_000


class Subject(NamedTuple):
    """The Pod, or a workload's template of it, and the minor version of the standard by which it is judged."""

    spec: Any
    annotations: dict[str, str]
    minor: int = LATEST

    def containers(self) -> tuple[Any, ...]:
        """All containers in the order in which they are checked."""
        spec = self.spec
        return (*(spec.initContainers or ()), *(spec.containers or ()), *(spec.ephemeralContainers or ()))

    @property
    def is_windows(self) -> bool:
        """Whether some of the rules, which are about Linux, do not concern it."""
        return self.minor >= 25 and self.spec.os is not None and self.spec.os.name == "windows"

    @property
    def is_contained(self) -> bool:
        """Whether it has users of its own, so that being root there means little."""
        return self.minor >= 35 and self.spec.hostUsers is False


class Found(NamedTuple):
    """What is wrong: the reason, and details."""

    reason: str
    details: str


Rule = Callable[[Subject], Found | None]


def _context(owner: Any, name: str) -> Any:
    context = owner.securityContext
    return getattr(context, name) if context is not None else None


def _joined(values: Iterable[str]) -> str:
    return ", ".join(quote(value) for value in values)


def _plural(word: str, number: int) -> str:
    return word if number == 1 else f"{word}s"


def _named(word: str, names: list[str]) -> str:
    """`container "a"` or `containers "a", "b"`."""
    return f"{_plural(word, len(names))} {_joined(names)}"


def _setters(subject: Subject, is_bad: Callable[[Any], bool]) -> str:
    """Who sets what may not be set: `pod and containers "a", "b"`."""
    names = [each.name for each in subject.containers() if is_bad(each)]
    found = ["pod"] if is_bad(subject.spec) else []
    return " and ".join([*found, *([_named("container", names)] if names else [])])


def _bad_containers(subject: Subject, is_bad: Callable[[Any], bool]) -> list[str]:
    return [each.name for each in subject.containers() if is_bad(each)]


# --- baseline


def apparmor(subject: Subject) -> Found | None:
    """AppArmor profiles other than the runtime's and the node's."""
    setters, values = _setters(subject, _has_apparmor), _values(subject, "appArmorProfile", _has_apparmor)
    notes = [f"{key}={quote(value)}" for key, value in sorted(subject.annotations.items()) if _is_profile(key, value)]
    if notes:
        setters = " and ".join([*([setters] if setters else []), _plural("annotation", len(notes))])
    if not setters:
        return None
    found = [*values, *notes]
    reason = _plural("forbidden AppArmor profile", len(found))
    return Found(reason, f"{setters} must not set AppArmor profile type to {_joined(found)}")


def _is_profile(key: str, value: str) -> bool:
    return (
        key.startswith(APPARMOR) and bool(value) and value != "runtime/default" and not value.startswith("localhost/")
    )


def _has_apparmor(owner: Any) -> bool:
    profile = _context(owner, "appArmorProfile")
    return profile is not None and profile.type not in ("RuntimeDefault", "Localhost")


def _values(subject: Subject, field: str, is_bad: Callable[[Any], bool]) -> list[str]:
    """The types that bad profiles have."""
    owners = (subject.spec, *subject.containers())
    return sorted({_context(owner, field).type or "" for owner in owners if is_bad(owner)})


def capabilities_baseline(subject: Subject) -> Found | None:
    """Capabilities beyond the default ones."""
    details = _added_capabilities(subject, DEFAULT_CAPABILITIES)
    return Found("non-default capabilities", details) if details else None


def _added_capabilities(subject: Subject, allowed: frozenset[str]) -> str:
    names, values = [], set()
    for container in subject.containers():
        capabilities = _context(container, "capabilities")
        added = set((capabilities.add if capabilities is not None else None) or ()) - allowed
        names += [container.name] if added else []
        values |= added
    if not names:
        return ""
    wanted = _joined(sorted(values))
    return f"{_named('container', names)} must not include {wanted} in securityContext.capabilities.add"


def host_namespaces(subject: Subject) -> Found | None:
    """The node's network, processes or shared memory."""
    found = [f"{name}=true" for name in ("hostNetwork", "hostPID", "hostIPC") if getattr(subject.spec, name)]
    return Found("host namespaces", ", ".join(found)) if found else None


def host_path_volumes(subject: Subject) -> Found | None:
    """The node's files."""
    names = [each.name for each in subject.spec.volumes or () if each.hostPath is not None]
    return Found("hostPath volumes", _named("volume", names)) if names else None


def host_ports(subject: Subject) -> Found | None:
    """The node's ports."""
    names = _bad_containers(subject, _has_host_port)
    if not names:
        return None
    ports = {str(port.hostPort) for each in subject.containers() for port in each.ports or () if port.hostPort}
    use = "uses" if len(names) == 1 else "use"
    details = f"{_named('container', names)} {use} {_plural('hostPort', len(ports))} {', '.join(sorted(ports))}"
    return Found("hostPort", details)


def _has_host_port(container: Any) -> bool:
    return any(port.hostPort for port in container.ports or ())


def host_probes(subject: Subject) -> Found | None:
    """Probes and lifecycle handlers that call other hosts."""
    hosts = {each.name: _hosts(each) for each in subject.containers()}
    names = sorted(name for name, found in hosts.items() if found)
    if not names:
        return None
    found = sorted({host for each in hosts.values() for host in each})
    use = "uses" if len(names) == 1 else "use"
    what = _plural("probe or lifecycle host", len(found))
    return Found("probe or lifecycle host", f"{_named('container', names)} {use} {what} {_joined(found)}")


def _hosts(container: Any) -> list[str]:
    lifecycle = container.lifecycle
    handlers = [container.livenessProbe, container.readinessProbe, container.startupProbe]
    handlers += [lifecycle.postStart, lifecycle.preStop] if lifecycle is not None else []
    actions = [action for each in handlers if each is not None for action in (each.httpGet, each.tcpSocket)]
    return [action.host for action in actions if action is not None and action.host]


def privileged(subject: Subject) -> Found | None:
    """All of the node."""
    names = _bad_containers(subject, _is_privileged)
    text = f"{_named('container', names)} must not set securityContext.privileged=true"
    return Found("privileged", text) if names else None


def _is_privileged(container: Any) -> bool:
    return bool(_context(container, "privileged"))


def proc_mount(subject: Subject) -> Found | None:
    """The whole of /proc."""
    return None if subject.is_contained else proc_mount_restricted(subject)


def proc_mount_restricted(subject: Subject) -> Found | None:
    """The whole of /proc, also for Pods with users of their own."""
    names = _bad_containers(subject, _has_proc)
    if not names:
        return None
    values = sorted({_context(each, "procMount") for each in subject.containers() if _has_proc(each)})
    return Found(
        "procMount", f"{_named('container', names)} must not set securityContext.procMount to {_joined(values)}"
    )


def _has_proc(container: Any) -> bool:
    return _context(container, "procMount") not in (None, "Default")


def selinux_options(subject: Subject) -> Found | None:
    """SELinux labels of one's own choice."""
    allowed = {name for since, name in SELINUX_TYPES if since <= subject.minor}
    owners = [("", subject.spec), *((each.name, each) for each in subject.containers())]
    bad = [(name, _context(owner, "seLinuxOptions")) for name, owner in owners if _bad_labels(owner, allowed)]
    if not bad:
        return None
    names = [name for name, _ in bad if name]
    setters = [*(["pod"] if not bad[0][0] else []), *([_named("container", names)] if names else [])]
    types = sorted({options.type for _, options in bad if (options.type or "") not in allowed})
    problems = [f"{_plural('type', len(types))} {_joined(types)}"] if types else []
    problems += [f"{field} may not be set" for field in ("user", "role") if any(getattr(o, field) for _, o in bad)]
    text = f"{' and '.join(setters)} set forbidden securityContext.seLinuxOptions: {'; '.join(problems)}"
    return Found("seLinuxOptions", text)


def _bad_labels(owner: Any, allowed: set[str]) -> bool:
    options = _context(owner, "seLinuxOptions")
    return options is not None and bool((options.type or "") not in allowed or options.user or options.role)


def seccomp_baseline(subject: Subject) -> Found | None:
    """No filter of system calls."""
    if subject.minor < 19:
        return _seccomp_annotations(subject)
    setters = _setters(subject, _has_seccomp)
    if not setters:
        return None
    values = _joined(_values(subject, "seccompProfile", _has_seccomp))
    return Found("seccompProfile", f"{setters} must not set securityContext.seccompProfile.type to {values}")


def _has_seccomp(owner: Any) -> bool:
    profile = _context(owner, "seccompProfile")
    return profile is not None and profile.type not in ("RuntimeDefault", "Localhost")


def _seccomp_annotations(subject: Subject) -> Found | None:
    keys = [SECCOMP, *(SECCOMP_CONTAINER + each.name for each in subject.containers())]
    given = {key: subject.annotations[key] for key in keys if key in subject.annotations}
    allowed = ("runtime/default", "docker/default")
    found = sorted(
        f"{key}={quote(value)}"
        for key, value in given.items()
        if value not in allowed and not value.startswith("localhost/")
    )
    text = f"forbidden {_plural('annotation', len(found))} {', '.join(found)}"
    return Found("seccompProfile", text) if found else None


def sysctls(subject: Subject) -> Found | None:
    """Kernel settings that reach beyond the Pod."""
    allowed = {name for since, name in SAFE_SYSCTLS if since <= subject.minor}
    found = [each.name for each in _context(subject.spec, "sysctls") or () if each.name not in allowed]
    return Found("forbidden sysctls", ", ".join(found)) if found else None


def windows_host_process(subject: Subject) -> Found | None:
    """Processes of a Windows node."""
    setters = _setters(subject, _is_host_process)
    text = f"{setters} must not set securityContext.windowsOptions.hostProcess=true"
    return Found("hostProcess", text) if setters else None


def _is_host_process(owner: Any) -> bool:
    options = _context(owner, "windowsOptions")
    return options is not None and bool(options.hostProcess)


# --- restricted


def privilege_escalation(subject: Subject) -> Found | None:
    """Processes that gain rights."""
    names = [] if subject.is_windows else _bad_containers(subject, _may_escalate)
    text = f"{_named('container', names)} must set securityContext.allowPrivilegeEscalation=false"
    return Found("allowPrivilegeEscalation != false", text) if names else None


def _may_escalate(container: Any) -> bool:
    return _context(container, "allowPrivilegeEscalation") is not False


def capabilities_restricted(subject: Subject) -> Found | None:
    """Any capability but NET_BIND_SERVICE."""
    if subject.is_windows:
        return None
    names = _bad_containers(subject, _keeps_capabilities)
    kept = f'{_named("container", names)} must set securityContext.capabilities.drop=["ALL"]' if names else ""
    added = _added_capabilities(subject, frozenset({"NET_BIND_SERVICE"}))
    details = "; ".join(text for text in (kept, added) if text)
    return Found("unrestricted capabilities", details) if details else None


def _keeps_capabilities(container: Any) -> bool:
    capabilities = _context(container, "capabilities")
    return "ALL" not in ((capabilities.drop if capabilities is not None else None) or ())


def restricted_volumes(subject: Subject) -> Found | None:
    """Volumes that are not Kubernetes' own."""
    found = [(each.name, _volume_type(each)) for each in subject.spec.volumes or ()]
    bad = [(name, kind) for name, kind in found if kind not in VOLUME_TYPES]
    if not bad:
        return None
    kinds = sorted({kind for _, kind in bad})
    use = "uses" if len(bad) == 1 else "use"
    what = f"{use} {_plural('restricted volume type', len(kinds))} {_joined(kinds)}"
    return Found("restricted volume types", f"{_named('volume', [name for name, _ in bad])} {what}")


def _volume_type(volume: Any) -> str:
    """The field that says what a volume is."""
    fields = volume.__struct_fields__
    return next((name for name in fields if name != "name" and getattr(volume, name) is not None), "emptyDir")


def run_as_non_root(subject: Subject) -> Found | None:
    """Processes that may be root."""
    if subject.is_contained:
        return None
    reason = "runAsNonRoot != true"
    setters = _setters(subject, _wants_root)
    if setters:
        return Found(reason, f"{setters} must not set securityContext.runAsNonRoot=false")
    silent = [] if _context(subject.spec, "runAsNonRoot") else _bad_containers(subject, _is_silent_about_root)
    text = f"pod or {_named('container', silent)} must set securityContext.runAsNonRoot=true"
    return Found(reason, text) if silent else None


def _wants_root(owner: Any) -> bool:
    return _context(owner, "runAsNonRoot") is False


def _is_silent_about_root(container: Any) -> bool:
    return _context(container, "runAsNonRoot") is None


def run_as_user(subject: Subject) -> Found | None:
    """Processes that are root."""
    setters = "" if subject.is_contained else _setters(subject, _is_root)
    return Found("runAsUser=0", f"{setters} must not set runAsUser=0") if setters else None


def _is_root(owner: Any) -> bool:
    return _context(owner, "runAsUser") == 0


def seccomp_restricted(subject: Subject) -> Found | None:
    """A filter must be chosen, for the Pod or for each container."""
    if subject.is_windows:
        return None
    found = seccomp_baseline(subject)
    if found is not None or _context(subject.spec, "seccompProfile") is not None:
        return found
    silent = _bad_containers(subject, _is_silent_about_seccomp)
    wanted = 'securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    return Found("seccompProfile", f"pod or {_named('container', silent)} must set {wanted}") if silent else None


def _is_silent_about_seccomp(container: Any) -> bool:
    return _context(container, "seccompProfile") is None


class Check(NamedTuple):
    """A rule, the minor version since which it holds, and the rule of baseline whose place it takes."""

    rule: Rule
    since: int = 0
    instead_of: Rule | None = None


BASELINE = (
    Check(apparmor),
    Check(capabilities_baseline),
    Check(host_namespaces),
    Check(host_path_volumes),
    Check(host_ports),
    Check(host_probes, 34),
    Check(privileged),
    Check(proc_mount),
    Check(selinux_options),
    Check(seccomp_baseline),
    Check(sysctls),
    Check(windows_host_process),
)
RESTRICTED = (
    Check(privilege_escalation, 8),
    Check(capabilities_restricted, 22, capabilities_baseline),
    Check(proc_mount_restricted, 35, proc_mount),
    Check(restricted_volumes, 0, host_path_volumes),
    Check(run_as_non_root),
    Check(run_as_user, 23),
    Check(seccomp_restricted, 19, seccomp_baseline),
)
LEVELS = ("privileged", "baseline", "restricted")


def violations(level: str, subject: Subject) -> list[Found]:
    """Everything that the level forbids."""
    if level == "privileged":
        return []
    stricter = [each for each in RESTRICTED if each.since <= subject.minor] if level == "restricted" else []
    replaced = [each.instead_of for each in stricter]
    checks = [each for each in BASELINE if each.since <= subject.minor and each.rule not in replaced]
    found = (each.rule(subject) for each in (*checks, *stricter))
    return [each for each in found if each is not None]
