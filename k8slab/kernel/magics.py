"""``%kubectl``, ``%%kubectl``, ``%%apply``, and bare ``kubectl ...`` lines."""

from __future__ import annotations

import re
from typing import Any

from k8slab.errors import K8sLabError
from k8slab.lab import Lab, Output

#: A line that begins like a kubectl command: a name beside a word or a flag, which is never valid Python.
_BARE = re.compile(r"^kubectl(?:[ \t]+(?!(?:in|is|and|or|if|not|for)\b)-{0,2}\w.*)?$")


def current_lab(namespace: dict[str, Any]) -> Lab:
    """The lab that commands are for: the variable ``lab``, else the notebook's only Lab, else a new one named ``lab``.

    Raises K8sLabError where there are several and none is called ``lab``.
    """
    named = namespace.get("lab")
    if isinstance(named, Lab):
        return named
    labs = {name: value for name, value in namespace.items() if isinstance(value, Lab) and not name.startswith("_")}
    if len({id(lab) for lab in labs.values()}) > 1:
        raise K8sLabError(f"which lab? there are {', '.join(sorted(labs))}; call the one that you mean `lab`")
    if labs:
        return next(iter(labs.values()))
    if named is not None:
        raise K8sLabError("the name `lab` is taken by something else: make a lab with `lab = Lab()`")
    namespace["lab"] = Lab()
    return namespace["lab"]


def bare_kubectl(lines: list[str]) -> list[str]:
    """Input transformer: turns top-level lines ``kubectl ...`` into ``%kubectl ...``.

    A command may go on over lines that end in a backslash; lines inside strings and cell magics are left alone.
    """
    if lines and lines[0].lstrip().startswith("%%"):
        return lines
    out: list[str] = []
    quote = ""
    for line in lines:
        if not quote and _BARE.match(line.rstrip("\n")):
            out.append("%" + line)
            continue
        quote = _open_quote(line, quote)
        out.append(line)
    return out


def _open_quote(line: str, quote: str) -> str:
    """Which triple quote is still open after this line (a plain scan: comments and short strings are skipped)."""
    index = 0
    while index < len(line):
        three = line[index : index + 3]
        if quote:
            if three == quote:
                quote, index = "", index + 2
        elif three in ('"""', "'''"):
            quote, index = three, index + 2
        elif line[index] == "#":
            break
        elif line[index] in "\"'":
            end = line.find(line[index], index + 1)
            index = len(line) if end < 0 else end
        index += 1
    return quote


class LabMagics:
    """The magics of one IPython shell."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell

    def kubectl(self, line: str, cell: str | None = None) -> Output:
        """``%kubectl get pods``; ``%%kubectl apply -f -`` takes the rest of the cell as standard input."""
        lab = current_lab(self.shell.user_ns)
        return lab.kubectl(line, stdin=cell or "")

    def apply(self, line: str, cell: str) -> Output:
        """``%%apply``: the cell is a manifest; options of ``kubectl apply`` may follow, such as ``-n shop``."""
        return current_lab(self.shell.user_ns).kubectl(f"apply {line} -f -", stdin=cell)

    def register(self) -> None:
        """Make the magics known to the shell."""
        self.shell.register_magic_function(self.kubectl, "line_cell", "kubectl")
        self.shell.register_magic_function(self.apply, "cell", "apply")


def load(shell: Any) -> None:
    """Load everything into an IPython shell (what ``%load_ext k8slab`` does). Loading twice changes nothing."""
    from k8slab.kernel.completion import KubectlMatcher

    LabMagics(shell).register()
    transformers = shell.input_transformers_cleanup
    if bare_kubectl not in transformers:
        transformers.append(bare_kubectl)
    matchers = shell.Completer.custom_matchers
    if not any(isinstance(matcher, KubectlMatcher) for matcher in matchers):
        matchers.append(KubectlMatcher(shell))
    shell.user_ns.setdefault("Lab", Lab)
