"""The k8slab command: the demo, replay, and mistakes in one line."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from k8slab import Lab, __version__
from k8slab.cli import main
from k8slab.demo.story import tell

SHARED = Path(__file__).parents[2] / ".." / "shared" / "manifests"


class Links(HTMLParser):
    """What a page would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "script":
            self.found.append("script")
        self.found += [values[name] for name in ("src", "href") if name in values and not values[name].startswith("#")]


def test_the_demo_tells_what_happens_when(capsys, tmp_path):
    page = tmp_path / "report.html"
    assert main(["demo", "--html", str(page)]) == 0
    text = capsys.readouterr().out
    story = [line.split("  ") for line in text.splitlines()]
    assert "NotReady" in text and "Terminating" in text
    order = ("== Everything starts", "loses its power", "node becomes NotReady", "Pod evicted", "Pod created")
    places = [
        text.index(words) for words in (*order, "comes back", "node becomes Ready", "Desired equals actual again")
    ]
    assert places == sorted(places)
    assert story
    html = page.read_text(encoding="utf-8")
    links = Links()
    links.feed(html)
    assert links.found == []
    assert html.count("<svg") >= 3
    assert "NotReady" in html


def test_the_same_seed_tells_the_same_story():
    def told(seed):
        lines: list[str] = []
        tell(Lab(workers=3, seed=seed), None, lines.append)
        return lines

    assert told(3) == told(3)
    assert told(3) != told(4)


@pytest.mark.parametrize("name", ["guestbook", "online-boutique", "voting-app"])
def test_real_applications_live_through_it(name, capsys):
    path = SHARED / f"{name}.yaml"
    if not path.is_file():
        pytest.skip(f"needs ../shared/manifests/{name}.yaml beside the repository")
    assert main(["demo", "-f", str(path)]) == 0
    assert "Desired equals actual again." in capsys.readouterr().out


def test_what_is_stuck_is_shown_with_its_events(tmp_path, capsys):
    path = tmp_path / "big.yaml"
    path.write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: big}\n"
        "spec: {containers: [{name: c, image: nginx, resources: {requests: {cpu: '99'}}}]}\n"
    )
    assert main(["demo", "-f", str(path), "--timeout", "1m"]) == 1
    error = capsys.readouterr().err
    assert "pod default/big is Pending" in error
    assert "3 Insufficient cpu" in error


def test_replay_repeats_a_saved_lab(tmp_path, capsys):
    lab = Lab(workers=1)
    lab.kubectl("create configmap a --from-literal=b=c", echo=False)
    lab.run("1m")
    lab.save(tmp_path / "lab.k8slab")
    assert main(["replay", str(tmp_path / "lab.k8slab")]) == 0
    assert lab.history.digest() in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["demo", "-f", "nothing.yaml"], "error: cannot open nothing.yaml: No such file or directory"),
        (["demo", "--timeout", "soon"], "error: 'soon' is not a duration"),
        (["demo", "--workers", "-3"], "error: workers must not be negative"),
        (["replay", __file__], "error: journal line 1"),
        (["exercise", "release", "nothing", "--out", "x"], "error: there is no exercise in nothing"),
        (["grade", "nothing", "--out", "x"], "error: nothing is not a folder of submissions"),
    ],
)
def test_mistakes_are_one_line(argv, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(argv) == 1
    error = capsys.readouterr().err
    assert error.startswith(message)
    assert len(error.strip().splitlines()) == 1


def test_version(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"k8slab {__version__}\n"
