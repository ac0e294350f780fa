"""The three kinds of patches the API server takes, applied to and made from plain JSON documents.

None of the functions changes its arguments. Documents are what JSON decodes to: dicts, lists and scalars.
"""

from k8slab.api.patch.diff import three_way, two_way
from k8slab.api.patch.failure import go_text
from k8slab.api.patch.merge import merge_diff, merge_patch, merge_three_way
from k8slab.api.patch.operations import json_patch
from k8slab.api.patch.strategic import strategic_merge, strategic_merge_rest

__all__ = [
    "go_text",
    "json_patch",
    "merge_diff",
    "merge_patch",
    "merge_three_way",
    "strategic_merge",
    "strategic_merge_rest",
    "three_way",
    "two_way",
]
