"""`k8slab serve`: a cluster for real clients, in the foreground, until it is told to end."""

from __future__ import annotations

import logging
import resource
import signal
import threading
from collections.abc import Callable
from typing import Any

from k8slab.cluster.cluster import Cluster
from k8slab.serve.server import Server

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def serve(cluster: Cluster, say: Callable[[str], None], **options: Any) -> int:
    """Serve a cluster until SIGINT or SIGTERM; returns the exit code.

    Args:
        cluster: what is served.
        say: prints a line.
        options: those of `Server`.
    """
    logging.basicConfig(format="%(name)s: %(message)s", level=logging.WARNING)
    # As every Go program does when it starts: each connection is an open file.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    ending = threading.Event()
    before = {number: signal.signal(number, lambda *_: ending.set()) for number in SIGNALS}
    server = Server(cluster, **options)
    try:
        with server:
            say(f"Kubernetes API at {server.url}: {len(cluster.kubelets)} nodes, {server.pace.speed:g}x speed")
            say("In another terminal:\n")
            say(f"    export KUBECONFIG={server.kubeconfig}")
            say("    kubectl get nodes\n")
            say("Ctrl-C ends it.")
            ending.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0
