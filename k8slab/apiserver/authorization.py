"""Who may do what. Real rules (RBAC) are another authorizer with the same method."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from k8slab.api.request import Request


class AlwaysAllow:
    """Lets everybody do everything (`--authorization-mode=AlwaysAllow`)."""

    allows_everything = True

    def authorize(self, request: Request) -> str:
        """Empty where the request is allowed, else why not."""
        return ""
