"""The stages of a Pod on its node."""

from __future__ import annotations

STARTING = "starting"
"""Accepted; volumes and sandbox are being made."""
ACTIVE = "active"
"""Containers are started and kept running."""
TERMINATING = "terminating"
"""Containers are being stopped."""
TERMINATED = "terminated"
"""Nothing runs any more."""
