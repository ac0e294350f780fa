"""What a kubectl command printed."""

from __future__ import annotations


class Output:
    """What a command printed: ``text`` (standard output and error) and ``exit_code``.

    It has been printed already when you get it, so a notebook shows nothing more for it.
    """

    def __init__(self, stdout: str, stderr: str, exit_code: int) -> None:
        self.stdout, self.stderr, self.exit_code = stdout, stderr, exit_code

    @property
    def text(self) -> str:
        """Standard output, then standard error."""
        return self.stdout + self.stderr

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<exit code {self.exit_code}>"

    def _ipython_display_(self) -> None:
        pass
