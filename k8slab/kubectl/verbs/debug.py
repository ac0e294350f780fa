"""kubectl debug: ephemeral containers, copies of Pods, and Pods on nodes (`kubectl/pkg/cmd/debug/debug.go`)."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from k8slab.api.request import STRATEGIC_MERGE_PATCH
from k8slab.errors import ApiError
from k8slab.kubectl import builder
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.flags import array, boolean, several, text
from k8slab.kubectl.generate.profiles import COPY, EPHEMERAL, NODE, PROFILES, apply
from k8slab.kubectl.watching import follow
from k8slab.sim.clock import MINUTE

Data = dict[str, Any]
IMAGE = re.compile(r"^[a-z0-9][a-zA-Z0-9._/:@-]*$")
LETTERS = "bcdfghjklmnpqrstvwxz2456789"
LEGACY = (
    "--profile=legacy is deprecated and will be removed in the future. "
    'It is recommended to explicitly specify a profile, for example "--profile=general".'
)
TARGETING = (
    'Targeting container "{}". If you don\'t see processes from this container it may be because the container '
    "runtime doesn't support this feature."
)
NON_ROOT = (
    "Warning: Non-root user is configured for the entire target Pod, and some capabilities granted by debug profile "
    'may not work. Please consider using "--custom" with a custom profile that specifies '
    '"securityContext.runAsUser: 0".'
)


def run(inv: Any) -> None:
    """Debug Pods and nodes."""
    names, command = (inv.args, []) if inv.dash < 0 else (inv.args[: inv.dash], inv.args[inv.dash :])
    _validate(inv, names, command)
    for info in _targets(inv, names):
        if info.resource.kind == "Node":
            pod, container = _on_node(inv, info.object, command)
        elif info.resource.kind != "Pod":
            kind = f"{info.resource.api_version}, Kind={info.resource.kind}"
            raise CommandError(f'"{kind}" not supported by debug')
        elif inv.flags["copy-to"]:
            pod, container = _by_copy(inv, info.object, command)
        else:
            pod, container = _by_ephemeral_container(inv, info.object, command)
        attach = inv.flags["attach"] if "attach" in inv.given else inv.flags["stdin"]
        if attach and container:
            _attach(inv, pod, container)


def _validate(inv: Any, names: list[str], command: list[str]) -> None:
    flags = inv.flags
    if inv.given.get("attach") and not flags["image"] and not flags["container"]:
        raise CommandError("you must specify --container or create a new container using --image in order to attach.")
    if flags["copy-to"]:
        if not flags["image"] and not flags["set-image"] and not command:
            raise CommandError("you must specify --image, --set-image or command arguments.")
        if command and not flags["container"] and not flags["image"]:
            raise CommandError("you must specify an existing container or a new image when specifying args.")
    else:
        for flag in ("replace", "same-node", "set-image"):
            if flags[flag]:
                raise CommandError(f"--{flag} may only be used with --copy-to.")
        if not flags["image"]:
            raise CommandError("you must specify --image when not using --copy-to.")
    if flags["image"] and not IMAGE.match(flags["image"]):
        raise CommandError(f'invalid image name "{flags["image"]}": invalid reference format')
    if not names and not flags["filename"]:
        raise CommandError("NAME or filename is required for debug")
    if flags["image-pull-policy"] not in ("", "Always", "IfNotPresent", "Never"):
        raise CommandError(f"invalid image pull policy: {flags['image-pull-policy']}")
    _validate_target(inv)


def _validate_target(inv: Any) -> None:
    flags = inv.flags
    if flags["target"]:
        if flags["copy-to"]:
            raise CommandError("--target is incompatible with --copy-to. Use --share-processes instead.")
        if not flags["quiet"]:
            inv.print(TARGETING.format(flags["target"]))
    if flags["tty"] and not flags["stdin"]:
        raise CommandError("-i/--stdin is required for containers with -t/--tty=true")
    if flags["profile"] not in PROFILES:
        raise CommandError(f"unknown profile: {flags['profile']}")
    if flags["profile"] == "legacy":
        inv.complain(LEGACY)


def _targets(inv: Any, names: list[str]) -> list[Any]:
    words = [word if "/" in word else f"pods/{word}" for word in names]
    infos, errors = builder.live(inv, words)
    if errors:
        raise errors[0]
    return infos


# -- the three ways -------------------------------------------------------------------------------------------------


def _by_ephemeral_container(inv: Any, pod: Data, command: list[str]) -> tuple[Data, str]:
    """Add an ephemeral container to a running Pod."""
    container = _container(inv, _name_for(inv, pod), command)
    if inv.flags["target"]:
        container["targetContainerName"] = inv.flags["target"]
    apply(inv.flags["profile"], EPHEMERAL, pod, container, inv.flags)
    _warn_of_user(inv, pod, container)
    metadata = pod["metadata"]
    there = (pod["spec"].get("ephemeralContainers") or []) + [container]
    pods = inv.access.scheme.resource("pods")
    patch = {"spec": {"ephemeralContainers": there}}
    where = (pods, metadata["name"], metadata["namespace"], patch, STRATEGIC_MERGE_PATCH, "ephemeralcontainers")
    return inv.access.patch(*where), container["name"]


def _by_copy(inv: Any, pod: Data, command: list[str]) -> tuple[Data, str]:
    """Make a copy of a Pod with a container added or changed."""
    flags, metadata = inv.flags, pod["metadata"]
    kept = {key: metadata[key] for key in ("labels", "annotations") if key in metadata}
    spec = {key: value for key, value in pod["spec"].items() if key != "ephemeralContainers"}
    spec["containers"] = [dict(each) for each in spec["containers"]]
    copy: Data = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": flags["copy-to"], "namespace": metadata["namespace"], **kept},
        "spec": spec,
    }
    if "share-processes" in inv.given:
        spec["shareProcessNamespace"] = flags["share-processes"]
    if not flags["same-node"]:
        spec.pop("nodeName", None)
    name = _changed(inv, copy, command)
    pods = inv.access.scheme.resource("pods")
    made = inv.access.create(pods, copy, metadata["namespace"])
    if flags["replace"]:
        inv.access.delete(pods, metadata["name"], metadata["namespace"], grace_period_seconds=0)
    return made, name


def _changed(inv: Any, copy: Data, command: list[str]) -> str:
    """Set images, and change or add the debugging container; returns its name."""
    flags, containers = inv.flags, copy["spec"]["containers"]
    images = dict(pair.partition("=")[::2] for pair in flags["set-image"])
    for each in containers:
        each["image"] = images.get(each["name"]) or images.get("*") or each["image"]
    container = next((each for each in containers if each["name"] == flags["container"]), None)
    if container is None:
        if not flags["image"]:
            if images:
                return ""
            raise CommandError("you must specify image when creating new container")
        container = {"name": _name_for(inv, copy)}
        containers.append(container)
    wanted = _container(inv, container["name"], command)
    if command and "command" in wanted:
        container.pop("args", None)
    container.update({key: value for key, value in wanted.items() if value})
    apply(flags["profile"], COPY, copy, container, flags)
    _warn_of_user(inv, copy, container)
    return container["name"]


def _on_node(inv: Any, node: Data, command: list[str]) -> tuple[Data, str]:
    """Make a Pod in the node's namespaces, with its file system at /host."""
    name, container = node["metadata"]["name"], inv.flags["container"] or "debugger"
    own = f"node-debugger-{name}-{_suffix(inv, node['metadata'].get('uid', name), 0)}"
    if not inv.flags["quiet"]:
        inv.print(f"Creating debugging pod {own} with container {container} on node {name}.")
    made = _container(inv, container, command)
    pod: Data = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": own, "labels": {"app.kubernetes.io/managed-by": "kubectl-debug"}},
        "spec": {
            "containers": [made],
            "nodeName": name,
            "restartPolicy": "Never",
            "tolerations": [{"operator": "Exists"}],
        },
    }
    apply(inv.flags["profile"], NODE, pod, made, inv.flags)
    return inv.access.create(inv.access.scheme.resource("pods"), pod, inv.namespace), container


def _container(inv: Any, name: str, command: list[str]) -> Data:
    """The debugging container as the flags describe it."""
    flags = inv.flags
    container: Data = {"name": name, "image": flags["image"], "terminationMessagePolicy": "File"}
    if flags["env"]:
        container["env"] = [
            dict(zip(("name", "value"), pair.partition("=")[::2], strict=True)) for pair in flags["env"]
        ]
    if flags["image-pull-policy"]:
        container["imagePullPolicy"] = flags["image-pull-policy"]
    for flag in ("stdin", "tty"):
        if flags[flag]:
            container[flag] = True
    if command:
        container["args" if flags["arguments-only"] else "command"] = command
    return container


def _name_for(inv: Any, pod: Data) -> str:
    if inv.flags["container"]:
        return inv.flags["container"]
    spec = pod["spec"]
    groups = ("containers", "initContainers", "ephemeralContainers")
    taken = {each["name"] for group in groups for each in spec.get(group) or ()}
    seed, number = pod["metadata"].get("uid", pod["metadata"]["name"]), 0
    while (name := f"debugger-{_suffix(inv, seed, number)}") in taken:
        number += 1
    if not inv.flags["quiet"]:
        inv.print(f"Defaulting debug container name to {name}.")
    return name


def _suffix(inv: Any, seed: str, number: int) -> str:
    """Five letters that differ by Pod, time and attempt, and are the same in a replay."""
    digest = hashlib.sha256(f"{seed}/{inv.now_us}/{number}".encode()).digest()
    return "".join(LETTERS[byte % len(LETTERS)] for byte in digest[:5])


def _warn_of_user(inv: Any, pod: Data, container: Data) -> None:
    context = container.get("securityContext") or {}
    user = (pod["spec"].get("securityContext") or {}).get("runAsUser")
    added = (context.get("capabilities") or {}).get("add")
    if user and context.get("runAsUser") != 0 and (context.get("privileged") or added):
        inv.complain(NON_ROOT)


# -- attach ---------------------------------------------------------------------------------------------------------


def _attach(inv: Any, pod: Data, container: str) -> None:
    """Wait until the container runs, and show what it says; there is no terminal to type at."""
    metadata, pods = pod["metadata"], inv.access.scheme.resource("pods")
    waits = _Waiting(inv, pods, metadata["name"], metadata["namespace"], container)
    if not inv.wait_until(waits.begun, 10 * MINUTE):
        raise CommandError("timed out waiting for the condition")
    for message in waits.messages:
        inv.warn(f"container {container}: {message}")
    follow(inv, waits.progress)


class _Waiting:
    """Looks at a container until it runs, then at its log."""

    def __init__(self, inv: Any, resource: Any, name: str, namespace: str, container: str) -> None:
        self.inv, self.resource, self.name = inv, resource, name
        self.namespace, self.container = namespace, container
        self.messages: list[str] = []
        self.shown = ""

    def begun(self) -> bool:
        """Whether the container runs, or has ended already."""
        status = self.inv.access.get(self.resource, self.name, self.namespace).get("status") or {}
        lists = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
        found = [each for key in lists for each in status.get(key) or () if each["name"] == self.container]
        state = found[0].get("state") or {} if found else {}
        message = (state.get("waiting") or {}).get("message")
        if message and message not in self.messages:
            self.messages.append(message)
        return "running" in state or "terminated" in state

    def progress(self) -> int:
        """Print what is new in the log; returns its length."""
        try:
            text_ = self.inv.access.logs(self.name, self.namespace, {"container": self.container})
        except ApiError:
            return len(self.shown)
        self.inv.write(text_[len(self.shown) :])
        self.shown = text_
        return len(text_)


COMMAND = Command(
    "debug",
    "Create debugging sessions for troubleshooting workloads and nodes",
    "kubectl debug (POD | TYPE[[.VERSION].GROUP]/NAME) [ -- COMMAND [args...] ] [options]",
    run,
    (
        boolean("arguments-only"),
        boolean("attach"),
        text("container", "c"),
        text("copy-to"),
        array("env"),
        several("filename", "f"),
        text("image"),
        text("image-pull-policy"),
        boolean("keep-annotations"),
        boolean("keep-init-containers", default=True),
        boolean("keep-labels"),
        boolean("keep-liveness"),
        boolean("keep-readiness"),
        boolean("keep-startup"),
        text("profile", default="legacy"),
        boolean("quiet", "q"),
        boolean("replace"),
        boolean("same-node"),
        several("set-image"),
        boolean("share-processes", default=True),
        boolean("stdin", "i"),
        text("target"),
        boolean("tty", "t"),
    ),
    examples=(
        "kubectl debug mypod -it --image=busybox -- sh -c 'wget -qO- localhost'\n"
        "kubectl debug mypod --copy-to=my-debugger --set-image=*=busybox\n"
        "kubectl debug node/worker-1 -it --image=busybox"
    ),
)
