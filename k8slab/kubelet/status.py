"""From container states to a Pod's phase and conditions (kubelet_pods.go getPhase, status/generate.go)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from k8slab.api import core_v1 as core
from k8slab.kubelet.container import APP, EPHEMERAL, EXITED, INIT, RUNNING, SIDECAR, WAITING, Container
from k8slab.kubelet.text import bracketed, quoted

PENDING, ACTIVE, SUCCEEDED, FAILED = "Pending", "Running", "Succeeded", "Failed"
OWNED = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
"""Conditions that the kubelet writes, in the order of the recordings; others are left alone."""

TRANSIENT = frozenset(("PodResizePending", "PodResizeInProgress", "AllContainersRestarting"))
"""Conditions of the kubelet that are gone when they do not hold."""

Condition = tuple[str, bool, str, str]
"""Type, status, reason, message."""


def restarts(container: Container, policy: str) -> bool:
    """Whether a container that exited is to be started again.

    Its own restart rules come first, then its own policy, then the Pod's.
    """
    spec = container.spec
    for rule in spec.restartPolicyRules or ():
        codes = rule.exitCodes
        if rule.action == "Restart" and codes is not None:
            listed = container.exit_code in (codes.values or ())
            if listed == (codes.operator == "In"):
                return True
    own = spec.restartPolicy or policy
    if own == "Always":
        return container.kind != INIT or container.exit_code != 0
    return own == "OnFailure" and container.exit_code != 0


def initialized(containers: Iterable[Container]) -> bool:
    """Whether the app containers may start: init containers have succeeded, sidecars have started."""
    for container in containers:
        if container.kind == INIT and not container.ready_for_api:
            return False
        if container.kind == SIDECAR and not (container.state == RUNNING and container.started):
            return False
    return True


def phase(containers: Sequence[Container], policy: str, ending: bool) -> str:
    """The phase of a Pod that is not terminal yet.

    Args:
        containers: all of them, init containers and sidecars first.
        policy: the Pod's restartPolicy.
        ending: the Pod is being terminated: its containers will not be restarted.
    """
    apps = [c for c in containers if c.kind == APP]
    begun = any(app.starts for app in apps)
    waiting = running = stopped = failed = restartable = 0
    for app in apps:
        if app.state == RUNNING:
            running += 1
        elif app.starts == 0:
            waiting += 1
        else:
            stopped += 1
            failed += app.exit_code != 0
            restartable += restarts(app, policy)
    if not begun and not ending:
        for container in containers:
            failed_init = container.kind == INIT and container.state == EXITED and container.exit_code != 0
            if failed_init and not restarts(container, policy):
                return FAILED
    if not begun and not (ending and any(c.starts for c in containers)):
        return PENDING if not ending else FAILED
    if waiting and not ending:
        return PENDING
    if running:
        return ACTIVE
    if ending:
        return SUCCEEDED if stopped and not failed and not waiting else FAILED
    if stopped:
        if restartable:
            return ACTIVE
        return FAILED if failed else SUCCEEDED
    return PENDING


def conditions(pod: core.Pod, containers: Sequence[Container], phase_: str, sandbox: bool) -> tuple[Condition, ...]:
    """The conditions that the kubelet owns."""
    ready = containers_ready(containers, phase_)
    gates = _gates(pod) if ready[1] else ()
    if gates:
        pod_ready: Condition = ("Ready", False, "ReadinessGatesNotReady", ", ".join(gates))
    else:
        pod_ready = ("Ready", *ready[1:])
    return (
        ("PodReadyToStartContainers", sandbox, "", ""),
        _initialized(containers, phase_),
        pod_ready,
        ready,
        ("PodScheduled", True, "", ""),
    )


def containers_ready(containers: Sequence[Container], phase_: str) -> Condition:
    """The ContainersReady condition."""
    if phase_ == SUCCEEDED:
        return ("ContainersReady", False, "PodCompleted", "")
    if phase_ == FAILED:
        return ("ContainersReady", False, "PodFailed", "")
    unready = [c.name for c in containers if c.kind in (APP, SIDECAR) and not c.ready_for_api]
    if not unready:
        return ("ContainersReady", True, "", "")
    return ("ContainersReady", False, "ContainersNotReady", f"containers with unready status: {bracketed(unready)}")


def _initialized(containers: Sequence[Container], phase_: str) -> Condition:
    if phase_ == SUCCEEDED:
        return ("Initialized", True, "PodCompleted", "")
    if any(c.kind == APP and c.starts for c in containers):
        return ("Initialized", True, "", "")
    missing = [
        c.name
        for c in containers
        if (c.kind == INIT and not c.ready_for_api) or (c.kind == SIDECAR and not (c.state == RUNNING and c.started))
    ]
    if not missing:
        return ("Initialized", True, "", "")
    text = f"containers with incomplete status: {bracketed(missing)}"
    return ("Initialized", False, "ContainersNotInitialized", text)


def _gates(pod: core.Pod) -> tuple[str, ...]:
    if not pod.spec.readinessGates:
        return ()
    found = {c.type: c for c in (pod.status.conditions if pod.status else None) or ()}
    texts = []
    for gate in pod.spec.readinessGates:
        condition = found.get(gate.conditionType)
        if condition is None:
            name = quoted(gate.conditionType)
            texts.append(f"corresponding condition of pod readiness gate {name} does not exist.")
        elif condition.status != "True":
            name = quoted(gate.conditionType)
            texts.append(f'the status of pod readiness gate {name} is not "True", but {condition.status}')
    return tuple(texts)


def merged(
    old: tuple[core.PodCondition, ...] | None, new: Iterable[Condition], now: str, generation: int | None
) -> tuple[core.PodCondition, ...]:
    """Conditions as written: unchanged ones keep their transition time, those of others are kept as they are."""
    known = {c.type: c for c in old or ()}
    written = []
    for type_, holds, reason, message in new:
        status = "True" if holds else "False"
        before = known.get(type_)
        since = before.lastTransitionTime if before is not None and before.status == status else now
        written.append(
            core.PodCondition(
                lastTransitionTime=since,
                message=message or None,
                observedGeneration=generation,
                reason=reason or None,
                status=status,
                type=type_,
            )
        )
    names = {condition.type for condition in written} | TRANSIENT
    others = tuple(c for c in old or () if c.type not in names)
    return (*others, *written)


def waiting_reason(containers: Sequence[Container]) -> str:
    """What a container that has not run yet waits for: PodInitializing while there are init containers."""
    return "ContainerCreating" if all(c.kind in (APP, EPHEMERAL) for c in containers) else "PodInitializing"


__all__ = ["ACTIVE", "FAILED", "PENDING", "SUCCEEDED", "WAITING", "conditions", "merged", "phase", "restarts"]
