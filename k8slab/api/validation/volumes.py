"""Volumes of Pods (`pkg/apis/core/validation`, `ValidateVolumes`)."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from functools import partial
from typing import Any

from k8slab.api.core_v1 import DownwardAPIVolumeFile, KeyToPath, Volume
from k8slab.api.quantity import nano
from k8slab.api.validation import names
from k8slab.api.validation.claims import claim_spec
from k8slab.api.validation.environment import VOLUME_RESOURCES, field_ref, resource_field_ref
from k8slab.api.validation.gostruct import quoted
from k8slab.api.validation.metadata import NO_METADATA, Errors, annotation_map, labels
from k8slab.errors import FieldError

HOST_PATH_TYPES = (
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)
ORDER = [
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "flexVolume",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
    "image",
]
"""The order in which upstream looks at the sources."""
MODE_TEXT = "must be a number between 0 and 0777 (octal), both inclusive"
MAX_DRIVER = 63
DOWNWARD_FIELDS = ("metadata.name", "metadata.namespace", "metadata.labels", "metadata.annotations", "metadata.uid")


def volumes(items: tuple[Volume, ...] | None, path: str, errors: Errors) -> dict[str, Volume]:
    """All volumes of a Pod; returns the well-named ones, for the checks of mounts."""
    known: dict[str, Volume] = {}
    for index, item in enumerate(items or ()):
        place = f"{path}[{index}]"
        before = len(errors)
        _source(item, place, errors)
        if not item.name:
            errors.append(FieldError.required(f"{place}.name"))
        else:
            for message in names.dns_label(item.name):
                errors.append(FieldError.invalid(f"{place}.name", item.name, message))
            if item.name in known:
                errors.append(FieldError.duplicate(f"{place}.name", item.name))
        if len(errors) == before:
            known[item.name] = item
    return known


def _source(item: Volume, path: str, errors: Errors) -> None:
    found = 0
    for name in ORDER:
        source = getattr(item, name)
        if source is None:
            continue
        found += 1
        if found > 1:
            errors.append(FieldError.forbidden(f"{path}.{name}", "may not specify more than 1 volume type"))
        elif name in _SOURCES:
            _SOURCES[name](source, f"{path}.{name}", errors)
    if not found:
        errors.append(FieldError.required(path, "must specify a volume type"))


def _empty_dir(source: Any, path: str, errors: Errors) -> None:
    if source.sizeLimit is not None and nano(source.sizeLimit) < 0:
        errors.append(FieldError.forbidden(f"{path}.sizeLimit", "SizeLimit field must be a valid resource quantity"))


def host_path(source: Any, path: str, errors: Errors) -> None:
    """A path of the node."""
    if not source.path:
        errors.append(FieldError.required(f"{path}.path"))
    else:
        path_no_backsteps(source.path, f"{path}.path", errors)
    if (source.type or "") not in HOST_PATH_TYPES:
        errors.append(FieldError.not_supported(f"{path}.type", source.type, HOST_PATH_TYPES))


def path_no_backsteps(text: str, path: str, errors: Errors) -> None:
    """A path that does not climb."""
    if ".." in text.split("/"):
        errors.append(FieldError.invalid(path, text, "must not contain '..'"))


def _secret(source: Any, path: str, errors: Errors) -> None:
    if not source.secretName:
        errors.append(FieldError.required(f"{path}.secretName"))
    _files(source, path, errors)


def _config_map(source: Any, path: str, errors: Errors) -> None:
    if not source.name:
        errors.append(FieldError.required(f"{path}.name"))
    _files(source, path, errors)


def _files(source: Any, path: str, errors: Errors) -> None:
    mode(source.defaultMode, f"{path}.defaultMode", errors)
    for index, item in enumerate(source.items or ()):
        _key_to_path(item, f"{path}.items[{index}]", errors)


def mode(value: int | None, path: str, errors: Errors) -> None:
    """File permissions."""
    if value is not None and not 0 <= value <= 0o777:
        errors.append(FieldError.invalid(path, value, MODE_TEXT))


def _key_to_path(item: KeyToPath, path: str, errors: Errors) -> None:
    if not item.key:
        errors.append(FieldError.required(f"{path}.key"))
    if not item.path:
        errors.append(FieldError.required(f"{path}.path"))
    else:
        local_path(item.path, f"{path}.path", errors)
    mode(item.mode, f"{path}.mode", errors)


def local_path(text: str, path: str, errors: Errors) -> None:
    """A relative path that stays below, and does not start with two dots."""
    if posixpath.isabs(text):
        errors.append(FieldError.invalid(path, text, "must be a relative path"))
    path_no_backsteps(text, path, errors)
    if text.startswith("..") and not text.startswith("../") and text != "..":
        errors.append(FieldError.invalid(path, text, "must not start with '..'"))


def _nfs(source: Any, path: str, errors: Errors) -> None:
    if not source.server:
        errors.append(FieldError.required(f"{path}.server"))
    if not source.path:
        errors.append(FieldError.required(f"{path}.path"))
    elif not source.path.startswith("/"):
        errors.append(FieldError.invalid(f"{path}.path", source.path, "must be an absolute path"))


def _claim(source: Any, path: str, errors: Errors) -> None:
    if not source.claimName:
        errors.append(FieldError.required(f"{path}.claimName"))


def _downward(source: Any, path: str, errors: Errors) -> None:
    mode(source.defaultMode, f"{path}.defaultMode", errors)
    for item in source.items or ():
        _downward_file(item, path, errors)


def _downward_file(item: DownwardAPIVolumeFile, path: str, errors: Errors) -> None:
    if not item.path:
        errors.append(FieldError.required(f"{path}.path"))
    else:
        local_path(item.path, f"{path}.path", errors)
    if item.fieldRef is not None:
        field_ref(item.fieldRef, DOWNWARD_FIELDS, f"{path}.fieldRef", errors)
        if item.resourceFieldRef is not None:
            text = "fieldRef and resourceFieldRef can not be specified simultaneously"
            errors.append(FieldError.invalid(path, "resource", text))
    elif item.resourceFieldRef is not None:
        resource_field_ref(item.resourceFieldRef, VOLUME_RESOURCES, f"{path}.resourceFieldRef", errors, volume=True)
    else:
        errors.append(FieldError.required(path, "one of fieldRef and resourceFieldRef is required"))
    mode(item.mode, f"{path}.mode", errors)


def _projected(source: Any, path: str, errors: Errors) -> None:
    mode(source.defaultMode, f"{path}.defaultMode", errors)
    taken: set[str] = set()
    for index, item in enumerate(source.sources or ()):
        _projection(item, f"{path}.sources[{index}]", errors)
        for name, place in _projected_paths(item):
            if place in taken:
                errors.append(FieldError.invalid(path, name, "conflicting duplicate paths"))
            taken.add(place)


def _projected_paths(item: Any) -> list[tuple[str, str]]:
    """The files that a source puts into the volume, with what an error about one of them shows."""
    found = []
    for source in (item.secret, item.configMap):
        for entry in (source.items or ()) if source is not None else ():
            found.append((source.name or "", entry.path))
    for entry in (item.downwardAPI.items or ()) if item.downwardAPI is not None else ():
        found.append((entry.path, entry.path))
    for source in (item.serviceAccountToken, item.clusterTrustBundle):
        if source is not None and source.path:
            found.append((source.path, source.path))
    return [(name, place) for name, place in found if place]


def _projection(item: Any, path: str, errors: Errors) -> None:
    found = 0
    for name in ("secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle", "podCertificate"):
        source = getattr(item, name, None)
        if source is None:
            continue
        found += 1
        place = f"{path}.{name}"
        if found > 1:
            errors.append(FieldError.forbidden(path, "may not specify more than 1 volume type"))
        elif name in ("secret", "configMap"):
            if not source.name:
                errors.append(FieldError.required(f"{place}.name"))
            for index, entry in enumerate(source.items or ()):
                _key_to_path(entry, f"{place}.items[{index}]", errors)
        elif name == "downwardAPI":
            for entry in source.items or ():
                _downward_file(entry, place, errors)
        elif name == "serviceAccountToken":
            _token(source, place, errors)
        elif name == "clusterTrustBundle":
            _trust_bundle(source, place, errors)
    if not found:
        errors.append(FieldError.required(path, "must specify a volume type"))


def _token(source: Any, path: str, errors: Errors) -> None:
    seconds = source.expirationSeconds or 0
    if seconds < 600:
        text = "may not specify a duration less than 10 minutes"
        errors.append(FieldError.invalid(f"{path}.expirationSeconds", seconds, text))
    if seconds > 1 << 32:
        text = "may not specify a duration larger than 2^32 seconds"
        errors.append(FieldError.invalid(f"{path}.expirationSeconds", seconds, text))
    if not source.path:
        errors.append(FieldError.required(f"{path}.path"))
    else:
        local_path(source.path, f"{path}.path", errors)


def _trust_bundle(source: Any, path: str, errors: Errors) -> None:
    if source.name is None and source.signerName is None:
        errors.append(FieldError.required(path, "either name or signerName must be specified"))
    elif source.name is not None and source.signerName is not None:
        text = "only one of name and signerName may be used"
        errors.append(FieldError.invalid(path, quoted(source), text))
    if not source.path:
        errors.append(FieldError.required(f"{path}.path"))
    else:
        local_path(source.path, f"{path}.path", errors)


def driver_name(name: str | None, path: str, errors: Errors) -> None:
    """The name of a CSI driver (`ValidateCSIDriverName`)."""
    if not name:
        errors.append(FieldError.required(path))
    if len(name or "") > MAX_DRIVER:
        errors.append(FieldError.too_long(path, MAX_DRIVER))
    for message in names.dns_subdomain((name or "").lower()):
        errors.append(FieldError.invalid(path, name or "", message))


def _csi(source: Any, path: str, errors: Errors) -> None:
    driver_name(source.driver, f"{path}.driver", errors)
    secret = source.nodePublishSecretRef
    if secret is not None and not secret.name:
        errors.append(FieldError.required(f"{path}.nodePublishSecretRef.name"))
    elif secret is not None:
        for message in names.subdomain_name(secret.name):
            errors.append(FieldError.invalid(f"{path}.name", secret.name, message))


def _git(source: Any, path: str, errors: Errors) -> None:
    if not source.repository:
        errors.append(FieldError.required(f"{path}.repository"))
    local_path(source.directory or "", f"{path}.directory", errors)


def needs(*fields: str) -> Callable[[Any, str, Errors], None]:
    """A check that these fields are given."""
    return partial(_needs, fields)


def _needs(fields: tuple[str, ...], source: Any, path: str, errors: Errors) -> None:
    for name in fields:
        if not getattr(source, name):
            errors.append(FieldError.required(f"{path}.{name}"))


def _ephemeral(source: Any, path: str, errors: Errors) -> None:
    template = source.volumeClaimTemplate
    place = f"{path}.volumeClaimTemplate"
    if template is None:
        errors.append(FieldError.required(place))
        return
    meta = template.metadata or NO_METADATA
    annotation_map(meta.annotations, f"{place}.metadata.annotations", errors)
    labels(meta.labels, f"{place}.metadata.labels", errors)
    claim_spec(template.spec, f"{place}.spec", errors)


def _image(source: Any, path: str, errors: Errors) -> None:
    if not source.reference:
        errors.append(FieldError.required(f"{path}.reference"))
    if source.pullPolicy and source.pullPolicy not in ("Always", "IfNotPresent", "Never"):
        values = ("Always", "IfNotPresent", "Never")
        errors.append(FieldError.not_supported(f"{path}.pullPolicy", source.pullPolicy, values))


_SOURCES: dict[str, Callable[[Any, str, Errors], None]] = {
    "emptyDir": _empty_dir,
    "hostPath": host_path,
    "secret": _secret,
    "configMap": _config_map,
    "nfs": _nfs,
    "persistentVolumeClaim": _claim,
    "downwardAPI": _downward,
    "projected": _projected,
    "csi": _csi,
    "ephemeral": _ephemeral,
    "image": _image,
    "gitRepo": _git,
    "gcePersistentDisk": needs("pdName"),
    "awsElasticBlockStore": needs("volumeID"),
    "glusterfs": needs("endpoints", "path"),
    "rbd": needs("monitors", "image"),
    "cinder": needs("volumeID"),
    "cephfs": needs("monitors"),
    "flexVolume": needs("driver"),
    "azureFile": needs("secretName", "shareName"),
    "vsphereVolume": needs("volumePath"),
    "photonPersistentDisk": needs("pdID"),
    "portworxVolume": needs("volumeID"),
    "scaleIO": needs("gateway", "system", "volumeName"),
    "storageos": needs("volumeName"),
    "azureDisk": needs("diskName", "diskURI"),
}
