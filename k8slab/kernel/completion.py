"""Tab completion of kubectl commands: verbs, flags, resource types, and the names that exist right now."""

from __future__ import annotations

import re
from typing import Any

from k8slab.errors import K8sLabError
from k8slab.kernel.magics import current_lab
from k8slab.lab import Lab

_COMMAND = re.compile(r"^\s*%{0,2}kubectl[ \t]+")
_APPLY = re.compile(r"^\s*%%apply[ \t]+")


class KubectlMatcher:
    """An IPython matcher (context matcher API 2) for lines that are kubectl commands."""

    matcher_identifier = "k8slab.kubectl"
    matcher_api_version = 2
    matcher_priority = 100

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        # IPython asks every matcher for its qualified name, as if all were functions.
        self.__qualname__ = type(self).__qualname__

    def __call__(self, context: Any) -> dict[str, Any]:
        """The completions at the cursor, or none where the line is no kubectl command."""
        line = context.line_with_cursor[: context.cursor_position]
        candidates = self._candidates(line)
        if candidates is None:
            return {"completions": [], "suppress": False}
        from IPython.core.completer import SimpleCompletion

        word = re.split(r"[ \t]", line)[-1]
        return {
            "completions": [SimpleCompletion(text=text, type="kubectl") for text in candidates],
            "matched_fragment": word,
            "suppress": True,
        }

    def _candidates(self, line: str) -> list[str] | None:
        from k8slab.kubectl.completion import complete

        if _APPLY.match(line):
            command = _APPLY.sub("apply ", line, count=1)
        elif _COMMAND.match(line):
            command = _COMMAND.sub("", line, count=1)
        else:
            return None
        if not any(isinstance(value, Lab) for value in self.shell.user_ns.values()):
            return None
        try:
            return complete(command, len(command), current_lab(self.shell.user_ns).session())
        except K8sLabError:
            return []
