"""What the calendar says: lab time 0 is a date that the set-up names, and a machine's clock can be set later.

A cluster that was kept on disk and is started again finds its clock behind, as a machine that was asleep does: the
calendar jumps forward, while whatever counts time (timers, back-offs, leases as their watchers see them) goes on from
where it was. The jump is an input like any other: journalled, and repeated by a replay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8slab.errors import K8sLabError
from k8slab.sim.clock import SECOND
from k8slab.sim.timestamps import parse_rfc3339, rfc3339

if TYPE_CHECKING:
    from k8slab.cluster.cluster import Cluster


class EpochError(K8sLabError):
    """A text that is no date for a lab to begin at."""


def unix_seconds(text: str) -> int:
    """Seconds since 1970 of an RFC 3339 time. Raises EpochError.

    >>> unix_seconds("2026-01-01T00:00:00Z")
    1767225600
    """
    try:
        seconds, rest = divmod(parse_rfc3339(text), SECOND)
    except (TypeError, ValueError, OverflowError):
        raise EpochError(f"epoch {text!r} is not a time such as 2026-01-01T00:00:00Z") from None
    if rest or seconds <= 0:
        raise EpochError(f"epoch {text!r} is not a whole second after 1970")
    return seconds


def set_calendar(cluster: Cluster, now: str) -> None:
    """Let the cluster's calendar say ``now`` (RFC 3339) at this instant. Raises EpochError for one that goes back."""
    with cluster.gate.lock:
        epoch = unix_seconds(now) * SECOND - cluster.clock.now // SECOND * SECOND
        if epoch < cluster.clock.epoch:
            raise EpochError(f"the cluster's clock reads {cluster.clock.rfc3339()} and is not set back to {now}")
        cluster.gate.record("calendar", {"now": now})
        cluster.clock.set_epoch(epoch)


def catch_up(cluster: Cluster, present: int) -> bool:
    """Set the calendar to the present (Unix seconds) where it is a second or more behind; returns whether it was."""
    if present * SECOND - cluster.clock.unix_us < SECOND:
        return False
    set_calendar(cluster, rfc3339(present * SECOND))
    return True
