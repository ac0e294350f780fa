"""Two equal labs: the real kubectl talks to one over HTTP, the Python kubectl to the other in process.

Both begin as copies of each other, get the same commands in the same order, and their clocks stand still while a
command runs; between commands the same time passes on both. So uids, suffixes, addresses, resource versions and times
and ages are the same without further ado. Texts are compared as they are, with these exceptions:

- the real kubectl works out some ages by the wall clock, while a lab's time is its own: in the output of `describe` and
  `events` all durations count as equal (`AGES`), and runs of blanks as one;
- `logs --all-containers` asks for the containers in the order of a Go map, which is another each time: its lines are
  sorted;
- `diff` shows the names of temporary files and when they were written (`FILES`);
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
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from typing import NamedTuple

from k8slab.kubectl import run
from k8slab.lab import Lab
from k8slab.serve.server import Server
from k8slab.sim.clock import SECOND

#: Virtual seconds in a second while a command runs: none, as good as.
STILL, QUICK = 1e-6, 50.0
#: Real kubectls that run at a time.
AT_ONCE = 4
AGES = re.compile(r"[ \t]*(?:\b(?:\d+[smhdy])+\b|<unknown>|<invalid>)[ \t]*")
FILES = re.compile(r"/tmp/(LIVE|MERGED)(?:-\d+)?(/\S+)(?:\t.*)?")
KLOG = re.compile(r"^[EWI]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ [\w.]+:\d+\]", re.MULTILINE)
WRAPPED = re.compile(r'^<log> "command failed" err=(".*")$', re.MULTILINE)
BLANKS = re.compile(r"(?<=\S)[ \t]{2,}")
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
        self.served, self.folder = lab, folder
        self.server = Server(lab.cluster, port=0, speed=STILL)
        # Serving writes objects of its own: the copy has them, too.
        self.other = deepcopy(lab)
        self.server.start()
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

    def both(self, command: str, live: bool = False) -> tuple[Said, Said]:
        """What the real kubectl says and what the Python one says; `live` commands wait for something to happen."""
        argv = shlex.split(command)
        self.server.pace.speed = QUICK if live else STILL
        real = self._real(argv)
        self.server.pace.speed = STILL
        return masked(argv, real), masked(argv, self._python(argv))

    def read(self, commands: Sequence[str]) -> Iterator[tuple[str, Said, Said]]:
        """Both answers to each of some commands that change nothing; the real ones are asked a few at a time."""
        argvs = [shlex.split(command) for command in commands]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for command, argv, said in zip(commands, argvs, pool.map(self._real, argvs), strict=True):
                yield command, masked(argv, said), masked(argv, self._python(argv))

    def _real(self, argv: list[str]) -> Said:
        done = subprocess.run(
            [self.program, *argv],
            stdin=subprocess.DEVNULL,
            env=self._environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return Said(done.stdout, done.stderr, done.returncode)

    def _python(self, argv: list[str]) -> Said:
        result = run(argv, _Session(self.other, self.folder))
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
    if argv[:1] == ["diff"]:
        out = FILES.sub(r"/tmp/\1\2", out)
    if argv[:1] == ["logs"] and "--all-containers" in argv:
        out = "".join(sorted(out.splitlines(keepends=True)))
    if WITH_AGES.intersection(argv[:1]):
        out = BLANKS.sub(" ", AGES.sub(" <age> ", out))
    return Said(out, err, said.code)


def _unwrapped(match: re.Match[str]) -> str:
    return f"error: {json.loads(match.group(1))}"
