"""Commands that read text and print some of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from k8slab.kubelet.shell.directories import is_directory

if TYPE_CHECKING:
    from k8slab.kubelet.shell.run import Shell

Argv = list[str]


def cat(shell: Shell, argv: Argv) -> int:
    """`cat`."""
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


def tail(shell: Shell, argv: Argv) -> int:
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


def grep(shell: Shell, argv: Argv) -> int:
    """`grep`, with -c, -i, -q and -v."""
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


def awk(shell: Shell, argv: Argv) -> int:
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


def wc(shell: Shell, argv: Argv) -> int:
    """`wc`, of the last file or of standard input."""
    paths = [word for word in argv[1:] if not word.startswith("-")]
    text = shell.files.get(shell.path(paths[-1]), "") if paths else shell.slurp()
    count = len(text.split()) if "-w" in argv else len(text) if "-c" in argv else text.count("\n")
    shell.write(f"{count}\n")
    return 0


def tee(shell: Shell, argv: Argv) -> int:
    """`tee`, with -a."""
    text = shell.slurp()
    for path in [word for word in argv[1:] if not word.startswith("-")]:
        shell.save(path, text, "-a" in argv)
    shell.write(text)
    return 0
