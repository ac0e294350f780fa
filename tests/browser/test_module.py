"""The front end's own behaviour: protocol, levels of detail, time, movement, themes."""

from __future__ import annotations

import pytest

from k8slab.sim.clock import SECOND
from k8slab.views.board import board_html, board_model
from k8slab.views.theme import COLOURS
from k8slab.widgets.feed import Feed, Message
from tests.browser.page import Page
from tests.views.sample import guestbook, healthy, node, pod
from tests.widgets.sample import Cluster


def rgb(token, theme=0):
    code = COLOURS[token][theme]
    return tuple(int(code[i : i + 2], 16) for i in (1, 3, 5))


def cluster_of(sample):
    return Cluster(*sample.list("nodes"), *sample.list("pods"))


@pytest.fixture
def page(chromium):
    pages = []

    def make(**options):
        made = Page(chromium, **options)
        pages.append(made)
        return made

    yield make
    for each in pages:
        assert each.errors == []
        each.close()


def start(page, sample, **options):
    cluster = cluster_of(sample)
    feed, shown = Feed(cluster), page(**options)
    shown.send(feed.snapshot())
    shown.settle()
    return cluster, feed, shown


def test_says_hello_at_once_and_by_trait_when_nobody_answers(page):
    shown = page()
    assert shown.page.evaluate("sent[0]") == {"k": "hello", "schema": 1}
    shown.page.wait_for_function("model.get('intent').verb === 'hello'", timeout=5000)


def test_a_gap_asks_for_everything_again(page):
    cluster, feed, shown = start(page, guestbook())
    cluster.put(pod("lost", "worker-1"))
    feed.pull()
    cluster.put(pod("new", "worker-1"))
    shown.send(feed.pull())
    assert shown.page.evaluate("sent.at(-1)") == {"k": "resync"}
    shown.send(feed.snapshot())
    assert shown.page.evaluate("sent.length") == 2


def test_old_and_doubled_messages_change_nothing(page):
    cluster, feed, shown = start(page, guestbook())
    cluster.put(pod("new", "worker-1"))
    message = feed.pull()
    shown.send(message)
    shown.settle()
    before = shown.digest()
    shown.send(message)
    shown.settle()
    assert shown.digest() == before
    assert shown.page.evaluate("sent.length") == 1


def test_another_schema_is_told_not_blank(page):
    shown = page(traits={"schema": 99})
    assert "another version" in shown.page.locator(".k8slab-view").inner_text()
    assert shown.page.evaluate("sent") == [{"k": "picture"}]
    shown.send(Message({"k": "picture", "html": board_html(board_model(guestbook()))}, []))
    assert shown.page.locator(".k8slab-view svg").count() == 1


def test_back_and_forth_in_time_shows_the_same_pictures(page):
    cluster, feed, shown = start(page, healthy(3, 3), reduced_motion="reduce")
    pictures = [shown.digest()]
    for second in range(1, 5):
        cluster.clock.run_until(second * SECOND)
        cluster.put(pod(f"new-{second}", "worker-1" if second % 2 else "worker-3", ready=second != 3))
        cluster.put(node("worker-3", cordoned=second % 2 == 0))
        shown.send(feed.pull())
        shown.settle(150)
        pictures.append(shown.digest())
    assert len(set(pictures)) == 5
    shown.page.locator('.k8slab-mirror [tabindex="0"]').focus()
    for picture in reversed(pictures[:-1]):
        shown.page.keyboard.press("[")
        shown.page.evaluate("document.activeElement.blur()")
        shown.settle(150)
        assert shown.digest() == picture
        shown.page.locator('.k8slab-mirror [tabindex="0"]').focus()
    # What happens meanwhile does not disturb who looks back, and is there afterwards.
    cluster.put(pod("late", "worker-1"))
    shown.send(feed.pull())
    shown.page.evaluate("document.activeElement.blur()")
    shown.settle(150)
    assert shown.digest() == pictures[0]
    shown.page.get_by_role("button", name="Live").click()
    shown.settle(400)
    assert "late" in shown.page.locator(".k8slab-mirror").inner_text()


def test_replay_runs_to_now(page):
    cluster, feed, shown = start(page, guestbook(), reduced_motion="reduce")
    for second in range(1, 4):
        cluster.clock.run_until(second * SECOND)
        cluster.put(pod(f"new-{second}", "worker-1"))
    shown.send(feed.pull())
    shown.settle(200)
    shown.page.evaluate(
        "() => { const bar = document.querySelector('.k8slab-bar'); bar.value = 0;"
        " bar.dispatchEvent(new Event('input')); }"
    )
    shown.page.locator(".k8slab-past").wait_for()
    shown.page.get_by_role("button", name="Replay").click()
    shown.page.locator(".k8slab-past").wait_for(state="hidden", timeout=5000)
    assert shown.page.evaluate("model.get('intent')") == {}


@pytest.mark.parametrize(("nodes", "pods"), [(3, 9), (20, 400), (200, 4000), (1000, 30_000)])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_level_of_detail_shows_running_and_trouble(page, shot, nodes, pods, dark):
    sample = healthy(nodes, pods)
    cluster, feed, shown = start(page, sample, dark=dark)
    assert rgb("green", dark) in shown.colours()
    assert rgb("vermillion", dark) not in shown.colours()
    for index, made in enumerate(sample.list("pods")[: pods // 2]):
        if index % 2 == 0:
            bad = pod(made.metadata.name, made.spec.nodeName, ready=False, waiting="CrashLoopBackOff", owner="frontend")
            cluster.put(bad)
    cluster.put(node("worker-2", ready="Unknown"))
    shown.send(feed.pull())
    shown.settle()
    assert {rgb("vermillion", dark), rgb("green", dark)} <= shown.colours()
    shot(shown.page.locator(".k8slab-view"), f"detail-{nodes}-{'dark' if dark else 'light'}")


def test_very_many_pods_are_drawn_in_time(page):
    cluster, feed, shown = start(page, healthy(2000, 40_000))
    times = []
    for turn in range(5):
        for made in healthy(2000, 400).list("pods")[:400]:
            cluster.put(made.replace(status=made.status.replace(phase="Failed" if turn % 2 else "Succeeded")))
        message = feed.pull()
        assert sum(map(len, message.buffers)) < 8000
        shown.send(message)
        times.append(
            shown.page.evaluate(
                """async () => { model.set("paused", true); const from = performance.now();
                    await new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)));
                    return performance.now() - from; }"""
            )
        )
    # About 15 ms on the slowest machine known; a frame that is redrawn the slow way takes 100 and more.
    assert sorted(times)[2] < 120


def test_pods_move_calmly_and_not_at_all_where_motion_is_not_wanted(page):
    for motion, moves in (("no-preference", True), ("reduce", False)):
        cluster, feed, shown = start(page, healthy(3, 6), reduced_motion=motion)
        cluster.put(pod("new", phase="Pending", ready=False))
        shown.send(feed.pull())
        shown.settle()
        cluster.put(pod("new", "worker-3", phase="Pending", ready=False))
        shown.send(feed.pull())
        shown.settle(120)
        early = shown.digest()
        shown.settle(900)
        assert (shown.digest() != early) is moves


def test_nothing_is_painted_while_nobody_can_see_it(page):
    cluster, feed, shown = start(page, healthy(3, 6))
    shown.page.evaluate("document.body.style.paddingTop = '3000px'")
    shown.settle(300)
    before = shown.digest()
    cluster.put(pod("new", "worker-3", ready=False))
    shown.send(feed.pull())
    shown.settle(400)
    assert shown.digest() == before
    shown.page.evaluate("document.body.style.paddingTop = '0'")
    shown.settle()
    assert shown.digest() != before


def test_a_second_view_is_complete_and_the_last_says_bye(page):
    _, _, shown = start(page, guestbook())
    shown.page.evaluate("() => { window.second = show(); }")
    shown.settle()
    legends = shown.page.locator(".k8slab-legend").all_inner_texts()
    assert len(legends) == 2 and legends[0] == legends[1]
    shown.page.evaluate("() => { end(); second(); }")
    assert shown.page.evaluate("sent.at(-1)") == {"k": "bye"}
    shown.page.evaluate("() => { show(); }")
    assert shown.page.evaluate("sent.at(-1).k") == "hello"


def test_filters_hide_pods_but_not_requests(page):
    _, _, shown = start(page, guestbook())
    grid = shown.page.locator(".k8slab-mirror")
    assert "namespace kube-system" in grid.inner_text()
    shown.page.get_by_label("kube-system").uncheck()
    shown.settle(500)
    assert "namespace kube-system" not in grid.inner_text()
    assert "worker-1, Ready, 6 Pods" in grid.inner_text()
    shown.page.evaluate("model.set('namespace', 'shop')")
    shown.settle(500)
    assert "namespace default" not in grid.inner_text()


def test_pointer_selects_and_tells(page):
    _, _, shown = start(page, guestbook())
    box = shown.page.locator("canvas").bounding_box()
    shown.page.mouse.move(box["x"] + 60, box["y"] + 110)
    assert "Node control-plane-1" in shown.page.locator(".k8slab-tip").inner_text()
    shown.page.mouse.click(box["x"] + 60, box["y"] + 110)
    assert shown.page.evaluate("model.get('selected')") == "node/control-plane-1"
    assert "control-plane-1" in shown.page.evaluate("document.activeElement.textContent")
    shown.page.keyboard.press("Escape")
    assert shown.page.evaluate("model.get('selected')") == ""


def test_names_are_text_never_markup(page):
    evil = "<img src=x onerror=window.hacked=1>"
    sample = healthy(1, 1)
    cluster, feed, shown = start(page, sample)
    cluster.put(pod(evil, "worker-1"))
    shown.send(feed.pull())
    shown.page.evaluate("n => model.set('selected', 'pod/default/' + n)", evil)
    shown.page.evaluate("n => model.set('notice', {n: 1, text: n, level: 'error'})", evil)
    shown.settle(500)
    assert shown.page.evaluate("window.hacked") is None
    assert evil in shown.page.locator(".k8slab-toast").inner_text()


def test_narrow_places_wrap_instead_of_overflowing(page, shot):
    _, _, shown = start(page, guestbook(), viewport={"width": 420, "height": 1400})
    assert shown.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shot(shown.page.locator(".k8slab-view"), "narrow")
