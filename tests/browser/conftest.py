"""One JupyterLab and one Chromium for all tests here; skipped, with the reason, where they are missing."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from tests.browser.jupyter import CHROMIUM, FLAGS, Server

SHOTS = os.environ.get("K8SLAB_SHOTS")


def pytest_collection_modifyitems(items):
    missing = _missing()
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.slow)
            if missing:
                item.add_marker(pytest.mark.skip(reason=missing))


def _missing() -> str:
    for module in ("playwright", "jupyterlab", "anywidget"):
        if importlib.util.find_spec(module) is None:
            return f"{module} is not installed"
    return "" if Path(CHROMIUM).exists() else f"no Chromium at {CHROMIUM}"


@pytest.fixture(scope="session")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("notebooks")


@pytest.fixture(scope="session")
def server(folder):
    made = Server(folder)
    yield made
    made.close()


@pytest.fixture
def shot(request, tmp_path):
    """Take a picture: into the folder that K8SLAB_SHOTS names, for people to look at, or a temporary one."""

    def take(locator, name):
        target = Path(SHOTS) if SHOTS else tmp_path
        target.mkdir(parents=True, exist_ok=True)
        path = target / f"{name}.png"
        locator.screenshot(path=str(path))
        assert path.stat().st_size > 10_000, "the picture is empty"
        return path

    return take
