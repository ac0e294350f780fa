"""Starting containers: back-off, image, configuration, start, postStart hook (kuberuntime SyncPod, startContainer)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.errors import ApiError
from k8slab.kubelet.container import EXITED, Container
from k8slab.kubelet.credentials import Credential, read
from k8slab.kubelet.environment import ConfigError
from k8slab.kubelet.images import Image, InvalidReference, Pull, PullError, image_id, parse_reference
from k8slab.kubelet.lifecycle import run_hook
from k8slab.kubelet.security import identity
from k8slab.kubelet.text import go_duration, quoted
from k8slab.sim.clock import MILLISECOND, SECOND

if TYPE_CHECKING:
    from k8slab.kubelet.pod_worker import PodWorker

START_TIME = 100 * MILLISECOND
"""Creating and starting one container."""
RETRY_FIRST, RETRY_SPREAD = 10 * SECOND, 5 * SECOND
"""After an error the kubelet looks at a Pod again in 10 to 15 s (backOffPeriod with jitter)."""


class StartError(Exception):
    """The runtime cannot start a container; the text is the runtime's."""


class Starter:
    """Starts a Pod's containers one after another; while it works, the worker does nothing else.

    Attributes:
        busy: it is at work.
        look_again: something happened meanwhile.
    """

    __slots__ = ("busy", "expiry", "failed", "look_again", "queue", "reported", "retry", "timer", "told", "worker")

    def __init__(self, worker: PodWorker) -> None:
        self.worker = worker
        self.queue: list[Container] = []
        self.busy = False
        self.look_again = False
        self.failed = False
        self.expiry: int | None = None
        self.timer: Any = None
        self.retry: Any = None
        self.reported: dict[str, int] = {}
        self.told: tuple[Any, ...] = ()

    def start(self, containers: list[Container]) -> None:
        """Start these, in order."""
        self.queue = containers
        self.failed = False
        self.expiry = None
        if containers:
            self.busy = True
            self.proceed()

    def abandon(self) -> None:
        """Forget the work under way."""
        clock = self.worker.clock
        clock.cancel(self.timer)
        clock.cancel(self.retry)
        self.timer = self.retry = None
        self.queue = []
        self.busy = False
        self.look_again = False

    def proceed(self) -> None:
        """Go on with the next container; at the end, let the worker look at what has become of them."""
        while self.queue:
            if self._begin(self.queue.pop(0)):
                return
        self.busy = False
        worker = self.worker
        if self.look_again or not self.failed:
            self.look_again = False
            worker.request_sync()
        if not self.failed:
            self.told = ()
        if self.failed:
            self._try_again()

    def _try_again(self) -> None:
        """Publish the trouble at the next look, and come back when the back-off expires, or after 10 to 15 s."""
        worker, now = self.worker, self.worker.clock.now
        troubles = tuple(c.trouble for c in worker.containers)
        if troubles != self.told:
            self.told = troubles
            worker.request_sync()
        when = now + RETRY_FIRST + int(worker.kubelet.rng.random() * RETRY_SPREAD)
        if self.expiry is not None:
            when = min(when, max(self.expiry, now + MILLISECOND))
        worker.clock.cancel(self.retry)
        self.retry = worker.at(when, self._retry)

    def _retry(self) -> None:
        self.retry = None
        self.worker.request_sync(0)

    def _wait(self, delay: int, method: Any, *args: Any) -> bool:
        self.timer = self.worker.later(delay, method, *args)
        return True

    def _trouble(self, container: Container, reason: str, message: str) -> bool:
        container.trouble = (reason, message)
        self.failed = True
        return False

    def _expires(self, wait: int) -> None:
        when = self.worker.clock.now + wait
        self.expiry = when if self.expiry is None else min(self.expiry, when)

    def _news(self, container: Container) -> bool:
        """Whether a back-off is to be reported: not at each look, but every ten seconds or so."""
        now = self.worker.clock.now
        if now - self.reported.get(container.name, -RETRY_FIRST) < RETRY_FIRST:
            return False
        self.reported[container.name] = now
        return True

    # -- back-off and image -----------------------------------------------------------------------------------------

    def _begin(self, container: Container) -> bool:
        """Begin one container. Returns True where a timer goes on with the work."""
        worker, now = self.worker, self.worker.clock.now
        if container.state == EXITED and not container.resized:
            key = f"{worker.uid}_{container.name}"
            backoff = worker.kubelet.crash_backoff
            wait = backoff.wait(key, container.finished_at, now)
            if wait > 0:
                return self._crash_looping(container, backoff.current(key), wait)
            backoff.advance(key, now)
        return self._image(container)

    def _crash_looping(self, container: Container, delay: int, wait: int) -> bool:
        worker = self.worker
        self._expires(wait)
        if self._news(container):
            text = f"Back-off restarting failed container {container.name} in pod {worker.full_name}"
            worker.event("Warning", "BackOff", text, container)
        message = f"back-off {go_duration(delay)} restarting failed container={container.name} pod={worker.full_name}"
        return self._trouble(container, "CrashLoopBackOff", message)

    def _image(self, container: Container) -> bool:
        worker, name = self.worker, container.spec.image or ""
        try:
            image = worker.kubelet.images.present(name)
        except InvalidReference as error:
            message = (
                f"Failed to apply default image tag {quoted(name)}: couldn't parse image name {quoted(name)}: {error}"
            )
            worker.event("Warning", "InspectFailed", message, container)
            return self._failed(container, "InvalidImageName", message)
        policy = container.spec.imagePullPolicy or "IfNotPresent"
        if image is not None and policy != "Always":
            text = f"Container image {quoted(name)} already present on machine and can be accessed by the pod"
            worker.event("Normal", "Pulled", text, container)
            return self._create(container, image)
        if policy == "Never":
            message = f"Container image {quoted(name)} is not present with pull policy of Never"
            worker.event("Warning", "ErrImageNeverPull", message, container)
            return self._failed(container, "ErrImageNeverPull", message)
        return self._pull(container, name)

    def _failed(self, container: Container, reason: str, message: str) -> bool:
        said = message if reason == "CreateContainerConfigError" else reason
        self.worker.event("Warning", "Failed", f"Error: {said}", container)
        return self._trouble(container, reason, message)

    def _pull(self, container: Container, name: str) -> bool:
        worker, now = self.worker, self.worker.clock.now
        kubelet = worker.kubelet
        key = f"{worker.uid}_{name}"
        wait = kubelet.image_backoff.wait(key, None, now)
        if wait > 0:
            self._expires(wait)
            text = f"Back-off pulling image {quoted(name)}"
            if self._news(container):
                worker.event("Normal", "BackOff", text, container)
                worker.event("Warning", "Failed", "Error: ImagePullBackOff", container)
            last = kubelet.pull_errors.get(key, "")
            return self._trouble(container, "ImagePullBackOff", f"{text}: ErrImagePull: {last}" if last else text)
        worker.event("Normal", "Pulling", f"Pulling image {quoted(name)}", container)
        pull = kubelet.images.pull(name, now, self._credentials())
        return self._wait(pull.ends - now, self._pulled, container, name, pull)

    def _credentials(self) -> list[Credential]:
        """What the Pod's imagePullSecrets hold; those that are missing are told of."""
        worker, found, missing = self.worker, [], []
        names = [each.name for each in worker.pod.spec.imagePullSecrets or () if each.name]
        for name in names:
            try:
                secret = worker.kubelet.client.get("secrets", name, worker.pod.metadata.namespace)
            except ApiError:
                missing.append(name)
                continue
            found.extend(read(secret))
        if missing:
            text = (
                f"Unable to retrieve some image pull secrets ({', '.join(missing)}); attempting to pull the image may "
            )
            worker.event("Warning", "FailedToRetrieveImagePullSecret", text + "not succeed.")
        return found

    def _pulled(self, container: Container, name: str, pull: Pull) -> None:
        worker, result = self.worker, pull.result
        kubelet = worker.kubelet
        key = f"{worker.uid}_{name}"
        if isinstance(result, PullError):
            worker.event("Warning", "Failed", f"Failed to pull image {quoted(name)}: {result.message}", container)
            kubelet.image_backoff.advance(key, worker.clock.now)
            kubelet.pull_errors[key] = result.message
            self.reported.pop(container.name, None)
            self._failed(container, "ErrImagePull", result.message)
            self.proceed()
            return
        kubelet.pull_errors.pop(key, None)
        kubelet.image_arrived(name, result)
        took, waited = go_duration(pull.ends - pull.begins), go_duration(pull.ends - pull.asked)
        worker.event(
            "Normal",
            "Pulled",
            f"Successfully pulled image {quoted(name)} in {took} ({waited} including waiting). "
            f"Image size: {result.size} bytes.",
            container,
        )
        if not self._create(container, result):
            self.proceed()

    # -- create and start -------------------------------------------------------------------------------------------

    def _create(self, container: Container, image: Image) -> bool:
        try:
            env = self.worker.kubelet.environment(self.worker, container.spec)
            container.identity = identity(self.worker.pod, container.spec, image.user)
        except ConfigError as error:
            return self._failed(container, "CreateContainerConfigError", str(error))
        return self._wait(START_TIME, self._run, container, image, env)

    def _run(self, container: Container, image: Image, env: dict[str, str]) -> None:
        worker, now = self.worker, self.worker.clock.now
        canonical = parse_reference(container.spec.image).canonical
        if container.starts:
            container.previous = container.terminated(worker.kubelet.time_text)
        worker.event("Normal", "Created", "Container created", container)
        identity = worker.kubelet.container_id()
        try:
            process = worker.kubelet.process(worker, container, image, env)
        except StartError as error:
            container.begin(None, identity, canonical, image_id(canonical), now)
            container.finish(now, 128, "StartError", str(error))
            worker.event("Warning", "Failed", f"Error: {error}", container)
            self._trouble(container, "RunContainerError", str(error))
            self.proceed()
            return
        container.begin(process, identity, canonical, image_id(canonical), now)
        worker.event("Normal", "Started", "Container started", container)
        worker.watch_end(container)
        if container.probes:
            worker.begin_probes(container)
        hook = container.spec.lifecycle.postStart if container.spec.lifecycle else None
        if hook is None:
            self.proceed()
            return
        result = run_hook(hook, container, worker.ip, now)
        self._wait(result.took, self._hooked, container, container.starts, result.error)

    def _hooked(self, container: Container, run: int, error: str) -> None:
        worker = self.worker
        if error and container.starts == run:
            worker.event("Warning", "FailedPostStartHook", "PostStartHook failed", container)
            worker.event("Normal", "Killing", "FailedPostStartHook", container)
            worker.stopper.stop(container, worker.grace())
            self._trouble(container, "PostStartHookError", error)
        self.proceed()
