"""The images that a lab's registries serve: the ones that tutorials and examples use.

Sizes are compressed bytes, rounded. Versions are ranges of minor versions that exist; a tag outside of them is not
found, as on the real registry.
"""

from __future__ import annotations

from k8slab.kubelet.images import Image, Repository
from k8slab.kubelet.programs import Program

MB = 1_000_000
DEBIAN = {"bookworm": 0, "bullseye": 0, "trixie": 0}
KUBERNETES = {1: (24, 36)}
TERMINATED = 143
IGNORES = None

NGINX = Program(
    ready_after="300ms",
    ports=(80,),
    memory="8Mi",
    cpu=1,
    paths={"/": 200, "/index.html": 200, "/*": 404},
    body="<!DOCTYPE html>\n<html>\n<head>\n<title>Welcome to nginx!</title>\n</head>\n</html>\n",
    files={"/usr/share/nginx/html/index.html": "Welcome to nginx!\n", "/etc/nginx/nginx.conf": "user  nginx;\n"},
    logs=(
        (0, "/docker-entrypoint.sh: /docker-entrypoint.d/ is not empty, will attempt to perform configuration"),
        (0.1, "/docker-entrypoint.sh: Launching /docker-entrypoint.d/10-listen-on-ipv6-by-default.sh"),
        (0.2, "/docker-entrypoint.sh: Configuration complete; ready for start up"),
        (0.3, "[notice] 1#1: using the \"epoll\" event method"),
        (0.3, "[notice] 1#1: start worker processes"),
    ),
)
APACHE = Program(
    ready_after="400ms",
    ports=(80,),
    memory="12Mi",
    paths={"/": 200, "/index.html": 200, "/*": 404},
    body="<html><body><h1>It works!</h1></body></html>\n",
    logs=((0.4, "[mpm_event:notice] [pid 1:tid 1] AH00489: Apache/2.4 (Unix) configured -- resuming normal operations"),),
)
REDIS = Program(
    ready_after="200ms",
    ports=(6379,),
    memory="10Mi",
    cpu=3,
    status=0,
    checks=("redis-cli",),
    logs=(
        (0, "1:C * oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo"),
        (0.1, "1:M * Running mode=standalone, port=6379."),
        (0.2, "1:M * Ready to accept connections tcp"),
    ),
)
POSTGRES = Program(
    ready_after="4s",
    ports=(5432,),
    memory="45Mi",
    cpu=5,
    status=0,
    checks=("pg_isready", "psql"),
    needs_env=("POSTGRES_PASSWORD", "POSTGRES_PASSWORD_FILE", "POSTGRES_HOST_AUTH_METHOD"),
    needs_env_log=(
        "Error: Database is uninitialized and superuser password is not specified.\n"
        "       You must specify POSTGRES_PASSWORD to a non-empty value for the\n"
        '       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".'
    ),
    logs=(
        (0.2, "The files belonging to this database system will be owned by user \"postgres\"."),
        (3, "PostgreSQL init process complete; ready for start up."),
        (4, "LOG:  database system is ready to accept connections"),
    ),
)
MYSQL = Program(
    ready_after="12s",
    ports=(3306, 33060),
    memory="380Mi",
    cpu=8,
    stop_after="1.5s",
    status=0,
    checks=("mysqladmin", "mysql", "mariadb", "mariadb-admin", "healthcheck.sh"),
    needs_env=(
        "MYSQL_ROOT_PASSWORD", "MYSQL_ALLOW_EMPTY_PASSWORD", "MYSQL_RANDOM_ROOT_PASSWORD", "MYSQL_ROOT_PASSWORD_FILE",
        "MARIADB_ROOT_PASSWORD", "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD", "MARIADB_RANDOM_ROOT_PASSWORD",
    ),
    needs_env_log=(
        "[ERROR] [Entrypoint]: Database is uninitialized and password option is not specified\n"
        "    You need to specify one of the following as an environment variable:\n"
        "    - MYSQL_ROOT_PASSWORD\n    - MYSQL_ALLOW_EMPTY_PASSWORD\n    - MYSQL_RANDOM_ROOT_PASSWORD"
    ),
    logs=(
        (0.2, "[Note] [Entrypoint]: Entrypoint script for MySQL Server started."),
        (2, "[Note] [Entrypoint]: Initializing database files"),
        (12, "[System] [Server] /usr/sbin/mysqld: ready for connections. port: 3306  MySQL Community Server - GPL."),
    ),
)  # fmt: skip
MONGO = Program(
    ready_after="2s", ports=(27017,), memory="120Mi", cpu=10, status=0, checks=("mongosh", "mongo"),
    logs=((2, '{"s":"I","c":"NETWORK","msg":"Waiting for connections","attr":{"port":27017}}'),),
)  # fmt: skip
CASSANDRA = Program(
    ready_after="45s", ports=(7000, 7001, 7199, 9042), memory="700Mi", cpu=80, stop_after="2s", stop_code=TERMINATED,
    status=0, checks=("/ready-probe.sh", "ready-probe.sh", "nodetool", "cqlsh"),
    logs=((1, "INFO  Starting up Cassandra"), (45, "INFO  Startup complete: listening for CQL clients on 9042")),
)  # fmt: skip
RABBITMQ = Program(
    ready_after="10s", ports=(4369, 5672, 15672, 25672), memory="140Mi", cpu=15, checks=("rabbitmq-diagnostics",),
    logs=((10, "Server startup complete; 4 plugins started."),),
)  # fmt: skip
SERVER = Program(ready_after="500ms", memory="15Mi")
JAVA = Program(ready_after="8s", memory="180Mi", cpu=10, stop_code=TERMINATED, grpc=True)
NODE = Program(ready_after="1500ms", memory="60Mi", cpu=3, stop_code=TERMINATED)
ONE_SHOT = Program(ready_after=0, ports=(), runs_for="100ms")
IDLE = Program(ready_after=0, ports=(), memory="1Mi", cpu=0)


def _component(port: int, health: tuple[str, ...], memory: str, ready: str, logs: tuple[str, ...] = ()) -> Program:
    """A control plane component: serves its health endpoints on its secure port."""
    return Program(
        ready_after=ready,
        ports=(port,),
        memory=memory,
        cpu=15,
        paths=dict.fromkeys(health, 200),
        logs=tuple((0.1, line) for line in logs),
    )


HEALTH = ("/livez", "/readyz", "/healthz")
APISERVER = _component(6443, HEALTH, "280Mi", "2s", ('"Starting kube-apiserver" version="v1.36.2"',))
CONTROLLER_MANAGER = _component(10257, HEALTH, "55Mi", "1s", ('"Starting" version="v1.36.2"',))
SCHEDULER = _component(10259, HEALTH, "22Mi", "1s", ('"Starting Kubernetes Scheduler" version="v1.36.2"',))
PROXY = _component(10256, HEALTH, "18Mi", "500ms", ('"Using iptables Proxier"',))
ETCD = Program(
    ready_after="1s",
    ports=(2379, 2380, 2381),
    memory="45Mi",
    cpu=20,
    paths={"/health": 200, "/readyz": 200, "/livez": 200},
    logs=((0.1, '{"level":"info","msg":"starting an etcd server","etcd-version":"3.6.6"}'),),
)
COREDNS = Program(
    ready_after="400ms",
    ports=(53, 8080, 8181, 9153),
    memory="14Mi",
    cpu=2,
    stop_after="5s",
    logs=((0.2, ".:53"), (0.2, "CoreDNS-1.13.1"), (0.3, "[INFO] 127.0.0.1:44125 - NXDOMAIN qr,rd,ra 132 0.012s")),
)
STRESS = Program(ready_after=0, ports=(), memory="1Mi", stop_code=TERMINATED)
BOUTIQUE = {
    "adservice": Program(ready_after="6s", ports=(9555,), memory="110Mi", grpc=True, stop_code=TERMINATED),
    "cartservice": Program(ready_after="2s", ports=(7070,), memory="50Mi", grpc=True),
    "checkoutservice": Program(ready_after="600ms", ports=(5050,), memory="18Mi", grpc=True),
    "currencyservice": Program(ready_after="1500ms", ports=(7000,), memory="52Mi", grpc=True, stop_code=TERMINATED),
    "emailservice": Program(ready_after="2s", ports=(8080,), memory="48Mi", grpc=True, stop_code=TERMINATED),
    "frontend": Program(
        ready_after="1s",
        ports=(8080,),
        memory="24Mi",
        paths={"/": 200, "/_healthz": 200, "/product/*": 200, "/cart": 200, "/*": 404},
        logs=((1, '{"message":"starting server on :8080","severity":"info"}'),),
    ),
    "loadgenerator": Program(
        ready_after="2s",
        ports=(8089,),
        memory="70Mi",
        cpu=40,
        log_every=("10s", "GET      /                                    1     0(0.00%) |     21      21      21"),
    ),
    "paymentservice": Program(ready_after="1500ms", ports=(50051,), memory="50Mi", grpc=True, stop_code=TERMINATED),
    "productcatalogservice": Program(ready_after="600ms", ports=(3550,), memory="18Mi", grpc=True),
    "recommendationservice": Program(ready_after="2s", ports=(8080,), memory="90Mi", grpc=True, stop_code=TERMINATED),
    "shippingservice": Program(ready_after="500ms", ports=(50051,), memory="16Mi", grpc=True),
}
HELLO = Program(
    ports=(), runs_for="200ms", logs=((0.1, "Hello from Docker!"), (0.1, "This message shows that your installation appears to be working correctly.")),
)  # fmt: skip


def _sh(size: int, *binaries: str, program: Program = IDLE) -> Image:
    """An operating system image whose default command is a shell: without a terminal it ends at once."""
    return Image(program, size, cmd=("sh",), binaries=binaries)


def _serve(program: Program, size: int, command: str, *binaries: str, shell: bool = True) -> Image:
    """An image that serves: `command` is its default."""
    return Image(program, size, entrypoint=(command,), binaries=(command, *binaries), shell=shell)


_HUB: dict[str, Repository] = {
    "nginx": Repository(
        _serve(NGINX, 72_950_530, "nginx", "/docker-entrypoint.sh", "docker-entrypoint.sh", "nginx-debug"),
        ("latest", "stable", "mainline", "alpine", "stable-alpine", "mainline-alpine", "alpine-slim", "perl"),
        {1: (7, 29)},
        {"alpine": 22_000_000, "perl": 86 * MB, **DEBIAN},
    ),
    "httpd": Repository(
        _serve(APACHE, 58_800_000, "httpd-foreground", "httpd"),
        ("latest", "alpine"),
        {2: (2, 4)},
        {"alpine": 24 * MB, **DEBIAN},
    ),
    "redis": Repository(
        _serve(REDIS, 52_000_000, "redis-server", "docker-entrypoint.sh"),
        ("latest", "alpine", "bookworm"),
        {3: (0, 2), 4: (0, 0), 5: (0, 0), 6: (0, 2), 7: (0, 4), 8: (0, 4)},
        {"alpine": 17_400_000, **DEBIAN},
    ),
    "postgres": Repository(
        _serve(POSTGRES, 161_000_000, "postgres", "docker-entrypoint.sh"),
        ("latest", "alpine"),
        {9: (0, 6), **{major: (0, 30) for major in range(10, 19)}},
        {"alpine": 107 * MB, **DEBIAN},
    ),
    "mysql": Repository(
        _serve(MYSQL, 243_000_000, "mysqld", "docker-entrypoint.sh"), ("latest", "lts"),
        {5: (5, 7), 8: (0, 4), 9: (0, 5)}, {"debian": 0, "oracle": 0},
    ),
    "mariadb": Repository(
        _serve(MYSQL, 118_000_000, "mariadbd", "docker-entrypoint.sh"), ("latest", "lts"), {10: (0, 11), 11: (0, 8), 12: (0, 1)},
    ),
    "mongo": Repository(_serve(MONGO, 269_000_000, "mongod", "docker-entrypoint.sh"), ("latest",), {3: (0, 6), 4: (0, 4), 5: (0, 0), 6: (0, 0), 7: (0, 0), 8: (0, 2)}),
    "memcached": Repository(
        _serve(Program(ready_after="100ms", ports=(11211,), memory="4Mi", status=0), 31 * MB, "memcached"),
        ("latest", "alpine"), {1: (4, 6)}, {"alpine": 5 * MB, **DEBIAN},
    ),
    "rabbitmq": Repository(
        _serve(RABBITMQ, 98 * MB, "rabbitmq-server", "docker-entrypoint.sh"), ("latest", "management", "alpine"),
        {3: (6, 13), 4: (0, 2)}, {"management": 0, "alpine": 60 * MB},
    ),
    "cassandra": Repository(_serve(CASSANDRA, 155 * MB, "cassandra", "docker-entrypoint.sh"), ("latest",), {3: (0, 11), 4: (0, 1), 5: (0, 0)}),
    "busybox": Repository(_sh(2_200_000), ("latest", "stable", "musl", "glibc", "uclibc"), {1: (20, 38)}, {"glibc": 0, "musl": 0, "uclibc": 0}),
    "alpine": Repository(_sh(3_800_000), ("latest", "edge"), {3: (1, 23)}),
    "ubuntu": Repository(_sh(29_700_000), ("latest", "jammy", "noble", "focal"), {18: (4, 4), 20: (4, 4), 22: (4, 4), 24: (4, 4)}),
    "debian": Repository(_sh(48_500_000), ("latest", "stable", "bookworm", "bullseye", "trixie", "stable-slim", "bookworm-slim"), {10: (0, 13), 11: (0, 11), 12: (0, 12), 13: (0, 2)}, {"slim": 28 * MB}),
    "centos": Repository(_sh(83 * MB), ("latest",), {6: (0, 10), 7: (0, 9), 8: (0, 4)}),
    "fedora": Repository(_sh(66 * MB), ("latest",), {major: (0, 0) for major in range(30, 44)}),
    "amazonlinux": Repository(_sh(52 * MB), ("latest", "2", "2023"), {}),
    "python": Repository(_sh(365_000_000, "python", "python3", program=Program(ready_after="300ms", stop_code=IGNORES)), ("latest", "alpine", "slim"), {2: (7, 7), 3: (5, 14)}, {"slim": 46 * MB, "alpine": 19 * MB, **DEBIAN}),
    "node": Repository(_sh(395 * MB, "node", "npm", program=Program(ready_after="500ms", stop_code=IGNORES)), ("latest", "lts", "alpine"), {major: (0, 25) for major in range(8, 26)}, {"slim": 78 * MB, "alpine": 55 * MB, **DEBIAN}),
    "golang": Repository(_sh(300 * MB, "go"), ("latest", "alpine"), {1: (10, 25)}, {"alpine": 75 * MB, **DEBIAN}),
    "perl": Repository(_sh(340 * MB), ("latest", "slim"), {5: (20, 42)}, {"slim": 60 * MB, **DEBIAN}),
    "ruby": Repository(_sh(355 * MB, "ruby"), ("latest", "alpine", "slim"), {2: (0, 7), 3: (0, 4)}, {"slim": 72 * MB, "alpine": 42 * MB}),
    "php": Repository(_serve(APACHE, 178 * MB, "apache2-foreground", "php"), ("latest", "apache", "fpm", "cli"), {7: (0, 4), 8: (0, 4)}, {"apache": 0, "fpm": 0, "cli": 0}),
    "openjdk": Repository(_sh(240 * MB, "java", program=JAVA), ("latest",), {major: (0, 0) for major in range(8, 24)}, {"slim": 0, "alpine": 0, "jdk": 0, "jre": 0}),
    "eclipse-temurin": Repository(_sh(220 * MB, "java", program=JAVA), ("latest",), {major: (0, 0) for major in (8, 11, 17, 21, 25)}, {"jdk": 0, "jre": 0, "alpine": 0}),
    "tomcat": Repository(_serve(Program(ready_after="4s", ports=(8080,), memory="130Mi", stop_code=TERMINATED), 212 * MB, "catalina.sh"), ("latest",), {8: (0, 5), 9: (0, 0), 10: (0, 1), 11: (0, 0)}, {"jdk": 0, "jre": 0}),
    "wordpress": Repository(_serve(APACHE, 256 * MB, "apache2-foreground", "docker-entrypoint.sh"), ("latest", "apache", "fpm"), {4: (0, 9), 5: (0, 9), 6: (0, 8)}, {"apache": 0, "fpm": 0, "php": 0}),
    "haproxy": Repository(_serve(SERVER, 42 * MB, "haproxy", "docker-entrypoint.sh"), ("latest", "alpine", "lts"), {1: (5, 9), 2: (0, 9), 3: (0, 3)}, {"alpine": 12 * MB}),
    "traefik": Repository(_serve(SERVER, 50 * MB, "traefik"), ("latest",), {1: (7, 7), 2: (0, 11), 3: (0, 6)}, prefix="v"),
    "registry": Repository(_serve(Program(ports=(5000,), memory="12Mi"), 17 * MB, "registry"), ("latest",), {2: (0, 8), 3: (0, 0)}),
    "hello-world": Repository(Image(HELLO, 2_400, entrypoint=("/hello",), binaries=("hello",), shell=False), ("latest", "linux")),
    "consul": Repository(_serve(Program(ports=(8300, 8500, 8600), memory="40Mi"), 50 * MB, "consul"), ("latest",), {1: (4, 15)}),
    "zookeeper": Repository(_serve(Program(ready_after="4s", ports=(2181, 2888, 3888), memory="90Mi", status=0, checks=("zookeeper-ready", "zkServer.sh")), 110 * MB, "zkServer.sh"), ("latest",), {3: (4, 9)}),
    "ghost": Repository(_serve(Program(ready_after="8s", ports=(2368,), memory="160Mi"), 180 * MB, "node"), ("latest", "alpine"), {major: (0, 130) for major in range(1, 7)}, {"alpine": 0}),
}  # fmt: skip

_HUB_OTHERS: dict[str, Repository] = {
    "nginxinc/nginx-unprivileged": Repository(_serve(Program(ports=(8080,), memory="8Mi"), 73 * MB, "nginx"), ("latest", "alpine", "stable"), {1: (17, 29)}, {"alpine": 22 * MB}),
    "nginxdemos/hello": Repository(_serve(NGINX, 22 * MB, "nginx"), ("latest", "plain-text", "0.2", "0.3", "0.4")),
    "hashicorp/http-echo": Repository(_serve(Program(ready_after="50ms", ports=(5678,), memory="4Mi", body="hello-world\n"), 4 * MB, "/http-echo", "http-echo", shell=False), ("latest", "alpine"), {0: (1, 2), 1: (0, 0)}),
    "curlimages/curl": Repository(Image(ONE_SHOT, 9 * MB, entrypoint=("curl",)), ("latest",), {7: (60, 88), 8: (0, 18)}),
    "polinux/stress": Repository(Image(STRESS, 4 * MB), ("latest", "1.0.4")),
    "vish/stress": Repository(_serve(STRESS, 2 * MB, "/stress"), ("latest",)),
    "stefanprodan/podinfo": Repository(_serve(Program(ports=(9797, 9898, 9999), memory="24Mi", body='{"message":"greetings from podinfo"}\n'), 25 * MB, "./podinfo", "podinfo"), ("latest",), {major: (0, 12) for major in range(3, 7)}),
    "traefik/whoami": Repository(_serve(Program(ready_after="50ms", ports=(80,), memory="4Mi"), 3 * MB, "/whoami", shell=False), ("latest",), {1: (6, 11)}, prefix="v"),
    "mccutchen/go-httpbin": Repository(_serve(Program(ports=(8080,), memory="8Mi"), 4 * MB, "/bin/go-httpbin", shell=False), ("latest",), {2: (0, 18)}),
    "kennethreitz/httpbin": Repository(_serve(Program(ready_after="2s", ports=(80,), memory="60Mi"), 200 * MB, "gunicorn"), ("latest",)),
    "dockersamples/examplevotingapp_vote": Repository(_serve(Program(ready_after="1s", ports=(80,), memory="50Mi"), 48 * MB, "gunicorn"), ("latest", "after", "before")),
    "dockersamples/examplevotingapp_result": Repository(_serve(Program(ready_after="1500ms", ports=(80,), memory="40Mi"), 65 * MB, "node"), ("latest", "after", "before")),
    "dockersamples/examplevotingapp_worker": Repository(_serve(Program(ready_after="1s", ports=(), memory="35Mi", logs=((1, "Connected to db"), (1, "Connecting to redis"))), 80 * MB, "dotnet"), ("latest",)),
    "kindest/kindnetd": Repository(_serve(IDLE, 36 * MB, "/bin/kindnetd"), ("latest",)),
    "flannel/flannel": Repository(_serve(IDLE, 33 * MB, "/opt/bin/flanneld"), ("latest",), {0: (20, 27)}, prefix="v"),
    "fluent/fluentd": Repository(_serve(Program(ready_after="2s", ports=(24224,), memory="60Mi"), 20 * MB, "fluentd"), ("latest", "v1.16-1", "v1.17-1"), {1: (3, 18)}, {"debian": 0}, prefix="v"),
    "fluent/fluent-bit": Repository(_serve(Program(ports=(2020,), memory="14Mi"), 30 * MB, "/fluent-bit/bin/fluent-bit"), ("latest",), {1: (5, 9), 2: (0, 2), 3: (0, 2), 4: (0, 1)}),
    "prom/prometheus": Repository(_serve(Program(ready_after="2s", ports=(9090,), memory="90Mi"), 110 * MB, "/bin/prometheus"), ("latest",), {2: (0, 55), 3: (0, 7)}, prefix="v"),
    "grafana/grafana": Repository(_serve(Program(ready_after="4s", ports=(3000,), memory="90Mi"), 180 * MB, "/run.sh"), ("latest",), {major: (0, 6) for major in range(7, 13)}),
    "rancher/mirrored-pause": Repository(Image(IDLE, 300_000, entrypoint=("/pause",), binaries=("pause",), shell=False), ("3.6", "3.9")),
    "bitnami/kubectl": Repository(_sh(100 * MB), ("latest",)),
}  # fmt: skip


def _pause() -> Repository:
    image = Image(IDLE, 320_368, entrypoint=("/pause",), binaries=("pause",), shell=False)
    return Repository(image, ("latest",), {3: (0, 10)})


_AGNHOST = Program(ready_after="100ms", memory="10Mi", cpu=1, body="NOW: 2026-01-01 00:00:00 +0000 UTC")
_ECHO = Program(ready_after="300ms", ports=(8080, 8443), memory="8Mi")
_KUBERNETES: dict[str, Repository] = {
    "pause": _pause(),
    "kube-apiserver": Repository(_serve(APISERVER, 28_500_000, "kube-apiserver", shell=False), (), KUBERNETES, prefix="v"),
    "kube-controller-manager": Repository(_serve(CONTROLLER_MANAGER, 24_200_000, "kube-controller-manager", shell=False), (), KUBERNETES, prefix="v"),
    "kube-scheduler": Repository(_serve(SCHEDULER, 19_200_000, "kube-scheduler", shell=False), (), KUBERNETES, prefix="v"),
    "kube-proxy": Repository(_serve(PROXY, 27_600_000, "kube-proxy", "/usr/local/bin/kube-proxy"), (), KUBERNETES, prefix="v"),
    "etcd": Repository(_serve(ETCD, 23_600_000, "etcd"), ("3.5.24-0", "3.6.4-0", "3.6.5-0", "3.6.6-0", "3.6.8-0"), {3: (4, 6)}, {"0": 0}),
    "coredns/coredns": Repository(_serve(COREDNS, 22_800_000, "/coredns", "coredns", shell=False), ("latest",), {1: (8, 14)}, prefix="v"),
    "e2e-test-images/agnhost": Repository(_serve(_AGNHOST, 52 * MB, "/agnhost", "agnhost"), ("latest",), {2: (10, 57)}),
    "e2e-test-images/busybox": Repository(_sh(2 * MB), ("latest",), {1: (29, 36)}, {"0": 0, "1": 0, "2": 0, "3": 0, "4": 0}),
    "e2e-test-images/nginx": Repository(_serve(NGINX, 52 * MB, "nginx"), ("latest",), {1: (14, 15)}, {str(n): 0 for n in range(9)}),
    "e2e-test-images/jessie-dnsutils": Repository(_sh(80 * MB), ("latest",), {1: (3, 7)}),
    "echoserver": Repository(_serve(_ECHO, 44 * MB, "nginx"), ("latest",), {1: (4, 10)}),
    "nginx-slim": Repository(_serve(NGINX, 8 * MB, "nginx"), ("latest",), {0: (7, 40)}),
    "hpa-example": Repository(_serve(Program(ready_after="500ms", ports=(80,), memory="12Mi", latency="60ms", capacity=60, body="OK!"), 160 * MB, "apache2-foreground"), ("latest",)),
    "busybox": Repository(_sh(700_000), ("latest",), {1: (24, 27)}),
    "redis": Repository(_serve(REDIS, 145 * MB, "redis-server"), ("latest", "e2e", "v1", "v2")),
    "metrics-server/metrics-server": Repository(_serve(Program(ready_after="15s", ports=(4443, 10250), memory="20Mi"), 20 * MB, "/metrics-server", shell=False), ("latest",), {0: (4, 8)}, prefix="v"),
    "ingress-nginx/controller": Repository(_serve(Program(ready_after="4s", ports=(80, 443, 8443, 10254), memory="90Mi"), 100 * MB, "/nginx-ingress-controller"), ("latest",), {1: (0, 14)}, prefix="v"),
    "kube-state-metrics/kube-state-metrics": Repository(_serve(Program(ports=(8080, 8081), memory="20Mi"), 14 * MB, "/kube-state-metrics", shell=False), ("latest",), {2: (0, 17)}, prefix="v"),
    "cluster-proportional-autoscaler-amd64": Repository(_serve(IDLE, 15 * MB, "/cluster-proportional-autoscaler"), ("latest",), {1: (6, 9)}),
    "guestbook": Repository(_serve(Program(ports=(3000,), memory="8Mi"), 5 * MB, "./guestbook"), ("latest", "v3", "v4", "v5")),
}  # fmt: skip
_GOOGLE: dict[str, Repository] = {
    "gcr.io/google-samples/gb-frontend": Repository(_serve(Program(ready_after="600ms", ports=(80,), memory="20Mi"), 160 * MB, "apache2-foreground"), ("latest", "v3", "v4", "v5", "v6")),
    "gcr.io/google_samples/gb-frontend": Repository(_serve(Program(ready_after="600ms", ports=(80,), memory="20Mi"), 160 * MB, "apache2-foreground"), ("latest", "v3", "v4", "v5", "v6")),
    "gcr.io/google_samples/gb-redisslave": Repository(_serve(REDIS, 42 * MB, "/run.sh"), ("latest", "v1", "v2", "v3")),
    "gcr.io/google_samples/gb-redis-follower": Repository(_serve(REDIS, 42 * MB, "/run.sh"), ("latest", "v1", "v2")),
    "gcr.io/google-samples/gb-redis-follower": Repository(_serve(REDIS, 42 * MB, "/run.sh"), ("latest", "v1", "v2")),
    "gcr.io/google-samples/hello-app": Repository(_serve(Program(ready_after="100ms", ports=(8080,), memory="5Mi", body="Hello, world!\nVersion: 1.0.0\n"), 12 * MB, "./hello-app", shell=False), ("latest", "1.0", "2.0")),
    "us-docker.pkg.dev/google-samples/containers/gke/hello-app": Repository(_serve(Program(ready_after="100ms", ports=(8080,), memory="5Mi", body="Hello, world!\nVersion: 1.0.0\n"), 12 * MB, "./hello-app", shell=False), ("latest", "1.0", "2.0")),
    "gcr.io/google-samples/node-hello": Repository(_serve(Program(ready_after="1s", ports=(8080,), memory="40Mi"), 240 * MB, "node"), ("latest", "1.0")),
    "gcr.io/google-samples/kubernetes-bootcamp": Repository(_serve(Program(ready_after="600ms", ports=(8080,), memory="30Mi", stop_code=IGNORES, logs=((0.5, "Kubernetes Bootcamp App Started At: 2026-01-01T00:00:00.000Z | Running On:  kubernetes-bootcamp"),)), 84 * MB, "node"), ("latest", "v1", "v2")),
    "gcr.io/k8s-minikube/kubernetes-bootcamp": Repository(_serve(Program(ready_after="600ms", ports=(8080,), memory="30Mi", stop_code=IGNORES), 84 * MB, "node"), ("latest", "v1", "v2")),
    "docker.io/jocatalin/kubernetes-bootcamp": Repository(_serve(Program(ready_after="600ms", ports=(8080,), memory="30Mi", stop_code=IGNORES), 84 * MB, "node"), ("latest", "v1", "v2")),
    "gcr.io/google-samples/cassandra": Repository(_serve(CASSANDRA, 160 * MB, "/sbin/dumb-init", "/run.sh"), ("v11", "v12", "v13", "v14", "v15")),
    "gcr.io/google-samples/xtrabackup": Repository(_sh(110 * MB), ("1.0",)),
    "gcr.io/google_containers/pause": _pause(),
    "gcr.io/kubernetes-e2e-test-images/agnhost": _KUBERNETES["e2e-test-images/agnhost"],
    "gcr.io/distroless/static": Repository(Image(IDLE, 1 * MB, shell=False), ("latest", "nonroot")),
    "quay.io/prometheus/prometheus": _HUB_OTHERS["prom/prometheus"],
    "quay.io/fluentd_elasticsearch/fluentd": Repository(_serve(Program(ready_after="2s", ports=(24231,), memory="60Mi"), 60 * MB, "/entrypoint.sh"), ("latest",), {2: (5, 9), 4: (0, 7), 5: (0, 2)}, prefix="v"),
    "ghcr.io/stefanprodan/podinfo": _HUB_OTHERS["stefanprodan/podinfo"],
    "mcr.microsoft.com/azuredocs/azure-vote-front": Repository(_serve(Program(ready_after="2s", ports=(80,), memory="50Mi"), 330 * MB, "/start.sh"), ("v1", "v2", "latest")),
    "mcr.microsoft.com/oss/bitnami/redis": Repository(_serve(REDIS, 35 * MB, "/run.sh"), ("6.0.8", "latest")),
}  # fmt: skip
BOUTIQUE_PREFIXES = (
    "us-central1-docker.pkg.dev/online-boutique-ci/microservices-demo/",
    "us-central1-docker.pkg.dev/google-samples/microservices-demo/",
    "gcr.io/google-samples/microservices-demo/",
)


def _boutique() -> dict[str, Repository]:
    found = {}
    for prefix in BOUTIQUE_PREFIXES:
        for name, program in BOUTIQUE.items():
            image = _serve(program, 130 * MB if name in ("adservice", "loadgenerator") else 45 * MB, f"/src/{name}")
            found[prefix + name] = Repository(image, ("latest",), {0: (1, 10)}, prefix="v")
    return found


REPOSITORIES: dict[str, Repository] = {
    **{f"docker.io/library/{name}": repository for name, repository in _HUB.items()},
    **{f"docker.io/{name}": repository for name, repository in _HUB_OTHERS.items()},
    **{f"registry.k8s.io/{name}": repository for name, repository in _KUBERNETES.items()},
    **{f"k8s.gcr.io/{name}": repository for name, repository in _KUBERNETES.items()},
    **{f"public.ecr.aws/docker/library/{name}": repository for name, repository in _HUB.items()},
    **{f"mirror.gcr.io/library/{name}": repository for name, repository in _HUB.items()},
    **_GOOGLE,
    **_boutique(),
}
"""By full repository name."""
