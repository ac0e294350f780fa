"""JupyterLab on this machine's loopback, driven by headless Chromium; nothing else is reached."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "notebook-extension/tracker": {"windowingMode": "none"},
}


class Server:
    """A throw-away JupyterLab: own settings and state, no token, loopback only."""

    def __init__(self, root: Path) -> None:
        self.state = Path(tempfile.mkdtemp(prefix="k8slab-browser-"))
        self.settings = self.state / "settings" / "@jupyterlab"
        for name, values in _SETTINGS.items():
            self.set(name, values)
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = (self.state / "server.log").open("w")
        self.process = subprocess.Popen(
            self._command(root), env=self._environment(), cwd=root, stdout=self._log, stderr=self._log
        )
        self._wait()

    def set(self, name: str, values: dict[str, Any]) -> None:
        """Write a user setting."""
        path = self.settings / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))

    def dress(self, theme: str) -> None:
        """Choose JupyterLab's theme for pages opened from now on: ``Light`` or ``Dark``."""
        self.set("apputils-extension/themes", {"theme": f"JupyterLab {theme}", "adaptive-theme": False})

    def _command(self, root: Path) -> list[str]:
        return [
            *(sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
            *(f"--port={self.port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={root}"),
            *("--IdentityProvider.token=", "--PasswordIdentityProvider.password_required=False"),
            *("--ServerApp.disable_check_xsrf=True", "--LabApp.expose_app_in_browser=True"),
            *("--LabApp.news_url=", "--LabApp.extension_manager=readonly"),
        ]

    def _environment(self) -> dict[str, str]:
        repository = str(Path(__file__).parents[2])
        return {
            **os.environ,
            "JUPYTER_CONFIG_DIR": str(self.state / "config"),
            "JUPYTER_RUNTIME_DIR": str(self.state / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(self.state / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(self.state / "workspaces"),
            "IPYTHONDIR": str(self.state / "ipython"),
            "JUPYTER_PREFER_ENV_PATH": "1",
            "PYTHONPATH": repository,
            "PATH": str(Path(sys.executable).parent) + os.pathsep + os.environ.get("PATH", ""),
        }

    def _wait(self) -> None:
        for _ in range(240):
            try:
                urllib.request.urlopen(self.url + "/api", timeout=1).read()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.25)
        raise RuntimeError((self.state / "server.log").read_text()[-2000:])

    def close(self) -> None:
        """Stop the server and its kernels."""
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self._log.close()


class Notebook:
    """A notebook opened in a page of its own; remembers what went wrong and what left the machine."""

    def __init__(self, browser: Any, server: Server, name: str, dark: bool = False, **options: Any) -> None:
        self.console: list[str] = []
        self.external: list[str] = []
        self._url = server.url
        scheme = "dark" if dark else "light"
        self.context = browser.new_context(
            viewport={"width": 1240, "height": 1250}, color_scheme=scheme, service_workers="block", **options
        )
        self.context.route("**/*", self._route)
        self.page = self.context.new_page()
        self.page.on("console", lambda message: message.type == "error" and self.console.append(message.text))
        self.page.on("pageerror", lambda error: self.console.append(str(error)))
        self.open(name)

    def _route(self, route: Any) -> None:
        url = route.request.url
        if url.startswith((self._url, "data:", "blob:", "about:")):
            route.continue_()
        else:
            self.external.append(url)
            route.abort()

    def open(self, name: str) -> None:
        """Open the notebook and wait for its kernel."""
        workspace = f"w{time.monotonic_ns()}"
        self.page.goto(f"{self._url}/lab/workspaces/{workspace}/tree/{name}?reset", wait_until="domcontentloaded")
        self.page.wait_for_function(
            """() => { const w = window.jupyterapp?.shell?.currentWidget;
                return w?.sessionContext?.session?.kernel?.status === 'idle' && w.content?.model; }""",
            timeout=90_000,
        )
        self.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")

    def run_all(self) -> None:
        """Run all cells and wait until they are done."""
        self.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
        self.page.wait_for_function(
            """() => window.jupyterapp.shell.currentWidget.content.widgets
                .filter(c => c.model.type === 'code' && c.model.sharedModel.source.trim())
                .every(c => c.model.executionCount !== null && c.model.executionState !== 'running')""",
            timeout=120_000,
        )

    def run(self, code: str) -> None:
        """Run code in the notebook's kernel, beside the cells."""
        self.page.evaluate(
            """async code => { const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
                await kernel.requestExecute({code}).done; }""",
            code,
        )

    def ask(self, expression: str) -> Any:
        """The value of a Python expression in the notebook's kernel."""
        reply = self.page.evaluate(
            """async code => { const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
                const future = kernel.requestExecute({code: '', user_expressions: {x: code}});
                return (await future.done).content.user_expressions.x; }""",
            f"__import__('json').dumps({expression})",
        )
        if reply["status"] != "ok":
            raise AssertionError(f"{reply['ename']}: {reply['evalue']}")
        text = reply["data"]["text/plain"]
        return json.loads(_unquoted(text))

    @property
    def errors(self) -> list[str]:
        """Tracebacks in cells, and what the page's console complained about."""
        cells = self.page.locator('[data-mime-type="application/vnd.jupyter.error"]').all_inner_texts()
        return cells + self.console

    def close(self) -> None:
        """Close the page and shut its kernel down."""
        self.page.evaluate(
            "async () => { await window.jupyterapp.shell.currentWidget.sessionContext.session.shutdown(); }"
        )
        self.context.close()


def _unquoted(text: str) -> str:
    import ast

    return ast.literal_eval(text)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write_notebook(path: Path, *cells: str) -> None:
    """A notebook with these code cells."""
    plain = [
        {"cell_type": "code", "id": f"cell-{i}", "metadata": {}, "execution_count": None, "outputs": [], "source": text}
        for i, text in enumerate(cells)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(json.dumps({"cells": plain, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))
