"""kubectl scale and kubectl autoscale."""

from __future__ import annotations

from typing import Any

from k8slab.api.request import MERGE_PATCH
from k8slab.errors import ApiError
from k8slab.kubectl import builder, duration
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError, raise_all
from k8slab.kubectl.flags import DRY_RUN, FILES, PRINT, SELECTOR, boolean, integer, manager, period, text
from k8slab.kubectl.generate.base import without_nulls
from k8slab.kubectl.manifests import Info
from k8slab.kubectl.printers import Printer

SCALABLE = ("Deployment", "ReplicaSet", "ReplicationController", "StatefulSet")


def run(inv: Any) -> None:
    """Set the number of copies through the scale subresource."""
    if inv.flags["replicas"] < 0:
        raise CommandError("The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0")
    infos, errors = builder.live(inv)
    if not infos:
        raise CommandError(" ".join(["no objects passed to scale", *map(str, errors)]))
    printer = Printer(inv, "scaled")
    for info in infos:
        try:
            _scale(inv, info)
            printer.show(info.object)
        except (ApiError, CommandError) as error:
            errors.append(error)
    raise_all(errors)


def _scale(inv: Any, info: Info) -> None:
    replicas, expected = inv.flags["replicas"], inv.flags["current-replicas"]
    if inv.dry_run == "client":
        return
    if info.resource.subresource("scale") is None and not info.resource.custom:
        raise ApiError(404, "NotFound", "the server could not find the requested resource")
    access = inv.access
    if expected >= 0 or inv.flags["resource-version"]:
        scale = access.get(info.resource, info.name, info.namespace, "scale")
        _precondition(inv, scale, expected)
    patch = {"spec": {"replicas": replicas}}
    access.patch(info.resource, info.name, info.namespace, patch, MERGE_PATCH, "scale", dry_run=inv.dry_run == "server")
    timeout = duration.parse(inv.flags["timeout"])
    if timeout and not inv.wait_until(_Reached(inv, info, replicas), timeout):
        raise CommandError("timed out waiting for the condition")


def _precondition(inv: Any, scale: dict[str, Any], expected: int) -> None:
    current = (scale.get("spec") or {}).get("replicas") or 0
    if expected >= 0 and current != expected:
        raise CommandError(f"Expected replicas to be {expected}, was {current}")
    wanted = inv.flags["resource-version"]
    version = scale["metadata"].get("resourceVersion")
    if wanted and wanted != version:
        raise CommandError(f"Expected resource version to be {wanted}, was {version}")


class _Reached:
    """Whether a workload has the number of copies that it was scaled to."""

    def __init__(self, inv: Any, info: Info, replicas: int) -> None:
        self.inv, self.info, self.replicas = inv, info, replicas

    def __call__(self) -> bool:
        obj = self.inv.access.get(self.info.resource, self.info.name, self.info.namespace)
        status = obj.get("status") or {}
        observed = status.get("observedGeneration", 0) >= obj["metadata"].get("generation", 0)
        return observed and (status.get("replicas") or 0) == self.replicas


def _autoscale(inv: Any) -> None:
    flags = inv.flags
    if flags["max"] < 1:
        raise CommandError(f"--max=MAXPODS is required and must be at least 1, max: {flags['max']}")
    if flags["max"] < flags["min"]:
        raise CommandError(
            f"--max=MAXPODS must be larger or equal to --min=MINPODS, max: {flags['max']}, min: {flags['min']}"
        )
    infos, errors = builder.live(inv)
    printer = Printer(inv, "autoscaled")
    for info in infos:
        if info.resource.kind not in SCALABLE:
            errors.append(
                CommandError(f"cannot autoscale a {info.resource.kind}.{info.resource.group}: no scale subresource")
            )
            continue
        obj = _autoscaler(inv, info)
        resource = inv.access.scheme.of(obj)
        if inv.dry_run == "client":
            printer.show(obj, typed=True)
            continue
        try:
            printer.show(inv.access.create(resource, without_nulls(obj), inv.namespace, **inv.write_options()))
        except ApiError as error:
            errors.append(error)
    raise_all(errors)


def _autoscaler(inv: Any, info: Info) -> dict[str, Any]:
    flags = inv.flags
    spec: dict[str, Any] = {
        "scaleTargetRef": {
            "kind": info.resource.kind,
            "name": info.name,
            "apiVersion": info.resource.api_version,
        }
    }
    spec |= {"minReplicas": flags["min"]} if flags["min"] > 0 else {}
    spec["maxReplicas"] = flags["max"]
    spec |= {"targetCPUUtilizationPercentage": flags["cpu-percent"]} if flags["cpu-percent"] >= 0 else {}
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": flags["name"] or info.name, "creationTimestamp": None},
        "spec": spec,
        "status": {"currentReplicas": 0, "desiredReplicas": 0},
    }


COMMAND = Command(
    "scale",
    "Set a new size for a deployment, replica set, or replication controller",
    "kubectl scale [--resource-version=version] [--current-replicas=count] --replicas=COUNT "
    "(-f FILENAME | TYPE NAME) [options]",
    run,
    (
        *FILES,
        *PRINT,
        *DRY_RUN,
        *SELECTOR,
        boolean("all"),
        integer("current-replicas", default=-1),
        integer("replicas", required=True),
        text("resource-version"),
        period("timeout"),
    ),
    examples="kubectl scale --replicas=3 deployment/web",
)
AUTOSCALE = Command(
    "autoscale",
    "Auto-scale a deployment, replica set, stateful set, or replication controller",
    "kubectl autoscale (-f FILENAME | TYPE NAME | TYPE/NAME) [--min=MINPODS] --max=MAXPODS [--cpu-percent=CPU] "
    "[options]",
    _autoscale,
    (
        *FILES,
        *PRINT,
        *DRY_RUN,
        manager("kubectl-autoscale"),
        integer("cpu-percent", default=-1),
        integer("max", default=-1, required=True),
        integer("min", default=-1),
        text("name"),
        boolean("save-config"),
    ),
)
