"""`k8slab serve` and `lab.serve()`."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from k8slab import Lab
from k8slab.cli import main


def test_the_command_serves_until_it_is_told_to_end(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    command = [sys.executable, "-m", "k8slab.cli", "serve", "--port", "0", "--workers", "1", "--kubeconfig", str(file)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"})
    try:
        text = ""
        while "Ctrl-C" not in text:
            line = process.stdout.readline()
            assert line, "the command has ended"
            text += line
        url = re.search(r"https://127\.0\.0\.1:\d+", text).group()
        assert f"export KUBECONFIG={file}" in text
        assert yaml.safe_load(file.read_text())["clusters"][0]["cluster"]["server"] == url
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--bind", "0.0.0.0"], "--expose"), (["--speed", "0"], "positive"), (["--bind", "x"], "'x'")],
)
def test_mistakes_are_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    assert main(["serve", "--port", "0", *arguments]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert words in said
    assert len(said.splitlines()) == 1


def test_a_lab_serves_in_the_background() -> None:
    lab = Lab(workers=1)
    server = lab.serve(speed=20)
    try:
        assert server.url == f"https://127.0.0.1:{server.port}"
        assert server.kubeconfig.exists()
        before = lab.now
        time.sleep(0.3)
        assert lab.now > before
        fork = lab.fork()
        assert fork.now >= before
        again = lab.serve()
        assert again is not server
        assert not server.kubeconfig.exists()
        again.stop()
        again.stop()
    finally:
        server.stop()
