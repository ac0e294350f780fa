"""A system-call filter for a learner's process: it may have threads, but no children, no exec, no ptrace.

Follows the kernel's documentation (Documentation/userspace-api/seccomp_filter.rst). Without children there are no fork
bombs, no background processes and nothing to clean up.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_CLONE_THREAD = 0x00010000

# Classic BPF: load a word at an offset of struct seccomp_data; jump if equal; jump if bits are set; return.
_LOAD, _JUMP_EQUAL, _JUMP_SET, _JUMP_GREATER, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16

_MACHINES = {
    # audit architecture, clone, clone3, and what is refused outright: fork, vfork, execve, execveat, ptrace,
    # process_vm_readv/writev, unshare, setns, mount
    "x86_64": (0xC000003E, 56, 435, (57, 58, 59, 322, 101, 310, 311, 272, 308, 165)),
    "aarch64": (0xC00000B7, 220, 435, (221, 281, 117, 270, 271, 97, 268, 40)),
}


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("filter", ctypes.POINTER(_Instruction)))


def restrict() -> bool:
    """Set the filter for this process, for good. Returns False where this machine or kernel is not supported."""
    machine = _MACHINES.get(platform.machine())
    if machine is None or os.name != "posix":
        return False
    program = _program(*machine)
    instructions = (_Instruction * len(program))(*(_Instruction(*line) for line in program))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    return libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(_Program(len(program), instructions)), 0, 0) == 0


def _program(arch: int, clone: int, clone3: int, refused: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    refuse = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    lines = [(_LOAD, 0, 0, _ARCH), (_JUMP_EQUAL, 1, 0, arch), refuse, (_LOAD, 0, 0, _NUMBER)]
    # Another numbering of system calls (x32) would slip past the list: refuse it whole.
    lines += [(_JUMP_GREATER, 0, 1, 0x40000000), refuse]
    for number in refused:
        lines += [(_JUMP_EQUAL, 0, 1, number), refuse]
    # clone3 hides its flags behind a pointer; without it libc falls back to clone.
    lines += [(_JUMP_EQUAL, 0, 1, clone3), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
    lines += [(_JUMP_EQUAL, 0, 3, clone), (_LOAD, 0, 0, _FIRST_ARGUMENT), (_JUMP_SET, 1, 0, _CLONE_THREAD), refuse]
    return [*lines, (_RETURN, 0, 0, _ALLOW)]
