"""The learner's version of an exercise: the same notebook without solutions."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from k8slab.errors import K8sLabError

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
_REGION = re.compile(rf"^([ \t]*){BEGIN}\n.*?^[ \t]*{END}[ \t]*$", re.S | re.M)
PLACEHOLDER = "# YOUR CODE HERE"


class ReleaseError(K8sLabError):
    """An exercise's notebook is not one; the message says where."""


def strip_solution(source: str, where: str = "cell") -> str:
    """A cell's source with every solution region replaced by a placeholder.

    Raises ReleaseError where a region is not closed: a solution must never slip through.
    """
    stripped = _REGION.sub(rf"\1{PLACEHOLDER}", source)
    for marker in (BEGIN, END):
        if marker in stripped:
            raise ReleaseError(f"{where}: a line '{marker}' without its partner")
    return stripped


def release_notebook(notebook: dict[str, Any]) -> dict[str, Any]:
    """A notebook (as JSON data) without solutions and outputs; what belongs to instructors alone is left out."""
    cells = []
    for number, cell in enumerate(notebook["cells"], 1):
        if "instructor" in cell.get("metadata", {}).get("tags", ()):
            continue
        source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        released = {**cell, "source": strip_solution(source, f"cell {number}").splitlines(keepends=True)}
        if cell["cell_type"] == "code":
            released.update(outputs=[], execution_count=None)
        cells.append(released)
    return {**notebook, "cells": cells}


def release(exercise: Path, out: Path) -> Path:
    """Write the learner's version of the exercise in a folder to ``out/<name>``; returns the notebook's path.

    Files that are there already are left alone where they differ: they may be a learner's work. Raises ReleaseError
    where the folder holds no exercise.
    """
    source = exercise / "exercise.ipynb"
    try:
        notebook = json.loads(source.read_text(encoding="utf-8"))
    except OSError:
        raise ReleaseError(f"there is no exercise in {exercise}: exercise.ipynb is missing") from None
    except ValueError as error:
        raise ReleaseError(f"{source} is not a notebook: {error}") from None
    folder = out / exercise.resolve().name
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "exercise.ipynb"
    if not target.exists():
        text = json.dumps(release_notebook(notebook), indent=1, ensure_ascii=False)
        target.write_text(text + "\n", encoding="utf-8")
    for extra in sorted(exercise.iterdir()):
        if extra.is_file() and extra.name != "exercise.ipynb":
            shutil.copy(extra, folder / extra.name)
    return target
