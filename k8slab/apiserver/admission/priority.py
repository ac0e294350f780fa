"""Priority: from the name of a PriorityClass to a number (`plugin/pkg/admission/priority`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.apiserver.admission.plugin import Plugin, refuse

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call

COMPUTED = (
    "must not be provided in pod spec; priority admission controller computed {} from the given PriorityClass name"
)


class Priority(Plugin):
    """Resolves priority classes."""

    name = "Priority"
    resources = frozenset({("", "pods"), ("scheduling.k8s.io", "priorityclasses")})
    operations = frozenset({"CREATE", "UPDATE"})

    def admit(self, call: Call, obj: Any, old: Any) -> Any:
        """Set priority and preemption policy of a Pod. Refuses unknown classes and values that contradict them."""
        if obj.kind != "Pod":
            return obj
        if call.operation == "UPDATE":
            return _kept(obj, old)
        spec = obj.spec
        name, value, policy = self._resolved(call, obj)
        if spec.priority is not None and spec.priority != value:
            raise refuse(call, obj, f"the integer value of priority ({spec.priority}) {COMPUTED.format(value)}")
        if policy is not None and spec.preemptionPolicy is not None and spec.preemptionPolicy != policy:
            why = f"the string value of PreemptionPolicy ({spec.preemptionPolicy}) {COMPUTED.format(policy)}"
            raise refuse(call, obj, why)
        changes = {"priorityClassName": name, "priority": value, "preemptionPolicy": policy or spec.preemptionPolicy}
        return obj.replace(spec=spec.replace(**changes))

    def _resolved(self, call: Call, pod: Any) -> tuple[str | None, int, str | None]:
        name = pod.spec.priorityClassName
        if not name:
            found = default_class(call)
            if found is None:
                return None, 0, "PreemptLowerPriority"
            return found.metadata.name, found.value, found.preemptionPolicy
        found = call.server.peek("priorityclasses", name, group="scheduling.k8s.io")
        if found is None:
            raise refuse(call, pod, f"no PriorityClass with name {name} was found")
        return name, found.value or 0, found.preemptionPolicy

    def validate(self, call: Call, obj: Any, old: Any) -> None:
        """Refuse a second default class."""
        if obj.kind != "PriorityClass" or not obj.globalDefault:
            return
        found = default_class(call)
        if found is not None and found.metadata.name != obj.metadata.name:
            why = f"PriorityClass {found.metadata.name} is already marked as default. Only one default can exist"
            raise refuse(call, obj, why)


def _kept(pod: Any, old: Any) -> Any:
    """An update that leaves priority and policy out means those that are there."""
    spec, before = pod.spec, old.spec
    changes = {
        name: getattr(before, name)
        for name in ("priority", "preemptionPolicy")
        if getattr(spec, name) is None and getattr(before, name) is not None
    }
    return pod.replace(spec=spec.replace(**changes)) if changes else pod


def default_class(call: Call) -> Any:
    """The class of Pods that name none: the lowest of those marked as default, or None."""
    classes = call.server.peek_all("priorityclasses", group="scheduling.k8s.io")
    marked = [each for each in classes if each.globalDefault]
    return min(marked, key=_value) if marked else None


def _value(priority_class: Any) -> int:
    return priority_class.value or 0
