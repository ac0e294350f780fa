"""The live board in JupyterLab, as a learner has it."""

from __future__ import annotations

import pytest

from tests.browser.jupyter import Notebook, write_notebook

START = """
from k8slab import Lab
lab = Lab(workers=3)
_ = lab.apply('''
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 6
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "nginx:1.27", resources: {requests: {cpu: 500m, memory: 256Mi}}}
''')
lab.run("30s")
"""
VIEW = "view = lab.view()\nview"


@pytest.fixture(scope="module", params=["Light", "Dark"])
def notebook(request, chromium, server, folder):
    write_notebook(folder / "board.ipynb", START, VIEW)
    server.dress(request.param)
    made = Notebook(chromium, server, "board.ipynb", dark=request.param == "Dark")
    made.theme = request.param.lower()
    made.run_all()
    wait_for_counts(made, Running=6)
    yield made
    made.close()


@pytest.fixture
def view(notebook):
    root = notebook.page.locator(".k8slab-view")
    root.wait_for()
    return root


def wait_for_counts(notebook, **wanted):
    """Wait until the legend shows these numbers of Pods by state."""
    notebook.page.wait_for_function(
        """wanted => { const items = [...document.querySelectorAll('.k8slab-state')].map(e => e.textContent);
            return Object.entries(wanted).every(([name, n]) => n
                ? items.includes(n + name) : !items.some(t => t.endsWith(name) && t !== '0' + name)); }""",
        arg=wanted,
        timeout=30_000,
    )


def pick(view, name):
    """Select a node or Pod through the grid that keyboards use."""
    cell = view.locator(f'.k8slab-mirror [data-row]:text-matches("{name}")').first
    cell.focus()
    view.page.keyboard.press("Enter")
    view.locator(".k8slab-inspector strong").filter(has_text=name).wait_for()


def board_pixels(view):
    """How many different colours the canvas shows: a blank one has hardly any."""
    return view.locator("canvas").evaluate(
        """c => { const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data, seen = new Set();
            for (let i = 0; i < d.length; i += 4) seen.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]);
            return seen.size; }"""
    )


def test_shows_the_cluster(notebook, view, shot):
    assert board_pixels(view) > 100
    assert "4 of 4 nodes Ready" in view.locator(".k8slab-legend").inner_text()
    assert view.locator('[role="rowheader"]').count() == 5
    view.page.wait_for_timeout(800)
    shot(view, f"board-{notebook.theme}")


def test_the_past_before_the_view_can_be_looked_at(notebook, view):
    bar = view.locator(".k8slab-bar")
    assert int(bar.get_attribute("max")) > 5
    bar.focus()
    notebook.page.keyboard.press("Home")
    wait_for_counts(notebook, Running=0)
    view.get_by_role("button", name="Live").click()
    wait_for_counts(notebook, Running=6)


def test_follows_the_theme(notebook, view):
    colour = view.evaluate("e => getComputedStyle(e.querySelector('.k8slab-toolbar')).backgroundColor")
    bright = sum(int(part) for part in colour.strip("rgba()").split(",")[:3]) / 3
    assert bright > 200 if notebook.theme == "light" else bright < 80


def test_step_lets_time_pass(notebook, view):
    before = notebook.ask("lab.now")
    view.get_by_role("button", name="Step").click()
    notebook.page.wait_for_function(
        f"() => document.querySelector('.k8slab-clock').textContent === '{before + 1:.1f}s'"
    )
    assert notebook.ask("lab.now") == before + 1


def test_a_node_fails_when_the_button_is_pressed_and_recovers(notebook, view, shot):
    pick(view, "worker-1")
    view.get_by_role("button", name="Fail", exact=True).click()
    view.get_by_role("button", name="Recover").wait_for()
    assert notebook.ask("list(lab.faults.failed_nodes)") == ["worker-1"]
    notebook.run("lab.run('60s')")
    notebook.page.wait_for_function(
        "() => document.querySelector('.k8slab-nodes').textContent === '3 of 4 nodes Ready'", timeout=30_000
    )
    notebook.run("lab.run('6m')")
    wait_for_counts(notebook, Running=6, Terminating=2)
    notebook.page.wait_for_timeout(900)
    shot(view, f"failed-{notebook.theme}")
    view.get_by_role("button", name="Recover").click()
    view.get_by_role("button", name="Fail", exact=True).wait_for()
    notebook.run("lab.run('60s')")
    wait_for_counts(notebook, Running=6, Terminating=0)
    assert notebook.ask("list(lab.faults.failed_nodes)") == []


def test_looking_back_changes_nothing_and_says_so(notebook, view, shot):
    revision = notebook.ask("lab.history.revision")
    pick(view, "worker-2")
    for _ in range(6):
        notebook.page.keyboard.press("[")
    view.locator(".k8slab-past").wait_for()
    assert "Looking back" in view.locator(".k8slab-past").inner_text()
    assert view.get_by_role("button", name="Cordon").is_disabled()
    notebook.page.wait_for_timeout(600)
    shot(view, f"past-{notebook.theme}")
    notebook.page.keyboard.press("f")
    view.get_by_role("button", name="Live").click()
    view.locator(".k8slab-past").wait_for(state="hidden")
    assert notebook.ask("lab.history.revision") == revision
    assert notebook.ask("list(lab.faults.failed_nodes)") == []


def test_keyboard_cordons_and_jupyterlab_does_not_take_the_keys(notebook, view):
    cells = notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length")
    pick(view, "worker-3")
    notebook.page.keyboard.press("c")
    view.get_by_role("button", name="Uncordon").wait_for()
    assert notebook.ask("lab.get('node', 'worker-3').spec.unschedulable") is True
    notebook.page.keyboard.press("c")
    view.get_by_role("button", name="Cordon", exact=True).wait_for()
    # In JupyterLab "b" adds a cell, "x" cuts one.
    for key in ("b", "a", "x", "y"):
        notebook.page.keyboard.press(key)
    assert notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length") == cells
    assert view.page.evaluate("() => document.activeElement.closest('.k8slab-mirror') !== null")


def test_arrows_move_through_the_grid(notebook, view):
    pick(view, "worker-1")
    notebook.page.keyboard.press("ArrowDown")
    assert "worker-2" in notebook.page.evaluate("() => document.activeElement.textContent")
    notebook.page.keyboard.press("ArrowRight")
    assert notebook.page.evaluate("() => document.activeElement.textContent").startswith("Pod web-")
    notebook.page.keyboard.press("Home")
    notebook.page.keyboard.press("?")
    assert view.locator(".k8slab-help").is_visible()
    notebook.page.keyboard.press("Escape")
    assert not view.locator(".k8slab-help").is_visible()
    assert view.locator('.k8slab-mirror [tabindex="0"]').count() == 1


def test_deleting_the_selected_pod(notebook, view):
    name = notebook.ask("lab.list('pods', namespace='default')[0].metadata.name")
    pick(view, name)
    view.get_by_role("button", name="Delete Pod").click()
    mine = f"[p for p in lab.list('pods', namespace='default') if p.metadata.name == {name!r}]"
    # The click reaches the kernel when it can; only then may time pass.
    for _ in range(300):
        if notebook.ask(f"all(bool(p.metadata.deletionTimestamp) for p in {mine})"):
            break
        notebook.page.wait_for_timeout(50)
    notebook.run("lab.run('60s')")
    wait_for_counts(notebook, Running=6, Terminating=0)
    assert name not in notebook.ask("[p.metadata.name for p in lab.list('pods', namespace='default')]")


def test_play_lets_time_pass_while_a_cell_is_free_or_busy(notebook, view):
    notebook.run("lab.play(speed=5)")
    view.get_by_role("button", name="Pause").wait_for()
    before = notebook.ask("lab.now")
    notebook.run("import time; time.sleep(1.5)")
    after = notebook.ask("lab.now")
    assert 3 < after - before < 30
    view.get_by_role("button", name="Pause").click()
    view.get_by_role("button", name="Play").wait_for()
    stopped = notebook.ask("lab.now")
    notebook.page.wait_for_timeout(400)
    assert notebook.ask("lab.now") == stopped


def test_summary_for_screen_readers(notebook, view):
    notebook.page.wait_for_timeout(2300)
    text = view.locator('[aria-live="polite"]').inner_text()
    assert "6 Running" in text


def test_a_second_view_and_a_reload_are_not_blank(notebook, view):
    notebook.page.evaluate(
        """() => { const nb = window.jupyterapp.shell.currentWidget.content;
            nb.activeCellIndex = 1; return window.jupyterapp.commands.execute('notebook:run-cell'); }"""
    )
    notebook.page.wait_for_timeout(1000)
    wait_for_counts(notebook, Running=6)
    notebook.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    notebook.page.reload(wait_until="domcontentloaded")
    notebook.page.locator(".k8slab-view canvas").first.wait_for(timeout=60_000)
    wait_for_counts(notebook, Running=6)
    assert board_pixels(notebook.page.locator(".k8slab-view").first) > 100


def test_nothing_left_the_machine_and_nothing_complained(notebook):
    assert notebook.external == []
    assert notebook.errors == []
