"""Further images that tutorials use, by full name."""

from __future__ import annotations

from typing import NamedTuple

from k8slab.kubelet.catalog.behaviour import MB, TERMINATED
from k8slab.kubelet.images import Image, Repository
from k8slab.kubelet.program import Program


class Row(NamedTuple):
    """A server: its name, first command, what it is like, and which versions there are."""

    name: str
    command: str
    size: int
    memory: str
    ports: tuple[int, ...]
    ready: str
    versions: dict[int, tuple[int, int]]
    tags: tuple[str, ...] = ("latest",)
    user: str = ""
    startup: int = 200
    http: bool = True
    variants: tuple[str, ...] = ()
    line: str = ""
    prefix: str = ""
    checks: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    needs_log: str = ""


_ANY = (0, 60)
ROWS = (
    Row(
        "docker.io/apache/kafka",
        "/__cacert_entrypoint.sh",
        190,
        "420Mi",
        (9092, 9093),
        "7s",
        {3: (7, 9), 4: (0, 1)},
        user="appuser",
        startup=1400,
        http=False,
        line="[KafkaRaftServer nodeId=1] Kafka Server started",
        checks=("kafka-topics.sh", "kafka-broker-api-versions.sh"),
    ),
    Row(
        "docker.io/confluentinc/cp-kafka",
        "/etc/confluent/docker/run",
        430,
        "520Mi",
        (9092, 9101),
        "12s",
        {5: (0, 5), 6: (0, 2), 7: (0, 9)},
        user="appuser",
        startup=1400,
        http=False,
        line="INFO [KafkaServer id=1] started",
    ),
    Row(
        "docker.io/confluentinc/cp-zookeeper",
        "/etc/confluent/docker/run",
        430,
        "130Mi",
        (2181, 2888, 3888),
        "6s",
        {5: (0, 5), 6: (0, 2), 7: (0, 9)},
        user="appuser",
        startup=700,
        http=False,
        line="INFO binding to port 0.0.0.0/0.0.0.0:2181",
    ),
    Row(
        "docker.io/bitnami/nginx",
        "/opt/bitnami/scripts/nginx/entrypoint.sh",
        92,
        "12Mi",
        (8080, 8443),
        "1s",
        {1: (20, 29)},
        user="1001",
    ),
    Row(
        "docker.io/bitnami/redis",
        "/opt/bitnami/scripts/redis/entrypoint.sh",
        46,
        "12Mi",
        (6379,),
        "1s",
        {6: (0, 2), 7: (0, 4), 8: (0, 2)},
        user="1001",
        http=False,
        line="1:M * Ready to accept connections tcp",
        checks=("redis-cli",),
        needs=("ALLOW_EMPTY_PASSWORD", "REDIS_PASSWORD", "REDIS_PASSWORD_FILE"),
        needs_log="redis ERROR ==> The REDIS_PASSWORD environment variable is empty or not set. Set the environment "
        "variable ALLOW_EMPTY_PASSWORD=yes to allow the container to be started with blank passwords. "
        "This is recommended only for development.",
    ),
    Row(
        "docker.io/bitnami/postgresql",
        "/opt/bitnami/scripts/postgresql/entrypoint.sh",
        100,
        "50Mi",
        (5432,),
        "5s",
        dict.fromkeys(range(11, 19), _ANY),
        user="1001",
        startup=600,
        http=False,
        line="LOG:  database system is ready to accept connections",
        checks=("pg_isready", "psql"),
        needs=("POSTGRESQL_PASSWORD", "POSTGRES_PASSWORD", "ALLOW_EMPTY_PASSWORD"),
        needs_log="postgresql ERROR ==> The POSTGRESQL_PASSWORD environment variable is empty or not set.",
    ),
    Row(
        "docker.io/library/elasticsearch",
        "/bin/tini",
        620,
        "1200Mi",
        (9200, 9300),
        "25s",
        {7: (10, 17), 8: (0, 19), 9: (0, 2)},
        (),
        user="1000:0",
        startup=2000,
        line='{"log.level": "INFO", "message":"started"}',
    ),
    Row(
        "docker.io/library/kibana",
        "/bin/tini",
        500,
        "500Mi",
        (5601,),
        "35s",
        {7: (10, 17), 8: (0, 19)},
        (),
        user="1000",
        startup=1200,
    ),
    Row(
        "docker.io/jenkins/jenkins",
        "/usr/bin/tini",
        270,
        "450Mi",
        (8080, 50000),
        "25s",
        {2: (300, 560)},
        ("latest", "lts", "lts-jdk17", "jdk17"),
        user="jenkins",
        startup=1500,
        line="INFO hudson.lifecycle.Lifecycle#onReady: Jenkins is fully up and running",
    ),
    Row(
        "docker.io/library/nats",
        "nats-server",
        8,
        "12Mi",
        (4222, 6222, 8222),
        "300ms",
        {2: (0, 12)},
        ("latest", "alpine"),
        http=False,
        variants=("alpine",),
        line="[INF] Server is ready",
    ),
    Row(
        "docker.io/library/influxdb",
        "influxd",
        140,
        "70Mi",
        (8086,),
        "3s",
        {1: (7, 12), 2: (0, 7)},
        ("latest", "alpine"),
    ),
    Row("docker.io/hashicorp/vault", "vault", 170, "90Mi", (8200,), "2s", {1: (12, 20)}),
    Row("docker.io/hashicorp/consul", "consul", 60, "45Mi", (8300, 8500, 8600), "2s", {1: (15, 21)}),
    Row(
        "docker.io/library/caddy",
        "caddy",
        18,
        "15Mi",
        (80, 443, 2019),
        "300ms",
        {2: (0, 10)},
        ("latest", "alpine"),
        variants=("alpine",),
    ),
    Row(
        "docker.io/library/mongo-express",
        "/sbin/tini",
        70,
        "70Mi",
        (8081,),
        "2s",
        {1: (0, 0)},
        ("latest",),
        startup=500,
    ),
    Row(
        "docker.io/library/adminer",
        "entrypoint.sh",
        50,
        "12Mi",
        (8080,),
        "500ms",
        {4: (0, 17), 5: (0, 4)},
        user="adminer",
    ),
    Row("docker.io/library/phpmyadmin", "apache2-foreground", 190, "40Mi", (80,), "1s", {5: (0, 2)}),
    Row("docker.io/library/couchdb", "tini", 90, "60Mi", (5984, 4369, 9100), "4s", {2: (3, 3), 3: (0, 5)}),
    Row(
        "docker.io/library/nextcloud",
        "apache2-foreground",
        420,
        "90Mi",
        (80,),
        "6s",
        dict.fromkeys(range(20, 33), _ANY),
        startup=700,
    ),
    Row("docker.io/library/drupal", "apache2-foreground", 190, "60Mi", (80,), "1s", dict.fromkeys(range(8, 12), _ANY)),
    Row(
        "docker.io/library/sonarqube",
        "/opt/sonarqube/docker/entrypoint.sh",
        600,
        "1500Mi",
        (9000,),
        "60s",
        {9: (0, 9), 10: (0, 8)},
        ("latest", "community", "lts"),
        user="sonarqube",
        startup=2000,
    ),
    Row(
        "docker.io/jaegertracing/all-in-one",
        "/go/bin/all-in-one-linux",
        30,
        "25Mi",
        (4317, 4318, 14268, 16686),
        "1s",
        {1: (20, 76)},
    ),
    Row(
        "docker.io/prom/node-exporter",
        "/bin/node_exporter",
        12,
        "14Mi",
        (9100,),
        "200ms",
        {1: (0, 9)},
        prefix="v",
        user="nobody",
    ),
    Row(
        "docker.io/prom/alertmanager",
        "/bin/alertmanager",
        32,
        "18Mi",
        (9093, 9094),
        "500ms",
        {0: (20, 28)},
        prefix="v",
        user="nobody",
    ),
    Row("docker.io/kubernetesui/dashboard", "/dashboard", 75, "20Mi", (8443, 9090), "1s", {2: (0, 7)}, prefix="v"),
    Row("docker.io/grafana/loki", "/usr/bin/loki", 30, "80Mi", (3100,), "3s", {2: (0, 9), 3: (0, 5)}, user="10001"),
    Row(
        "quay.io/argoproj/argocd",
        "/usr/bin/tini",
        160,
        "60Mi",
        (8080, 8083),
        "2s",
        {2: (0, 14)},
        (),
        prefix="v",
        user="999",
    ),
    Row(
        "quay.io/jetstack/cert-manager-controller",
        "/app/cmd/controller/controller",
        20,
        "30Mi",
        (9402, 9403),
        "1s",
        {1: (0, 18)},
        (),
        prefix="v",
        user="1000",
    ),
    Row(
        "docker.io/envoyproxy/envoy",
        "/docker-entrypoint.sh",
        60,
        "25Mi",
        (9901, 10000),
        "500ms",
        {1: (18, 35)},
        (),
        prefix="v",
    ),
    Row("docker.io/fortio/fortio", "/usr/bin/fortio", 8, "12Mi", (8078, 8079, 8080), "200ms", {1: (0, 69)}),
    Row(
        "docker.io/library/eclipse-mosquitto",
        "/docker-entrypoint.sh",
        6,
        "3Mi",
        (1883,),
        "200ms",
        {1: (6, 6), 2: (0, 0)},
        http=False,
    ),
    Row("docker.io/minio/minio", "/usr/bin/docker-entrypoint.sh", 60, "120Mi", (9000, 9001), "1s", {}, ("latest",)),
    Row(
        "docker.io/cockroachdb/cockroach",
        "/cockroach/cockroach.sh",
        180,
        "350Mi",
        (8080, 26257),
        "4s",
        dict.fromkeys(range(20, 26), _ANY),
        prefix="v",
        startup=900,
    ),
    Row(
        "quay.io/keycloak/keycloak",
        "/opt/keycloak/bin/kc.sh",
        220,
        "420Mi",
        (8080, 8443, 9000),
        "18s",
        dict.fromkeys(range(17, 27), _ANY),
        user="1000",
        startup=1800,
    ),
)
#: The same images under another name.
MIRRORS = {
    "docker.elastic.co/elasticsearch/elasticsearch": "docker.io/library/elasticsearch",
    "docker.elastic.co/kibana/kibana": "docker.io/library/kibana",
    "docker.io/phpmyadmin/phpmyadmin": "docker.io/library/phpmyadmin",
    "quay.io/prometheus/node-exporter": "docker.io/prom/node-exporter",
    "quay.io/prometheus/alertmanager": "docker.io/prom/alertmanager",
}


def further() -> dict[str, Repository]:
    """Repositories by full name."""
    found = {}
    for row in ROWS:
        variants = dict.fromkeys(row.variants, 0)
        found[row.name] = Repository(_image(row), row.tags, row.versions, variants, row.prefix)
    return found | {mirror: found[name] for mirror, name in MIRRORS.items()}


def _image(row: Row) -> Image:
    program = Program(
        ready_after=row.ready,
        ports=row.ports,
        memory=row.memory,
        cpu=5,
        startup_cpu=row.startup,
        stop_code=TERMINATED,
        status=200 if row.http else 0,
        checks=row.checks,
        needs_env=row.needs,
        needs_env_log=row.needs_log,
        logs=((row.ready, row.line),) if row.line else (),
    )
    return Image(program, row.size * MB, entrypoint=(row.command,), binaries=(row.command,), user=row.user)


def tools() -> dict[str, Repository]:
    """Images that are a shell with tools: they end at once unless told what to do."""
    sizes = {
        "docker.io/nicolaka/netshoot": 190,
        "docker.io/praqma/network-multitool": 20,
        "docker.io/wbitt/network-multitool": 25,
        "docker.io/alpine/curl": 5,
        "docker.io/radial/busyboxplus": 5,
        "docker.io/amouat/network-utils": 60,
        "docker.io/infoblox/dnstools": 9,
        "docker.io/tutum/dnsutils": 80,
        "docker.io/library/bash": 6,
        "docker.io/library/rockylinux": 70,
        "docker.io/library/almalinux": 70,
        "docker.io/alpine/git": 25,
        "docker.io/bitnami/git": 60,
        "docker.io/alpine/kubectl": 25,
        "registry.k8s.io/kubectl": 20,
        "registry.k8s.io/git-sync/git-sync": 30,
        "quay.io/centos/centos": 60,
    }
    versions = dict.fromkeys(range(0, 25), _ANY)
    tags = ("latest", "alpine", "stream9", "stream8", "extra", "minimal")
    found = {name: Repository(Image(size=size * MB, cmd=("sh",)), tags, versions) for name, size in sizes.items()}
    stress = Image(size=3 * MB, entrypoint=("stress",))
    found |= dict.fromkeys(
        ("docker.io/progrium/stress", "docker.io/alexeiled/stress-ng", "docker.io/colinianking/stress-ng"),
        Repository(stress, ("latest",), {0: (0, 20)}),
    )
    return found
