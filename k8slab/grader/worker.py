"""The process that runs a learner's cells: an IPython shell that answers requests with plain data.

It knows no hidden check, no expected value and no rubric. It is a fork of a warmed template (``template.py``), jailed
before it sees the first line of a submission.
"""

from __future__ import annotations

import builtins
import io
import json
import os
import socket
import sys
import traceback
from typing import Any

from k8slab.grader import frames

#: Longer output is cut: a noisy notebook is not a wrong one.
MAX_STREAM = 200_000
MAX_RICH = 2_000_000
MAX_ANSWER = 2_000_000


class _Stream(io.TextIOBase):
    """Standard output or error of a cell, kept up to a limit."""

    def __init__(self, name: str, outputs: list[dict[str, Any]]) -> None:
        self.name, self._outputs, self._size = name, outputs, 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        text = str(text)
        room = MAX_STREAM - self._size
        if room > 0:
            self._add(text[:room] + ("\n[the rest of the output is left out]\n" if len(text) > room else ""))
        self._size += len(text)
        return len(text)

    def _add(self, text: str) -> None:
        last = self._outputs[-1] if self._outputs else None
        if last and last["output_type"] == "stream" and last["name"] == self.name:
            last["text"] += text
        else:
            self._outputs.append({"output_type": "stream", "name": self.name, "text": text})


class Worker:
    """Runs cells in an IPython shell and answers over a channel."""

    def __init__(self, channel: socket.socket, shell: Any) -> None:
        self._channel, self._shell = channel, shell
        self._outputs: list[dict[str, Any]] = []

    def serve(self) -> None:
        """Answer requests until the channel closes."""
        while True:
            try:
                request = frames.receive(self._channel)
            except frames.ChannelClosed:
                return
            try:
                answer = self._run(request["source"]) if request["op"] == "run" else self._answers(request)
            except MemoryError:
                answer = {"status": "memory", "outputs": []}
            frames.send(self._channel, answer)

    def _run(self, source: str) -> dict[str, Any]:
        outputs = self._outputs = []
        out, err = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = _Stream("stdout", outputs), _Stream("stderr", outputs)
        try:
            with self._shell.display_trap:
                result = self._shell.run_cell(source, store_history=True)
        finally:
            sys.stdout, sys.stderr = out, err
        error = result.error_before_exec or result.error_in_exec
        if isinstance(error, MemoryError):
            return {"status": "memory", "outputs": outputs}
        if error is not None:
            outputs.append(_error_output(error))
        return {"status": "ok" if error is None else "error", "outputs": _plain(outputs)}

    def publish(self, data: dict[str, Any], metadata: dict[str, Any] | None, kind: str = "display_data") -> None:
        """Take what a cell displays."""
        fits = {mime: value for mime, value in data.items() if len(str(value)) <= MAX_RICH}
        output: dict[str, Any] = {"output_type": kind, "data": fits, "metadata": metadata or {}}
        if kind == "execute_result":
            output["execution_count"] = self._shell.execution_count
        self._outputs.append(output)

    def _answers(self, request: dict[str, Any]) -> dict[str, Any]:
        namespace = self._shell.user_ns
        answers: dict[str, Any] = {}
        problems: dict[str, str] = {}
        for name in request["names"]:
            if name not in namespace:
                problems[name] = "it has no value"
                continue
            try:
                text = json.dumps(namespace[name], allow_nan=False)
                if len(text) > MAX_ANSWER:
                    problems[name] = "it is too large"
                else:
                    answers[name] = json.loads(text)
            except (TypeError, ValueError, RecursionError):
                problems[name] = f"it is of type {type(namespace[name]).__name__}, not plain data"
        return {"answers": answers, "problems": problems, "journal": _journal(namespace.get("lab"))}


def _journal(lab: Any) -> str | None:
    from k8slab.lab import Lab

    if not isinstance(lab, Lab):
        return None
    return lab.cluster.dump_journal()


def _error_output(error: BaseException) -> dict[str, Any]:
    lines = traceback.format_exception_only(type(error), error)
    return {
        "output_type": "error",
        "ename": type(error).__name__,
        "evalue": str(error)[:10_000],
        "traceback": [line.rstrip("\n")[:10_000] for line in lines],
    }


def _plain(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Outputs that JSON can carry; others are left out rather than losing the cell."""
    kept = []
    for output in outputs:
        try:
            json.dumps(output, allow_nan=False)
            kept.append(output)
        except (TypeError, ValueError, RecursionError):
            continue
    return kept


def make_shell() -> Any:
    """An IPython shell without history, start-up files or configuration, with k8slab's magics loaded."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.autocall = 0
    shell = InteractiveShell(config=config, profile_dir=None)
    shell.run_line_magic("load_ext", "k8slab")
    # The error itself is reported as data; the shell's own traceback would repeat it.
    shell.showtraceback = lambda *args, **options: None
    shell.showsyntaxerror = lambda *args, **options: None
    return shell


def serve(channel: socket.socket, shell: Any, home: str) -> None:
    """Be the worker on this channel until it closes (called in the jail, right after the fork)."""
    worker = Worker(channel, shell)
    shell.display_pub.publish = lambda data, metadata=None, **_: worker.publish(data, metadata)
    shell.displayhook.write_format_data = lambda data, metadata=None: worker.publish(data, metadata, "execute_result")
    shell.displayhook.write_output_prompt = lambda: None
    shell.displayhook.finish_displayhook = lambda: None
    builtins.input = _no_input  # type: ignore[assignment]
    os.chdir(home)
    worker.serve()


def _no_input(prompt: str = "") -> str:
    raise EOFError("input() cannot be answered while grading: put the value into the cell")
