"""The still board: model, picture, tables, text."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from k8slab.views.board import board_html, board_model, board_svg, board_text
from k8slab.views.state import CODES
from tests.views.sample import Snapshot, guestbook, healthy, node, pod

SVG = "{http://www.w3.org/2000/svg}"


def boxes(board):
    return {box.name: box for box in board.nodes}


def test_pods_are_on_their_nodes_and_the_rest_waits():
    board = board_model(guestbook())
    on_worker_1 = {cell.name for cell in boxes(board)["worker-1"].pods if not cell.system}
    assert on_worker_1 == {
        "frontend-6d9f7c8b5d-x0k4z",
        "frontend-6d9f7c8b5d-x1k4z",
        "redis-leader-5b8c7d9f64-x0k4z",
        "migrate",
        "cart",
    }
    assert [cell.state for cell in board.waiting] == [CODES["Pending"]] * 2


def test_requests_are_summed_up_without_what_has_ended():
    box = boxes(board_model(guestbook()))["worker-1"]
    # Two frontends of 1500m; redis, cart and kube-proxy 100m each; the finished migrate asks for nothing any more.
    assert box.cpu_requested == 3300
    assert box.memory_requested == 5 * 128 * 2**20
    assert (box.cpu, box.memory, box.capacity) == (8000, 16 * 2**30, 110)


def test_names_are_taken_apart():
    cells = {cell.name: cell for cell in board_model(guestbook()).pods()}
    cell = cells["frontend-6d9f7c8b5d-x0k4z"]
    assert (cell.app, cell.suffix) == ("frontend", "x0k4z")
    assert (cells["cart"].app, cells["cart"].suffix) == ("cart", "")


def test_choosing_pods_keeps_the_bars():
    everything, chosen = board_model(guestbook()), board_model(guestbook(), selector="app=frontend", show_system=False)
    assert {cell.app for cell in chosen.pods()} == {"frontend"}
    assert boxes(chosen)["worker-1"].cpu_requested == boxes(everything)["worker-1"].cpu_requested
    assert not list(board_model(guestbook(), namespaces=["shop"]).pods())


def test_summary():
    assert board_model(healthy()).summary() == "4 of 4 nodes Ready; 9 Pods: 9 Running"
    assert board_model(healthy(pods=1)).summary() == "4 of 4 nodes Ready; 1 Pod: 1 Running"
    assert board_model(Snapshot([], [])).summary() == "0 of 0 nodes Ready; 0 Pods"


@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
@pytest.mark.parametrize("snapshot", [guestbook(), healthy(), healthy(30, 600), Snapshot([], [])])
def test_picture_is_well_formed_and_says_what_it_is(snapshot, theme):
    root = ElementTree.fromstring(board_svg(board_model(snapshot), theme))
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text == "Cluster at 1m30s"
    assert "nodes Ready" in root.find(f"{SVG}desc").text


def test_everything_stays_inside_the_picture():
    for width in (420, 700, 960, 1400):
        root = ElementTree.fromstring(board_svg(board_model(guestbook()), "light", width))
        height = float(root.get("height"))
        for rect in root.iter(f"{SVG}rect"):
            assert float(rect.get("x")) >= 0
            assert float(rect.get("x")) + float(rect.get("width")) <= width + 0.01
            assert float(rect.get("y")) + float(rect.get("height")) <= height + 0.01


def test_chips_do_not_overlap():
    root = ElementTree.fromstring(board_svg(board_model(guestbook()), "light"))
    chips = [
        tuple(float(rect.get(name)) for name in ("x", "y", "width", "height"))
        for rect in root.iter(f"{SVG}rect")
        if rect.get("fill-opacity") == "0.13"
    ]
    assert len(chips) == 15
    for i, (x, y, w, h) in enumerate(chips):
        for ox, oy, ow, oh in chips[i + 1 :]:
            assert x + w <= ox or ox + ow <= x or y + h <= oy or oy + oh <= y


def test_a_fixed_theme_needs_no_css():
    light, dark = (board_svg(board_model(healthy()), theme) for theme in ("light", "dark"))
    assert "var(" not in light + dark and "<style" not in light + dark
    assert light != dark


def test_very_many_nodes_are_summed_up_with_the_troubled_shown():
    nodes = [node(f"worker-{i}", "False" if i == 900 else "True") for i in range(1000)]
    picture = board_svg(board_model(Snapshot(nodes, [])), "light")
    assert "and 860 more nodes" in picture
    assert "worker-900" in picture
    assert len(picture) < 300_000


def test_html_has_picture_and_real_tables_and_fetches_nothing():
    html = board_html(board_model(guestbook()))
    assert html.count("<svg") == 1 and html.count("<table") == 2
    assert '<th scope="col">NAMESPACE</th>' in html
    assert "CrashLoopBackOff" in html
    for word in ("http://", "https://", "<script", "<link", "url("):
        assert word not in html.replace('xmlns="http://www.w3.org/2000/svg"', "")


def test_names_cannot_break_out_of_the_page():
    evil = '<script>alert(1)</script>"onload="x'
    board = board_model(Snapshot([node(evil)], [pod(evil, evil), pod("bell\x07", evil)]))
    html = board_html(board)
    assert "<script>" not in html and '"onload="' not in html
    ElementTree.fromstring(board_svg(board))


def test_long_tables_are_cut_and_say_so():
    html = board_html(board_model(healthy(3, 900)))
    assert "the first 200 of" in html
    assert html.count("<tr") < 220


def test_text_is_kubectls_table():
    text = board_text(board_model(guestbook()))
    assert "worker-3          Ready,SchedulingDisabled   <none>" in text
    assert "default     shop                             0/1     ImagePullBackOff" in text
    assert "kube-system" not in text
    assert all(line == line.rstrip() for line in text.splitlines())
