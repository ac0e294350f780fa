"""Images of the Kubernetes project (registry.k8s.io), by name."""

from __future__ import annotations

from k8slab.kubelet.catalog.behaviour import (
    APISERVER,
    CLOUD_MANAGER,
    CONTROLLER_MANAGER,
    COREDNS,
    ETCD,
    IDLE,
    MB,
    NGINX,
    PROXY,
    REDIS,
    SCHEDULER,
    server_image,
    shell_image,
)
from k8slab.kubelet.images import Image, Repository
from k8slab.kubelet.program import Program

RELEASES = {1: (24, 36)}


def pause() -> Repository:
    """The image of the sandbox container."""
    image = Image(IDLE, 320_368, entrypoint=("/pause",), binaries=("pause",), shell=False)
    return Repository(image, ("latest",), {3: (0, 10)})


_AGNHOST = Program(ready_after="100ms", memory="10Mi", cpu=1, body="NOW: 2026-01-01 00:00:00 +0000 UTC")
_ECHO = Program(ready_after="300ms", ports=(8080, 8443), memory="8Mi")
COMPONENTS: dict[str, Repository] = {
    "pause": pause(),
    "kube-apiserver": Repository(
        server_image(APISERVER, 28_500_000, "kube-apiserver", shell=False), (), RELEASES, prefix="v"
    ),
    "kube-controller-manager": Repository(
        server_image(CONTROLLER_MANAGER, 24_200_000, "kube-controller-manager", shell=False), (), RELEASES, prefix="v"
    ),
    "cloud-controller-manager": Repository(
        server_image(CLOUD_MANAGER, 21_700_000, "cloud-controller-manager", shell=False), (), RELEASES, prefix="v"
    ),
    "kube-scheduler": Repository(
        server_image(SCHEDULER, 19_200_000, "kube-scheduler", shell=False), (), RELEASES, prefix="v"
    ),
    "kube-proxy": Repository(
        server_image(PROXY, 27_600_000, "kube-proxy", "/usr/local/bin/kube-proxy"), (), RELEASES, prefix="v"
    ),
    "etcd": Repository(
        server_image(ETCD, 23_600_000, "etcd"),
        ("3.5.24-0", "3.6.4-0", "3.6.5-0", "3.6.6-0", "3.6.8-0"),
        {3: (4, 6)},
        {"0": 0},
    ),
    "coredns/coredns": Repository(
        server_image(COREDNS, 22_800_000, "/coredns", "coredns", shell=False), ("latest",), {1: (8, 14)}, prefix="v"
    ),
    "e2e-test-images/agnhost": Repository(
        server_image(_AGNHOST, 52 * MB, "/agnhost", "agnhost"), ("latest",), {2: (10, 57)}
    ),
    "e2e-test-images/busybox": Repository(
        shell_image(2 * MB), ("latest",), {1: (29, 36)}, {"0": 0, "1": 0, "2": 0, "3": 0, "4": 0}
    ),
    "e2e-test-images/nginx": Repository(
        server_image(NGINX, 52 * MB, "nginx"), ("latest",), {1: (14, 15)}, {str(n): 0 for n in range(9)}
    ),
    "e2e-test-images/jessie-dnsutils": Repository(shell_image(80 * MB), ("latest",), {1: (3, 7)}),
    "echoserver": Repository(server_image(_ECHO, 44 * MB, "nginx"), ("latest",), {1: (4, 10)}),
    "nginx-slim": Repository(server_image(NGINX, 8 * MB, "nginx"), ("latest",), {0: (7, 40)}),
    "hpa-example": Repository(
        server_image(
            Program(
                ready_after="500ms", ports=(80,), memory="12Mi", latency="20ms", cpu_per_request="50ms", body="OK!"
            ),
            160 * MB,
            "apache2-foreground",
        ),
        ("latest",),
    ),
    "busybox": Repository(shell_image(700_000), ("latest",), {1: (24, 27)}),
    "redis": Repository(server_image(REDIS, 145 * MB, "redis-server"), ("latest", "e2e", "v1", "v2")),
    "metrics-server/metrics-server": Repository(
        server_image(
            Program(ready_after="15s", ports=(4443, 10250), memory="20Mi"), 20 * MB, "/metrics-server", shell=False
        ),
        ("latest",),
        {0: (4, 8)},
        prefix="v",
    ),
    "ingress-nginx/controller": Repository(
        server_image(
            Program(ready_after="4s", ports=(80, 443, 8443, 10254), memory="90Mi"),
            100 * MB,
            "/nginx-ingress-controller",
        ),
        ("latest",),
        {1: (0, 14)},
        prefix="v",
    ),
    "kube-state-metrics/kube-state-metrics": Repository(
        server_image(Program(ports=(8080, 8081), memory="20Mi"), 14 * MB, "/kube-state-metrics", shell=False),
        ("latest",),
        {2: (0, 17)},
        prefix="v",
    ),
    "cluster-proportional-autoscaler-amd64": Repository(
        server_image(IDLE, 15 * MB, "/cluster-proportional-autoscaler"), ("latest",), {1: (6, 9)}
    ),
    "guestbook": Repository(
        server_image(Program(ports=(3000,), memory="8Mi"), 5 * MB, "./guestbook"), ("latest", "v3", "v4", "v5")
    ),
}
