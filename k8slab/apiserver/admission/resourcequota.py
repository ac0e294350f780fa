"""ResourceQuota: no more than the namespace may have (`apiserver/pkg/admission/plugin/resourcequota`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api.quantity import canonical, compare
from k8slab.apiserver.admission.plugin import Plugin, refuse
from k8slab.apiserver.usage import MUST_SPECIFY, Usage, difference, in_scope, matching, total, usage_of

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call

CHARGED_ON_UPDATE = frozenset({"pods", "services", "persistentvolumeclaims"})


class ResourceQuota(Plugin):
    """Charges new objects to the quotas of their namespace."""

    name = "ResourceQuota"
    operations = frozenset({"CREATE", "UPDATE"})

    def validate(self, call: Call, obj: Any, old: Any) -> None:
        """Refuse what exceeds a quota; what fits is charged at once, before the controller counts again."""
        if call.namespace is None or call.subresource == "status" or not _is_charged(call, old):
            return
        concerned = [
            quota for quota in call.server.peek_all("resourcequotas", call.namespace) if _ask(call, quota, obj)
        ]
        if not concerned:
            return
        cost = _cost(call, obj, old)
        for quota, used in [each for quota in concerned if (each := _charge(call, quota, obj, cost)) is not None]:
            _store(call, quota, used)


def _is_charged(call: Call, old: Any) -> bool:
    resource = call.endpoint.resource
    return old is None or (resource.plural in CHARGED_ON_UPDATE and not resource.group)


def _cost(call: Call, obj: Any, old: Any) -> Usage:
    resource = call.endpoint.resource
    cost = usage_of(resource.group, resource.plural, obj)
    if old is not None:
        cost = difference(cost, usage_of(resource.group, resource.plural, old))
    return {name: amount for name, amount in cost.items() if compare(amount, "0") > 0}


def _ask(call: Call, quota: Any, obj: Any) -> bool:
    """Whether the quota concerns the object. Raises Forbidden where the two do not say enough."""
    status = quota.status
    hard = (status.hard if status is not None else None) or {}
    resource = call.endpoint.resource
    names = matching(resource.group, resource.plural, hard)
    if not names or not in_scope(quota, obj):
        return False
    _check_specified(call, quota, obj, names)
    if not (status.used or {}).keys() >= set(names):
        why = f"status unknown for quota: {quota.metadata.name}, resources: {','.join(names)}"
        raise refuse(call, obj, why)
    return True


def _charge(call: Call, quota: Any, obj: Any, cost: Usage) -> tuple[Any, Usage] | None:
    """The quota with its usage after the object, or None where that is the same. Raises Forbidden."""
    hard, used = quota.status.hard, quota.status.used
    asked = {name: amount for name, amount in cost.items() if name in hard}
    if not asked:
        return None
    after = total(used, asked)
    exceeded = sorted(name for name in asked if compare(after[name], hard[name]) > 0)
    if exceeded:
        shown = f"requested: {_text(asked, exceeded)}, used: {_text(used, exceeded)}, limited: {_text(hard, exceeded)}"
        raise refuse(call, obj, f"exceeded quota: {quota.metadata.name}, {shown}")
    return quota, after


def _check_specified(call: Call, quota: Any, obj: Any, names: list[str]) -> None:
    """Where processor or memory is limited, every container must say what it wants."""
    if obj.kind != "Pod" or call.operation != "CREATE":
        return
    missing = {}
    for name in sorted(MUST_SPECIFY.intersection(names)):
        silent = [each.name for each in _containers(obj) if not _specifies(each, name)]
        if silent and not _pod_specifies(obj, name):
            missing[name] = f"{name} for: {','.join(sorted(set(silent)))}"
    if missing:
        raise refuse(call, obj, f"failed quota: {quota.metadata.name}: must specify {'; '.join(missing.values())}")


def _containers(pod: Any) -> tuple[Any, ...]:
    return (*(pod.spec.containers or ()), *(pod.spec.initContainers or ()))


def _specifies(owner: Any, name: str) -> bool:
    kind, _, resource = name.rpartition(".")
    amounts = None
    if owner.resources is not None:
        amounts = owner.resources.limits if kind == "limits" else owner.resources.requests
    return resource in (amounts or {})


def _pod_specifies(pod: Any, name: str) -> bool:
    return _specifies(pod.spec, name)


def _text(amounts: Usage, names: list[str]) -> str:
    return ",".join(f"{name}={canonical(amounts[name])}" for name in names)


def _store(call: Call, quota: Any, after: Usage) -> None:
    if call.options.dry_run:
        return
    server = call.server
    endpoint = server.endpoint("resourcequotas")
    kv = server.storage.read(endpoint, quota.metadata.namespace, quota.metadata.name)
    used = (quota.status.used or {}) | after
    changed = quota.replace(status=quota.status.replace(used=used))
    server.storage.update(endpoint, changed, kv, "update status")
