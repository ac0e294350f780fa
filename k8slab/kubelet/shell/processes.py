"""Commands about processes and the terminal: ps, kill, id, stty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8slab.kubelet.shell.outcome import Leave

if TYPE_CHECKING:
    from k8slab.kubelet.shell.run import Shell

Argv = list[str]
SIGNALS = {"HUP": 1, "INT": 2, "QUIT": 3, "KILL": 9, "USR1": 10, "USR2": 12, "TERM": 15, "WINCH": 28}
KILL = SIGNALS["KILL"]


def table(shell: Shell) -> list[tuple[int, str]]:
    """The processes of the container: number and command line."""
    return [(int(pid), command) for pid, command in shell.ask("processes", "")]


def ps(shell: Shell, argv: Argv) -> int:
    """The processes that run in the container, as busybox prints them."""
    rows = table(shell)
    own = max([shell.pid, *(pid for pid, _ in rows)]) + (0 if shell.pid not in dict(rows) else 1)
    if dict(rows).get(shell.pid, "") != " ".join(argv):
        rows.append((own, " ".join(argv)))
    user = str(shell.identity.uid) if shell.identity.uid else "root"
    lines = [f"{pid:>5} {user:<8}  0:00 {command}" for pid, command in rows]
    shell.write("".join(line + "\n" for line in ("PID   USER     TIME  COMMAND", *lines)))
    return 0


def kill(shell: Shell, argv: Argv) -> int:
    """Send a signal. The kernel lets nobody in the container kill its first process with SIGKILL."""
    words = list(argv[1:])
    if words and words[0] == "-l":
        shell.write("".join(f"{number:>2}) {name}\n" for name, number in SIGNALS.items()))
        return 0
    number = _signal(words)
    if number is None:
        shell.complain(f"sh: kill: bad signal name '{argv[1].lstrip('-')}'")
        return 1
    status = 0
    for word in words:
        status = _send(shell, word, number) or status
    return status


def _signal(words: list[str]) -> int | None:
    """Take the signal off the words; SIGTERM where none is named, None for a name that is none."""
    name = "TERM"
    if words and words[0] == "-s" and len(words) > 1:
        name = words[1]
        del words[:2]
    elif words and words[0].startswith("-"):
        name = words.pop(0)[1:]
    if name.isdigit():
        return int(name)
    return SIGNALS.get(name.upper().removeprefix("SIG"))


def _send(shell: Shell, word: str, number: int) -> int:
    if not word.isdigit():
        shell.complain(f"sh: kill: invalid number '{word}'")
        return 1
    pid = int(word)
    if pid == shell.pid:
        if number == 0 or (pid == 1 and number == KILL):
            return 0
        raise Leave(128 + number)
    if shell.pid == 1:
        return 0
    if pid not in dict(table(shell)):
        shell.complain(f"sh: can't kill pid {pid}: No such process")
        return 1
    if number and not (pid == 1 and number == KILL):
        shell.effects.append((shell.now, "signal", (pid, number), None))
    return 0


def user_id(shell: Shell, argv: Argv) -> int:
    """Who runs the container."""
    uid, gid, groups, _ = shell.identity
    if "-u" in argv or "-g" in argv:
        shell.write(f"{uid if '-u' in argv else gid}\n")
    else:
        listed = ",".join(_named(number) for number in sorted({gid, *groups}))
        shell.write(f"uid={_named(uid)} gid={_named(gid)} groups={listed}\n")
    return 0


def _named(number: int) -> str:
    return str(number) if number else "0(root)"


def whoami(shell: Shell, argv: Argv) -> int:
    """The name of who runs the container; only root has one."""
    if shell.identity.uid:
        shell.complain(f"whoami: unknown uid {shell.identity.uid}")
        return 1
    shell.write("root\n")
    return 0


def stty(shell: Shell, argv: Argv) -> int:
    """`stty size`: the rows and columns of the terminal."""
    if shell.input is None or not shell.input.terminal:
        shell.complain("stty: standard input: Inappropriate ioctl for device")
        return 1
    rows, columns = shell.input.size(shell.now)
    if "size" in argv:
        shell.write(f"{rows} {columns}\n")
    else:
        shell.write(f"speed 38400 baud; rows {rows}; columns {columns};\n")
    return 0
