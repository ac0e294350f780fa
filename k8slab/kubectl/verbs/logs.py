"""kubectl logs."""

from __future__ import annotations

from typing import Any

from k8slab.errors import ApiError
from k8slab.kubectl import builder, duration
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError, UsageError
from k8slab.kubectl.flags import SELECTOR, boolean, integer, period, text
from k8slab.kubectl.watching import follow
from k8slab.sim.clock import SECOND

Pod = dict[str, Any]
_USAGE = (
    "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\n"
    "POD or TYPE/NAME is a required argument for the logs command"
)
_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


def run(inv: Any) -> None:
    """Print what containers wrote."""
    flags = inv.flags
    if len(inv.args) > 2 or (not inv.args and not flags["selector"]):
        raise UsageError(_USAGE, inv.path)
    if inv.args and flags["selector"]:
        raise inv.usage_error("only a selector (-l) or a POD name is allowed")
    if flags["tail"] < -1:
        raise CommandError("--tail must be greater than or equal to -1")
    if flags["since"] != "0s" and flags["since-time"]:
        raise CommandError("at most one of `sinceTime` or `sinceSeconds` may be specified")
    if flags["all-containers"] and flags["container"]:
        raise CommandError("--all-containers=true should not be specified with container name")
    streams = _streams(inv)
    shown = [_show(inv, pod, container, "") for pod, container in streams]
    if flags["follow"]:
        _follow(inv, streams, shown)


def _streams(inv: Any) -> list[tuple[Pod, str]]:
    pods = _pods(inv)
    if inv.flags["follow"] and len(pods) > inv.flags["max-log-requests"]:
        raise CommandError(
            f"you are attempting to follow {len(pods)} log streams, but maximum allowed concurrency is "
            f"{inv.flags['max-log-requests']}, use --max-log-requests to increase the limit"
        )
    return [(pod, container) for pod in pods for container in _containers(inv, pod)]


def _pods(inv: Any) -> list[Pod]:
    resource = inv.access.scheme.resource("pods")
    if inv.flags["selector"]:
        pods = inv.access.list(resource, inv.namespace, inv.flags["selector"])
        if not pods:
            inv.complain(f"No resources found in {inv.namespace} namespace.")
        return pods
    kind, slash, name = inv.args[0].partition("/")
    if not slash:
        return [_named(inv, resource, kind)]
    found = builder.find_resource(inv, kind)
    obj = inv.access.get(found, name, inv.namespace)
    if found.kind == "Pod":
        return [obj]
    return _of_workload(inv, obj, f"{found.kind.lower()}/{name}")


def _named(inv: Any, resource: Any, name: str) -> Pod:
    try:
        return inv.access.get(resource, name, inv.namespace)
    except ApiError as error:
        if error.reason != "NotFound":
            raise
        raise CommandError(f'error from server (NotFound): {error.message} in namespace "{inv.namespace}"') from None


def selected_pods(inv: Any, obj: dict[str, Any], failing: str) -> list[Pod]:
    """The Pods that a workload or Service selects. Raises CommandError, beginning with `failing`, for no selector."""
    selector = (obj.get("spec") or {}).get("selector") or {}
    labels = selector.get("matchLabels", selector)
    if not labels:
        raise CommandError(f"{failing}: selector is empty")
    query = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    return inv.access.list(inv.access.scheme.resource("pods"), obj["metadata"].get("namespace"), query)


def _of_workload(inv: Any, obj: dict[str, Any], label: str) -> list[Pod]:
    """One Pod of the workload (all of them with --all-pods), the best one: running before pending, ready first."""
    pods = selected_pods(inv, obj, f"cannot get the logs from *{obj['kind']}")
    if not pods:
        raise CommandError(f"timed out waiting for the condition: no pods of {label}")
    pods.sort(key=preference)
    if inv.flags["all-pods"]:
        return pods
    if len(pods) > 1:
        inv.complain(f"Found {len(pods)} pods, using pod/{pods[0]['metadata']['name']}")
    return pods[:1]


def preference(pod: Pod) -> tuple[Any, ...]:
    """By what kubectl chooses among Pods: scheduled before others, running before pending, ready first."""
    status = pod.get("status") or {}
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions") or ())
    scheduled = bool((pod.get("spec") or {}).get("nodeName"))
    phase = {"Pending": 2, "Unknown": 1}.get(status.get("phase"), 0)
    return (not scheduled, phase, not ready, pod["metadata"].get("creationTimestamp", ""), pod["metadata"]["name"])


def _containers(inv: Any, pod: Pod) -> list[str]:
    spec, name = pod.get("spec") or {}, pod["metadata"]["name"]
    regular = [each["name"] for each in spec.get("containers") or ()]
    starting = [each["name"] for each in spec.get("initContainers") or ()]
    debugging = [each["name"] for each in spec.get("ephemeralContainers") or ()]
    if inv.flags["all-containers"]:
        return [*starting, *regular, *debugging]
    chosen = inv.flags["container"] or (inv.args[1] if len(inv.args) > 1 else "")
    if chosen:
        if chosen not in (*regular, *starting, *debugging):
            raise CommandError(f"container {chosen} is not valid for pod {name}")
        return [chosen]
    preferred = (pod["metadata"].get("annotations") or {}).get(_DEFAULT_CONTAINER)
    if preferred in regular:
        return [preferred]
    if len(regular) + len(starting) + len(debugging) > 1:
        marked = [*(f"{each} (ephem)" for each in debugging), *(f"{each} (init)" for each in starting)]
        others = ", ".join([*regular, *marked])
        inv.complain(f'Defaulted container "{regular[0]}" out of: {others}')
    return regular[:1]


def _show(inv: Any, pod: Pod, container: str, seen: str) -> str:
    """Print what the container wrote beyond `seen`; returns all it has written."""
    try:
        text = _read(inv, pod, container)
    except ApiError as error:
        if inv.flags["ignore-errors"]:
            inv.complain(f"error: {error.message}")
            return seen
        raise
    fresh = text[len(seen) :] if text.startswith(seen) else text
    if inv.flags["prefix"]:
        prefix = f"[pod/{pod['metadata']['name']}/{container}] "
        fresh = "".join(prefix + line + "\n" for line in fresh.splitlines())
    inv.write(fresh)
    return text


def _read(inv: Any, pod: Pod, container: str) -> str:
    flags = inv.flags
    parameters = {"container": container}
    for flag, name in (("previous", "previous"), ("timestamps", "timestamps")):
        if flags[flag]:
            parameters[name] = "true"
    tail = 10 if flags["tail"] == -1 and flags["selector"] and "tail" not in inv.given else flags["tail"]
    if tail >= 0:
        parameters["tailLines"] = str(tail)
    since = duration.parse(flags["since"])
    if since:
        parameters["sinceSeconds"] = str(-(-since // SECOND))
    if flags["since-time"]:
        parameters["sinceTime"] = flags["since-time"]
    if flags["limit-bytes"]:
        parameters["limitBytes"] = str(flags["limit-bytes"])
    return inv.access.logs(pod["metadata"]["name"], pod["metadata"]["namespace"], parameters)


def _follow(inv: Any, streams: list[tuple[Pod, str]], shown: list[str]) -> None:
    """Print what comes while virtual time passes, until nothing new has come for a while."""
    inv.flags["tail"] = -1
    inv.given["tail"] = -1
    texts = [_everything(inv, pod, container) for pod, container in streams]

    def progress() -> int:
        for index, (pod, container) in enumerate(streams):
            now = _everything(inv, pod, container)
            fresh = now[len(texts[index]) :]
            if fresh:
                texts[index] = now
                inv.write(fresh)
        return sum(len(text) for text in texts)

    follow(inv, progress)


def _everything(inv: Any, pod: Pod, container: str) -> str:
    try:
        return _read(inv, pod, container)
    except ApiError:
        return ""


COMMAND = Command(
    "logs",
    "Print the logs for a container in a pod",
    "kubectl logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER] [options]",
    run,
    (
        *SELECTOR,
        boolean("all-containers"),
        boolean("all-pods"),
        text("container", "c"),
        boolean("follow", "f"),
        boolean("ignore-errors"),
        boolean("insecure-skip-tls-verify-backend"),
        integer("limit-bytes"),
        integer("max-log-requests", default=5),
        period("pod-running-timeout", "20s"),
        boolean("prefix"),
        boolean("previous", "p"),
        period("since"),
        text("since-time"),
        integer("tail", default=-1),
        boolean("timestamps"),
    ),
    details=" With -f the log of the coming virtual time is shown, until nothing new has come for 30 seconds.",
    examples="kubectl logs web-0\nkubectl logs deployment/web --tail=20\nkubectl logs web-0 -c sidecar --previous",
)
