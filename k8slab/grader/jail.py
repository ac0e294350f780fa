"""The jail around a learner's process: what it may see, use and reach.

Tiers, best first: ``full`` (own network, process and IPC namespaces, Landlock, system-call filter, limits),
``landlock`` (without namespaces), ``process`` (limits alone). The tier that was reached is written into every result.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import site
import sys
import sysconfig
from typing import NamedTuple

from k8slab.grader import landlock, seccomp

TIERS = ("full", "landlock", "process")

_NEWIPC, _NEWUSER, _NEWPID, _NEWNET = 0x08000000, 0x10000000, 0x20000000, 0x40000000
_PR_SET_PDEATHSIG = 1


class Limits(NamedTuple):
    """What one submission may use: seconds of CPU, bytes of memory above the start, bytes in one file, open files."""

    cpu_seconds: int = 120
    memory: int = 1_500 * 2**20
    file_size: int = 32 * 2**20
    open_files: int = 128


def enter_namespaces() -> bool:
    """Go into new network, IPC and process namespaces; the next fork is the first process there.

    Returns False where the machine does not allow it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "unshare"):
        return False
    wanted = _NEWNET | _NEWIPC | _NEWPID
    if libc.unshare(wanted) == 0:
        return True
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(wanted | _NEWUSER) != 0:
        return False
    with contextlib.suppress(OSError):
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    return True


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def lock(home: str, limits: Limits, namespaces: bool) -> str:
    """Close the jail around this process: files, system calls, limits. Returns the tier. Cannot be undone.

    ``home`` is the only folder that can be written; the interpreter and its libraries can be read.
    """
    _set_limits(limits)
    files = _restrict_files(home)
    calls = seccomp.restrict()
    if files and calls:
        return "full" if namespaces else "landlock"
    return "process"


def _restrict_files(home: str) -> bool:
    with contextlib.suppress(OSError):
        return landlock.restrict(readable_paths(), [home, "/dev/null"])
    return False


def readable_paths() -> list[str]:
    """What the interpreter needs in order to import: its library folders, this package, and some of the system's."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    paths = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    paths |= {os.path.join(sys.base_prefix, "lib"), os.path.join(sys.prefix, "lib"), *site.getsitepackages(), package}
    paths |= {"/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/share/zoneinfo", "/etc/ld.so.cache", "/etc/localtime"}
    paths |= {"/dev/null", "/dev/urandom", "/dev/zero"}
    return sorted(path for path in paths if path)


def _set_limits(limits: Limits) -> None:
    _limit(resource.RLIMIT_CPU, limits.cpu_seconds)
    _limit(resource.RLIMIT_AS, _address_space() + limits.memory)
    _limit(resource.RLIMIT_FSIZE, limits.file_size)
    _limit(resource.RLIMIT_NOFILE, limits.open_files)
    _limit(resource.RLIMIT_CORE, 0)


def _limit(which: int, value: int) -> None:
    hard = resource.getrlimit(which)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(which, (value, value))


def _address_space() -> int:
    """Bytes of address space in use: what the template mapped already must not count against the learner."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 2**30
