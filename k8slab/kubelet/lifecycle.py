"""Lifecycle hooks: postStart and preStop (pkg/kubelet/lifecycle)."""

from __future__ import annotations

from typing import NamedTuple

from k8slab.api import core_v1 as core
from k8slab.kubelet.container import Container
from k8slab.kubelet.probes import port_number
from k8slab.kubelet.text import quoted
from k8slab.sim.clock import MILLISECOND, SECOND


class HookResult(NamedTuple):
    """How long a hook took (microseconds), and what went wrong, if anything."""

    took: int
    error: str


def run_hook(hook: core.LifecycleHandler | None, container: Container, ip: str, now: int) -> HookResult:
    """Run a hook of a running container."""
    if hook is None:
        return HookResult(0, "")
    if hook.sleep is not None:
        return HookResult((hook.sleep.seconds or 0) * SECOND, "")
    if hook.exec is not None:
        command = list(hook.exec.command or ())
        code, output, took = container.process.execute(command, now)
        took += 50 * MILLISECOND
        if code == 0:
            return HookResult(took, "")
        said = f", message: {quoted(output)}" if output else ', message: ""'
        return HookResult(took, f"command '{' '.join(command)}' exited with {code}{said}")
    if hook.httpGet is not None:
        port = port_number(container.spec, hook.httpGet.port)
        host = hook.httpGet.host or ip
        status = container.process.answer(port, hook.httpGet.path or "/", now)
        if 200 <= status < 400:
            return HookResult(10 * MILLISECOND, "")
        if status > 0:
            return HookResult(10 * MILLISECOND, f"HTTP request failed with status code {status}")
        url = f"http://{host}:{port}{hook.httpGet.path or '/'}"
        return HookResult(0, f"Get {quoted(url)}: dial tcp {host}:{port}: connect: connection refused")
    return HookResult(0, "")
