"""ResourceQuota: no more than the namespace may have (`apiserver/pkg/admission/plugin/resourcequota`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api.quantity import canonical, compare, is_zero
from k8slab.apiserver.admission.plugin import Plugin, refuse
from k8slab.apiserver.usage import MUST_SPECIFY, Usage, difference, in_scope, total, usage_of

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call

CHARGED_ON_UPDATE = frozenset({"pods", "services", "persistentvolumeclaims"})


class ResourceQuota(Plugin):
    """Charges new objects to the quotas of their namespace."""

    name = "ResourceQuota"
    operations = frozenset({"CREATE", "UPDATE"})

    def validate(self, call: Call, obj: Any, old: Any) -> None:
        """Refuse what exceeds a quota; what fits is charged at once, before the controller counts again."""
        if call.namespace is None or call.subresource == "status":
            return
        quotas = call.server.peek_all("resourcequotas", call.namespace)
        if not quotas:
            return
        cost = _cost(call, obj, old)
        if not cost:
            return
        charges = [charge for quota in quotas if (charge := _charge(call, quota, obj, cost)) is not None]
        for quota, used in charges:
            _store(call, quota, used)


def _cost(call: Call, obj: Any, old: Any) -> Usage:
    resource = call.endpoint.resource
    cost = usage_of(resource.group, resource.plural, obj)
    if old is None:
        return cost
    if resource.plural not in CHARGED_ON_UPDATE or resource.group:
        return {}
    extra = difference(cost, usage_of(resource.group, resource.plural, old))
    return {name: amount for name, amount in extra.items() if compare(amount, "0") > 0}


def _charge(call: Call, quota: Any, obj: Any, cost: Usage) -> tuple[Any, Usage] | None:
    """The quota with its usage after the object, or None where it does not concern it. Raises Forbidden."""
    hard = (quota.status.hard if quota.status is not None else None) or {}
    if not in_scope(quota, obj):
        return None
    _check_specified(call, quota, obj, cost, quota.spec.hard or {})
    asked = {name: amount for name, amount in cost.items() if name in (quota.spec.hard or {}) and not is_zero(amount)}
    if not asked:
        return None
    used = (quota.status.used if quota.status is not None else None) or {}
    unknown = sorted(name for name in asked if name not in hard or name not in used)
    if unknown:
        why = f"status unknown for quota: {quota.metadata.name}, resources: {','.join(unknown)}"
        raise refuse(call, obj, why)
    after = total(used, asked)
    exceeded = sorted(name for name in asked if compare(after[name], hard[name]) > 0)
    if exceeded:
        shown = f"requested: {_text(asked, exceeded)}, used: {_text(used, exceeded)}, limited: {_text(hard, exceeded)}"
        raise refuse(call, obj, f"exceeded quota: {quota.metadata.name}, {shown}")
    return quota, after


def _check_specified(call: Call, quota: Any, obj: Any, cost: Usage, hard: Usage) -> None:
    """Where processor or memory is limited, every container must say what it wants."""
    if obj.kind != "Pod" or call.operation != "CREATE":
        return
    missing = {}
    for name in sorted(MUST_SPECIFY & hard.keys()):
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
