"""One run of a command: its flags and arguments, where it prints, and whom it asks."""

from __future__ import annotations

from typing import Any

from k8slab.api.request import UserInfo
from k8slab.kubectl import duration
from k8slab.kubectl.access import Access
from k8slab.kubectl.command import Parsed
from k8slab.kubectl.failure import CommandError, UsageError
from k8slab.sim.timestamps import parse_rfc3339

FOREVER_US = 24 * 3600 * 1_000_000
"""How long a command without `--timeout` waits in virtual time: real kubectl would wait for ever."""


class Invocation:
    """What every verb gets."""

    def __init__(self, parsed: Parsed, session: Any, stdin: str, root: Any) -> None:
        self.command, self.path, self.args, self.dash = parsed.command, parsed.path, parsed.args, parsed.dash
        self.flags, self.given = parsed.flags, parsed.given
        self.session, self.stdin, self.root = session, stdin, root
        self.out: list[str] = []
        self.err: list[str] = []
        self.access = Access(session.client, self._user(), self.warn, self._impersonated())
        self.access.managed_fields = bool(parsed.flags.get("show-managed-fields"))
        self._warned: set[str] = set()

    # -- output ---------------------------------------------------------------------------------------------------

    def write(self, text: str) -> None:
        """Add text to standard output as it is."""
        self.out.append(text)

    def print(self, text: str = "") -> None:
        """Add a line to standard output."""
        self.out.append(text + "\n")

    def complain(self, text: str) -> None:
        """Add a line to standard error."""
        self.err.append(text + "\n")

    def warn(self, text: str) -> None:
        """A warning, once per text."""
        if text not in self._warned:
            self._warned.add(text)
            self.complain(f"Warning: {text}")

    # -- who and where --------------------------------------------------------------------------------------------

    def _user(self) -> UserInfo | None:
        context = self.flags.get("context")
        users = getattr(self.session, "users", {})
        if context and context not in users and context != self.context:
            raise CommandError(f'context "{context}" does not exist')
        return users.get(context or "")

    def _impersonated(self) -> UserInfo | None:
        """Whom the flags claim that the user is."""
        name, groups = self.flags.get("as") or "", tuple(self.flags.get("as-group") or ())
        uid = self.flags.get("as-uid") or ""
        extra: dict[str, tuple[str, ...]] = {}
        for pair in self.flags.get("as-user-extra") or ():
            key, equals, value = pair.partition("=")
            if not equals:
                raise CommandError(f"invalid value for --as-user-extra: {pair}: expected key=value")
            extra[key.lower()] = (*extra.get(key.lower(), ()), value)
        return UserInfo(name=name, groups=groups, uid=uid, extra=extra) if name or groups or uid or extra else None

    @property
    def context(self) -> str:
        """Name of the current context."""
        return getattr(self.session, "context", "") or "lab"

    @property
    def namespace(self) -> str:
        """The namespace meant by flag or context."""
        return self.flags.get("namespace") or self.session.namespace or "default"

    @property
    def has_namespace(self) -> bool:
        """Whether `-n` was given: objects of manifests must then agree with it."""
        return bool(self.given.get("namespace"))

    @property
    def all_namespaces(self) -> bool:
        """Whether `-A` was given."""
        return bool(self.flags.get("all-namespaces"))

    # -- time ------------------------------------------------------------------------------------------------------

    @property
    def now_us(self) -> int:
        """Virtual time, microseconds since 1970."""
        return self.session.clock.unix_us

    def age(self, timestamp: str | None) -> str:
        """Time since an RFC 3339 time as kubectl prints it."""
        if not timestamp:
            return "<unknown>"
        return duration.human(self.now_us - parse_rfc3339(timestamp))

    def wait_until(self, predicate: Any, timeout_us: int | None = None) -> bool:
        """Let virtual time pass until the predicate holds; without a limit, at most a day."""
        return bool(self.session.run_until(predicate, FOREVER_US if timeout_us is None else timeout_us))

    def let_pass(self, period_us: int) -> None:
        """Let virtual time pass."""
        self.session.run_until(_never, period_us)

    # -- common flags ----------------------------------------------------------------------------------------------

    @property
    def dry_run(self) -> str:
        """none, client or server. Raises CommandError for anything else."""
        value = self.flags.get("dry-run", "none")
        if value == "unchanged":
            self.complain("W0101 --dry-run is deprecated and can be replaced with --dry-run=client.")
            self.flags["dry-run"] = value = "client"
        if value not in ("none", "client", "server"):
            raise CommandError(f'Invalid dry-run value ({value}). Must be "none", "server", or "client".')
        return value

    @property
    def dry_run_suffix(self) -> str:
        """What is added to `created` and so on."""
        return {"client": " (dry run)", "server": " (server dry run)"}.get(self.dry_run, "")

    @property
    def validation(self) -> str:
        """The server's field validation meant by `--validate`: Strict, Warn or Ignore."""
        value = self.flags.get("validate", "strict")
        chosen = {"strict": "Strict", "true": "Strict", "warn": "Warn", "ignore": "Ignore", "false": "Ignore"}.get(
            value
        )
        if chosen is None:
            raise CommandError(
                f'invalid - validate option "{value}"; must be one of: strict (or true), warn, ignore (or false)'
            )
        return chosen

    def write_options(self) -> dict[str, Any]:
        """Options of a request that changes something."""
        return {"dry_run": self.dry_run == "server", "field_manager": self.flags.get("field-manager", "")}

    def usage_error(self, text: str) -> UsageError:
        """An error that points to this command's help."""
        return UsageError(text, self.path)

    def read_file(self, path: str) -> str:
        """The text of a file. Raises CommandError as kubectl words it."""
        try:
            return self.session.read_file(path)
        except OSError as error:
            raise CommandError(f"error reading {path}: {(error.strerror or str(error)).lower()}") from None


def _never() -> bool:
    return False
