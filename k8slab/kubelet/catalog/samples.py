"""Images of sample applications, by full name."""

from __future__ import annotations

from k8slab.kubelet.catalog.behaviour import BOUTIQUE, CASSANDRA, IDLE, IGNORES, MB, REDIS, server_image, shell_image
from k8slab.kubelet.catalog.kubernetes import COMPONENTS, pause
from k8slab.kubelet.catalog.others import OTHERS
from k8slab.kubelet.images import Image, Repository
from k8slab.kubelet.program import Program

SAMPLES: dict[str, Repository] = {
    "gcr.io/google-samples/gb-frontend": Repository(
        server_image(Program(ready_after="600ms", ports=(80,), memory="20Mi"), 160 * MB, "apache2-foreground"),
        ("latest", "v3", "v4", "v5", "v6"),
    ),
    "gcr.io/google_samples/gb-frontend": Repository(
        server_image(Program(ready_after="600ms", ports=(80,), memory="20Mi"), 160 * MB, "apache2-foreground"),
        ("latest", "v3", "v4", "v5", "v6"),
    ),
    "gcr.io/google_samples/gb-redisslave": Repository(
        server_image(REDIS, 42 * MB, "/run.sh"), ("latest", "v1", "v2", "v3")
    ),
    "gcr.io/google_samples/gb-redis-follower": Repository(
        server_image(REDIS, 42 * MB, "/run.sh"), ("latest", "v1", "v2")
    ),
    "gcr.io/google-samples/gb-redis-follower": Repository(
        server_image(REDIS, 42 * MB, "/run.sh"), ("latest", "v1", "v2")
    ),
    "gcr.io/google-samples/hello-app": Repository(
        server_image(
            Program(ready_after="100ms", ports=(8080,), memory="5Mi", body="Hello, world!\nVersion: 1.0.0\n"),
            12 * MB,
            "./hello-app",
            shell=False,
        ),
        ("latest", "1.0", "2.0"),
    ),
    "us-docker.pkg.dev/google-samples/containers/gke/hello-app": Repository(
        server_image(
            Program(ready_after="100ms", ports=(8080,), memory="5Mi", body="Hello, world!\nVersion: 1.0.0\n"),
            12 * MB,
            "./hello-app",
            shell=False,
        ),
        ("latest", "1.0", "2.0"),
    ),
    "gcr.io/google-samples/node-hello": Repository(
        server_image(Program(ready_after="1s", ports=(8080,), memory="40Mi"), 240 * MB, "node"), ("latest", "1.0")
    ),
    "gcr.io/google-samples/kubernetes-bootcamp": Repository(
        server_image(
            Program(
                ready_after="600ms",
                ports=(8080,),
                memory="30Mi",
                stop_code=IGNORES,
                logs=(
                    (
                        0.5,
                        "Kubernetes Bootcamp App Started | Running On:  kubernetes-bootcamp",
                    ),
                ),
            ),
            84 * MB,
            "node",
        ),
        ("latest", "v1", "v2"),
    ),
    "gcr.io/k8s-minikube/kubernetes-bootcamp": Repository(
        server_image(Program(ready_after="600ms", ports=(8080,), memory="30Mi", stop_code=IGNORES), 84 * MB, "node"),
        ("latest", "v1", "v2"),
    ),
    "docker.io/jocatalin/kubernetes-bootcamp": Repository(
        server_image(Program(ready_after="600ms", ports=(8080,), memory="30Mi", stop_code=IGNORES), 84 * MB, "node"),
        ("latest", "v1", "v2"),
    ),
    "gcr.io/google-samples/cassandra": Repository(
        server_image(CASSANDRA, 160 * MB, "/sbin/dumb-init", "/run.sh"), ("v11", "v12", "v13", "v14", "v15")
    ),
    "gcr.io/google-samples/xtrabackup": Repository(shell_image(110 * MB), ("1.0",)),
    "gcr.io/google_containers/pause": pause(),
    "gcr.io/kubernetes-e2e-test-images/agnhost": COMPONENTS["e2e-test-images/agnhost"],
    "gcr.io/distroless/static": Repository(Image(IDLE, 1 * MB, shell=False), ("latest",)),
    "gcr.io/distroless/static-debian12": Repository(Image(IDLE, 1 * MB, shell=False, user="65532"), ("nonroot",)),
    "quay.io/prometheus/prometheus": OTHERS["prom/prometheus"],
    "quay.io/fluentd_elasticsearch/fluentd": Repository(
        server_image(Program(ready_after="2s", ports=(24231,), memory="60Mi"), 60 * MB, "/entrypoint.sh"),
        ("latest",),
        {2: (5, 9), 4: (0, 7), 5: (0, 2)},
        prefix="v",
    ),
    "ghcr.io/stefanprodan/podinfo": OTHERS["stefanprodan/podinfo"],
    "mcr.microsoft.com/azuredocs/azure-vote-front": Repository(
        server_image(Program(ready_after="2s", ports=(80,), memory="50Mi"), 330 * MB, "/start.sh"),
        ("v1", "v2", "latest"),
    ),
    "mcr.microsoft.com/oss/bitnami/redis": Repository(server_image(REDIS, 35 * MB, "/run.sh"), ("6.0.8", "latest")),
}

BOUTIQUE_PREFIXES = (
    "us-central1-docker.pkg.dev/online-boutique-ci/microservices-demo/",
    "us-central1-docker.pkg.dev/google-samples/microservices-demo/",
    "gcr.io/google-samples/microservices-demo/",
)


def boutique() -> dict[str, Repository]:
    """The services of Online Boutique, from each place where they are published."""
    found = {}
    for prefix in BOUTIQUE_PREFIXES:
        for name, program in BOUTIQUE.items():
            image = server_image(
                program, 130 * MB if name in ("adservice", "loadgenerator") else 45 * MB, f"/src/{name}"
            )
            found[prefix + name] = Repository(image, ("latest",), {0: (1, 10)}, prefix="v")
    return found
