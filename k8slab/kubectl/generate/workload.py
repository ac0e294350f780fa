"""`kubectl create deployment|job|cronjob`."""

from __future__ import annotations

from typing import Any

from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.flags import integer, several, text
from k8slab.kubectl.generate.base import Object, after_dash, generator, meta, one_name


def _deployment(inv: Any) -> Object:
    name, images, command = one_name(inv), inv.flags["image"], after_dash(inv)
    if len(images) > 1 and command:
        raise CommandError("cannot specify multiple --image options and command")
    if inv.flags["replicas"] < 0:
        raise CommandError("--replicas should be greater than or equal to zero") if "replicas" in inv.given else None
    labels = {"app": name}
    containers = [_container(_image_name(image), image, command) for image in images]
    if inv.flags["port"] >= 0:
        containers[0] = _with_port(containers[0], inv.flags["port"])
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta(name, inv, labels=labels),
        "spec": {
            "replicas": inv.flags["replicas"],
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"creationTimestamp": None, "labels": labels}, "spec": {"containers": containers}},
            "strategy": {},
        },
        "status": {},
    }


def _image_name(image: str) -> str:
    """The container's name: the image's without registry, tag and digest, with `_` as `-`."""
    name = image.rpartition("/")[2].partition("@")[0].partition(":")[0]
    return name.replace("_", "-")


def _container(name: str, image: str, command: list[str]) -> Object:
    first = {"name": name, "image": image}
    return {**first, **({"command": command} if command else {}), "resources": {}}


def _with_port(container: Object, port: int) -> Object:
    return {
        "name": container["name"],
        "image": container["image"],
        **{key: value for key, value in container.items() if key == "command"},
        "ports": [{"containerPort": port}],
        "resources": {},
    }


def _job(inv: Any) -> Object:
    source, image = inv.flags["from"], inv.flags["image"]
    if bool(source) == bool(image):
        raise CommandError("either --image or --from must be specified")
    if source and after_dash(inv):
        raise CommandError("cannot specify --from and command")
    if source:
        return _job_from(inv, source)
    name = one_name(inv)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": meta(name, inv),
        "spec": {"template": _job_template(name, image, after_dash(inv), "Never")},
        "status": {},
    }


def _job_template(name: str, image: str, command: list[str], restart: str) -> Object:
    spec = {"containers": [_container(name, image, command)], "restartPolicy": restart}
    return {"metadata": {"creationTimestamp": None}, "spec": spec}


def _job_from(inv: Any, source: str) -> Object:
    """A Job that runs a CronJob's template now, owned by the CronJob."""
    kind, _, name = source.partition("/")
    resource = inv.access.scheme.resource(kind)
    if resource.plural != "cronjobs":
        raise CommandError(f"unknown object type *v1.{resource.kind}")
    cronjob = inv.access.get(resource, name, inv.namespace)
    template = cronjob["spec"]["jobTemplate"]
    inner = template.get("metadata") or {}
    annotations = {"cronjob.kubernetes.io/instantiate": "manual", **(inner.get("annotations") or {})}
    owner = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "name": name,
        "uid": cronjob["metadata"]["uid"],
        "controller": True,
    }
    more: Object = {"labels": inner["labels"]} if inner.get("labels") else {}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": meta(one_name(inv), inv, **more, annotations=annotations, ownerReferences=[owner]),
        "spec": template["spec"],
        "status": {},
    }


def _cronjob(inv: Any) -> Object:
    name = one_name(inv)
    restart = inv.flags["restart"] or "OnFailure"
    template = _job_template(name, inv.flags["image"], after_dash(inv), restart)
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": meta(name, inv),
        "spec": {
            "schedule": inv.flags["schedule"],
            "jobTemplate": {"metadata": {"name": name, "creationTimestamp": None}, "spec": {"template": template}},
        },
        "status": {},
    }


COMMANDS: tuple[Command, ...] = (
    generator(
        "cronjob",
        "cronjob NAME --image=image --schedule='0/5 * * * ?' -- [COMMAND] [args...] [flags]",
        _cronjob,
        (text("image", required=True), text("restart"), text("schedule", required=True)),
        ("cj",),
        "Create a cron job with the specified name",
        "failed to create cronjob: ",
    ),
    generator(
        "deployment",
        "deployment NAME --image=image -- [COMMAND] [args...]",
        _deployment,
        (several("image", required=True), integer("port", default=-1), integer("replicas", "r", default=1)),
        ("deploy",),
        "Create a deployment with the specified name",
        "failed to create deployment: ",
    ),
    generator(
        "job",
        "job NAME --image=image [--from=cronjob/name] -- [COMMAND] [args...]",
        _job,
        (text("from"), text("image")),
        (),
        "Create a job with the specified name",
        "failed to create job: ",
    ),
)
