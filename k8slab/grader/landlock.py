"""Landlock: what a process may read and write, set by itself and for good (Linux 5.13+, no privileges needed).

Follows the kernel's documentation (Documentation/userspace-api/landlock.rst). There is no libc wrapper, so the system
calls are made by number; the numbers are the same on all architectures.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

# Rights by the ABI version that brought them; a right that the kernel does not know must not be asked for.
_READ = 0b1101  # execute, read_file, read_dir
_ALL_V1 = (1 << 13) - 1
_REFER, _TRUNCATE, _IOCTL = 1 << 13, 1 << 14, 1 << 15
_FILE_ONLY = 0b111 | _TRUNCATE | _IOCTL
_NET_ALL = 0b11  # bind and connect TCP
_SCOPE_ALL = 0b11  # abstract sockets, signals


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("access", ctypes.c_uint64), ("fd", ctypes.c_int32))


def abi() -> int:
    """The version of Landlock that this kernel offers; 0 where there is none."""
    try:
        version = _libc().syscall(_CREATE, None, 0, 1)
    except (OSError, AttributeError):
        return 0
    return max(version, 0)


def restrict(readable: Iterable[str], writable: Iterable[str]) -> bool:
    """Let this process read only under ``readable`` and write only under ``writable``; no TCP, no signals out.

    Paths that do not exist are passed over. Returns False where the kernel offers no Landlock. Raises OSError where it
    refuses.
    """
    version = abi()
    if not version:
        return False
    handled = _ALL_V1 | (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
    handled |= _IOCTL if version >= 5 else 0
    ruleset = _Ruleset(handled, _NET_ALL if version >= 4 else 0, _SCOPE_ALL if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    fd = _call(_CREATE, ctypes.byref(ruleset), size, 0)
    try:
        for path in readable:
            _allow(fd, path, _READ & handled)
        for path in writable:
            _allow(fd, path, handled)
        if _libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_NO_NEW_PRIVS)")
        _call(_RESTRICT, fd, 0)
    finally:
        os.close(fd)
    return True


def _allow(ruleset: int, path: str, access: int) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(fd).st_mode):
            access &= _FILE_ONLY
        rule = _PathBeneath(access, fd)
        _call(_ADD, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(fd)


def _call(number: int, *arguments: object) -> int:
    result = _libc().syscall(number, *arguments)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"landlock: {os.strerror(error)}")
    return result


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
