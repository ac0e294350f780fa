"""The same seed and inputs give the same history, whatever the process's hash seed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import sys
from k8slab import Lab
lab = Lab(workers=3, seed=int(sys.argv[1]))
lab.kubectl("create deployment web --image=nginx:1.29 --replicas=4", echo=False)
lab.kubectl("expose deployment web --port=80", echo=False)
lab.run("20s")
lab.kubectl("create deployment broken --image=nginx:no-such-tag --replicas=2", echo=False)
lab.fail_node("worker-2")
lab.run("6m")
lab.kubectl("scale deployment web --replicas=6", echo=False)
lab.recover_node("worker-2")
lab.kubectl("drain worker-1 --ignore-daemonsets", echo=False)
lab.run("2m")
print(lab.history.revision, lab.history.digest())
"""


def digest(seed: int, hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-c", PROGRAM, str(seed)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def test_same_history_in_three_processes():
    first, *others = [digest(7, hash_seed) for hash_seed in ("0", "1", "4242")]
    assert others == [first, first]


@pytest.mark.parametrize("seed", [8])
def test_another_seed_gives_another_history(seed):
    assert digest(seed, "0") != digest(7, "0")
