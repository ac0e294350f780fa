"""`kubectl create configmap|secret`."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from typing import Any

from k8slab.api.jsonpath import compact
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.flags import array, boolean, several, text
from k8slab.kubectl.generate.base import Object, generator, meta, one_name

_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_BAD_KEY = (
    '"{key}" is not a valid key name for a {kind}: a valid config key must consist of alphanumeric characters, '
    "'-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
_SOURCES = (boolean("append-hash"), several("from-env-file"), several("from-file"), array("from-literal"))


def _pairs(inv: Any) -> Iterator[tuple[str, str]]:
    for source in inv.flags["from-file"]:
        yield from _from_file(inv, source)
    for literal in inv.flags["from-literal"]:
        key, equals, value = literal.partition("=")
        if not equals or not key:
            raise CommandError(f"invalid literal source {literal}, expected key=value")
        yield key, _unquoted(value)
    for path in inv.flags["from-env-file"]:
        yield from _from_env(inv, path)


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


def _from_file(inv: Any, source: str) -> Iterator[tuple[str, str]]:
    key, equals, path = source.partition("=")
    if equals and (not key or not path):
        part = "key name" if not key else "file path"
        raise CommandError(f"{part} for file path {path} missing" if not key else f"file path for key {key} missing")
    path = path if equals else source
    if not os.path.isdir(path):
        yield (key if equals else os.path.basename(path)), inv.read_file(path)
        return
    if equals:
        raise CommandError("cannot give a key name for a directory path")
    for name in sorted(os.listdir(path)):
        inner = os.path.join(path, name)
        if os.path.isfile(inner) and _KEY.fullmatch(name):
            yield name, inv.read_file(inner)


def _from_env(inv: Any, path: str) -> Iterator[tuple[str, str]]:
    for line in inv.read_file(path).splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        key, equals, value = line.partition("=")
        yield key, value if equals else os.environ.get(key, "")


def _data(inv: Any, kind: str, name: str) -> dict[str, str]:
    data: dict[str, str] = {}
    for key, value in _pairs(inv):
        if not _KEY.fullmatch(key):
            raise CommandError(_BAD_KEY.format(key=key, kind=kind))
        if key in data:
            article = "Secret" if kind == "Secret" else "ConfigMap"
            raise CommandError(
                f'cannot add key "{key}", another key by that name already exists in Data for {article} "{name}"'
            )
        data[key] = value
    return data


def _configmap(inv: Any) -> Object:
    name = one_name(inv)
    data = _data(inv, "ConfigMap", name)
    first = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta(name, inv)}
    return {**first, **({"data": data} if data else {})}


def _secret(inv: Any) -> Object:
    name, kind = one_name(inv), inv.flags["type"]
    data = {key: _encoded(value) for key, value in _data(inv, "Secret", name).items()}
    obj: Object = {"apiVersion": "v1", "kind": "Secret", "metadata": meta(name, inv)}
    obj |= {"data": data} if data else {}
    return obj | ({"type": kind} if kind else {})


def _encoded(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def _docker(inv: Any) -> Object:
    flags = inv.flags
    if not flags["from-file"] and not (flags["docker-username"] and flags["docker-password"]):
        raise CommandError(
            "either --from-file or the combination of --docker-username, --docker-password and --docker-server "
            "is required"
        )
    if flags["from-file"]:
        data = {".dockerconfigjson": _encoded(inv.read_file(flags["from-file"][0].rpartition("=")[2]))}
    else:
        data = {".dockerconfigjson": _encoded(_auths(flags))}
    name = one_name(inv)
    obj = {"apiVersion": "v1", "kind": "Secret", "metadata": meta(name, inv), "data": data}
    return {**obj, "type": "kubernetes.io/dockerconfigjson"}


def _auths(flags: dict[str, Any]) -> str:
    user, password = flags["docker-username"], flags["docker-password"]
    entry = {"username": user, "password": password}
    entry |= {"email": flags["docker-email"]} if flags["docker-email"] else {}
    entry["auth"] = _encoded(f"{user}:{password}")
    inside = ",".join(f"{_quoted(key)}:{_quoted(value)}" for key, value in entry.items())
    return '{"auths":{' + _quoted(flags["docker-server"]) + ":{" + inside + "}}}"


def _quoted(value: str) -> str:
    return compact([value])[1:-1]


def _file(inv: Any, path: str) -> str:
    try:
        return str(inv.session.read_file(path))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CommandError(f"Cannot read file {path}, open {path}: {reason}") from None


def _tls(inv: Any) -> Object:
    for flag in ("cert", "key"):
        if not inv.flags[flag]:
            raise CommandError("key and cert must be specified")
    data = {
        f"tls.{'crt' if flag == 'cert' else 'key'}": _encoded(_file(inv, inv.flags[flag])) for flag in ("cert", "key")
    }
    obj = {"apiVersion": "v1", "kind": "Secret", "metadata": meta(one_name(inv), inv), "data": data}
    return {**obj, "type": "kubernetes.io/tls"}


_DOCKER_FLAGS = (
    boolean("append-hash"),
    text("docker-email"),
    text("docker-password"),
    text("docker-server", default="https://index.docker.io/v1/"),
    text("docker-username"),
    several("from-file"),
)
_SECRETS = (
    generator(
        "docker-registry",
        "secret docker-registry NAME --docker-username=user --docker-password=password [--from-file=[key=]source]",
        _docker,
        _DOCKER_FLAGS,
        about="Create a secret for use with a Docker registry",
        failure="failed to create secret ",
    ),
    generator(
        "generic",
        "secret generic NAME [--type=string] [--from-file=[key=]source] [--from-literal=key1=value1]",
        _secret,
        (*_SOURCES, text("type")),
        about="Create a secret from a local file, directory, or literal value",
        failure="failed to create secret ",
    ),
    generator(
        "tls",
        "secret tls NAME --cert=path/to/cert/file --key=path/to/key/file",
        _tls,
        (boolean("append-hash"), text("cert"), text("key")),
        about="Create a TLS secret",
        failure="failed to create secret ",
    ),
)

COMMANDS: tuple[Command, ...] = (
    generator(
        "configmap",
        "configmap NAME [--from-file=[key=]source] [--from-literal=key1=value1]",
        _configmap,
        _SOURCES,
        ("cm",),
        "Create a config map from a local file, directory or literal value",
        "failed to create configmap: ",
    ),
    Command(
        "secret",
        "Create a secret using a specified subcommand",
        "kubectl create secret (docker-registry | generic | tls) [options]",
        commands=_SECRETS,
    ),
)
