"""Commands that ask the network: names and ports."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from k8slab.sim.clock import MILLISECOND

if TYPE_CHECKING:
    from k8slab.kubelet.shell.run import Shell

Argv = list[str]


def nslookup(shell: Shell, argv: Argv) -> int:
    """`nslookup` and `dig`."""
    host = next((word for word in argv[1:] if not word.startswith("-")), "")
    name, addresses = shell.ask("lookup", host)
    shell.sleep(5 * MILLISECOND)
    shell.write("Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\n")
    if not addresses:
        shell.write(f"** server can't find {host}: NXDOMAIN\n\n")
        return 1
    shell.write("".join(f"Name:\t{name}\nAddress: {address}\n" for address in addresses) + "\n")
    return 0


def connect(shell: Shell, argv: Argv) -> int:
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
