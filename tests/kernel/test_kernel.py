"""kubectl in a notebook: magics, bare lines, completion, errors, the kernel specification."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("IPython")

from k8slab import Lab
from k8slab.errors import K8sLabError
from k8slab.grader.worker import make_shell
from k8slab.kernel.install import install
from k8slab.kernel.magics import bare_kubectl, current_lab


@pytest.fixture
def shell():
    from IPython.core.interactiveshell import InteractiveShell

    InteractiveShell.clear_instance()
    yield make_shell()
    InteractiveShell.clear_instance()


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("kubectl get pods", True),
        ("kubectl get pods -o wide > x", True),
        ("kubectl -n kube-system get pods", True),
        ("kubectl", True),
        ("kubectl = 3", False),
        ("kubectl.run", False),
        ("kubectl(3)", False),
        ("kubectl in tools", False),
        ("    kubectl get pods", False),
        ("print('kubectl get pods')", False),
    ],
)
def test_bare_lines(line, changed):
    assert bare_kubectl([line + "\n"]) == [("%" if changed else "") + line + "\n"]


def test_bare_lines_inside_strings_and_cell_magics_stay():
    text = ['x = """\n', "kubectl get pods\n", '"""\n', "kubectl get nodes\n"]
    assert bare_kubectl(text) == [*text[:3], "%kubectl get nodes\n"]
    cell = ["%%apply\n", "kubectl get pods\n"]
    assert bare_kubectl(cell) == cell


def test_magics_use_the_lab_of_the_notebook(shell, capsys):
    shell.run_cell("lab = Lab(workers=1)")
    shell.run_cell("%%apply\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    shell.run_cell("%%kubectl apply -f -\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n")
    shell.run_cell("%kubectl get configmaps a b -o name\nkubectl get nodes -o name")
    printed = capsys.readouterr().out
    assert "configmap/a created" in printed
    assert "configmap/a\nconfigmap/b\n" in printed
    assert "node/worker-1\n" in printed


def test_a_failed_command_is_one_line(shell, capsys):
    shell.run_cell("lab = Lab(workers=1)\nkubectl get pod nothing")
    captured = capsys.readouterr()
    assert captured.err == 'Error from server (NotFound): pods "nothing" not found\n'
    assert "Traceback" not in captured.out


def test_which_lab():
    one, two = Lab(workers=0), Lab(workers=0)
    assert current_lab({"lab": one, "other": two}) is one
    assert current_lab({"mine": two}) is two
    namespace: dict = {}
    assert current_lab(namespace) is namespace["lab"]
    with pytest.raises(K8sLabError, match="which lab"):
        current_lab({"a": one, "b": two})
    with pytest.raises(K8sLabError, match="taken"):
        current_lab({"lab": 5})


def test_completion_knows_verbs_and_live_names(shell):
    from IPython.core.completer import provisionalcompleter

    shell.run_cell("lab = Lab(workers=2)")
    complete = shell.Completer.completions

    def texts(line):
        with provisionalcompleter():
            return {completion.text for completion in complete(line, len(line))}

    assert "get" in texts("%kubectl ge")
    assert "apply" in texts("%%kubectl ap")
    assert {"pods"} <= texts("kubectl get po")
    assert {"worker-1", "worker-2"} <= texts("kubectl cordon work")


def test_loading_twice_changes_nothing(shell):
    before = len(shell.input_transformers_cleanup), len(shell.Completer.custom_matchers)
    shell.run_line_magic("load_ext", "k8slab")
    from k8slab.kernel.magics import load

    load(shell)
    assert (len(shell.input_transformers_cleanup), len(shell.Completer.custom_matchers)) == before


def test_the_kernel_specification_starts_a_kernel_with_everything_loaded(tmp_path, monkeypatch):
    pytest.importorskip("ipykernel")
    from jupyter_client.manager import run_kernel

    seen: list[dict] = []
    folder = install(prefix=str(tmp_path))
    spec = json.loads((tmp_path / "share/jupyter/kernels/k8slab/kernel.json").read_text())
    assert folder.endswith("k8slab")
    assert spec["display_name"] == "K8s Lab"
    assert (tmp_path / "share/jupyter/kernels/k8slab/logo-svg.svg").is_file()
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share/jupyter"))
    with run_kernel(kernel_name="k8slab") as client:
        client.execute_interactive(
            "lab = Lab(workers=1)\nkubectl get nodes -o name\n%load_ext k8slab", output_hook=seen.append
        )
    printed = "".join(message["content"].get("text", "") for message in seen if message["msg_type"] == "stream")
    assert printed == "node/control-plane-1\nnode/worker-1\n"
