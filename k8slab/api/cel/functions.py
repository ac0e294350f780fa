"""All functions that expressions in Kubernetes know (`apiserver/pkg/cel/environment/base.go`, as of v1.36)."""

from __future__ import annotations

from k8slab.api.cel.addresses import add_addresses
from k8slab.api.cel.authorizer import add_authorizer
from k8slab.api.cel.kinds import DURATION, TIMESTAMP
from k8slab.api.cel.lists import add_lists, add_optionals
from k8slab.api.cel.overloads import Table
from k8slab.api.cel.quantities import add_quantities
from k8slab.api.cel.standard import add_standard
from k8slab.api.cel.textformats import add_formats
from k8slab.api.cel.texts import add_texts
from k8slab.api.cel.times import add_times
from k8slab.api.cel.urls import add_urls
from k8slab.api.cel.versions import add_versions

TYPES = {
    **{name: name for name in ("bool", "int", "uint", "double", "string", "bytes", "list", "map", "type", "null_type")},
    "timestamp": TIMESTAMP.name,
    "duration": DURATION.name,
    "optional_type": "optional_type",
}
"""Names of types as values."""


def _all() -> Table:
    table: Table = {}
    for add in (
        add_standard,
        add_texts,
        add_times,
        add_lists,
        add_optionals,
        add_quantities,
        add_addresses,
        add_urls,
        add_versions,
        add_formats,
        add_authorizer,
    ):
        add(table)
    return table


FUNCTIONS = _all()
