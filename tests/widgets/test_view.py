"""ClusterView without a front end: what it sends, what it does when asked, what a saved notebook shows."""

from __future__ import annotations

import time

import pytest

pytest.importorskip("anywidget", reason="the live view needs the extra 'widgets'")

from k8slab.widgets import ClusterView
from k8slab.widgets.module import FILES, STATIC, module_text, style_text
from tests.views.sample import guestbook, pod
from tests.widgets.decode import Replica
from tests.widgets.sample import Lab


@pytest.fixture
def lab():
    sample = guestbook()
    return Lab(*sample.list("nodes"), *sample.list("pods"))


@pytest.fixture
def view(lab):
    made = ClusterView(lab)
    made.sent = []
    made.send = lambda content, buffers=None: made.sent.append((content, buffers or []))
    # The test calls the player's frames itself, where there is a listener or a job.
    made._player._start = lambda: None
    yield made
    made.close()


def frame(view):
    view._player.frame(time.monotonic())


def kinds(view):
    return [content["k"] for content, _ in view.sent]


def hello(view):
    view._on_message(view, {"k": "hello"}, [])
    frame(view)


def test_nothing_is_sent_before_a_front_end_says_hello(view):
    frame(view)
    assert view.sent == []
    hello(view)
    assert kinds(view) == ["snap"]


def test_hello_by_trait_where_messages_do_not_get_through(view):
    view.intent = {"n": "1", "verb": "hello"}
    frame(view)
    assert kinds(view) == ["snap"]


def test_changes_follow_and_a_gap_is_mended_by_a_snapshot(view, lab):
    hello(view)
    lab.cluster.put(pod("new", "worker-1"))
    frame(view)
    assert kinds(view) == ["snap", "d"]
    view._on_message(view, {"k": "resync"}, [])
    frame(view)
    assert kinds(view) == ["snap", "d", "snap"]
    assert [content["seq"] for content, _ in view.sent] == [1, 2, 3]


def test_messages_make_a_picture(view, lab):
    hello(view)
    lab.cluster.put(pod("new", "worker-1"))
    frame(view)
    replica = Replica()
    for content, buffers in view.sent:
        replica.take((content, buffers))
    assert ("default", "new", "new", "worker-1", "Running", "Running", 100, 128) in replica.picture()[1]


def test_callbacks_only_enqueue(view, lab):
    view.intent = {"n": "1", "verb": "fail", "target": "worker-1"}
    assert lab.asked == []
    frame(view)
    assert lab.asked == [("fail", "worker-1", {})]


def test_what_was_done_or_went_wrong_is_told(view):
    view.intent = {"n": "1", "verb": "cordon", "target": "worker-1", "args": {}}
    frame(view)
    assert view.notice == {"n": 1, "text": "worker-1 cordoned", "level": "info"}
    view.intent = {"n": "2", "verb": "drain", "target": "broken"}
    frame(view)
    assert view.notice == {"n": 2, "text": "it cannot be done", "level": "error"}


@pytest.mark.parametrize("verb", ["__init__", "close", "rm -rf", 7, "submit"])
def test_unknown_verbs_do_nothing(view, lab, verb):
    view.intent = {"n": "1", "verb": verb, "target": "worker-1"}
    frame(view)
    assert lab.asked == []
    assert view.notice["level"] == "error"


@pytest.mark.parametrize("message", [None, "x", [], {}, {"k": "what"}, {"k": {}}])
def test_strange_messages_are_ignored(view, message):
    view._on_message(view, message, [])
    frame(view)
    assert view.sent == []


def test_play_and_pause(view, lab):
    hello(view)
    view.intent = {"n": "1", "verb": "play", "args": {"speed": 30}}
    frame(view)
    frame(view)
    assert lab.playing and lab.speed == 30.0
    assert (view.paused, view.speed) == (False, 30.0)
    view.intent = {"n": "2", "verb": "pause"}
    frame(view)
    frame(view)
    assert view.paused
    view.intent = {"n": "3", "verb": "play", "args": {"speed": "fast"}}
    frame(view)
    assert view.notice["level"] == "error" and not lab.playing


def test_selection_brings_details_and_keeps_them_fresh(view, lab):
    hello(view)
    view.selected = "pod/default/cart"
    frame(view)
    content = view.sent[-1][0]
    assert (content["k"], content["target"]) == ("detail", "pod/default/cart")
    assert ["Status", "CrashLoopBackOff (CrashLoop)"] in content["card"]["rows"]
    lab.cluster.drop(pod("cart"))
    frame(view)
    assert view.sent[-1][0]["card"] is None


@pytest.mark.parametrize("target", ["pod/", "node/nobody", "secret/default/x", "///", "pod/default/../x"])
def test_strange_selections_find_nothing(view, target):
    hello(view)
    view.selected = target
    frame(view)
    assert view.sent[-1][0]["card"] is None
    assert view.notice == {}


def test_a_front_end_of_another_version_gets_the_still_picture(view):
    view._on_message(view, {"k": "picture"}, [])
    frame(view)
    assert "<svg" in view.sent[-1][0]["html"]
    assert view._player._listeners == []


def test_bye_ends_the_clock(view):
    hello(view)
    view._on_message(view, {"k": "bye"}, [])
    frame(view)
    assert view._player._listeners == []


def test_saved_notebooks_have_a_picture_a_table_and_text(view):
    data, _ = view._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "<svg" in data["text/html"] and "<table" in data["text/html"]
    assert data["text/plain"].startswith("3 of 4 nodes Ready; 15 Pods")


def test_options_are_checked(lab):
    with pytest.raises(TypeError, match="no option 'colour'"):
        ClusterView(lab, colour="red")
    made = ClusterView(lab, theme="dark", namespace="shop", system=False, height=400)
    assert (made.theme, made.namespace, made.system, made.height) == ("dark", "shop", False, 400)
    made.close()


def test_module_is_one_file_without_imports():
    text = module_text()
    assert "import " not in "".join(line for line in text.splitlines(True) if line.startswith("import"))
    assert [line for line in text.splitlines() if line.startswith("export")] == ["export default () => {"]
    assert all((STATIC / name).stat().st_size for name in FILES)
    for part in (text, style_text()):
        assert "http://www.w3.org/2000/svg" in part or "http" not in part
        assert "https://" not in part
