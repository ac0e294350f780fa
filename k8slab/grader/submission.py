"""Submissions as they come: found, read with care, and reduced to the cells that can be run."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from pathlib import Path
from typing import Any, NamedTuple

from k8slab.errors import K8sLabError
from k8slab.grader.plaintext import clean

MAX_BYTES = 20 * 2**20
MAX_CELLS = 2_000


class Unreadable(K8sLabError):
    """A submission cannot be read; the message tells the learner why and what to do."""


class Submission(NamedTuple):
    """One learner's notebook: ``learner`` is its file's (or folder's) name."""

    learner: str
    path: Path


def find(folder: Path) -> list[Submission]:
    """The submissions in a folder: ``NAME.ipynb``, or ``NAME/*.ipynb``; sorted. Raises K8sLabError for none."""
    if not folder.is_dir():
        raise K8sLabError(f"{folder} is not a folder of submissions")
    found: list[Submission] = []
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.suffix == ".ipynb":
            found.append(Submission(entry.stem, entry))
        elif entry.is_dir() and not entry.is_symlink():
            inside = sorted(path for path in entry.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
            found += [Submission(entry.name if len(inside) == 1 else f"{entry.name}-{p.stem}", p) for p in inside]
    if not found:
        raise K8sLabError(f"no notebook in {folder}: it should hold NAME.ipynb, or a folder per learner with one")
    return _distinct(found)


def _distinct(found: list[Submission]) -> list[Submission]:
    """Learners' names end up as file names: make them safe, short and distinct (also where case does not count)."""
    used: set[str] = set()
    out = []
    for learner, path in found:
        safe = re.sub(r"[^\w.@+-]+", "_", clean(learner)).strip("._")[:80] or "unnamed"
        name, number = safe, 1
        while name.casefold() in used:
            number += 1
            name = f"{safe}-{number}"
        used.add(name.casefold())
        out.append(Submission(name, path))
    return out


def read(path: Path) -> tuple[dict[str, Any], str]:
    """A notebook as JSON data of format 4, and the SHA-256 of its file. Raises Unreadable."""
    data = _bytes(path)
    digest = hashlib.sha256(data).hexdigest()
    if not data.strip():
        raise Unreadable("the file is empty: save the notebook and hand it in again")
    try:
        notebook = json.loads(data.decode("utf-8", errors="replace"))
    except (ValueError, RecursionError):
        raise Unreadable(
            "the file is not a whole notebook (its JSON is broken): save it and hand it in again"
        ) from None
    return _clean(notebook), digest


def _bytes(path: Path) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        raise Unreadable("it is not an ordinary file (a link?): hand in the notebook itself") from None
    with os.fdopen(fd, "rb") as file:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            raise Unreadable("it is not an ordinary file: hand in the notebook itself")
        if info.st_size > MAX_BYTES:
            raise Unreadable(f"the file has {info.st_size >> 20} MiB; clear all outputs and hand it in again")
        return file.read(MAX_BYTES + 1)


def _clean(notebook: Any) -> dict[str, Any]:
    if not isinstance(notebook, dict):
        raise Unreadable("the file is JSON, but not a notebook")
    cells = notebook.get("cells")
    if cells is None and isinstance(notebook.get("worksheets"), list):
        sheets = [sheet for sheet in notebook["worksheets"] if isinstance(sheet, dict)]
        cells = [cell for sheet in sheets for cell in sheet.get("cells") or ()]
    if not isinstance(cells, list) or len(cells) > MAX_CELLS:
        raise Unreadable("the file is JSON, but not a notebook: it has no list of cells")
    metadata = notebook.get("metadata")
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"k8slab": _lab_metadata(metadata), "language_info": {"name": "python"}},
        "cells": [_cell(number, cell) for number, cell in enumerate(cells) if isinstance(cell, dict)],
    }


def _lab_metadata(metadata: Any) -> dict[str, Any]:
    found = metadata.get("k8slab") if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def _cell(number: int, cell: dict[str, Any]) -> dict[str, Any]:
    source = cell.get("source", cell.get("input", ""))
    text = "".join(map(str, source)) if isinstance(source, list) else str(source)
    made: dict[str, Any] = {"id": f"cell-{number}", "metadata": {}, "source": clean(text)}
    if cell.get("cell_type") == "code":
        return {"cell_type": "code", **made, "outputs": [], "execution_count": None}
    return {"cell_type": "markdown", **made}


def exercise_of(notebook: dict[str, Any]) -> str:
    """The exercise that a notebook says it answers; empty where it does not."""
    name = notebook["metadata"]["k8slab"].get("exercise")
    if isinstance(name, str):
        return clean(name)[:100]
    # Metadata may be lost on the way; the line that opens the exercise says it as well.
    for cell in notebook["cells"]:
        match = re.search(r"Exercise\(\s*['\"]([\w.-]+)['\"]", cell["source"]) if cell["cell_type"] == "code" else None
        if match:
            return match.group(1)
    return ""
