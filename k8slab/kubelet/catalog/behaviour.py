"""What the programs in well-known images do."""

from __future__ import annotations

from k8slab.kubelet.images import Image
from k8slab.kubelet.program import Program

TERMINATED = 143
IGNORES = None

NGINX = Program(
    ready_after="300ms",
    ports=(80,),
    memory="8Mi",
    cpu=1,
    root="/usr/share/nginx/html",
    files={
        "/usr/share/nginx/html/index.html": "<!DOCTYPE html>\n<html>\n<head>\n<title>Welcome to nginx!</title>\n"
        "</head>\n<body>\n<h1>Welcome to nginx!</h1>\n</body>\n</html>\n",
        "/usr/share/nginx/html/50x.html": "<!DOCTYPE html>\n<html>\n<head>\n<title>Error</title>\n</head>\n</html>\n",
        "/etc/nginx/nginx.conf": "user  nginx;\n",
    },
    logs=(
        (0, "/docker-entrypoint.sh: /docker-entrypoint.d/ is not empty, will attempt to perform configuration"),
        (0, "/docker-entrypoint.sh: Looking for shell scripts in /docker-entrypoint.d/"),
        (0.1, "/docker-entrypoint.sh: Launching /docker-entrypoint.d/10-listen-on-ipv6-by-default.sh"),
        (0.1, "10-listen-on-ipv6-by-default.sh: info: Getting the checksum of /etc/nginx/conf.d/default.conf"),
        (0.1, "10-listen-on-ipv6-by-default.sh: info: Enabled listen on IPv6 in /etc/nginx/conf.d/default.conf"),
        (0.2, "/docker-entrypoint.sh: Launching /docker-entrypoint.d/20-envsubst-on-templates.sh"),
        (0.2, "/docker-entrypoint.sh: Launching /docker-entrypoint.d/30-tune-worker-processes.sh"),
        (0.2, "/docker-entrypoint.sh: Configuration complete; ready for start up"),
        (0.3, '{date} {time} [notice] 1#1: using the "epoll" event method'),
        (0.3, "{date} {time} [notice] 1#1: OS: Linux 6.1.0-41-amd64"),
        (0.3, "{date} {time} [notice] 1#1: start worker processes"),
        (0.3, "{date} {time} [notice] 1#1: start worker process 29"),
    ),
    needs_root_log=(
        '{date} {time} [warn] 1#1: the "user" directive makes sense only if the master process runs with super-user '
        "privileges, ignored in /etc/nginx/nginx.conf:2\n"
        '{date} {time} [emerg] 1#1: mkdir() "/var/cache/nginx/client_temp" failed (13: Permission denied)'
    ),
    needs_writable_log=(
        '{date} {time} [emerg] 1#1: mkdir() "/var/cache/nginx/client_temp" failed (30: Read-only file system)'
    ),
    writes_to=("/var/cache/nginx", "/var/run"),
)
APACHE = Program(
    ready_after="400ms",
    ports=(80,),
    memory="12Mi",
    root="/usr/local/apache2/htdocs",
    files={"/usr/local/apache2/htdocs/index.html": "<html><body><h1>It works!</h1></body></html>\n"},
    logs=(
        (0.4, "[mpm_event:notice] [pid 1:tid 1] AH00489: Apache/2.4 (Unix) configured -- resuming normal operations"),
    ),
    needs_root_log=(
        "(13)Permission denied: AH00072: make_sock: could not bind to address [::]:80\n"
        "(13)Permission denied: AH00072: make_sock: could not bind to address 0.0.0.0:80\n"
        "no listening sockets available, shutting down\nAH00015: Unable to open logs"
    ),
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
    startup_cpu=600,
    disk="40Mi",
    disk_path="/var/lib/postgresql/data/base",
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
        (0.2, 'The files belonging to this database system will be owned by user "postgres".'),
        (3, "PostgreSQL init process complete; ready for start up."),
        (4, "{iso} UTC [1] LOG:  database system is ready to accept connections"),
    ),
)
MYSQL = Program(
    ready_after="12s",
    ports=(3306, 33060),
    memory="380Mi",
    cpu=8,
    startup_cpu=900,
    disk="190Mi",
    disk_path="/var/lib/mysql/ibdata1",
    stop_after="1.5s",
    status=0,
    checks=("mysqladmin", "mysql", "mariadb", "mariadb-admin", "healthcheck.sh"),
    needs_env=(
        "MYSQL_ROOT_PASSWORD",
        "MYSQL_ALLOW_EMPTY_PASSWORD",
        "MYSQL_RANDOM_ROOT_PASSWORD",
        "MYSQL_ROOT_PASSWORD_FILE",
        "MARIADB_ROOT_PASSWORD",
        "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD",
        "MARIADB_RANDOM_ROOT_PASSWORD",
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
)
MONGO = Program(
    ready_after="2s",
    ports=(27017,),
    memory="120Mi",
    cpu=10,
    startup_cpu=400,
    status=0,
    checks=("mongosh", "mongo"),
    logs=((2, '{"s":"I","c":"NETWORK","msg":"Waiting for connections","attr":{"port":27017}}'),),
)
CASSANDRA = Program(
    ready_after="24s",
    ports=(7000, 7001, 7199, 9042),
    memory="700Mi",
    cpu=80,
    startup_cpu=1500,
    stop_after="2s",
    stop_code=TERMINATED,
    status=0,
    checks=("/ready-probe.sh", "ready-probe.sh", "nodetool", "cqlsh"),
    logs=((1, "INFO  Starting up Cassandra"), (24, "INFO  Startup complete: listening for CQL clients on 9042")),
)
RABBITMQ = Program(
    ready_after="10s",
    ports=(4369, 5672, 15672, 25672),
    memory="140Mi",
    cpu=15,
    startup_cpu=700,
    checks=("rabbitmq-diagnostics",),
    logs=((10, "Server startup complete; 4 plugins started."),),
)
SERVER = Program(ready_after="500ms", memory="15Mi")
JAVA = Program(ready_after="8s", memory="180Mi", cpu=10, startup_cpu=1200, stop_code=TERMINATED, grpc=True)
NODE = Program(ready_after="1500ms", memory="60Mi", cpu=3, startup_cpu=400, stop_code=TERMINATED)
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
CLOUD_MANAGER = _component(10258, HEALTH, "30Mi", "1s", ('"Starting" version="v1.36.2"',))
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
        sends=("http://frontend", 2),
        log_every=("10s", "GET      /                                    1     0(0.00%) |     21      21      21"),
    ),
    "paymentservice": Program(ready_after="1500ms", ports=(50051,), memory="50Mi", grpc=True, stop_code=TERMINATED),
    "productcatalogservice": Program(ready_after="600ms", ports=(3550,), memory="18Mi", grpc=True),
    "recommendationservice": Program(ready_after="2s", ports=(8080,), memory="90Mi", grpc=True, stop_code=TERMINATED),
    "shippingservice": Program(ready_after="500ms", ports=(50051,), memory="16Mi", grpc=True),
}
HELLO = Program(
    ports=(),
    runs_for="200ms",
    logs=(
        (0.1, "Hello from Docker!"),
        (0.1, "This message shows that your installation appears to be working correctly."),
    ),
)


MB = 1_000_000
DEBIAN = {"bookworm": 0, "bullseye": 0, "trixie": 0}
"""Variants of the same size."""


def shell_image(size: int, *binaries: str, program: Program = IDLE) -> Image:
    """An operating system image whose default command is a shell: without a terminal it ends at once."""
    return Image(program, size, cmd=("sh",), binaries=binaries)


def server_image(
    program: Program, size: int, command: str, *binaries: str, shell: bool = True, user: str = ""
) -> Image:
    """An image that serves: `command` is its default."""
    return Image(program, size, entrypoint=(command,), binaries=(command, *binaries), shell=shell, user=user)
