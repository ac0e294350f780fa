"""Server-side apply: which manager owns which fields, and how an applied configuration is merged into an object.

Follows `sigs.k8s.io/structured-merge-diff` (value, typed, fieldpath, merge) and `apimachinery/pkg/util/managedfields`.
"""

from k8slab.api.apply.custom import custom_shape
from k8slab.api.apply.fieldset import Path, decode, encode, text_of
from k8slab.api.apply.leaves import TypedError, changes, created, field_set, leaves, members
from k8slab.api.apply.managers import Conflicted, Managers, same_but_times
from k8slab.api.apply.merge import merge, remove
from k8slab.api.apply.schema import Shape, shape_of
from k8slab.api.apply.updater import apply, update

__all__ = [
    "Conflicted",
    "Managers",
    "Path",
    "Shape",
    "TypedError",
    "apply",
    "changes",
    "created",
    "custom_shape",
    "decode",
    "encode",
    "field_set",
    "leaves",
    "members",
    "merge",
    "remove",
    "same_but_times",
    "shape_of",
    "text_of",
    "update",
]
