"""Priority and runtime classes (`pkg/apis/scheduling/validation`, `pkg/apis/node/validation`)."""

from __future__ import annotations

from k8slab.api.node_v1 import RuntimeClass
from k8slab.api.scheduling_v1 import PriorityClass
from k8slab.api.validation import names
from k8slab.api.validation.affinity import tolerations
from k8slab.api.validation.metadata import Errors, immutable, labels, object_meta, object_meta_update
from k8slab.api.validation.resources import container_resource_name, quantity_value
from k8slab.errors import FieldError

MAX_USER_PRIORITY = 1_000_000_000
SYSTEM_CLASSES = {"system-node-critical": 2_000_001_000, "system-cluster-critical": 2_000_000_000}


def priority_class(obj: PriorityClass, errors: Errors) -> None:
    """A new PriorityClass: the highest values and the prefix `system-` are Kubernetes' own."""
    object_meta(obj.metadata, False, names.subdomain_name, errors)
    name, value = obj.metadata.name or "", obj.value or 0
    if name.startswith("system-"):
        if SYSTEM_CLASSES.get(name) != value:
            reserved = "priority class names with 'system-' prefix are reserved for system use only"
            known = name in SYSTEM_CLASSES
            why = (
                f"value of {name} PriorityClass must be {SYSTEM_CLASSES.get(name)}"
                if known
                else (f"{name} is not a known system priority class")
            )
            errors.append(FieldError.forbidden("metadata.name", f"{reserved}. error: {why}"))
    elif value > MAX_USER_PRIORITY:
        text = f"maximum allowed value of a user defined priority is {MAX_USER_PRIORITY}"
        errors.append(FieldError.forbidden("value", text))
    policies = ("PreemptLowerPriority", "Never")
    if obj.preemptionPolicy is not None and obj.preemptionPolicy not in policies:
        errors.append(FieldError.not_supported("preemptionPolicy", obj.preemptionPolicy, policies))


def update_priority_class(new: PriorityClass, old: PriorityClass, errors: Errors) -> None:
    """A changed PriorityClass: its value stays."""
    object_meta_update(new.metadata, old.metadata, errors)
    if (new.value or 0) != (old.value or 0):
        errors.append(FieldError.forbidden("value", "may not be changed in an update."))
    immutable(new.preemptionPolicy, old.preemptionPolicy, "preemptionPolicy", errors)


def runtime_class(obj: RuntimeClass, errors: Errors) -> None:
    """A new RuntimeClass."""
    object_meta(obj.metadata, False, names.subdomain_name, errors)
    for message in names.dns_label(obj.handler or ""):
        errors.append(FieldError.invalid("handler", obj.handler or "", message))
    for name, amount in ((obj.overhead.podFixed or {}) if obj.overhead else {}).items():
        path = f"overhead.podFixed[{name}]"
        container_resource_name(name, path, errors)
        quantity_value(name, amount, path, errors)
    if obj.scheduling is not None:
        labels(obj.scheduling.nodeSelector, "scheduling.nodeSelector", errors)
        tolerations(obj.scheduling.tolerations or (), "scheduling.tolerations", errors)


def update_runtime_class(new: RuntimeClass, old: RuntimeClass, errors: Errors) -> None:
    """A changed RuntimeClass: its handler stays."""
    object_meta_update(new.metadata, old.metadata, errors)
    immutable(new.handler, old.handler, "handler", errors)
