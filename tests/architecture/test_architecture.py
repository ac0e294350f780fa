"""Rules that the linters do not know."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "k8slab"


def output_of(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def test_importing_k8slab_imports_no_plotting_or_notebook_stack():
    heavy = ("IPython", "ipywidgets", "anywidget", "networkx", "numpy", "papermill", "jinja2", "nbformat", "plotly")
    program = f"import sys, k8slab; print([name for name in {heavy!r} if name in sys.modules])"
    assert output_of(program) == "[]"


def test_making_a_lab_imports_no_notebook_stack():
    heavy = ("IPython", "ipywidgets", "anywidget", "papermill", "jinja2", "nbformat", "plotly", "asyncio")
    program = f"import sys, k8slab; k8slab.Lab(workers=1); print([name for name in {heavy!r} if name in sys.modules])"
    assert output_of(program) == "[]"


def test_no_module_hides_one_of_the_standard_library():
    hidden = [
        str(path.relative_to(ROOT))
        for path in PACKAGE.rglob("*.py")
        if path.stem in sys.stdlib_module_names - {"__main__"}
    ]
    # Inside packages absolute imports cannot be confused, but a learner's notebook may be started anywhere.
    allowed = {"k8slab/etcd/watch.py"}
    assert [name for name in hidden if name not in allowed and Path(name).parent == Path("k8slab")] == []


def test_no_file_knows_everything():
    long = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.stem.endswith(("_v1", "_v2")):
            continue
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > 700:
            long[str(path.relative_to(ROOT))] = lines
    assert long == {}


def test_no_registry_addresses_and_no_machine_paths():
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    for name in files:
        if name.endswith((".lock", "constraints.txt", "pyproject.toml", ".cfg")):
            assert "://" not in (ROOT / name).read_text(encoding="utf-8"), name
