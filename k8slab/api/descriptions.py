"""Upstream's descriptions of kinds and fields, which are no part of this package.

They are read, when first asked for, from the schemas that the package `kubernetes-validate` installs (it comes with the
extras `lab` and `serve`). Without it there are none.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

PACKAGE = "kubernetes_validate"
FILE = "kubernetes-json-schema/v1.36.0-local/_definitions.json"
HINT = "Descriptions of fields come with the package kubernetes-validate: pip install kubernetes-validate"


def available() -> bool:
    """Whether there are descriptions."""
    return bool(_definitions())


def description(kind: str) -> str:
    """What a type is, by its name in the published documents; empty where that is not known."""
    return _definitions().get(kind, {}).get("description", "")


def field_description(kind: str, field: str) -> str:
    """What a field of a type means; empty where that is not known."""
    return _definitions().get(kind, {}).get("properties", {}).get(field, {}).get("description", "")


@cache
def _definitions() -> dict[str, Any]:
    path = _file()
    if path is None or not path.is_file():
        return {}
    # Constant for the life of the process: the file belongs to an installed package.
    return msgspec.json.decode(path.read_bytes())["$defs"]


def _file() -> Path | None:
    # Found, not imported: the package brings a schema validator, which nobody needs here.
    spec = find_spec(PACKAGE)
    return Path(spec.origin).parent / FILE if spec is not None and spec.origin else None
