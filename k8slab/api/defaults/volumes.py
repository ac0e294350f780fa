"""Defaults of volumes (`pkg/apis/core/v1/defaults.go`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8slab.api.core_v1 import (
    DownwardAPIVolumeFile,
    EmptyDirVolumeSource,
    PersistentVolumeClaimSpec,
    PersistentVolumeClaimTemplate,
    Volume,
    VolumeProjection,
)
from k8slab.api.defaults.fill import change, each, fill, fill_absent
from k8slab.api.defaults.images import pull_policy
from k8slab.api.meta_v1 import ObjectMeta

MODE = 0o644
TOKEN_SECONDS = 3600
EMPTY_DIR = EmptyDirVolumeSource()
SOURCES = tuple(name for name in Volume.__struct_fields__ if name != "name")


def volume(item: Volume) -> Volume:
    """A volume of a Pod: one without a source is an emptyDir."""
    bare = True
    for name in SOURCES:
        source = getattr(item, name)
        if source is None:
            continue
        bare = False
        if name in _BY_SOURCE:
            item = change(item, **{name: _BY_SOURCE[name](source)})
    return item.replace(emptyDir=EMPTY_DIR) if bare else item


def _mode(source: Any) -> Any:
    return fill_absent(source, defaultMode=MODE)


def _downward(source: Any) -> Any:
    return change(_mode(source), items=each(_downward_file, source.items))


def _downward_file(item: DownwardAPIVolumeFile) -> DownwardAPIVolumeFile:
    if item.fieldRef is not None:
        item = change(item, fieldRef=fill(item.fieldRef, apiVersion="v1"))
    if item.resourceFieldRef is not None:
        item = change(item, resourceFieldRef=fill(item.resourceFieldRef, divisor="0"))
    return item


def _projected(source: Any) -> Any:
    return change(_mode(source), sources=each(_projection, source.sources))


def _projection(item: VolumeProjection) -> VolumeProjection:
    if item.serviceAccountToken is not None:
        token = fill_absent(item.serviceAccountToken, expirationSeconds=TOKEN_SECONDS)
        item = change(item, serviceAccountToken=token)
    if item.downwardAPI is not None:
        files = each(_downward_file, item.downwardAPI.items)
        item = change(item, downwardAPI=change(item.downwardAPI, items=files))
    return item


def _ephemeral(source: Any) -> Any:
    template: PersistentVolumeClaimTemplate = source.volumeClaimTemplate
    if template is None:
        return source
    spec = fill_absent(template.spec or PersistentVolumeClaimSpec(), volumeMode="Filesystem")
    return change(source, volumeClaimTemplate=change(template, metadata=template.metadata or ObjectMeta(), spec=spec))


def _image(source: Any) -> Any:
    return fill(source, pullPolicy=pull_policy(source.reference))


def host_path(source: Any) -> Any:
    """A hostPath: its type is the empty text, "no check", rather than absent."""
    return fill_absent(source, type="")


def iscsi(source: Any) -> Any:
    """An iSCSI disk."""
    return fill(source, iscsiInterface="default")


def rbd(source: Any) -> Any:
    """A Ceph block device."""
    return fill(source, pool="rbd", user="admin", keyring="/etc/ceph/keyring")


def scale_io(source: Any) -> Any:
    """A ScaleIO volume."""
    return fill(source, storageMode="ThinProvisioned", fsType="xfs")


def azure_disk(source: Any) -> Any:
    """An Azure data disk."""
    return fill_absent(source, cachingMode="ReadWrite", kind="Shared", fsType="ext4", readOnly=False)


_BY_SOURCE: dict[str, Callable[[Any], Any]] = {
    "configMap": _mode,
    "secret": _mode,
    "downwardAPI": _downward,
    "projected": _projected,
    "ephemeral": _ephemeral,
    "image": _image,
    "hostPath": host_path,
    "iscsi": iscsi,
    "rbd": rbd,
    "scaleIO": scale_io,
    "azureDisk": azure_disk,
}
