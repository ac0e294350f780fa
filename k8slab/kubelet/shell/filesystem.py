"""The files that a shell reads and writes."""

from __future__ import annotations

from typing import Any


class FileSystem(dict[str, str]):
    """Files by path. What is read is text, also where it is worked out only then (a token)."""

    def __getitem__(self, path: str) -> str:
        return str(super().__getitem__(path))

    def get(self, path: str, default: Any = None) -> Any:
        """The text of a file."""
        return str(super().__getitem__(path)) if path in self else default
