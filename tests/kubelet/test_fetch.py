"""wget and curl: options, answers, exit codes and complaints."""

import pytest

from k8slab.kubelet.commandline import command_node
from k8slab.kubelet.process import Process
from k8slab.kubelet.program import Program
from k8slab.kubelet.shell.fetch import parse, target_of
from k8slab.sim.clock import SECOND, Clock

REFUSED = "Failed to connect to shut port 80 after 1 ms: Could not connect to server"
ANSWERS = {"web": (200, "page\n"), "shut": (0, ""), "nowhere": (-1, ""), "silent": (-2, ""), "lost": (404, "")}


def ask(kind: str, target):
    return "10.96.0.7" if kind == "dns" else ANSWERS[target[0]]


def outcome(command: str) -> tuple[str, str, int, float]:
    """Standard output, standard error, exit code, and seconds."""
    process = Process(Program(), 0, 0, command_node(["sh", "-c", command]), ask=ask, clock=Clock(), raw=True)
    process.clock.run_for(300 * SECOND)
    story = process.story(300 * SECOND)
    texts = {
        kind: "".join(value for _, k, value in process.events(300 * SECOND) if k == kind) for kind in ("out", "err")
    }
    return texts["out"], texts["err"], story.code, story.exit_at / SECOND


@pytest.mark.parametrize(
    ("command", "out", "err", "code"),
    [
        ("wget -qO- http://web", "page\n", "", 0),
        ("wget -q -O - -T 5 web:8080/x", "page\n", "", 0),
        ("wget -q web/a.html; cat /a.html", "page\n", "", 0),
        ("wget -O /dev/null web; ls /dev", "", "", 0),
        ("wget -qO- shut", "", "wget: can't connect to remote host (10.96.0.7): Connection refused\n", 1),
        ("wget -qO- nowhere", "", "wget: bad address 'nowhere'\n", 1),
        ("wget -qO- lost", "", "wget: server returned error: HTTP/1.1 404 Not Found\n", 1),
        ("wget --spider -T 3 silent", "", "wget: download timed out\n", 1),
        ("curl -s web", "page\n", "", 0),
        ("curl -so /dev/null -w '%{http_code}\\n' http://lost/", "404\n", "", 0),
        ("curl -f lost", "", "curl: (22) The requested URL returned error: 404\n", 22),
        ("curl -sf lost", "", "", 22),
        ("curl nowhere", "", "curl: (6) Could not resolve host: nowhere\n", 6),
        ("curl -s shut", "", "", 7),
        (
            "curl -sS shut",
            "",
            "curl: (7) Failed to connect to shut port 80 after 1 ms: Could not connect to server\n",
            7,
        ),
        ("curl -m 5 silent", "", "curl: (28) Connection timed out after 5000 milliseconds\n", 28),
    ],
)
def test_outcomes(command: str, out: str, err: str, code: int) -> None:
    assert outcome(command)[:3] == (out, err, code)


def test_tools_give_up_when_told_or_with_the_kernel() -> None:
    assert 3 <= outcome("wget -T 3 silent")[3] < 3.1
    assert 2 <= outcome("curl --connect-timeout=2 silent")[3] < 2.1
    text, seconds = outcome("wget silent")[1::2]
    assert text == "wget: can't connect to remote host (10.96.0.7): Connection timed out\n"
    assert 127 <= seconds < 128


def test_options_and_urls_are_taken_apart() -> None:
    found = parse("curl", ["-sSo", "/dev/null", "-H", "Host: x", "http://u@web:81/p?q"])
    assert found.words == ["http://u@web:81/p?q"]
    assert found.values == {"o": "/dev/null", "H": "Host: x"}
    assert target_of(found.words[0]) == ("web", 81, "/p?q")
    assert target_of("https://web") == ("web", 443, "/")
