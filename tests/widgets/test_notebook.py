"""The live view where there is no front end: papermill runs it, nbconvert shows the picture."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("anywidget", reason="the live view needs the extra 'widgets'")
pytest.importorskip("papermill", reason="papermill executes the notebook")
pytest.importorskip("nbconvert", reason="nbconvert makes the page")

CELLS = [
    "from k8slab import Lab\nlab = Lab(workers=2)\nlab.play(speed=50)\nlab.run('5s')",
    "view = lab.view()\nview",
    "import threading, time\ntime.sleep(0.3)\n"
    "print(lab.now, [t.name for t in threading.enumerate() if 'k8slab' in t.name])",
]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    from tests.browser.jupyter import write_notebook

    folder = tmp_path_factory.mktemp("static")
    write_notebook(folder / "in.ipynb", *CELLS)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "IPYTHONDIR": str(folder / "ipython")}

    def run(*command):
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]

    run("papermill", "in.ipynb", "out.ipynb", "-k", "python3", "--no-progress-bar")
    clean = json.loads((folder / "out.ipynb").read_text())
    clean["metadata"].pop("widgets", None)
    (folder / "clean.ipynb").write_text(json.dumps(clean))
    run("nbconvert", "--to", "html", "clean.ipynb")
    return folder


def outputs(folder):
    cells = json.loads((folder / "out.ipynb").read_text())["cells"]
    return [cell["outputs"] for cell in cells if cell["cell_type"] == "code"]


def test_the_saved_output_has_picture_table_and_text(executed):
    data = outputs(executed)[-2][0]["data"]
    assert "<svg" in "".join(data["text/html"]) and "<table" in "".join(data["text/html"])
    assert "3 of 3 nodes Ready" in "".join(data["text/plain"])


def test_no_clock_runs_where_nobody_looks(executed):
    assert "".join(outputs(executed)[-1][0]["text"]) == "5.0 []\n"


def test_a_page_of_a_notebook_without_widget_state_shows_the_picture(executed):
    page = (executed / "clean.html").read_text()
    assert 'class="k8slab"' in page
    assert "Cluster at 5s" in page
