"""RuntimeClass: what a Pod's runtime costs, and where it can run (`plugin/pkg/admission/runtimeclass`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.apiserver.admission.plugin import PODS, Plugin, refuse

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call


class RuntimeClass(Plugin):
    """Applies runtime classes."""

    name = "RuntimeClass"
    resources = PODS

    def admit(self, call: Call, obj: Any, old: Any) -> Any:
        """Set overhead, node selector and tolerations. Refuses unknown classes and contradictions."""
        name = obj.spec.runtimeClassName
        if not name:
            return obj
        found = call.server.peek("runtimeclasses", name, group="node.k8s.io")
        if found is None:
            raise refuse(call, obj, f'pod rejected: RuntimeClass "{name}" not found')
        changes = _overhead(call, obj, found) | _scheduling(call, obj, found)
        return obj.replace(spec=obj.spec.replace(**changes)) if changes else obj

    def validate(self, call: Call, obj: Any, old: Any) -> None:
        """Refuse overhead that no runtime class accounts for."""
        if obj.spec.overhead and not obj.spec.runtimeClassName:
            why = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
            raise refuse(call, obj, why)


def _overhead(call: Call, pod: Any, runtime: Any) -> dict[str, Any]:
    fixed = runtime.overhead.podFixed if runtime.overhead is not None else None
    if not fixed:
        return {}
    if pod.spec.overhead and pod.spec.overhead != fixed:
        raise refuse(call, pod, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")
    return {"overhead": fixed}


def _scheduling(call: Call, pod: Any, runtime: Any) -> dict[str, Any]:
    rules, changes = runtime.scheduling, {}
    if rules is None:
        return {}
    own = pod.spec.nodeSelector or {}
    for key, value in (rules.nodeSelector or {}).items():
        if own.get(key, value) != value:
            theirs = f"runtimeClass.scheduling.nodeSelector[{key}] = {value}"
            why = f"conflict: {theirs}; pod.spec.nodeSelector[{key}] = {own[key]}"
            raise refuse(call, pod, why)
    if rules.nodeSelector:
        changes["nodeSelector"] = own | rules.nodeSelector
    present = pod.spec.tolerations or ()
    added = tuple(each for each in rules.tolerations or () if each not in present)
    if added:
        changes["tolerations"] = (*present, *added)
    return changes
