"""Command-line flags as spf13/pflag reads them: kinds of values, their defaults and the words of their errors."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import Any

from k8slab.kubectl import duration

_TRUE = frozenset(("1", "t", "T", "true", "TRUE", "True"))
_FALSE = frozenset(("0", "f", "F", "false", "FALSE", "False"))


@dataclass(frozen=True)
class Flag:
    """One flag. `kind`: bool, text, int, duration, slice (comma separated, repeatable) or array (repeatable).

    `implied` is the value of a flag which is given without one (pflag's NoOptDefVal).
    """

    name: str
    short: str = ""
    kind: str = "text"
    default: Any = ""
    implied: str | None = None
    required: bool = False

    @property
    def label(self) -> str:
        """How pflag names the flag in errors: `-w, --watch` or `--replicas`."""
        return f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"

    def read(self, text: str, before: Any) -> Any:
        """The value after `text` was given; `before` is what earlier occurrences gave (None when there were none).

        Raises ValueError with Go's reason.
        """
        if self.kind == "bool":
            return _read_bool(text)
        if self.kind == "int":
            return _read_int(text)
        if self.kind == "duration":
            duration.parse(text)
            return text
        if self.kind == "slice":
            return [*(before or []), *(next(csv.reader([text])) if text else [])]
        if self.kind == "array":
            return [*(before or []), text]
        return text

    @property
    def shown_default(self) -> str:
        """The default as `--help` shows it."""
        if self.kind == "bool":
            return "true" if self.default else "false"
        if self.kind in ("slice", "array"):
            return "[" + ",".join(self.default) + "]"
        return str(self.default) if self.kind in ("int", "duration") else f"'{self.default}'"


def _read_bool(text: str) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(f'strconv.ParseBool: parsing "{text}": invalid syntax')


def _read_int(text: str) -> int:
    try:
        return int(text.replace("_", "x"), 0) if text.lstrip("+-") != "00" else 0
    except ValueError:
        raise ValueError(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


def boolean(name: str, short: str = "", default: bool = False) -> Flag:
    """A switch: `--watch`, `--watch=false`."""
    return Flag(name, short, "bool", default, implied="true")


def text(name: str, short: str = "", default: str = "", implied: str | None = None, required: bool = False) -> Flag:
    """A flag that takes a text."""
    return Flag(name, short, "text", default, implied, required)


def integer(name: str, short: str = "", default: int = 0, required: bool = False) -> Flag:
    """A flag that takes a whole number."""
    return Flag(name, short, "int", default, None, required)


def period(name: str, default: str = "0s") -> Flag:
    """A flag that takes a Go duration; its value stays a text."""
    return Flag(name, "", "duration", default)


def several(name: str, short: str = "", required: bool = False, default: tuple[str, ...] = ()) -> Flag:
    """A repeatable flag whose values may also be separated by commas."""
    return Flag(name, short, "slice", default, None, required)


def array(name: str, short: str = "") -> Flag:
    """A repeatable flag whose values are taken as they are."""
    return Flag(name, short, "array", ())


GLOBAL = (
    text("as"),
    array("as-group"),
    text("as-uid"),
    array("as-user-extra"),
    text("cache-dir", default="~/.kube/cache"),
    text("certificate-authority"),
    text("client-certificate"),
    text("client-key"),
    text("cluster"),
    text("context"),
    boolean("disable-compression"),
    boolean("help", "h"),
    boolean("insecure-skip-tls-verify"),
    text("kubeconfig"),
    period("log-flush-frequency", "5s"),
    boolean("match-server-version"),
    text("namespace", "n"),
    text("password"),
    text("profile", default="none"),
    text("profile-output", default="profile.pprof"),
    text("request-timeout", default="0"),
    text("server", "s"),
    text("tls-server-name"),
    text("token"),
    text("user"),
    text("username"),
    integer("v", "v"),
    text("vmodule"),
    boolean("warnings-as-errors"),
)

FILES = (several("filename", "f"), text("kustomize", "k"), boolean("recursive", "R"))
FILES_RECURSIVE = (several("filename", "f"), text("kustomize", "k"), boolean("recursive", "R", default=True))
PRINT = (
    text("output", "o"),
    text("template"),
    boolean("allow-missing-template-keys", default=True),
    boolean("show-managed-fields"),
)
DRY_RUN = (text("dry-run", default="none", implied="unchanged"),)
SELECTOR = (text("selector", "l"),)
ALL_NAMESPACES = (boolean("all-namespaces", "A"),)
VALIDATE = (text("validate", default="strict", implied="strict"),)


def manager(name: str) -> Flag:
    """`--field-manager` with this verb's default."""
    return text("field-manager", default=name)
