"""Sessions in containers for the kubectl of notebooks: exec and attach, carried on while virtual time passes."""

from __future__ import annotations

from typing import Any

from k8slab.errors import ApiError
from k8slab.kubectl import builder
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.flags import Flag, boolean, text
from k8slab.kubectl.verbs.logs import preference, selected_pods
from k8slab.kubectl.watching import LONGEST, QUIET

Pod = dict[str, Any]
STREAMS: tuple[Flag, ...] = (
    text("container", "c"),
    boolean("quiet", "q"),
    boolean("stdin", "i"),
    boolean("tty", "t"),
)
DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
ENDED = ("Succeeded", "Failed")
NO_TERMINAL = "Unable to use a TTY - input is not a terminal or the right kind of file"


class Conversation:
    """One session and what it said; cells have no keyboard, so all input is known from the start.

    Args:
        inv: the command that is run.
        kind: exec or attach.
        pod: the Pod.
        options: the fields of PodExecOptions or PodAttachOptions.
    """

    def __init__(self, inv: Any, kind: str, pod: Pod, options: dict[str, Any]) -> None:
        self.inv = inv
        self.heard = 0
        metadata = pod["metadata"]
        resource = inv.access.scheme.resource("pods")
        self.session = inv.access.send(
            "create",
            resource,
            name=metadata["name"],
            namespace=metadata["namespace"],
            subresource=kind,
            body=options,
            sink=self.hear,
        )
        if options.get("stdin"):
            if inv.stdin:
                self.session.inlet(self.session, "input", inv.stdin)
            self.session.inlet(self.session, "close")

    def hear(self, item: tuple[str, Any]) -> None:
        """Called by the session for each part of its output."""
        channel, value = item
        if channel == "stdout":
            self.inv.write(value)
        elif channel == "stderr":
            self.inv.err.append(value)
        self.heard += 1

    @property
    def status(self) -> dict[str, Any] | None:
        """The session's last word, None while it goes on."""
        return self.session.status

    def to_end(self) -> dict[str, Any] | None:
        """Let time pass until the session ends, at most `LONGEST`; None where it did not."""
        self.inv.wait_until(self._over, LONGEST)
        return self._left()

    def while_talking(self) -> dict[str, Any] | None:
        """Let time pass until the session ends, or has said nothing for `QUIET`."""
        end = self.inv.session.clock.now + LONGEST
        heard = -1
        while self.status is None and heard != self.heard and self.inv.session.clock.now < end:
            heard = self.heard
            self.inv.wait_until(self._over, QUIET)
        return self._left()

    def _over(self) -> bool:
        return self.status is not None

    def _left(self) -> dict[str, Any] | None:
        status = self.status
        if status is None:
            self.session.inlet(self.session, "detach")
        return status


def check(status: dict[str, Any]) -> None:
    """Raise CommandError where a session's last word is an error, in kubectl's words and with its exit code."""
    if status["status"] == "Success":
        return
    if status.get("reason") == "NonZeroExitCode":
        code = int(status["details"]["causes"][0]["message"])
        raise CommandError(f"command terminated with exit code {code}", code, plain=True)
    raise CommandError(status["message"])


def open_session(inv: Any, kind: str, pod: Pod, options: dict[str, Any]) -> Conversation:
    """Begin a session. Raises ApiError, or CommandError where the kubelet refuses."""
    try:
        return Conversation(inv, kind, pod, options)
    except ApiError as error:
        if error.message.startswith("unable to upgrade connection"):
            raise CommandError(error.message) from None
        raise


def find_pod(inv: Any, word: str) -> Pod:
    """The Pod that `POD` or `TYPE/NAME` means: of a workload or Service the first that runs. Raises ApiError."""
    kind, slash, name = word.partition("/")
    resource = builder.find_resource(inv, kind) if slash else inv.access.scheme.resource("pods")
    obj = inv.access.get(resource, name if slash else kind, inv.namespace)
    if resource.kind == "Pod":
        return obj
    pods = selected_pods(inv, obj, f"cannot attach to *{resource.version}.{resource.kind}")
    if not pods:
        raise CommandError("timed out waiting for the condition")
    return min(pods, key=preference)


def container_of(inv: Any, pod: Pod) -> str:
    """The container that is meant: the named, the annotated, or the first, of which kubectl then tells."""
    if inv.flags["container"]:
        return inv.flags["container"]
    spec = pod.get("spec") or {}
    regular = [each["name"] for each in spec.get("containers") or ()]
    preferred = (pod["metadata"].get("annotations") or {}).get(DEFAULT_CONTAINER)
    if preferred in regular:
        return preferred
    others = [*regular]
    for kind, title in (("initContainers", "init"), ("ephemeralContainers", "ephem")):
        others.extend(f"{each['name']} ({title})" for each in spec.get(kind) or ())
    if len(others) > 1 and not inv.flags["quiet"]:
        inv.complain(f'Defaulted container "{regular[0]}" out of: {", ".join(others)}')
    return regular[0]


def phase(pod: Pod) -> str:
    """The Pod's phase."""
    return (pod.get("status") or {}).get("phase", "")
