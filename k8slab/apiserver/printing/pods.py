"""The cells of Pods: above all the Status column, which tells more than the phase."""

from __future__ import annotations

from typing import Any

from k8slab.apiserver.printing.cells import NONE, Now, containers_cells, labels_text

CONDITION_GATED = "SchedulingGated"
COMPLETED = {
    "Succeeded": {
        "type": "Completed",
        "status": "True",
        "reason": "Succeeded",
        "message": "The pod has completed successfully.",
    },
    "Failed": {"type": "Completed", "status": "True", "reason": "Failed", "message": "The pod failed."},
}
"""Conditions of table rows by which clients hide Pods that are done."""


class PodCells:
    """The row of one Pod, gathered from its container statuses (printPod in printers.go)."""

    def __init__(self, pod: Any, now: Now) -> None:
        self.pod, self.now = pod, now
        self.status = pod.status
        self.reason = (self.status.reason if self.status else None) or (self.status.phase if self.status else "") or ""
        self.restarts = 0
        self.restarted_at = ""
        self.total = len(pod.spec.containers or ())
        self.ready = 0
        self.sidecars = {each.name for each in pod.spec.initContainers or () if each.restartPolicy == "Always"}
        self.total += len(self.sidecars)

    def row(self) -> list[Any]:
        """The cells."""
        self._look_at_gates()
        initializing = self._look_at_init_containers()
        if not initializing or self._is_initialized():
            self._look_at_containers()
        self._look_at_deletion()
        restarts = str(self.restarts)
        if self.restarts and self.restarted_at:
            restarts = f"{self.restarts} ({self.now.since(self.restarted_at)} ago)"
        pod, status = self.pod, self.status
        ips = status.podIPs or () if status else ()
        ip = (ips[0].ip if ips else None) or (status.podIP if status else None)
        return [
            pod.metadata.name,
            f"{self.ready}/{self.total}",
            self.reason,
            restarts,
            self.now.age(pod),
            ip or NONE,
            pod.spec.nodeName or NONE,
            (status.nominatedNodeName if status else None) or NONE,
            self._readiness_gates(),
        ]

    def _conditions(self) -> tuple[Any, ...]:
        return (self.status.conditions if self.status else None) or ()

    def _look_at_gates(self) -> None:
        for condition in self._conditions():
            if condition.type == "PodScheduled" and condition.reason == CONDITION_GATED:
                self.reason = CONDITION_GATED

    def _is_initialized(self) -> bool:
        return any(each.type == "Initialized" and each.status == "True" for each in self._conditions())

    def _has_ready_condition(self) -> bool:
        return any(each.type == "Ready" and each.status == "True" for each in self._conditions())

    def _note_restarts(self, status: Any) -> None:
        self.restarts += status.restartCount or 0
        last = status.lastState.terminated if status.lastState is not None else None
        if last is not None and (last.finishedAt or "") > self.restarted_at:
            self.restarted_at = last.finishedAt

    def _look_at_init_containers(self) -> bool:
        """Whether an init container still has to finish; the reason says which, then."""
        restarts, restarted_at = 0, ""
        for index, status in enumerate((self.status.initContainerStatuses if self.status else None) or ()):
            self._note_restarts(status)
            state = status.state
            if status.name in self.sidecars:
                restarts += status.restartCount or 0
                restarted_at = max(restarted_at, self.restarted_at)
                if status.started:
                    self.ready += bool(status.ready)
                    continue
            terminated = state.terminated if state is not None else None
            waiting = state.waiting if state is not None else None
            if terminated is not None and not terminated.exitCode:
                continue
            if terminated is not None:
                self.reason = f"Init:{terminated.reason or _exit(terminated)}"
            elif waiting is not None and waiting.reason and waiting.reason != "PodInitializing":
                self.reason = f"Init:{waiting.reason}"
            else:
                self.reason = f"Init:{index}/{len(self.pod.spec.initContainers or ())}"
            return True
        self.restarts, self.restarted_at = restarts, restarted_at
        return False

    def _look_at_containers(self) -> None:
        has_running, error_reason = False, ""
        for status in reversed((self.status.containerStatuses if self.status else None) or ()):
            self._note_restarts(status)
            state = status.state
            terminated = state.terminated if state is not None else None
            waiting = state.waiting if state is not None else None
            if waiting is not None and waiting.reason:
                self.reason = waiting.reason
            elif terminated is not None:
                self.reason = terminated.reason or _exit(terminated)
                if terminated.exitCode and not error_reason:
                    error_reason = self.reason
            elif status.ready and state is not None and state.running is not None:
                has_running = True
                self.ready += 1
        if self.reason == "Completed":
            if error_reason:
                self.reason = error_reason
            elif has_running:
                self.reason = "Running" if self._has_ready_condition() else "NotReady"

    def _look_at_deletion(self) -> None:
        if not self.pod.metadata.deletionTimestamp:
            return
        if self.status is not None and self.status.reason == "NodeLost":
            self.reason = "Unknown"
        elif self.status is None or self.status.phase not in ("Succeeded", "Failed"):
            self.reason = "Terminating"

    def _readiness_gates(self) -> str:
        gates = self.pod.spec.readinessGates or ()
        if not gates:
            return NONE
        true = {each.type for each in self._conditions() if each.status == "True"}
        return f"{sum(gate.conditionType in true for gate in gates)}/{len(gates)}"


def _exit(terminated: Any) -> str:
    return f"Signal:{terminated.signal}" if terminated.signal else f"ExitCode:{terminated.exitCode or 0}"


def pod(obj: Any, now: Now) -> list[Any]:
    """A Pod."""
    return PodCells(obj, now).row()


def pod_template(obj: Any, now: Now) -> list[Any]:
    """A PodTemplate."""
    template = obj.template
    labels = template.metadata.labels if template is not None and template.metadata is not None else None
    return [obj.metadata.name, *containers_cells(template.spec if template is not None else None), labels_text(labels)]
