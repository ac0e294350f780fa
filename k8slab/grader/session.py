"""The supervisor's side of a worker: starts it, gives it cells, and outlives it."""

from __future__ import annotations

import array
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from k8slab.errors import K8sLabError
from k8slab.grader import frames
from k8slab.grader.jail import Limits
from k8slab.grader.plaintext import clean

#: How often a submission gets a new worker after a cell killed the last one.
MAX_REBOOTS = 5

#: What the executed copy keeps of one cell: so many outputs, so many characters together.
MAX_OUTPUTS = 500
MAX_OUTPUT = 4_000_000


class TemplateError(K8sLabError):
    """The template process did not start; the message holds what it wrote."""


class Template:
    """A running template process (``template.py``); use it as a context manager."""

    def __init__(self, timeout: float = 60) -> None:
        self._timeout = timeout
        self._start()

    def _start(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        environment = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
        with tempfile.TemporaryFile() as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-m", "k8slab.grader.template", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=environment,
            )
            theirs.close()
            try:
                frames.receive(self._control, time.monotonic() + self._timeout)
            except K8sLabError:
                self.close()
                log.seek(0)
                raise TemplateError(
                    f"the worker template did not start:\n{log.read().decode(errors='replace')}"
                ) from None

    def fork(self, home: str, limits: Limits) -> tuple[socket.socket, int, str]:
        """A new jailed worker: its channel, the process to kill, and the jail's tier."""
        try:
            return self._fork(home, limits)
        except (frames.ChannelClosed, frames.ChannelTimeout, OSError):
            # A template that died must not fail everybody after it.
            self.close()
            self._start()
            return self._fork(home, limits)

    def _fork(self, home: str, limits: Limits) -> tuple[socket.socket, int, str]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            frames.send(self._control, {"home": home, "limits": list(limits)})
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [theirs.fileno()]))
            self._control.sendmsg([b"!"], [rights])
            answer = frames.receive(self._control, time.monotonic() + 30)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return ours, answer["pid"], answer["tier"]

    def close(self) -> None:
        """End the template (and with it every worker)."""
        self._control.close()
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Template:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


class Session:
    """One submission's run: cells go in, outputs come out; a cell that kills the worker costs only itself.

    ``timeout`` bounds the whole run in seconds. ``verdict`` is "graded" unless a cell timed out, used too much memory,
    or killed its process; ``tier`` is the jail that was reached.
    """

    def __init__(self, template: Template, timeout: float, limits: Limits | None = None) -> None:
        self._template, self._limits = template, limits or Limits(cpu_seconds=int(timeout) + 10)
        self._deadline = time.monotonic() + timeout
        self._done: list[str] = []
        self._reboots = 0
        self.verdict = "graded"
        self.guilty: list[tuple[int, str]] = []
        self.errors: list[str] = []
        self._home = tempfile.mkdtemp(prefix="k8slab-")
        self._channel: socket.socket | None = None
        self._pid, self.tier = 0, "none"
        try:
            self._boot()
        except BaseException:
            self.close()
            raise

    def _boot(self) -> None:
        self._channel, self._pid, self.tier = self._template.fork(self._home, self._limits)

    def provide(self, name: str, data: bytes) -> None:
        """Put a file into the folder that the cells run in; ``name`` may have folders in it."""
        path = Path(self._home, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def run(self, number: int, source: str) -> dict[str, Any]:
        """Run a cell; ``number`` names it in the report. Returns status and outputs in the notebook format."""
        answer = self._ask({"op": "run", "source": source}, self._cell_deadline())
        if answer["status"] in ("timeout", "crashed", "memory"):
            self._note(number, answer["status"])
            return {"status": answer["status"], "outputs": [*_outputs(answer), _last_words(answer["status"])]}
        self._done.append(source)
        outputs = _outputs(answer)
        if answer["status"] == "error":
            error = next((one for one in outputs if one["output_type"] == "error"), {"ename": "an error", "evalue": ""})
            self.errors.append(f"Cell {number} ended with {error['ename']}: {error['evalue'][:300]}")
        return {"status": answer["status"], "outputs": outputs}

    def answers(self, names: list[str]) -> dict[str, Any]:
        """The values of the declared names as plain data, what is wrong with the others, and the lab's journal."""
        self._deadline = max(self._deadline, time.monotonic() + 10)
        answer = self._ask({"op": "answers", "names": names}, self._deadline)
        found = answer.get("answers"), answer.get("problems"), answer.get("journal")
        if (
            not isinstance(found[0], dict)
            or not isinstance(found[1], dict)
            or not isinstance(found[2], (str, type(None)))
        ):
            return {"answers": {}, "problems": dict.fromkeys(names, "the process did not answer"), "journal": None}
        return {"answers": {name: found[0][name] for name in names if name in found[0]}, **_rest(names, *found)}

    def close(self) -> None:
        """Kill the worker with all that it started, and remove its folder."""
        self._kill()
        shutil.rmtree(self._home, ignore_errors=True)

    def _cell_deadline(self) -> float:
        # No single cell may use up the time of those after it.
        now = time.monotonic()
        return now + max((self._deadline - now) * 0.6, 0.05)

    def _ask(self, request: dict[str, Any], deadline: float) -> dict[str, Any]:
        if self._channel is None:
            return {"status": "crashed", "outputs": []}
        try:
            frames.send(self._channel, request)
            answer = frames.receive(self._channel, deadline)
        except frames.ChannelTimeout:
            return self._lost("timeout")
        except frames.ChannelClosed:
            return self._lost("crashed")
        if not isinstance(answer, dict) or (request["op"] == "run" and not _is_result(answer)):
            return self._lost("crashed")
        return answer if answer.get("status") != "memory" else self._lost("memory")

    def _lost(self, why: str) -> dict[str, Any]:
        """The worker is of no use any more: start another and run what went well again."""
        self._kill()
        self._reboots += 1
        if self._reboots <= MAX_REBOOTS and time.monotonic() < self._deadline:
            self._boot()
            for source in self._done:
                if not self._again(source):
                    break
        return {"status": why, "outputs": []}

    def _again(self, source: str) -> bool:
        try:
            frames.send(self._channel, {"op": "run", "source": source})
            frames.receive(self._channel, self._deadline)
        except (frames.ChannelClosed, frames.ChannelTimeout):
            self._kill()
            return False
        return True

    def _note(self, number: int, status: str) -> None:
        self.verdict = status
        self.guilty.append((number, status))

    def _kill(self) -> None:
        if self._channel is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(self._pid, signal.SIGKILL)
        self._channel.close()
        self._channel = None


def _rest(names: list[str], answers: Any, problems: Any, journal: Any) -> dict[str, Any]:
    told = {name: clean(str(problems[name])[:500]) for name in names if name in problems}
    return {"problems": told, "journal": journal}


def _is_result(answer: dict[str, Any]) -> bool:
    return answer.get("status") in ("ok", "error", "memory") and isinstance(answer.get("outputs"), list)


def _outputs(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Outputs that really are ones, within bounds: a worker may send anything."""
    kept: list[dict[str, Any]] = []
    room = MAX_OUTPUT
    for output in answer["outputs"][:MAX_OUTPUTS]:
        clean_one = _output(output) if isinstance(output, dict) else None
        if clean_one is not None:
            room -= sum(len(str(part)) for part in (*clean_one.values(), *clean_one.get("data", {}).values()))
            if room < 0:
                break
            kept.append(clean_one)
    return kept


def _output(output: dict[str, Any]) -> dict[str, Any] | None:
    kind = output.get("output_type")
    if kind == "stream" and output.get("name") in ("stdout", "stderr"):
        return {"output_type": kind, "name": output["name"], "text": clean(_text(output.get("text")))}
    if kind == "error":
        lines = output.get("traceback")
        traceback = [clean(_text(line)) for line in lines[:200]] if isinstance(lines, list) else []
        names = {name: clean(_text(output.get(name))) for name in ("ename", "evalue")}
        return {"output_type": kind, **names, "traceback": traceback}
    if kind in ("display_data", "execute_result") and isinstance(output.get("data"), dict):
        # Texts only: nested data (a widget's, a plot's) would show nothing in a copy that is for reading.
        data = {clean(mime): clean(value) for mime, value in output["data"].items() if isinstance(value, str)}
        shown: dict[str, Any] = {"output_type": kind, "data": data, "metadata": {}}
        return {**shown, "execution_count": None} if kind == "execute_result" else shown
    return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _last_words(status: str) -> dict[str, Any]:
    why = {
        "timeout": "this cell took too long and was stopped",
        "crashed": "this cell ended the process that ran it",
        "memory": "this cell needed more memory than is allowed",
    }[status]
    return {"output_type": "error", "ename": status.capitalize(), "evalue": why, "traceback": [why]}
