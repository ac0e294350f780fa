"""k8slab: learn how Kubernetes really works, by running it.

>>> from k8slab import Lab
>>> lab = Lab(workers=3)

Importing this package is cheap: what draws, serves or grades is imported when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.errors import K8sLabError

if TYPE_CHECKING:
    from k8slab.lab import Lab

__version__ = "0.1.0"

__all__ = ["K8sLabError", "Lab", "__version__", "load_ipython_extension"]


def __getattr__(name: str) -> Any:
    if name == "Lab":
        from k8slab.lab import Lab

        return Lab
    raise AttributeError(f"module 'k8slab' has no attribute {name!r}")


def load_ipython_extension(ipython: Any) -> None:
    """What ``%load_ext k8slab`` does: magics, completion and plain errors for the lab in this notebook."""
    from k8slab.kernel.magics import load

    load(ipython)
