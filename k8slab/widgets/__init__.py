"""Live views for notebooks. Needs the extra ``widgets`` (anywidget); everything is drawn without it in ``views``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from k8slab.widgets.view import ClusterView

__all__ = ["ClusterView"]


def __getattr__(name: str) -> Any:
    # The player is used without anywidget too: only who wants the view pays for it.
    if name == "ClusterView":
        from k8slab.widgets.view import ClusterView

        return ClusterView
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
