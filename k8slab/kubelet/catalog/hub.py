"""Official images of Docker Hub, by name."""

from __future__ import annotations

from k8slab.kubelet.catalog.behaviour import (
    APACHE,
    CASSANDRA,
    DEBIAN,
    HELLO,
    IGNORES,
    JAVA,
    MB,
    MONGO,
    MYSQL,
    NGINX,
    POSTGRES,
    RABBITMQ,
    REDIS,
    SERVER,
    TERMINATED,
    server_image,
    shell_image,
)
from k8slab.kubelet.images import Image, Repository
from k8slab.kubelet.program import Program

HUB: dict[str, Repository] = {
    "nginx": Repository(
        server_image(NGINX, 72_950_530, "nginx", "/docker-entrypoint.sh", "docker-entrypoint.sh", "nginx-debug"),
        ("latest", "stable", "mainline", "alpine", "stable-alpine", "mainline-alpine", "alpine-slim", "perl"),
        {1: (7, 29)},
        {"alpine": 22_000_000, "perl": 86 * MB, **DEBIAN},
    ),
    "httpd": Repository(
        server_image(APACHE, 58_800_000, "httpd-foreground", "httpd"),
        ("latest", "alpine"),
        {2: (2, 4)},
        {"alpine": 24 * MB, **DEBIAN},
    ),
    "redis": Repository(
        server_image(REDIS, 52_000_000, "redis-server", "docker-entrypoint.sh"),
        ("latest", "alpine", "bookworm"),
        {3: (0, 2), 4: (0, 0), 5: (0, 0), 6: (0, 2), 7: (0, 4), 8: (0, 4)},
        {"alpine": 17_400_000, **DEBIAN},
    ),
    "postgres": Repository(
        server_image(POSTGRES, 161_000_000, "postgres", "docker-entrypoint.sh"),
        ("latest", "alpine"),
        {9: (0, 6), **dict.fromkeys(range(10, 19), (0, 30))},
        {"alpine": 107 * MB, **DEBIAN},
    ),
    "mysql": Repository(
        server_image(MYSQL, 243_000_000, "mysqld", "docker-entrypoint.sh"),
        ("latest", "lts"),
        {5: (5, 7), 8: (0, 4), 9: (0, 5)},
        {"debian": 0, "oracle": 0},
    ),
    "mariadb": Repository(
        server_image(MYSQL, 118_000_000, "mariadbd", "docker-entrypoint.sh"),
        ("latest", "lts"),
        {10: (0, 11), 11: (0, 8), 12: (0, 1)},
    ),
    "mongo": Repository(
        server_image(MONGO, 269_000_000, "mongod", "docker-entrypoint.sh"),
        ("latest",),
        {3: (0, 6), 4: (0, 4), 5: (0, 0), 6: (0, 0), 7: (0, 0), 8: (0, 2)},
    ),
    "memcached": Repository(
        server_image(Program(ready_after="100ms", ports=(11211,), memory="4Mi", status=0), 31 * MB, "memcached"),
        ("latest", "alpine"),
        {1: (4, 6)},
        {"alpine": 5 * MB, **DEBIAN},
    ),
    "rabbitmq": Repository(
        server_image(RABBITMQ, 98 * MB, "rabbitmq-server", "docker-entrypoint.sh"),
        ("latest", "management", "alpine"),
        {3: (6, 13), 4: (0, 2)},
        {"management": 0, "alpine": 60 * MB},
    ),
    "cassandra": Repository(
        server_image(CASSANDRA, 155 * MB, "cassandra", "docker-entrypoint.sh"),
        ("latest",),
        {3: (0, 11), 4: (0, 1), 5: (0, 0)},
    ),
    "busybox": Repository(
        shell_image(2_200_000),
        ("latest", "stable", "musl", "glibc", "uclibc"),
        {1: (20, 38)},
        {"glibc": 0, "musl": 0, "uclibc": 0},
    ),
    "alpine": Repository(shell_image(3_800_000), ("latest", "edge"), {3: (1, 23)}),
    "ubuntu": Repository(
        shell_image(29_700_000), ("latest", "jammy", "noble", "focal"), {18: (4, 4), 20: (4, 4), 22: (4, 4), 24: (4, 4)}
    ),
    "debian": Repository(
        shell_image(48_500_000),
        ("latest", "stable", "bookworm", "bullseye", "trixie", "stable-slim", "bookworm-slim"),
        {10: (0, 13), 11: (0, 11), 12: (0, 12), 13: (0, 2)},
        {"slim": 28 * MB},
    ),
    "centos": Repository(shell_image(83 * MB), ("latest",), {6: (0, 10), 7: (0, 9), 8: (0, 4)}),
    "fedora": Repository(shell_image(66 * MB), ("latest",), dict.fromkeys(range(30, 44), (0, 0))),
    "amazonlinux": Repository(shell_image(52 * MB), ("latest", "2", "2023"), {}),
    "python": Repository(
        shell_image(365_000_000, "python", "python3", program=Program(ready_after="300ms", stop_code=IGNORES)),
        ("latest", "alpine", "slim"),
        {2: (7, 7), 3: (5, 14)},
        {"slim": 46 * MB, "alpine": 19 * MB, **DEBIAN},
    ),
    "node": Repository(
        shell_image(395 * MB, "node", "npm", program=Program(ready_after="500ms", stop_code=IGNORES)),
        ("latest", "lts", "alpine"),
        dict.fromkeys(range(8, 26), (0, 25)),
        {"slim": 78 * MB, "alpine": 55 * MB, **DEBIAN},
    ),
    "golang": Repository(
        shell_image(300 * MB, "go"), ("latest", "alpine"), {1: (10, 25)}, {"alpine": 75 * MB, **DEBIAN}
    ),
    "perl": Repository(shell_image(340 * MB), ("latest", "slim"), {5: (20, 42)}, {"slim": 60 * MB, **DEBIAN}),
    "ruby": Repository(
        shell_image(355 * MB, "ruby"),
        ("latest", "alpine", "slim"),
        {2: (0, 7), 3: (0, 4)},
        {"slim": 72 * MB, "alpine": 42 * MB},
    ),
    "php": Repository(
        server_image(APACHE, 178 * MB, "apache2-foreground", "php"),
        ("latest", "apache", "fpm", "cli"),
        {7: (0, 4), 8: (0, 4)},
        {"apache": 0, "fpm": 0, "cli": 0},
    ),
    "openjdk": Repository(
        shell_image(240 * MB, "java", program=JAVA),
        ("latest",),
        dict.fromkeys(range(8, 24), (0, 0)),
        {"slim": 0, "alpine": 0, "jdk": 0, "jre": 0},
    ),
    "eclipse-temurin": Repository(
        shell_image(220 * MB, "java", program=JAVA),
        ("latest",),
        dict.fromkeys((8, 11, 17, 21, 25), (0, 0)),
        {"jdk": 0, "jre": 0, "alpine": 0},
    ),
    "tomcat": Repository(
        server_image(
            Program(ready_after="4s", ports=(8080,), memory="130Mi", stop_code=TERMINATED), 212 * MB, "catalina.sh"
        ),
        ("latest",),
        {8: (0, 5), 9: (0, 0), 10: (0, 1), 11: (0, 0)},
        {"jdk": 0, "jre": 0},
    ),
    "wordpress": Repository(
        server_image(APACHE, 256 * MB, "apache2-foreground", "docker-entrypoint.sh"),
        ("latest", "apache", "fpm"),
        {4: (0, 9), 5: (0, 9), 6: (0, 8)},
        {"apache": 0, "fpm": 0, "php": 0},
    ),
    "haproxy": Repository(
        server_image(SERVER, 42 * MB, "haproxy", "docker-entrypoint.sh"),
        ("latest", "alpine", "lts"),
        {1: (5, 9), 2: (0, 9), 3: (0, 3)},
        {"alpine": 12 * MB},
    ),
    "traefik": Repository(
        server_image(SERVER, 50 * MB, "traefik"), ("latest",), {1: (7, 7), 2: (0, 11), 3: (0, 6)}, prefix="v"
    ),
    "registry": Repository(
        server_image(Program(ports=(5000,), memory="12Mi"), 17 * MB, "registry"), ("latest",), {2: (0, 8), 3: (0, 0)}
    ),
    "hello-world": Repository(
        Image(HELLO, 2_400, entrypoint=("/hello",), binaries=("hello",), shell=False), ("latest", "linux")
    ),
    "consul": Repository(
        server_image(Program(ports=(8300, 8500, 8600), memory="40Mi"), 50 * MB, "consul"), ("latest",), {1: (4, 15)}
    ),
    "zookeeper": Repository(
        server_image(
            Program(
                ready_after="4s",
                ports=(2181, 2888, 3888),
                memory="90Mi",
                status=0,
                checks=("zookeeper-ready", "zkServer.sh"),
            ),
            110 * MB,
            "zkServer.sh",
        ),
        ("latest",),
        {3: (4, 9)},
    ),
    "ghost": Repository(
        server_image(Program(ready_after="8s", ports=(2368,), memory="160Mi"), 180 * MB, "node"),
        ("latest", "alpine"),
        dict.fromkeys(range(1, 7), (0, 130)),
        {"alpine": 0},
    ),
}
