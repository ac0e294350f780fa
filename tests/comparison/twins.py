"""Two equal labs: the real kubectl talks to one over HTTP, the Python kubectl to the other in process.

Both begin as copies of each other, get the same commands in the same order, and their clocks stand still while a
command runs; between commands the same time passes on both. So uids, suffixes, addresses, resource versions, times and
ages are the same without further ado, and texts are compared as they are, with these exceptions:

- the real kubectl works out some ages by the wall clock, while a lab's time is its own: in the output of `describe` and
  `events` durations count as equal (`AGES`), with the blanks around them;
- a log line's head (`E1123 10:00:00.000000 123 memcache.go:265]`) holds time and process (`KLOG`);
- some distributions start kubectl from a program that logs what kubectl itself prints as `error: ...` (`WRAPPED`).
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import time
from copy import deepcopy
from pathlib import Path
from typing import NamedTuple

from k8slab.kubectl import run
from k8slab.lab import Lab
from k8slab.serve.server import Server
from k8slab.sim.clock import SECOND

#: Virtual seconds in a second while a command runs: none, as good as.
STILL, QUICK = 1e-6, 50.0
AGES = re.compile(r"[ \t]*(?:\b(?:\d+[smhdy])+\b|<unknown>|<invalid>)[ \t]*")
KLOG = re.compile(r"^[EWI]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ [\w.]+:\d+\]", re.MULTILINE)
WRAPPED = re.compile(r'^<log> "command failed" err=(".*")$', re.MULTILINE)
WITH_AGES = {"describe", "events"}


class Said(NamedTuple):
    """What a command printed, and its exit code."""

    stdout: str
    stderr: str
    code: int


class Twins:
    """The two labs.

    Args:
        lab: what both begin as; it is served.
        folder: where the commands' files are; home of the real kubectl.
    """

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.served, self.other = lab, deepcopy(lab)
        self.folder = folder
        self.server = Server(lab.cluster, port=0, speed=STILL).start()
        self.program = shutil.which("kubectl") or ""
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "KUBECONFIG": str(self.server.kubeconfig),
        }

    def close(self) -> None:
        """End it."""
        self.server.stop()

    def pass_time(self, seconds: float) -> None:
        """Let time pass on both; where one is behind the other it catches up first."""
        target = max(each.cluster.clock.now for each in (self.served, self.other)) + int(seconds * SECOND)
        for each in (self.served, self.other):
            with each.lock:
                each.cluster.advance(target - each.cluster.clock.now)

    def catch_up(self) -> None:
        """Let time pass until the labs' clocks show the time of the day."""
        self.pass_time(max(0.0, time.time() - self.served.clock.unix_us / SECOND))

    def both(self, command: str, stdin: str = "", live: bool = False) -> tuple[Said, Said]:
        """What the real kubectl says and what the Python one says; `live` commands wait for something to happen."""
        argv = shlex.split(command)
        real = self._real(argv, stdin, live)
        python = self._python(argv, stdin)
        return masked(argv, real), masked(argv, python)

    def _real(self, argv: list[str], stdin: str, live: bool) -> Said:
        self.server.pace.speed = QUICK if live else STILL
        done = subprocess.run(
            [self.program, *argv],
            input=stdin,
            env=self._environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.server.pace.speed = STILL
        return Said(done.stdout, done.stderr, done.returncode)

    def _python(self, argv: list[str], stdin: str) -> Said:
        result = run(argv, _Session(self.other, self.folder), stdin)
        return Said(result.stdout, result.stderr, result.exit_code)


class _Session:
    """The other lab as the Python kubectl sees it: under the context's name that the real one has."""

    context = "kubernetes-admin@k8slab"

    def __init__(self, lab: Lab, folder: Path) -> None:
        inner = lab.session()
        self.client, self.clock, self.run_until = inner.client, inner.clock, inner.run_until
        self.namespace, self._folder = inner.namespace, folder

    def read_file(self, path: str) -> str:
        return (self._folder / path).read_text(encoding="utf-8")


def masked(argv: list[str], said: Said) -> Said:
    """What was said without what cannot be the same."""
    out, err = said.stdout, WRAPPED.sub(_unwrapped, KLOG.sub("<log>", said.stderr))
    if WITH_AGES.intersection(argv[:1]):
        out = AGES.sub(" <age> ", out)
    return Said(out, err, said.code)


def _unwrapped(match: re.Match[str]) -> str:
    return f"error: {json.loads(match.group(1))}"
