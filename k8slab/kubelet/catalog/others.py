"""Images of other publishers on Docker Hub, by name."""

from __future__ import annotations

from k8slab.kubelet.catalog.behaviour import IDLE, MB, NGINX, ONE_SHOT, STRESS, server_image, shell_image
from k8slab.kubelet.images import Image, Repository
from k8slab.kubelet.program import Program

OTHERS: dict[str, Repository] = {
    "nginxinc/nginx-unprivileged": Repository(
        server_image(Program(ports=(8080,), memory="8Mi"), 73 * MB, "nginx", user="101"),
        ("latest", "alpine", "stable"),
        {1: (17, 29)},
        {"alpine": 22 * MB},
    ),
    "nginxdemos/hello": Repository(
        server_image(NGINX, 22 * MB, "nginx"), ("latest", "plain-text", "0.2", "0.3", "0.4")
    ),
    "hashicorp/http-echo": Repository(
        server_image(
            Program(ready_after="50ms", ports=(5678,), memory="4Mi", body="hello-world\n"),
            4 * MB,
            "/http-echo",
            "http-echo",
            shell=False,
        ),
        ("latest", "alpine"),
        {0: (1, 2), 1: (0, 0)},
    ),
    "curlimages/curl": Repository(
        Image(ONE_SHOT, 9 * MB, entrypoint=("curl",), user="curl_user"), ("latest",), {7: (60, 88), 8: (0, 18)}
    ),
    "polinux/stress": Repository(Image(STRESS, 4 * MB), ("latest", "1.0.4")),
    "vish/stress": Repository(Image(STRESS, 2 * MB, entrypoint=("/stress",)), ("latest",)),
    "stefanprodan/podinfo": Repository(
        server_image(
            Program(ports=(9797, 9898, 9999), memory="24Mi", body='{"message":"greetings from podinfo"}\n'),
            25 * MB,
            "./podinfo",
            "podinfo",
            user="app",
        ),
        ("latest",),
        dict.fromkeys(range(3, 7), (0, 12)),
    ),
    "traefik/whoami": Repository(
        server_image(Program(ready_after="50ms", ports=(80,), memory="4Mi"), 3 * MB, "/whoami", shell=False),
        ("latest",),
        {1: (6, 11)},
        prefix="v",
    ),
    "mccutchen/go-httpbin": Repository(
        server_image(Program(ports=(8080,), memory="8Mi"), 4 * MB, "/bin/go-httpbin", shell=False),
        ("latest",),
        {2: (0, 18)},
    ),
    "kennethreitz/httpbin": Repository(
        server_image(Program(ready_after="2s", ports=(80,), memory="60Mi"), 200 * MB, "gunicorn"), ("latest",)
    ),
    "dockersamples/examplevotingapp_vote": Repository(
        server_image(Program(ready_after="1s", ports=(80,), memory="50Mi"), 48 * MB, "gunicorn"),
        ("latest", "after", "before"),
    ),
    "dockersamples/examplevotingapp_result": Repository(
        server_image(Program(ready_after="1500ms", ports=(80,), memory="40Mi"), 65 * MB, "node"),
        ("latest", "after", "before"),
    ),
    "dockersamples/examplevotingapp_worker": Repository(
        server_image(
            Program(
                ready_after="1s", ports=(), memory="35Mi", logs=((1, "Connected to db"), (1, "Connecting to redis"))
            ),
            80 * MB,
            "dotnet",
        ),
        ("latest",),
    ),
    "kindest/kindnetd": Repository(server_image(IDLE, 36 * MB, "/bin/kindnetd"), ("latest",)),
    "flannel/flannel": Repository(
        server_image(IDLE, 33 * MB, "/opt/bin/flanneld"), ("latest",), {0: (20, 27)}, prefix="v"
    ),
    "fluent/fluentd": Repository(
        server_image(Program(ready_after="2s", ports=(24224,), memory="60Mi"), 20 * MB, "fluentd"),
        ("latest", "v1.16-1", "v1.17-1"),
        {1: (3, 18)},
        {"debian": 0},
        prefix="v",
    ),
    "fluent/fluent-bit": Repository(
        server_image(Program(ports=(2020,), memory="14Mi"), 30 * MB, "/fluent-bit/bin/fluent-bit"),
        ("latest",),
        {1: (5, 9), 2: (0, 2), 3: (0, 2), 4: (0, 1)},
    ),
    "prom/prometheus": Repository(
        server_image(
            Program(ready_after="2s", ports=(9090,), memory="90Mi", startup_cpu=300),
            110 * MB,
            "/bin/prometheus",
            user="nobody",
        ),
        ("latest",),
        {2: (0, 55), 3: (0, 7)},
        prefix="v",
    ),
    "grafana/grafana": Repository(
        server_image(
            Program(ready_after="4s", ports=(3000,), memory="90Mi", startup_cpu=300), 180 * MB, "/run.sh", user="472"
        ),
        ("latest",),
        dict.fromkeys(range(7, 13), (0, 6)),
    ),
    "rancher/mirrored-pause": Repository(
        Image(IDLE, 300_000, entrypoint=("/pause",), binaries=("pause",), shell=False), ("3.6", "3.9")
    ),
    "bitnami/kubectl": Repository(shell_image(100 * MB), ("latest",)),
}
