"""Commands that use a machine's resources: stress and its relatives, and what fills disks."""

from __future__ import annotations

import hashlib
import re
from itertools import pairwise
from typing import TYPE_CHECKING

from k8slab.kubelet.text import duration, size
from k8slab.sim.clock import MILLISECOND, SECOND

if TYPE_CHECKING:
    from k8slab.kubelet.shell.run import Shell

Argv = list[str]
CORE = 1000
DISK_SPEED = 400_000_000
"""Bytes per second that are written to a disk."""
FOREVER = 1 << 62
ALIASES = {
    "-c": "--cpu",
    "-m": "--vm",
    "-i": "--io",
    "-d": "--hdd",
    "-t": "--timeout",
    "-cpus": "--cpu",
    "--cpus": "--cpu",
    "--mem-total": "-mem-total",
    "--mem-alloc-size": "-mem-alloc-size",
    "--mem-alloc-sleep": "-mem-alloc-sleep",
}


def _stress(shell: Shell, argv: Argv) -> int:
    """`stress --cpu 2 --vm 1 --vm-bytes 250M --timeout 60s`, and the same of stress-ng and vish/stress."""
    flags = _flags(argv)
    cpu, vm, io, hdd = (int(flags.get(f"--{name}", 0)) for name in ("cpu", "vm", "io", "hdd"))
    if "-mem-total" in flags or any(word.startswith("-cpus") for word in argv):
        return _vish(shell, flags, cpu)
    if not cpu + vm + io + hdd:
        shell.write("`stress' imposes certain types of compute stress on your system\n")
        return 0
    shell.write(f"stress: info: [1] dispatching hogs: {cpu} cpu, {io} io, {vm} vm, {hdd} hdd\n")
    busy = CORE * cpu + (CORE // 20 if "--vm-hang" in flags else CORE) * vm
    until = shell.now + duration(flags["--timeout"]) if "--timeout" in flags else FOREVER
    shell.effects.append((shell.now, "cpu", busy, until))
    shell.effects.append((shell.now, "pids", cpu + vm + io + hdd, until))
    if vm:
        shell.sleep(300 * MILLISECOND)
        shell.effects.append((shell.now, "memory", vm * _bytes(flags.get("--vm-bytes", "256M")), None))
    if hdd:
        shell.store("/stress.data", "")
        shell.effects.append((shell.now, "size", "/stress.data", hdd * _bytes(flags.get("--hdd-bytes", "1G"))))
    if until == FOREVER:
        shell.block()
    shell.sleep(until - shell.now)
    if vm:
        shell.effects.append((shell.now, "memory", -vm * _bytes(flags.get("--vm-bytes", "256M")), None))
    shell.write(f"stress: info: [1] successful run completed in {duration(flags['--timeout']) // SECOND}s\n")
    return 0


def _vish(shell: Shell, flags: dict[str, str], cpu: int) -> int:
    """The stress of the Kubernetes documentation: `-cpus 2`, `-mem-total 250Mi -mem-alloc-size 10Mi ...`."""
    total = flags.get("-mem-total", "0")
    chunk, pause = flags.get("-mem-alloc-size", "4Ki"), flags.get("-mem-alloc-sleep", "1ms")
    shell.write(f'Allocating "{total}" memory, in "{chunk}" chunks, with a {pause} sleep between allocations\n')
    if cpu:
        shell.write(
            f"Spawning {cpu} threads to consume CPU\n" if cpu > 1 else "Spawning a thread to consume CPU\n" * cpu
        )
        shell.effects.append((shell.now, "cpu", cpu * CORE, FOREVER))
    left = size(total)
    while left > 0:
        shell.tick()
        shell.effects.append((shell.now, "memory", min(left, max(size(chunk), 1 << 20)), None))
        left -= max(size(chunk), 1 << 20)
        shell.sleep(duration(pause))
    shell.block()
    return 0


def _flags(argv: Argv) -> dict[str, str]:
    words = [part for word in argv[1:] for part in (word.split("=", 1) if word.startswith("-") else [word])]
    found = {ALIASES.get(flag, flag): value for flag, value in pairwise([*words, ""]) if flag.startswith("-")}
    return found


def _bytes(text: str) -> int:
    return size(re.sub(r"([KMG])B?$", r"\1i", text.upper()))


def _dd(shell: Shell, argv: Argv) -> int:
    """`dd if=/dev/zero of=/data/big bs=1M count=500`."""
    words = dict(word.split("=", 1) for word in argv[1:] if "=" in word)
    target, block, count = words.get("of", ""), _bytes(words.get("bs", "512")), words.get("count")
    if not count:
        return _burn(shell, argv)
    amount = block * int(count)
    _write(shell, target, amount)
    shell.complain(f"{count}+0 records in")
    shell.complain(f"{count}+0 records out")
    return 0


def _fallocate(shell: Shell, argv: Argv) -> int:
    """`fallocate -l 1G /data/big`; `truncate -s 1G /data/big` makes a hole and takes no room."""
    flags = _flags(argv)
    amount = flags.get("-l") or flags.get("--length") or "0"
    _write(shell, argv[-1], _bytes(amount))
    return 0


def _write(shell: Shell, path: str, amount: int) -> None:
    if path and not path.startswith("/dev/"):
        shell.sleep(amount * SECOND // DISK_SPEED)
        shell.store(path, "")
        shell.effects.append((shell.now, "size", path, amount))


def _burn(shell: Shell, argv: Argv) -> int:
    """A command that computes for ever: `yes > /dev/null`, `sha256sum /dev/zero`."""
    shell.effects.append((shell.now, "cpu", CORE, FOREVER))
    shell.block()
    return 0


def _checksum(shell: Shell, argv: Argv) -> int:
    """`sha256sum FILE`; of an endless device it computes for ever."""
    name = argv[0].rsplit("/", 1)[-1].removesuffix("sum")
    status = 0
    for path in argv[1:] or ["-"]:
        if path in ("/dev/zero", "/dev/urandom"):
            return _burn(shell, argv)
        if path != "-" and path not in shell.files:
            shell.complain(f"{name}sum: can't open '{path}': No such file or directory")
            status = 1
            continue
        text = shell.stdin if path == "-" else shell.files[path]
        shell.write(f"{hashlib.new(name, text.encode()).hexdigest()}  {path}\n")
    return status


HOGS = {
    "stress": _stress, "stress-ng": _stress, "dd": _dd, "fallocate": _fallocate, "yes": _burn,
    "sha256sum": _checksum, "sha1sum": _checksum, "md5sum": _checksum,
}  # fmt: skip
"""By name, as found in PATH."""
