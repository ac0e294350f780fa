"""Build hook: the wheel carries the course as learners get it, never with solutions."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CourseHook(BuildHookInterface):
    """Releases notebooks and exercises into a temporary folder, which is then packed as ``k8slab/content``."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the released course; an editable install reads the source tree instead."""
        if version == "editable":
            return
        self._folder = tempfile.mkdtemp()
        root, out = Path(self.root), Path(self._folder)
        release = _release_module(root)
        for part in ("notebooks", "exercises"):
            for path in sorted((root / part).rglob("*")):
                if path.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & set(path.parts):
                    _copy(release, path, out / path.relative_to(root))
            build_data["force_include"][str(out / part)] = f"k8slab/content/{part}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the temporary folder."""
        shutil.rmtree(getattr(self, "_folder", ""), ignore_errors=True)


def _copy(release: Any, source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.suffix != ".ipynb":
        shutil.copy(source, target)
        return
    notebook = release.release_notebook(json.loads(source.read_text(encoding="utf-8")))
    target.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _release_module(root: Path) -> Any:
    # By its file: importing the whole course would need all of the package's dependencies.
    sys.path.insert(0, str(root))
    spec = importlib.util.spec_from_file_location("k8slab_release", root / "k8slab/course/release.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
