"""The official JavaScript client, in a program of its own (`node/session.js`)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from k8slab.serve.server import Server

HERE = Path(__file__).parent / "node"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "k8slab" / "client-node"


@pytest.fixture
def node() -> str:
    program = shutil.which("node")
    if program is None:
        pytest.skip("there is no node on the PATH")
    if not (CACHE / "node_modules" / "@kubernetes" / "client-node").is_dir():
        pytest.skip("@kubernetes/client-node is not installed: run tests/serve/node/install")
    return program


def test_a_javascript_programs_session(node: str, server: Server, namespace: str) -> None:
    # From the standard input, so that modules are looked for where they are installed.
    environment = {"PATH": os.environ["PATH"], "KUBECONFIG": str(server.kubeconfig), "NAMESPACE": namespace}
    done = subprocess.run(
        [node, "--input-type=module", "-"],
        input=(HERE / "session.js").read_text(encoding="utf-8"),
        cwd=CACHE,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert len(seen.pop("uid")) == 36
    assert seen == {
        "patched": {"colour": "blue", "shape": "round", "size": "3"},
        "listed": ["settings"],
        "conflict": [409, "Conflict"],
        "missing": [404, 'configmaps "settings" not found'],
        "applied": {"a": "1"},
        "refused": 'Apply failed with 1 conflict: conflict with "one": .data.a',
        "informed": [["add", "late"], ["update", "late"], ["delete", "late"]],
        "cached": {"a": "b"},
        "logged": True,
        "executed": ["out\n", "err\n", "3"],
        "forwarded": 200,
    }
