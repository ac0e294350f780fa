"""JupyterLab on a copy of the course."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import webbrowser
from pathlib import Path

from k8slab.course.release import release, release_notebook
from k8slab.errors import K8sLabError
from k8slab.kernel.install import install

START = "en/00-whole-game.ipynb"


class LaunchError(K8sLabError):
    """JupyterLab cannot be started; the message says what to do."""


def content() -> Path:
    """The folder that holds ``notebooks/`` and ``exercises/``: the package's own copy, or the source tree."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "content", package.parent):
        if (folder / "notebooks").is_dir():
            return folder
    raise LaunchError("the course's notebooks are not installed with this package")


def prepare(folder: Path) -> Path:
    """Copy the course into a folder; files that are there already stay as the learner left them. Returns the folder."""
    source = content()
    for part in sorted((source / "notebooks").rglob("*")):
        target = folder / part.relative_to(source / "notebooks")
        hidden = {".ipynb_checkpoints", "__pycache__"} & set(part.parts)
        if part.is_file() and not hidden and not target.exists():
            _copy(part, target)
    for exercise in sorted((source / "exercises").glob("*/exercise.ipynb")):
        release(exercise.parent, folder / "exercises")
    return folder


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.suffix != ".ipynb":
        shutil.copy(source, target)
        return
    notebook = release_notebook(json.loads(source.read_text(encoding="utf-8")))
    target.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def launch(folder: Path, port: int, browser: bool = True) -> int:
    """Start JupyterLab on a copy of the course in ``folder``; returns its exit code.

    Without a browser at hand only the address is printed. Raises LaunchError where JupyterLab is not installed.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise LaunchError("JupyterLab is not installed here: pip install 'k8slab[lab]'")
    prepare(folder)
    install()
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={folder.resolve()}",
        f"--ServerApp.port={port}",
        f"--LabApp.default_url=/lab/tree/{START}",
        "--LabApp.news_url=",
    ]
    if not browser or not _has_browser():
        command.append("--no-browser")
        print(f"JupyterLab serves {folder}/; open the address below in a browser.", flush=True)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    return subprocess.run(command, check=False).returncode


def _has_browser() -> bool:
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True
