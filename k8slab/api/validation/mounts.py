"""Where containers see volumes (`pkg/apis/core/validation`, `ValidateVolumeMounts`, `ValidateVolumeDevices`)."""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import Container, Volume
from k8slab.api.validation.metadata import Errors
from k8slab.api.validation.volumes import local_path
from k8slab.errors import FieldError

PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
RECURSIVE = ("Disabled", "Enabled", "IfPossible")


def mounts(item: Container, known: dict[str, Volume], path: str, errors: Errors) -> None:
    """File systems of a container. Upstream names the list, not the entry, in errors about paths below a volume."""
    seen: set[str] = set()
    devices = {device.name: device.devicePath for device in item.volumeDevices or ()}
    for index, mount in enumerate(item.volumeMounts or ()):
        place = f"{path}[{index}]"
        if not mount.name:
            errors.append(FieldError.required(f"{place}.name"))
        if mount.name not in known:
            errors.append(FieldError.not_found(f"{place}.name", mount.name or ""))
        if not mount.mountPath:
            errors.append(FieldError.required(f"{place}.mountPath"))
        if mount.mountPath in seen:
            errors.append(FieldError.invalid(f"{place}.mountPath", mount.mountPath or "", "must be unique"))
        seen.add(mount.mountPath)
        if mount.name in devices:
            errors.append(FieldError.invalid(f"{place}.name", mount.name, "must not already exist in volumeDevices"))
        if mount.mountPath in devices.values():
            text = "must not already exist as a path in volumeDevices"
            errors.append(FieldError.invalid(f"{place}.mountPath", mount.mountPath, text))
        _paths_below(mount, path, place, errors)
        _propagation(item, mount, f"{path}.mountPropagation", errors)
        _recursive(mount, f"{path}.recursiveReadOnly", errors)


def _paths_below(mount: Any, path: str, place: str, errors: Errors) -> None:
    if mount.subPath:
        local_path(mount.subPath, f"{path}.subPath", errors)
    if mount.subPathExpr:
        if mount.subPath:
            text = "subPathExpr and subPath are mutually exclusive"
            errors.append(FieldError.invalid(f"{place}.subPathExpr", mount.subPathExpr, text))
        local_path(mount.subPathExpr, f"{path}.subPathExpr", errors)


def _propagation(item: Container, mount: Any, path: str, errors: Errors) -> None:
    propagation = mount.mountPropagation
    if propagation is None:
        return
    if propagation not in PROPAGATIONS:
        errors.append(FieldError.not_supported(path, propagation, PROPAGATIONS))
    privileged = item.securityContext is not None and item.securityContext.privileged
    if propagation == "Bidirectional" and not privileged:
        text = "Bidirectional mount propagation is available only to privileged containers"
        errors.append(FieldError.forbidden(path, text))


def _recursive(mount: Any, path: str, errors: Errors) -> None:
    wish = mount.recursiveReadOnly
    if wish is None or wish == "Disabled":
        return
    if wish not in RECURSIVE:
        errors.append(FieldError.not_supported(path, wish, RECURSIVE))
        return
    if not mount.readOnly:
        errors.append(FieldError.forbidden(path, "may only be specified when readOnly is true"))
    if mount.mountPropagation not in (None, "None"):
        text = "may only be specified when mountPropagation is None or not specified"
        errors.append(FieldError.forbidden(path, text))


def devices(item: Container, known: dict[str, Volume], path: str, errors: Errors) -> None:
    """Block volumes of a container."""
    names_seen: set[str] = set()
    paths_seen: set[str] = set()
    mounted = {mount.name: mount.mountPath for mount in item.volumeMounts or ()}
    for index, device in enumerate(item.volumeDevices or ()):
        place, name = f"{path}[{index}]", device.name or ""
        if not name:
            errors.append(FieldError.required(f"{place}.name"))
        if name and name in names_seen:
            errors.append(FieldError.invalid(f"{place}.name", name, "must be unique"))
        _claimed(name, known, f"{place}.name", errors)
        _device_path(device.devicePath or "", paths_seen, f"{place}.devicePath", errors)
        if name in mounted:
            errors.append(FieldError.invalid(f"{place}.name", name, "must not already exist in volumeMounts"))
        if device.devicePath in mounted.values():
            text = "must not already exist as a path in volumeMounts"
            errors.append(FieldError.invalid(f"{place}.devicePath", device.devicePath, text))
        names_seen.add(name)


def _claimed(name: str, known: dict[str, Volume], path: str, errors: Errors) -> None:
    if name not in known:
        errors.append(FieldError.not_found(path, name))
    elif known[name].persistentVolumeClaim is None and known[name].ephemeral is None:
        text = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
        errors.append(FieldError.invalid(path, name, text))


def _device_path(text: str, seen: set[str], path: str, errors: Errors) -> None:
    if not text:
        errors.append(FieldError.required(path))
    if text in seen:
        errors.append(FieldError.invalid(path, text, "must be unique"))
    if ".." in text.split("/"):
        errors.append(FieldError.invalid(path, text, "can not contain backsteps ('..')"))
    else:
        seen.add(text)
