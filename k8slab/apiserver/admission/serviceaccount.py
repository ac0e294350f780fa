"""ServiceAccount: every Pod runs as one, and gets its token mounted (`plugin/pkg/admission/serviceaccount`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api.core_v1 import (
    ConfigMapProjection,
    DownwardAPIProjection,
    DownwardAPIVolumeFile,
    KeyToPath,
    ObjectFieldSelector,
    ProjectedVolumeSource,
    ServiceAccountTokenProjection,
    Volume,
    VolumeMount,
    VolumeProjection,
)
from k8slab.apiserver.admission.plugin import PODS, Plugin, refuse

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call

MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
MIRROR = "kubernetes.io/config.mirror"
PROJECTION = ProjectedVolumeSource(
    defaultMode=0o644,
    sources=(
        # 3607 s: one hour, and seven seconds by which such tokens are known from those that were asked for.
        VolumeProjection(serviceAccountToken=ServiceAccountTokenProjection(expirationSeconds=3607, path="token")),
        VolumeProjection(
            configMap=ConfigMapProjection(name="kube-root-ca.crt", items=(KeyToPath(key="ca.crt", path="ca.crt"),))
        ),
        VolumeProjection(
            downwardAPI=DownwardAPIProjection(
                items=(
                    DownwardAPIVolumeFile(
                        path="namespace",
                        fieldRef=ObjectFieldSelector(apiVersion="v1", fieldPath="metadata.namespace"),
                    ),
                )
            )
        ),
    ),
)


class ServiceAccount(Plugin):
    """Gives Pods their service account."""

    name = "ServiceAccount"
    resources = PODS

    def admit(self, call: Call, obj: Any, old: Any) -> Any:
        """Set the account, mount its token, take over its image pull secrets. Refuses unknown accounts."""
        if MIRROR in (obj.metadata.annotations or {}):
            _check_mirror(call, obj)
            return obj
        spec = obj.spec
        name = spec.serviceAccountName or spec.serviceAccount or "default"
        account = call.server.peek("serviceaccounts", name, call.namespace)
        if account is None:
            why = f'error looking up service account {call.namespace}/{name}: serviceaccount "{name}" not found'
            raise refuse(call, obj, why)
        changes: dict[str, Any] = {"serviceAccountName": name, "serviceAccount": name}
        if _wants_token(spec, account):
            changes |= _mounted(call, spec)
        if not spec.imagePullSecrets and account.imagePullSecrets:
            changes["imagePullSecrets"] = account.imagePullSecrets
        return obj.replace(spec=spec.replace(**changes))


def _check_mirror(call: Call, pod: Any) -> None:
    """A static Pod's image in the API has no identity of its own."""
    if pod.spec.serviceAccountName:
        raise refuse(call, pod, "a mirror pod may not reference service accounts")
    for volume in pod.spec.volumes or ():
        sources = volume.projected.sources or () if volume.projected is not None else ()
        if any(source.serviceAccountToken is not None for source in sources):
            raise refuse(call, pod, "a mirror pod may not use ServiceAccountToken volume projections")


def _wants_token(spec: Any, account: Any) -> bool:
    if spec.automountServiceAccountToken is not None:
        return spec.automountServiceAccountToken
    return account.automountServiceAccountToken is not False


def _mounted(call: Call, spec: Any) -> dict[str, Any]:
    """The containers with a mount of the token, and the volume, where any of them lacks it."""
    lists = {name: getattr(spec, name) or () for name in ("initContainers", "containers")}
    if all(_has_mount(container) for containers in lists.values() for container in containers):
        return {}
    name = f"kube-api-access-{call.server.streams.suffix('kube-api-access')}"
    mount = VolumeMount(name=name, readOnly=True, mountPath=MOUNT_PATH)
    changes: dict[str, Any] = {
        field: tuple(
            each if _has_mount(each) else each.replace(volumeMounts=(*(each.volumeMounts or ()), mount))
            for each in containers
        )
        for field, containers in lists.items()
        if containers
    }
    changes["volumes"] = (*(spec.volumes or ()), Volume(name=name, projected=PROJECTION))
    return changes


def _has_mount(container: Any) -> bool:
    return any(mount.mountPath == MOUNT_PATH for mount in container.volumeMounts or ())
