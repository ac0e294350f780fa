"""Python and Perl, as far as one-liners of manifests use them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from k8slab.kubelet.text import duration
from k8slab.sim.clock import SECOND

if TYPE_CHECKING:
    from k8slab.kubelet.shell.run import Shell

Argv = list[str]


def python(shell: Shell, argv: Argv) -> int:
    """`python -c`, and `python -m http.server`."""
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


def perl(shell: Shell, argv: Argv) -> int:
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
