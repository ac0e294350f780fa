"""What makes a server the one that its clients know: its authority, what signs tokens, the administrator's token.

Made anew for each server, or kept in a data directory (`pki/`, laid out as by kubeadm), so that certificates, tokens
and kubeconfigs go on working after a restart. https://kubernetes.io/docs/setup/best-practices/certificates/
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

from k8slab.cluster.datadir import DataDirectory, DataDirectoryError
from k8slab.cluster.keeping import signer, write_signer
from k8slab.pki.rsa import PrivateKey
from k8slab.serve.authentication import new_key
from k8slab.serve.certificates import Authority, Pair

CERTIFICATE, KEY, ADMIN_TOKEN = "pki/ca.crt", "pki/ca.key", "pki/admin.token"


class Keys(NamedTuple):
    """The authority, the key that signs service accounts' tokens, and the administrator's bearer token."""

    authority: Authority
    signer: PrivateKey
    token: str


def new_keys() -> Keys:
    """Keys of one server's life."""
    return Keys(Authority(), new_key(), secrets.token_urlsafe(32))


def kept_keys(directory: DataDirectory) -> Keys:
    """The keys of a data directory, made when they are first asked for. Raises DataDirectoryError."""
    certificate = directory.read_file(CERTIFICATE)
    if certificate is None:
        return _write(directory, new_keys())
    key, token, signs = directory.read_file(KEY), directory.read_file(ADMIN_TOKEN), signer(directory)
    if key is None or token is None or signs is None:
        raise DataDirectoryError(f"{directory.path}/pki lacks some of its files: put them back, or remove all of it")
    try:
        return Keys(Authority.load(Pair(certificate, key)), signs, token.decode().strip())
    except ValueError as error:
        raise DataDirectoryError(f"{directory.path}/pki holds no keys: {error}") from None


def _write(directory: DataDirectory, keys: Keys) -> Keys:
    pair = keys.authority.pair
    # The certificate comes last: where it is, all of them are.
    directory.write_file(KEY, pair.key)
    directory.write_file(ADMIN_TOKEN, keys.token.encode())
    write_signer(directory, keys.signer)
    directory.write_file(CERTIFICATE, pair.certificate)
    return keys
