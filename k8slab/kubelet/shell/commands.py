"""The commands that images with a shell bring along: busybox's, as far as manifests use them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from k8slab.kubelet.shell.condition import test
from k8slab.kubelet.shell.control import (
    export,
    jump,
    leave,
    nested,
    read,
    replace,
    set_options,
    show_env,
    trap,
    unset,
    wait,
)
from k8slab.kubelet.shell.directories import cd, ls, mkdir, pwd, tar
from k8slab.kubelet.shell.fetch import fetch
from k8slab.kubelet.shell.fileops import copy, remove, touch
from k8slab.kubelet.shell.filters import awk, cat, grep, tail, tee, wc
from k8slab.kubelet.shell.hogs import HOGS
from k8slab.kubelet.shell.interpreters import perl, python
from k8slab.kubelet.shell.lookup import connect, nslookup
from k8slab.kubelet.shell.processes import kill, ps, stty, user_id, whoami
from k8slab.kubelet.text import duration
from k8slab.sim.clock import SECOND
from k8slab.sim.timestamps import rfc3339

if TYPE_CHECKING:
    from k8slab.kubelet.shell.run import Shell

Argv = list[str]
_ESCAPES = {"\\n": "\n", "\\t": "\t", "\\\\": "\\", "\\r": "\r"}
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_DAYS = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]


def _sleep(shell: Shell, argv: Argv) -> int:
    if len(argv) < 2:
        shell.complain("sleep: missing operand")
        return 1
    total = 0
    for value in argv[1:]:
        if value in ("infinity", "inf"):
            shell.block()
        try:
            total += duration(value)
        except ValueError:
            shell.complain(f"sleep: invalid number '{value}'")
            return 1
    shell.sleep(total)
    return 0


def _echo(shell: Shell, argv: Argv) -> int:
    words, newline, escapes = argv[1:], True, False
    while words and re.fullmatch(r"-[neE]+", words[0]):
        newline = newline and "n" not in words[0]
        escapes = escapes or "e" in words[0]
        words = words[1:]
    text = " ".join(words)
    shell.write((_unescape(text) if escapes else text) + ("\n" if newline else ""))
    return 0


def _unescape(text: str) -> str:
    return re.sub(r"\\[ntr\\]", lambda found: _ESCAPES[found[0]], text)


def _printf(shell: Shell, argv: Argv) -> int:
    values = iter(argv[2:])
    text = re.sub(r"%[-0-9.]*[sdi]", lambda _: next(values, ""), _unescape(argv[1] if len(argv) > 1 else ""))
    shell.write(text.replace("%%", "%"))
    return 0


def _true(shell: Shell, argv: Argv) -> int:
    return 0


def _false(shell: Shell, argv: Argv) -> int:
    return 1


def _date(shell: Shell, argv: Argv) -> int:
    unix = shell.wall + shell.now
    stamp = rfc3339(unix)
    year, month, day, clock = stamp[:4], stamp[5:7], stamp[8:10], stamp[11:19]
    weekday, name = _DAYS[unix // (86400 * SECOND) % 7], _MONTHS[int(month) - 1]
    form = next((word[1:] for word in argv[1:] if word.startswith("+")), "%a %b %e %H:%M:%S UTC %Y")
    form = form.replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S")
    values = {
        "Y": year, "m": month, "d": day, "H": clock[:2], "M": clock[3:5], "S": clock[6:], "s": str(unix // SECOND),
        "a": weekday, "b": name, "e": f"{int(day):2d}", "Z": "UTC", "N": f"{unix % SECOND * 1000:09d}", "%": "%",
    }  # fmt: skip
    shell.write(re.sub(r"%([A-Za-z%])", lambda found: values.get(found[1], found[0]), form) + "\n")
    return 0


def _seq(shell: Shell, argv: Argv) -> int:
    numbers = [int(word) for word in argv[1:] if re.fullmatch(r"-?\d+", word)]
    if not numbers:
        return 1
    first = numbers[0] if len(numbers) > 1 else 1
    step = numbers[1] if len(numbers) > 2 else 1
    count = min((numbers[-1] - first) // (step or 1) + 1, 100_000)
    shell.write("".join(f"{first + i * step}\n" for i in range(max(count, 0))))
    return 0


def _hostname(shell: Shell, argv: Argv) -> int:
    name = shell.vars.get("HOSTNAME", "localhost")
    if argv[1:] in (["-f"], ["--fqdn"]):
        lines = [line.split("#")[0].split() for line in shell.files.get("/etc/hosts", "").splitlines()]
        name = next((line[1] for line in lines if name in line[1:]), name)
    shell.write(name + "\n")
    return 0


COMMANDS: dict[str, Callable[[Shell, Argv], int]] = {
    "sleep": _sleep, "echo": _echo, "printf": _printf, "true": _true, ":": _true, "false": _false, "exit": leave,
    "break": jump, "continue": jump, "return": jump, "date": _date, "cat": cat, "tail": tail, "head": tail,
    "env": show_env, "printenv": show_env, "export": export, "readonly": export, "local": export, "unset": unset,
    "set": set_options, "read": read, "seq": _seq, "touch": touch, "rm": remove, "cp": copy, "mv": copy, "ls": ls,
    "cd": cd, "pwd": pwd, "mkdir": mkdir, "tar": tar, "ps": ps, "id": user_id, "stty": stty,
    "test": test, "[": test, "[[": test, "grep": grep, "awk": awk, "wc": wc, "tee": tee, "trap": trap,
    "wait": wait, "exec": replace, "sh": nested, "bash": nested, "ash": nested, "kill": kill,
    "hostname": _hostname, "whoami": whoami, "wget": fetch, "curl": fetch, "nslookup": nslookup, "dig": nslookup,
    "nc": connect, "python": python, "python3": python, "perl": perl,
    "chmod": _true, "chown": _true, "clear": _true, "sync": _true, "sysctl": _true, "ln": _true,
    "mount": _true, "ulimit": _true, "umask": _true, "ping": _true, **HOGS,
}  # fmt: skip
"""By name, as found in PATH."""
