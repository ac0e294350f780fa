"""How much the server takes on at a time (`apiserver/pkg/server/filters/maxinflight.go`).

Short requests are counted as reading or changing; watches and other long ones only together, since each holds memory
and a connection. What is too much is refused at once, with 429 and Retry-After, so that clients try again. Members of
`system:masters` are never refused a short request, as in the real server: somebody must be able to mend things.
"""

from __future__ import annotations

from msgspec import Struct

RETRY_AFTER = "1"
MASTERS = "system:masters"
TOO_MANY = b"Too many requests, please try again later.\n"


class TooManyRequests(Exception):
    """429: the server is busy with others. The answer is plain text, as in `filters/maxinflight.go`."""


class Limits(Struct, frozen=True):
    """So many at a time: 0 is no limit.

    Attributes:
        readonly, mutating: requests (`--max-requests-inflight`, `--max-mutating-requests-inflight`).
        long: watches, followed logs and sessions.
    """

    readonly: int = 400
    mutating: int = 200
    long: int = 2_000


DEFAULT_LIMITS = Limits()


class Gatekeeper:
    """Counts what is under way."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.under_way = {"readOnly": 0, "mutating": 0, "long": 0}
        self._most = {"readOnly": limits.readonly, "mutating": limits.mutating, "long": limits.long}

    def enter(self, kind: str, groups: tuple[str, ...]) -> None:
        """Let a request of a kind in; `leave` it afterwards. Raises TooManyRequests."""
        most = self._most[kind]
        if most and self.under_way[kind] >= most and (kind == "long" or MASTERS not in groups):
            raise TooManyRequests
        self.under_way[kind] += 1

    def leave(self, kind: str) -> None:
        """A request that was let in is done."""
        self.under_way[kind] -= 1
