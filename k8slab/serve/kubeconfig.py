"""The kubeconfig file with which clients reach a served cluster.

Format: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/. The file holds a private key: only its owner may
read it.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import yaml

from k8slab.serve.certificates import Pair

CLUSTER = "k8slab"
USER = "kubernetes-admin"


def kubeconfig(url: str, authority: bytes, user: Pair | str, namespace: str = "default") -> dict[str, Any]:
    """A kubeconfig as plain data.

    Args:
        url: where the API server is, `https://127.0.0.1:6443`.
        authority: the certificate of the authority that signed the server's, as PEM.
        user: a client certificate with its key, or a bearer token.
        namespace: the context's namespace.
    """
    context = {"cluster": CLUSTER, "user": USER, "namespace": namespace}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": CLUSTER, "cluster": {"certificate-authority-data": _encoded(authority), "server": url}},
        ],
        "users": [{"name": USER, "user": _credentials(user)}],
        "contexts": [{"name": f"{USER}@{CLUSTER}", "context": context}],
        "current-context": f"{USER}@{CLUSTER}",
        "preferences": {},
    }


def write_kubeconfig(path: str | Path, content: dict[str, Any]) -> Path:
    """Write a kubeconfig, readable by its owner alone; a file that is there is replaced in one step."""
    path = Path(path).expanduser().absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(content, sort_keys=False)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return path


def _credentials(user: Pair | str) -> dict[str, str]:
    if isinstance(user, str):
        return {"token": user}
    return {"client-certificate-data": _encoded(user.certificate), "client-key-data": _encoded(user.key)}


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
