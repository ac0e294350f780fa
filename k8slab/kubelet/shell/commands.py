"""The commands that images with a shell bring along: busybox's, as far as manifests use them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from k8slab.kubelet.shell.directories import cd, is_directory, ls, mkdir, pwd, tar
from k8slab.kubelet.shell.fetch import fetch
from k8slab.kubelet.shell.hogs import HOGS
from k8slab.kubelet.shell.processes import kill, ps, stty, user_id, whoami
from k8slab.kubelet.text import duration
from k8slab.sim.clock import MILLISECOND, SECOND
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


def _exit(shell: Shell, argv: Argv) -> int:
    from k8slab.kubelet.shell.run import Leave

    code = argv[1] if len(argv) > 1 else str(shell.status)
    raise Leave(int(code) if code.isdigit() else 2)


def _jump(shell: Shell, argv: Argv) -> int:
    from k8slab.kubelet.shell.run import Jump

    shell.status = int(argv[1]) if argv[0] == "return" and len(argv) > 1 and argv[1].isdigit() else shell.status
    raise Jump(argv[0], int(argv[1]) if argv[0] != "return" and len(argv) > 1 and argv[1].isdigit() else 1)


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


def _cat(shell: Shell, argv: Argv) -> int:
    paths = [word for word in argv[1:] if not word.startswith("-") or word == "-"]
    status = 0
    if not paths and shell.stdin is not None:
        shell.write(shell.slurp())
    while not paths and (line := shell.readline()):
        shell.write(line)
    for path in paths:
        if path == "-":
            shell.write(shell.slurp())
        elif shell.path(path) in shell.files:
            shell.write(shell.files[shell.path(path)])
        elif is_directory(shell, shell.path(path)):
            shell.complain(f"{argv[0]}: read error: Is a directory")
            status = 1
        else:
            shell.complain(f"{argv[0]}: can't open '{path}': No such file or directory")
            status = 1
    return status


def _tail(shell: Shell, argv: Argv) -> int:
    """head and tail; `tail -f` stays, and the log goes on with what others write into the file."""
    paths = [shell.path(word) for word in argv[1:] if not word.startswith("-") and not re.fullmatch(r"\+?\d+", word)]
    follow = any(re.match(r"-[a-z]*[fF]", word) or word.startswith("--follow") for word in argv[1:])
    counts = [word.removeprefix("-n").lstrip("-=") for word in argv[1:] if re.fullmatch(r"(-n=?)?[-+]?\d+", word)]
    whole = any(count.startswith("+") for count in counts)
    count = int(counts[0].lstrip("+")) if counts else 10
    text = "".join(shell.files.get(path, "") for path in paths) if paths else shell.slurp()
    lines = text.splitlines(keepends=True)
    if argv[0].endswith("head"):
        shell.write("".join(lines[:count]))
    else:
        shell.write("".join(lines[count - 1 :] if whole else lines[-count:]))
    if follow:
        shell.effects.extend((shell.now, "follow", path, whole) for path in paths)
        shell.block()
    return 0


def _env(shell: Shell, argv: Argv) -> int:
    if argv[0].endswith("printenv") and len(argv) > 1:
        found = [shell.vars[name] for name in argv[1:] if name in shell.vars]
        shell.write("".join(value + "\n" for value in found))
        return 0 if len(found) == len(argv) - 1 else 1
    shell.write("".join(f"{name}={value}\n" for name, value in shell.vars.items() if not name.isdigit()))
    return 0


def _export(shell: Shell, argv: Argv) -> int:
    for word in argv[1:]:
        name, found, value = word.partition("=")
        if found:
            shell.vars[name] = value
    return 0


def _unset(shell: Shell, argv: Argv) -> int:
    for name in argv[1:]:
        shell.vars.pop(name, None)
    return 0


def _set(shell: Shell, argv: Argv) -> int:
    for word in argv[1:]:
        if word[:1] in "+-":
            shell.errexit = (word[0] == "-") if "e" in word[1:] else shell.errexit
            shell.xtrace = (word[0] == "-") if "x" in word[1:] else shell.xtrace
    return 0


def _read(shell: Shell, argv: Argv) -> int:
    whole = shell.readline()
    line = whole.removesuffix("\n")
    names = [word for word in argv[1:] if not word.startswith("-")]
    for name, value in zip(names, line.split(None, max(len(names) - 1, 0)), strict=False):
        shell.vars[name] = value
    return 0 if whole else 1


def _seq(shell: Shell, argv: Argv) -> int:
    numbers = [int(word) for word in argv[1:] if re.fullmatch(r"-?\d+", word)]
    if not numbers:
        return 1
    first = numbers[0] if len(numbers) > 1 else 1
    step = numbers[1] if len(numbers) > 2 else 1
    count = min((numbers[-1] - first) // (step or 1) + 1, 100_000)
    shell.write("".join(f"{first + i * step}\n" for i in range(max(count, 0))))
    return 0


def _touch(shell: Shell, argv: Argv) -> int:
    for path in argv[1:]:
        if not path.startswith("-"):
            shell.store(shell.path(path), shell.files.get(shell.path(path), ""))
    return 0


def _rm(shell: Shell, argv: Argv) -> int:
    recursive = any(re.match(r"-[a-zA-Z]*[rR]", word) for word in argv[1:])
    force = any(re.match(r"-[a-zA-Z]*f", word) for word in argv[1:])
    status = 0
    for given in [word for word in argv[1:] if not word.startswith("-")]:
        path = shell.path(given)
        inside = [name for name in shell.files if recursive and name.startswith(path.rstrip("/*") + "/")]
        if path not in shell.files and not inside and not force:
            shell.complain(f"rm: can't remove '{given}': No such file or directory")
            status = 1
        for name in [*inside, path]:
            if name in shell.files:
                shell.store(name, None)
    return status


def _copy(shell: Shell, argv: Argv) -> int:
    paths = [word for word in argv[1:] if not word.startswith("-")]
    if len(paths) < 2:
        return 1
    status = 0
    for given in paths[:-1]:
        path = shell.path(given)
        if path not in shell.files:
            shell.complain(f"{argv[0]}: can't stat '{given}': No such file or directory")
            status = 1
            continue
        target = shell.path(paths[-1])
        if target.endswith("/") or any(name.startswith(target + "/") for name in shell.files):
            target = target.rstrip("/") + "/" + path.rsplit("/", 1)[-1]
        shell.store(target, shell.files[path])
        if argv[0].endswith("mv"):
            shell.store(path, None)
    return status


def _test(shell: Shell, argv: Argv) -> int:
    words = argv[1:]
    if argv[0] in ("[", "[["):
        if not words or words[-1] not in ("]", "]]"):
            shell.complain("sh: [: missing ]")
            return 2
        words = words[:-1]
    for joint, worth in (("-o", any), ("||", any), ("-a", all), ("&&", all)):
        if joint in words:
            at = words.index(joint)
            parts = (_holds(shell, words[:at]), _holds(shell, words[at + 1 :]))
            return 0 if worth(part == 0 for part in parts) else 1
    return _holds(shell, words)


def _holds(shell: Shell, words: list[str]) -> int:
    if words and words[0] == "!":
        return 1 - min(_holds(shell, words[1:]), 1)
    if len(words) == 2:
        flag, value = words
        path = shell.path(value) if value else ""
        exists = path in shell.files
        folder = bool(path) and is_directory(shell, path)
        known = {
            "-n": bool(value), "-z": not value, "-f": exists, "-e": exists or folder, "-d": folder,
            "-s": bool(shell.files.get(path)), "-r": exists, "-x": exists, "-w": exists,
        }  # fmt: skip
        return 0 if known.get(flag, False) else 1
    if len(words) == 3:
        return _compare(shell, *words)
    return 0 if words and words[0] else 1


def _compare(shell: Shell, left: str, operator: str, right: str) -> int:
    if operator in ("=", "==", "!="):
        return 0 if (left == right) == (operator != "!=") else 1
    if not (re.fullmatch(r"-?\d+", left) and re.fullmatch(r"-?\d+", right)):
        shell.complain(f"sh: {left if not left.lstrip('-').isdigit() else right}: bad number")
        return 2
    a, b = int(left), int(right)
    verdicts = {"-eq": a == b, "-ne": a != b, "-lt": a < b, "-le": a <= b, "-gt": a > b, "-ge": a >= b}
    return 0 if verdicts.get(operator, False) else 1


def _grep(shell: Shell, argv: Argv) -> int:
    flags = "".join(word[1:] for word in argv[1:] if word.startswith("-"))
    words = [word for word in argv[1:] if not word.startswith("-")]
    text = "".join(shell.files.get(shell.path(path), "") for path in words[1:]) if len(words) > 1 else shell.slurp()
    pattern = words[0] if words else ""
    try:
        wanted = re.compile(pattern, re.I if "i" in flags else 0)
    except re.error:
        wanted = re.compile(re.escape(pattern))
    hits = [line for line in text.splitlines() if bool(wanted.search(line)) != ("v" in flags)]
    if "q" not in flags:
        shell.write(f"{len(hits)}\n" if "c" in flags else "".join(line + "\n" for line in hits))
    return 0 if hits else 1


def _awk(shell: Shell, argv: Argv) -> int:
    """`awk '/pattern/{print $n}'`: what scripts pick a column with."""
    program = next((word for word in argv[1:] if not word.startswith("-")), "")
    found = re.fullmatch(r"\s*(?:/(.*)/)?\s*\{\s*print\s*(?:\$(\d+|NF))?\s*;?\s*\}\s*", program)
    if not found:
        shell.complain("awk: unsupported program")
        return 2
    for line in shell.slurp().splitlines():
        if found[1] and not re.search(found[1], line):
            continue
        columns = line.split()
        index = len(columns) if found[2] == "NF" else int(found[2] or 0)
        shell.write((line if not index else columns[index - 1] if index <= len(columns) else "") + "\n")
    return 0


def _wc(shell: Shell, argv: Argv) -> int:
    paths = [word for word in argv[1:] if not word.startswith("-")]
    text = shell.files.get(shell.path(paths[-1]), "") if paths else shell.slurp()
    count = len(text.split()) if "-w" in argv else len(text) if "-c" in argv else text.count("\n")
    shell.write(f"{count}\n")
    return 0


def _tee(shell: Shell, argv: Argv) -> int:
    text = shell.slurp()
    for path in [word for word in argv[1:] if not word.startswith("-")]:
        shell.save(path, text, "-a" in argv)
    shell.write(text)
    return 0


def _trap(shell: Shell, argv: Argv) -> int:
    from k8slab.kubelet.shell.syntax import parse

    if len(argv) > 2 and {"TERM", "SIGTERM", "15", "INT", "EXIT"} & set(argv[2:]):
        shell.trap = parse(argv[1])
        shell.effects.append((shell.now, "trap", shell.trap, None))
    return 0


def _wait(shell: Shell, argv: Argv) -> int:
    end, shell.jobs = max(shell.jobs, default=0), []
    if shell.term_at is not None and shell.trap is not None and shell.term_at < end:
        end = max(shell.term_at, shell.now)
    elif end >= 1 << 62:
        shell.block()
    shell.sleep(max(0, end - shell.now))
    return 0


def _exec(shell: Shell, argv: Argv) -> int:
    from k8slab.kubelet.shell.run import Leave

    if len(argv) < 2:
        return 0
    shell.trap = None
    raise Leave(shell.command(argv[1:]))


def _nested(shell: Shell, argv: Argv) -> int:
    from k8slab.kubelet.shell.interactive import interact
    from k8slab.kubelet.shell.run import Leave
    from k8slab.kubelet.shell.syntax import ShellSyntaxError, parse

    name = argv[0].rsplit("/", 1)[-1]
    script, paths = script_of(argv), [word for word in argv[1:] if not word.startswith("-")]
    try:
        if script is None and not paths:
            return interact(shell, name)
        if script is None and shell.path(paths[0]) not in shell.files:
            shell.complain(f"{name}: can't open '{paths[0]}': No such file or directory")
            return 2
        return shell.execute(parse(shell.files[shell.path(paths[0])] if script is None else script))
    except ShellSyntaxError as error:
        shell.complain(f"sh: {error}")
        return 2
    except Leave as leave:
        return leave.args[0]


def script_of(argv: Argv) -> str | None:
    """The script in `sh -c SCRIPT`, or None."""
    for index, word in enumerate(argv[1:], 1):
        if re.fullmatch(r"-[a-z]*c", word):
            return argv[index + 1] if index + 1 < len(argv) else ""
    return None


def _hostname(shell: Shell, argv: Argv) -> int:
    shell.write(shell.vars.get("HOSTNAME", "localhost") + "\n")
    return 0


def _nslookup(shell: Shell, argv: Argv) -> int:
    host = next((word for word in argv[1:] if not word.startswith("-")), "")
    name, addresses = shell.ask("lookup", host)
    shell.sleep(5 * MILLISECOND)
    shell.write("Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\n")
    if not addresses:
        shell.write(f"** server can't find {host}: NXDOMAIN\n\n")
        return 1
    shell.write("".join(f"Name:\t{name}\nAddress: {address}\n" for address in addresses) + "\n")
    return 0


def _connect(shell: Shell, argv: Argv) -> int:
    """`nc -z host port`."""
    words = [word for word in argv[1:] if not word.startswith("-")]
    if any(re.match(r"-[a-z]*l", word) for word in argv[1:]):
        shell.block()
    if len(words) < 2 or not words[-1].isdigit():
        return 1
    status, _ = shell.ask("tcp", (words[-2], int(words[-1]), ""))
    if status == -1:
        shell.complain(f"nc: bad address '{words[-2]}'")
    return 0 if status > 0 else 1


def _python(shell: Shell, argv: Argv) -> int:
    words = " ".join(argv[1:])
    if "http.server" in words:
        port = next((int(word) for word in argv[1:] if word.isdigit()), 8000)
        shell.effects.append((shell.now, "listen", port, None))
        shell.block()
    found = re.search(r"time\.sleep\((\d+(?:\.\d+)?)\)", words)
    if found:
        shell.sleep(duration(found[1]))
    for text in re.findall(r"print\(['\"](.*?)['\"]\)", words):
        shell.write(text + "\n")
    leave = re.search(r"(?:sys\.)?exit\((\d+)\)", words)
    return int(leave[1]) if leave else 0


def _perl(shell: Shell, argv: Argv) -> int:
    """The Job of the Kubernetes documentation: `perl -Mbignum=bpi -wle 'print bpi(2000)'`."""
    digits = re.search(r"bpi\((\d+)\)", " ".join(argv))
    shell.sleep(4 * SECOND)
    if digits:
        shell.write(_pi(min(int(digits[1]), 2000)) + "\n")
    return 0


def _pi(digits: int) -> str:
    unity = 10 ** (digits + 10)
    total = 4 * (4 * _arctan(5, unity) - _arctan(239, unity))
    text = str(total // 10**11 + (1 if total // 10**10 % 10 >= 5 else 0))
    return text[0] + "." + text[1:]


def _arctan(inverse: int, unity: int) -> int:
    power = total = unity // inverse
    n, square = 3, inverse * inverse
    sign = -1
    while power:
        power //= square
        total += sign * (power // n)
        sign, n = -sign, n + 2
    return total


COMMANDS: dict[str, Callable[[Shell, Argv], int]] = {
    "sleep": _sleep, "echo": _echo, "printf": _printf, "true": _true, ":": _true, "false": _false, "exit": _exit,
    "break": _jump, "continue": _jump, "return": _jump, "date": _date, "cat": _cat, "tail": _tail, "head": _tail,
    "env": _env, "printenv": _env, "export": _export, "readonly": _export, "local": _export, "unset": _unset,
    "set": _set, "read": _read, "seq": _seq, "touch": _touch, "rm": _rm, "cp": _copy, "mv": _copy, "ls": ls,
    "cd": cd, "pwd": pwd, "mkdir": mkdir, "tar": tar, "ps": ps, "id": user_id, "stty": stty,
    "test": _test, "[": _test, "[[": _test, "grep": _grep, "awk": _awk, "wc": _wc, "tee": _tee, "trap": _trap,
    "wait": _wait, "exec": _exec, "sh": _nested, "bash": _nested, "ash": _nested, "kill": kill,
    "hostname": _hostname, "whoami": whoami, "wget": fetch, "curl": fetch, "nslookup": _nslookup, "dig": _nslookup,
    "nc": _connect, "python": _python, "python3": _python, "perl": _perl,
    "chmod": _true, "chown": _true, "clear": _true, "sync": _true, "sysctl": _true, "ln": _true,
    "mount": _true, "ulimit": _true, "umask": _true, "ping": _true, **HOGS,
}  # fmt: skip
"""By name, as found in PATH."""
