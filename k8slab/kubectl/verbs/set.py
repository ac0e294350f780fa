"""kubectl set: image, env, resources, serviceaccount, selector, subject."""

from __future__ import annotations

import copy
import fnmatch
import re
from collections.abc import Callable
from typing import Any

from k8slab.api import patch as patches
from k8slab.api import quantity
from k8slab.api.request import MERGE_PATCH, STRATEGIC_MERGE_PATCH
from k8slab.errors import ApiError
from k8slab.kubectl import builder
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError, Exit, raise_all
from k8slab.kubectl.flags import DRY_RUN, FILES, PRINT, SELECTOR, Flag, array, boolean, manager, several, text
from k8slab.kubectl.manifests import Info
from k8slab.kubectl.podspec import pod_spec
from k8slab.kubectl.printers import Printer

Object = dict[str, Any]


class _Changes:
    """Changes each object, sends what differs, prints it; a failing object does not stop the others."""

    def __init__(self, inv: Any, words: list[str], operation: str, failure: str = "") -> None:
        self.inv, self.operation, self.failure = inv, operation, failure
        self.infos, errors = builder.local(inv) if inv.flags["local"] else builder.live(inv, words)
        raise_all(errors)
        self.errors: list[Exception] = []

    def run(self, change: Callable[[Object, Info], None]) -> None:
        printer = Printer(self.inv, self.operation)
        for info in self.infos:
            changed = copy.deepcopy(info.object)
            try:
                change(changed, info)
                if self._needed(changed, info):
                    printer.show(self._send(info, changed))
            except CommandError as error:
                self.errors.append(error)
            except ApiError as error:
                self.errors.append(CommandError(f"{self.failure}{error.message}") if self.failure else error)
        self._finish()

    def _needed(self, changed: Object, info: Info) -> bool:
        return changed != info.object or self.inv.flags["local"]

    def _send(self, info: Info, changed: Object) -> Object:
        inv = self.inv
        if inv.flags["local"] or inv.dry_run == "client":
            return changed
        if info.resource.custom:
            patch, kind = patches.merge_diff(info.object, changed), MERGE_PATCH
        else:
            patch, kind = patches.two_way(info.object, changed, info.resource.cls), STRATEGIC_MERGE_PATCH
        return inv.access.patch(info.resource, info.name, info.namespace, patch, kind, **inv.write_options())

    def _finish(self) -> None:
        own = [error for error in self.errors if isinstance(error, CommandError)]
        if len(own) == len(self.errors) and len(own) > 1:
            for error in own:
                self.inv.complain(f"error: {error.text}")
            raise Exit(1)
        raise_all(self.errors)


def _split(inv: Any, what: str) -> tuple[list[str], list[str]]:
    """Words that name objects, and words that say what to set (`a=b`, `c-`), which come after them."""
    first = next((index for index, word in enumerate(inv.args) if _is_pair(word)), len(inv.args))
    late = next((word for word in inv.args[first:] if not _is_pair(word)), None)
    if late is not None:
        raise CommandError(f"all resources must be specified before {what} changes: {late}")
    return inv.args[:first], inv.args[first:]


def _is_pair(word: str) -> bool:
    return ("=" in word and not word.startswith("=")) or (word.endswith("-") and word != "-")


def _containers(spec: Object) -> list[Object]:
    return [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]


def _spec(obj: Object, info: Info) -> Object:
    spec = pod_spec(obj)
    if spec is None:
        go_type = f"*{info.resource.version}.{info.resource.kind}"
        what = f"{info.resource.plural}/{info.name}"
        raise CommandError(f"{what} the object is not a pod or does not have a pod template: {go_type}")
    return spec


def _image(inv: Any) -> None:
    words, pairs = _split(inv, "image")
    images = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    changes = _Changes(inv, words, "image updated", "failed to patch image update to pod template: ")
    if not images:
        raise CommandError("at least one image update is required")
    if "*" in images and len(images) > 1:
        raise CommandError(
            "all containers are already specified by *, but saw more than one container_name=container_image pairs"
        )

    def change(obj: Object, info: Info) -> None:
        spec = _spec(obj, info)
        for name, image in images.items():
            chosen = [each for each in _containers(spec) if name in ("*", each["name"])]
            if not chosen:
                raise CommandError(f'unable to find container named "{name}"')
            for container in chosen:
                container["image"] = image

    changes.run(change)


_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")


def _env(inv: Any) -> None:
    words, pairs = _split(inv, "env")
    pairs = [*pairs, *inv.flags["env"]]
    if not words and not builder.has_files(inv):
        raise CommandError("one or more resources must be specified as <resource> <name> or <resource>/<name>")
    values = {name: value for name, _, value in (pair.partition("=") for pair in pairs if "=" in pair)}
    gone = [pair[:-1] for pair in pairs if "=" not in pair]
    bad = next((name for name in values if not _ENV_NAME.fullmatch(name)), None)
    if bad is not None:
        raise CommandError(f'"{bad}" is not a valid key name')
    if any(name in values for name in gone):
        raise CommandError("can not both modify and remove the same environment variable in the same command")
    if inv.flags["list"]:
        return _list_env(inv, words)
    source = _env_source(inv)

    def change(obj: Object, info: Info) -> None:
        for container in _chosen(inv, _spec(obj, info), info):
            _set_env(container, source + [{"name": name, "value": value} for name, value in values.items()], gone)

    _Changes(inv, words, "env updated", "failed to patch env update to pod template: ").run(change)


def _env_source(inv: Any) -> list[Object]:
    """Variables that refer to the keys of a ConfigMap or Secret (`--from=configmap/conf`)."""
    given = inv.flags["from"]
    if not given:
        return []
    kind, _, name = given.partition("/")
    resource = inv.access.scheme.resource(kind)
    if resource.kind not in ("ConfigMap", "Secret"):
        raise CommandError(f"unsupported resource specified in --from: {kind}")
    reference = "configMapKeyRef" if resource.kind == "ConfigMap" else "secretKeyRef"
    data = inv.access.get(resource, name, inv.namespace).get("data") or {}
    wanted = [key for key in sorted(data) if not inv.flags["keys"] or key in inv.flags["keys"]]
    return [
        {"name": inv.flags["prefix"] + _env_name(inv, key), "valueFrom": {reference: {"key": key, "name": name}}}
        for key in wanted
    ]


def _env_name(inv: Any, key: str) -> str:
    name = re.sub(r"[^A-Z0-9_]", "_", key.upper())
    if name != key:
        inv.warn(f"key {key} transferred to {name}")
    return name


def _set_env(container: Object, wanted: list[Object], gone: list[str]) -> None:
    env = {entry["name"]: entry for entry in container.get("env") or ()}
    env |= {entry["name"]: entry for entry in wanted}
    left = [entry for name, entry in env.items() if name not in gone]
    if left:
        container["env"] = left
    else:
        container.pop("env", None)


def _chosen(inv: Any, spec: Object, info: Info) -> list[Object]:
    pattern = inv.flags["containers"]
    chosen = [each for each in _containers(spec) if fnmatch.fnmatchcase(each["name"], pattern)]
    if not chosen:
        raise CommandError(f'{info.resource.kind}/{info.name} does not have any containers matching "{pattern}"')
    return chosen


def _list_env(inv: Any, words: list[str]) -> None:
    infos, errors = builder.local(inv) if inv.flags["local"] else builder.live(inv, words)
    for info in infos:
        for container in _chosen(inv, _spec(info.object, info), info):
            inv.print(f"# {info.resource.kind} {info.name}, container {container['name']}")
            for entry in container.get("env") or ():
                inv.print(_env_text(entry))
    raise_all(errors)


def _env_text(entry: Object) -> str:
    source = entry.get("valueFrom")
    if not source:
        return f"{entry['name']}={entry.get('value', '')}"
    kind, reference = next(iter(source.items()))
    if kind == "fieldRef":
        return f"# {entry['name']} from field path {reference['fieldPath']}"
    what = {"configMapKeyRef": "configmap", "secretKeyRef": "secret"}.get(kind, kind)
    return f"# {entry['name']} from {what} {reference.get('name', '')}, key {reference.get('key', '')}"


def _resources(inv: Any) -> None:
    changes = _Changes(
        inv, inv.args, "resource requirements updated", "failed to patch resources update to pod template "
    )
    wanted = {name: _amounts(inv.flags[name]) for name in ("limits", "requests") if inv.flags[name]}
    if not wanted:
        raise CommandError("you must specify an update to requests or limits (in the form of --requests/--limits)")

    def change(obj: Object, info: Info) -> None:
        for container in _selected(inv, _spec(obj, info)):
            resources = container.setdefault("resources", {})
            for name, amounts in wanted.items():
                resources[name] = {**(resources.get(name) or {}), **amounts}
                resources[name] = {key: value for key, value in resources[name].items() if value not in ("0", 0)}

    changes.run(change)


def _selected(inv: Any, spec: Object) -> list[Object]:
    pattern = inv.flags["containers"]
    chosen = [each for each in _containers(spec) if fnmatch.fnmatchcase(each["name"], pattern)]
    if not chosen:
        raise CommandError(f"unable to find container named {pattern}")
    return chosen


def _amounts(given: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in given.split(",")]
    bad = next((name for name, equals, _ in pairs if not equals), None)
    if bad is not None:
        raise CommandError(f"Invalid argument syntax {bad}, expected <resource>=<value>")
    try:
        return {name: quantity.canonical(value) for name, _, value in pairs}
    except quantity.QuantityError as error:
        raise CommandError(str(error)) from None


def _service_account(inv: Any) -> None:
    if not inv.args:
        raise CommandError("serviceaccount is required")

    def change(obj: Object, info: Info) -> None:
        _spec(obj, info)["serviceAccountName"] = inv.args[-1]

    _Changes(inv, inv.args[:-1], "serviceaccount updated", "failed to patch ServiceAccountName ").run(change)


def _selector(inv: Any) -> None:
    changes = _Changes(inv, inv.args[:-1], "selector updated")
    labels = _labels(inv.args[-1])

    def change(obj: Object, info: Info) -> None:
        if info.resource.kind != "Service":
            raise CommandError("setting a selector is only supported for Services")
        obj["spec"]["selector"] = labels

    changes.run(change)


def _labels(expression: str) -> dict[str, str]:
    parts = [part.strip() for part in expression.split(",") if part.strip()]
    for part in parts:
        if "=" not in part:
            key, operator = (part[1:], "DoesNotExist") if part.startswith("!") else (part, "Exists")
            raise CommandError(f"match expression [{{{key} {operator} []}}] not supported on this object")
    return dict(part.replace("==", "=").partition("=")[::2] for part in parts)


def _subject(inv: Any) -> None:
    subjects = [
        {"kind": kind, "apiGroup": "rbac.authorization.k8s.io", "name": name}
        for kind, flag in (("User", "user"), ("Group", "group"))
        for name in inv.flags[flag]
    ]
    for account in inv.flags["serviceaccount"]:
        namespace, _, name = account.partition(":")
        subjects.append({"kind": "ServiceAccount", "name": name, "namespace": namespace})
    if not subjects:
        raise CommandError("you must specify at least one value of user, group or serviceaccount")

    def change(obj: Object, info: Info) -> None:
        if info.resource.kind not in ("RoleBinding", "ClusterRoleBinding"):
            raise CommandError("setting subjects is only supported for RoleBinding/ClusterRoleBinding")
        own = obj.get("subjects") or []
        obj["subjects"] = own + [each for each in subjects if each not in own]

    _Changes(inv, inv.args, "subjects updated", "failed to patch subjects to rolebinding: ").run(change)


def _command(
    name: str, about: str, usage: str, run: Any, flags: tuple[Flag, ...] = (), aliases: tuple[str, ...] = ()
) -> Command:
    common = (*FILES, *PRINT, *DRY_RUN, *SELECTOR, boolean("all"), boolean("local"), manager("kubectl-set"))
    return Command(name, about, f"kubectl set {name} {usage} [options]", run, (*common, *flags), aliases)


_ENV_FLAGS = (
    text("containers", "c", default="*"),
    array("env", "e"),
    text("from"),
    several("keys"),
    boolean("list"),
    boolean("overwrite", default=True),
    text("prefix"),
    boolean("resolve"),
)
COMMAND = Command(
    "set",
    "Set specific features on objects",
    "kubectl set SUBCOMMAND [options]",
    commands=(
        _command(
            "env",
            "Update environment variables on a pod template",
            "RESOURCE/NAME KEY_1=VAL_1 ... KEY_N=VAL_N",
            _env,
            _ENV_FLAGS,
        ),
        _command(
            "image",
            "Update the image of a pod template",
            "(-f FILENAME | TYPE NAME) CONTAINER_NAME_1=CONTAINER_IMAGE_1 ... CONTAINER_NAME_N=CONTAINER_IMAGE_N",
            _image,
        ),
        _command(
            "resources",
            "Update resource requests/limits on objects with pod templates",
            "(-f FILENAME | TYPE NAME) ([--limits=LIMITS & --requests=REQUESTS]",
            _resources,
            (text("containers", "c", default="*"), text("limits"), text("requests")),
        ),
        _command(
            "selector",
            "Set the selector on a resource",
            "(-f FILENAME | TYPE NAME) EXPRESSIONS [--resource-version=version]",
            _selector,
            (text("resource-version"),),
        ),
        _command(
            "serviceaccount",
            "Update the service account of a resource",
            "(-f FILENAME | TYPE NAME) SERVICE_ACCOUNT",
            _service_account,
            aliases=("sa",),
        ),
        _command(
            "subject",
            "Update the user, group, or service account in a role binding or cluster role binding",
            "(-f FILENAME | TYPE NAME) [--user=username] [--group=groupname] "
            "[--serviceaccount=namespace:serviceaccountname]",
            _subject,
            (array("user"), array("group"), array("serviceaccount")),
        ),
    ),
)
