"""wget (busybox's) and curl: their options, answers and complaints."""

from __future__ import annotations

import re
from http.client import responses
from typing import TYPE_CHECKING, NamedTuple

from k8slab.sim.clock import MILLISECOND, SECOND

if TYPE_CHECKING:
    from k8slab.kubelet.shell.run import Shell

Argv = list[str]
#: Short options that take a value, by tool; long ones that do.
_VALUED = {"wget": "OoTtPUY", "curl": "omwXHdueAbcxFTrEKyYz"}
_LONG_ONES = (
    "timeout tries header post-data user-agent output-document output-file max-time connect-timeout output request "
    "data write-out user retry retry-delay resolve cacert url"
)
_LONG = frozenset(_LONG_ONES.split())
KERNEL_TIMEOUT = 127 * SECOND
"""How long a connection is tried that nobody answers, unless a tool gives up before."""


class Options(NamedTuple):
    """A command line taken apart: flags and values by name without dashes, and the words that are left."""

    flags: frozenset[str]
    values: dict[str, str]
    words: list[str]

    def value(self, *names: str) -> str:
        """The value of the first of these options that was given, else ""."""
        return next((self.values[name] for name in names if name in self.values), "")


def fetch(shell: Shell, argv: Argv) -> int:
    """Ask for a page. The world's answer is `(status, body)`; 0 refused, -1 no such name, -2 no answer."""
    tool = argv[0].rsplit("/", 1)[-1]
    options = parse(tool, argv[1:])
    host, port, path = target_of(options.words[0] if options.words else options.value("url"))
    status, body = shell.ask("http", (host, port, path))
    shell.sleep(_patience(options) if status == -2 else 5 * MILLISECOND)
    if status <= 0:
        return (
            _curl_failed(shell, host, port, status, options)
            if tool == "curl"
            else _wget_failed(shell, host, status, options)
        )
    return (_curl if tool == "curl" else _wget)(shell, options, status, body, path)


def parse(tool: str, words: Argv) -> Options:
    """Take options apart: `-qO-`, `-O -`, `--timeout=5`, `--timeout 5`."""
    flags: set[str] = set()
    values: dict[str, str] = {}
    rest: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            flags.add(name)
            if equals or name in _LONG:
                values[name] = value if equals or not left else left.pop(0)
        elif word.startswith("-") and len(word) > 1:
            _cluster(tool, word[1:], left, flags, values)
        else:
            rest.append(word)
    return Options(frozenset(flags), values, rest)


def _cluster(tool: str, letters: str, left: Argv, flags: set[str], values: dict[str, str]) -> None:
    for index, letter in enumerate(letters):
        flags.add(letter)
        if letter in _VALUED[tool]:
            inline = letters[index + 1 :]
            values[letter] = inline or (left.pop(0) if left else "")
            return


def target_of(text: str) -> tuple[str, int, str]:
    """Host, port and path of a URL."""
    scheme = "https" if text.startswith("https:") else "http"
    host, _, path = re.sub(r"^https?://", "", text).partition("/")
    name, _, port = host.rpartition("@")[2].partition(":")
    return name, int(port) if port.isdigit() else 443 if scheme == "https" else 80, "/" + path


def _patience(options: Options) -> int:
    given = options.value("connect-timeout", "m", "max-time", "T", "timeout")
    return min(int(float(given) * SECOND), KERNEL_TIMEOUT) if re.fullmatch(r"\d+(\.\d+)?", given) else KERNEL_TIMEOUT


def _curl(shell: Shell, options: Options, status: int, body: str, path: str) -> int:
    if status >= 400 and options.flags & {"f", "fail"}:
        if not options.flags & {"s", "silent"} or options.flags & {"S", "show-error"}:
            shell.complain(f"curl: (22) The requested URL returned error: {status}")
        return 22
    head = f"HTTP/1.1 {status} {responses.get(status, '')}\r\n\r\n" if options.flags & {"i", "I", "head"} else ""
    page = "" if options.flags & {"I", "head"} else body
    target = options.value("o", "output")
    if target:
        shell.save(target, head + page, False)
    else:
        shell.write(head + page)
    form = options.value("w", "write-out")
    if form:
        form = form.replace("\\n", "\n").replace("\\t", "\t")
        shell.write(re.sub(r"%\{(http_code|response_code)\}", str(status), form))
    return 0


def _curl_failed(shell: Shell, host: str, port: int, status: int, options: Options) -> int:
    took = _patience(options) // MILLISECOND
    code, text = {
        0: (7, f"Failed to connect to {host} port {port} after 1 ms: Could not connect to server"),
        -1: (6, f"Could not resolve host: {host}"),
        -2: (28, f"Connection timed out after {took} milliseconds"),
    }[status]
    if not options.flags & {"s", "silent"} or options.flags & {"S", "show-error"}:
        shell.complain(f"curl: ({code}) {text}")
    form = options.value("w", "write-out")
    if form:
        shell.write(re.sub(r"%\{(http_code|response_code)\}", "000", form.replace("\\n", "\n")))
    return code


def _wget(shell: Shell, options: Options, status: int, body: str, path: str) -> int:
    if options.flags & {"S", "server-response"}:
        shell.complain(f"  HTTP/1.1 {status} {responses.get(status, '')}")
    if status >= 400:
        shell.complain(f"wget: server returned error: HTTP/1.1 {status} {responses.get(status, '')}".rstrip())
        return 1
    if "spider" in options.flags:
        return 0
    target = options.value("O", "output-document") or path.partition("?")[0].rpartition("/")[2] or "index.html"
    if target == "-":
        shell.write(body)
    else:
        shell.save(target, body, False)
    return 0


def _wget_failed(shell: Shell, host: str, status: int, options: Options) -> int:
    if status == -1:
        shell.complain(f"wget: bad address '{host}'")
        return 1
    # The tool names the address, which it has found by then.
    where = f"wget: can't connect to remote host ({shell.ask('dns', host) or host})"
    if status == 0:
        shell.complain(f"{where}: Connection refused")
    else:
        given = options.value("T", "timeout")
        shell.complain("wget: download timed out" if given else f"{where}: Connection timed out")
    return 1
