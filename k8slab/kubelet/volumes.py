"""Volumes: whether they can be set up, and what files a container finds in them."""

from __future__ import annotations

from typing import Any

from k8slab.api import core_v1 as core
from k8slab.api.authentication_v1 import BoundObjectReference, TokenRequest, TokenRequestSpec
from k8slab.errors import ApiError
from k8slab.kubelet.environment import Lookup, field_value, resource_value


class MountError(Exception):
    """A volume cannot be set up yet; the text is that of a FailedMount event."""


Files = dict[str, str]


def set_up(
    pod: core.Pod, lookup: Lookup, facts: dict[str, str], before: dict[str, Files] | None = None
) -> dict[str, Files]:
    """The files of each volume that has some from the start. Raises MountError for what is missing.

    Args:
        pod: whose volumes.
        lookup: reads ConfigMaps and Secrets, and asks for tokens.
        facts: downward values that only the node knows, by field path.
        before: the files as they were: tokens stay, they renew themselves.
    """
    found: dict[str, Files] = {}
    for volume in pod.spec.volumes or ():
        files = _files(pod, volume, lookup, facts, (before or {}).get(volume.name) or {})
        if files is not None:
            found[volume.name] = files
    return found


def is_followed(volume: core.Volume) -> bool:
    """Whether a volume's files follow what they come from."""
    return any(each is not None for each in (volume.configMap, volume.secret, volume.downwardAPI, volume.projected))


def sources(pod: core.Pod) -> list[tuple[str, str]]:
    """The ConfigMaps and Secrets that a Pod mounts: resource and name."""
    found: dict[tuple[str, str], None] = {}
    for volume in pod.spec.volumes or ():
        if volume.configMap is not None:
            found["configmaps", volume.configMap.name] = None
        if volume.secret is not None:
            found["secrets", volume.secret.secretName] = None
        for source in (volume.projected.sources or ()) if volume.projected is not None else ():
            if source.configMap is not None:
                found["configmaps", source.configMap.name] = None
            if source.secret is not None:
                found["secrets", source.secret.name] = None
    return list(found)


def _files(pod: core.Pod, volume: core.Volume, lookup: Lookup, facts: dict[str, str], before: Files) -> Files | None:
    name = volume.name
    if volume.configMap is not None:
        config = volume.configMap
        return _keys(name, "configmaps", "configmap", config.name, config.items, config.optional, lookup)
    if volume.secret is not None:
        secret = volume.secret
        return _keys(name, "secrets", "secret", secret.secretName, secret.items, secret.optional, lookup)
    if volume.downwardAPI is not None:
        return _downward(pod, volume.downwardAPI.items, facts)
    if volume.projected is not None:
        return _projected(pod, volume, lookup, facts, before)
    if volume.persistentVolumeClaim is not None:
        _claim(volume, lookup)
        return {}
    return {}


def _keys(volume: str, resource: str, kind: str, name: str, items: Any, optional: bool | None, lookup: Lookup) -> Files:
    data = lookup.data(resource, name)
    if data is None:
        if optional:
            return {}
        raise MountError(f'MountVolume.SetUp failed for volume "{volume}" : {kind} "{name}" not found')
    if not items:
        return data
    files: Files = {}
    for item in items:
        if item.key in data:
            files[item.path] = data[item.key]
        elif not optional:
            raise MountError(
                f'MountVolume.SetUp failed for volume "{volume}" : references non-existent {kind} key: {item.key}'
                if kind == "configmap"
                else f'MountVolume.SetUp failed for volume "{volume}" : references non-existent secret key: {item.key}'
            )
    return files


def _downward(pod: core.Pod, items: Any, facts: dict[str, str]) -> Files:
    files: Files = {}
    for item in items or ():
        if item.fieldRef is not None:
            files[item.path] = field_value(pod, item.fieldRef.fieldPath, facts)
        elif item.resourceFieldRef is not None:
            files[item.path] = resource_value(pod, pod.spec.containers[0], item.resourceFieldRef, facts)
    return files


def _projected(pod: core.Pod, volume: core.Volume, lookup: Lookup, facts: dict[str, str], before: Files) -> Files:
    files: Files = {}
    for source in volume.projected.sources or ():
        part: Any = source.configMap
        if part is not None:
            files.update(_keys(volume.name, "configmaps", "configmap", part.name, part.items, part.optional, lookup))
        elif source.secret is not None:
            part = source.secret
            files.update(_keys(volume.name, "secrets", "secret", part.name, part.items, part.optional, lookup))
        elif source.downwardAPI is not None:
            files.update(_downward(pod, source.downwardAPI.items, facts))
        elif source.serviceAccountToken is not None:
            wanted = source.serviceAccountToken
            files[wanted.path] = before.get(wanted.path) or _token(pod, volume, wanted, lookup)
    return files


def _token(pod: core.Pod, volume: core.Volume, wanted: core.ServiceAccountTokenProjection, lookup: Lookup) -> Any:
    """A token of the Pod's account, bound to the Pod; it is signed when somebody reads the file."""
    reference = BoundObjectReference(apiVersion="v1", kind="Pod", name=pod.metadata.name, uid=pod.metadata.uid)
    spec = TokenRequestSpec(
        audiences=(wanted.audience,) if wanted.audience else None,
        expirationSeconds=wanted.expirationSeconds,
        boundObjectRef=reference,
    )
    account = pod.spec.serviceAccountName or "default"
    try:
        return lookup.client.create_token(account, pod.metadata.namespace, TokenRequest(spec=spec), sign_later=True)
    except ApiError as error:
        raise MountError(
            f'MountVolume.SetUp failed for volume "{volume.name}" : failed to fetch token: {error.message}'
        ) from None


def _claim(volume: core.Volume, lookup: Lookup) -> None:
    name = volume.persistentVolumeClaim.claimName
    claim = lookup.get("persistentvolumeclaims", name)
    if claim is None:
        raise MountError(
            f"Unable to attach or mount volumes: unmounted volumes=[{volume.name}]: error processing PVC "
            f'{lookup.namespace}/{name}: failed to fetch PVC from API server: persistentvolumeclaims "{name}" not found'
        )
    if claim.status is None or claim.status.phase != "Bound":
        raise MountError(
            f"Unable to attach or mount volumes: unmounted volumes=[{volume.name}]: error processing PVC "
            f"{lookup.namespace}/{name}: PVC is not bound"
        )


def mounted(container: core.Container, volumes: dict[str, Files]) -> Files:
    """The files that a container sees, by full path."""
    found: Files = {}
    for mount in container.volumeMounts or ():
        files = volumes.get(mount.name)
        if not files:
            continue
        root = mount.mountPath.rstrip("/")
        if mount.subPath:
            for path, text in files.items():
                if path == mount.subPath:
                    found[root] = text
                elif path.startswith(mount.subPath.rstrip("/") + "/"):
                    found[root + path[len(mount.subPath.rstrip("/")) :]] = text
            continue
        for path, text in files.items():
            found[f"{root}/{path}"] = text
    return found


def written_back(container: core.Container, volumes: dict[str, Files], files: Files) -> None:
    """Keep what a container that ended wrote into volumes, for those that start after it."""
    for mount in container.volumeMounts or ():
        if mount.readOnly or mount.name not in volumes:
            continue
        root, part = mount.mountPath.rstrip("/") + "/", _part(mount)
        others = {path: text for path, text in volumes[mount.name].items() if part and not path.startswith(part)}
        ours = {part + path[len(root) :]: text for path, text in files.items() if path.startswith(root)}
        volumes[mount.name] = {**others, **ours}


def _part(mount: core.VolumeMount) -> str:
    """The part of a volume that is mounted, with a slash at its end; "" for all of it."""
    return mount.subPath.strip("/") + "/" if mount.subPath else ""


def inside_of(container: core.Container, volume: str, path: str) -> list[str]:
    """Where a container sees a file of a volume."""
    found = []
    for mount in container.volumeMounts or ():
        if mount.name == volume and path.startswith(_part(mount)):
            found.append(f"{mount.mountPath.rstrip('/')}/{path[len(_part(mount)) :]}")
    return found


def shared_paths(
    pod: core.Pod, container: core.Container, path: str, volumes: dict[str, Files], text: str | None
) -> list[tuple[str, str]]:
    """Where a file that is written in a container appears: (container, path), through volumes in others as well.

    `volumes` keep it for containers that start later.
    """
    found = [(container.name, path)]
    mount = next((m for m in container.volumeMounts or () if path.startswith(m.mountPath.rstrip("/") + "/")), None)
    if mount is None or mount.readOnly or mount.name not in volumes:
        return found
    inside = _part(mount) + path[len(mount.mountPath.rstrip("/")) + 1 :]
    files = dict(volumes[mount.name])
    if text is None:
        files.pop(inside, None)
    else:
        files[inside] = text
    volumes[mount.name] = files
    for other in (*(pod.spec.initContainers or ()), *pod.spec.containers):
        if other.name != container.name:
            found.extend((other.name, theirs) for theirs in inside_of(other, mount.name, inside))
    return found


def seen_through(
    writer: core.Container, reader: core.Container, writes: list[tuple[int, str, str | None]]
) -> list[tuple[int, str, str | None]]:
    """Writes of one container as another sees them, through volumes that both mount: (lab time, path, text)."""
    found: list[tuple[int, str, str | None]] = []
    for ours in reader.volumeMounts or ():
        for theirs in writer.volumeMounts or ():
            if ours.name != theirs.name or ours.subPath or theirs.subPath:
                continue
            root, target = theirs.mountPath.rstrip("/") + "/", ours.mountPath.rstrip("/") + "/"
            found.extend((at, target + path[len(root) :], text) for at, path, text in writes if path.startswith(root))
    return found
