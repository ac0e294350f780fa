"""ResourceQuota status: what a namespace may have, and what it has (pkg/controller/resourcequota).

The API server charges what is created; this controller counts anew when something goes, and every 5 minutes.
"""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import ResourceQuota, ResourceQuotaStatus
from k8slab.api.podphase import is_terminal
from k8slab.api.quantity import compare
from k8slab.apiserver.usage import Usage, in_scope, total, usage_of
from k8slab.client import Request, Result
from k8slab.controllers.controller import Controller

EVALUATED = (
    "pods",
    "services",
    "persistentvolumeclaims",
    "configmaps",
    "secrets",
    "replicationcontrollers",
    "resourcequotas",
)
"""Core resources which may be limited by their plain name; all others are by `count/<resource>.<group>`."""


class ResourceQuotaController(Controller):
    """Recounts quotas."""

    name = "resourcequota-controller"
    about = "counts what each namespace uses of its ResourceQuotas"

    def setup(self) -> None:
        """Watch quotas, and what can be limited."""
        self.quotas = self.informer("resourcequotas")
        self.quotas.add_handler(self.enqueue, self._quota_updated)
        self.counted: dict[tuple[str, str], str] = {}
        for resource in self.client.scheme.all_resources():
            key = (resource.group, resource.plural)
            wanted = {"create", "delete", "list", "watch"} <= set(resource.verbs)
            if resource.namespaced and wanted and key not in self.counted and resource.plural != "events":
                self.counted[key] = resource.group_resource
                self.informer(resource.group_resource).add_handler(on_delete=self._gone)
        self.informer("pods").add_handler(on_update=self._pod_updated)
        self.every(self.options.resource_quota_sync_period, self._count_all, self.options.resource_quota_sync_period)

    def _quota_updated(self, old: ResourceQuota, new: ResourceQuota) -> None:
        if old.spec != new.spec:
            self.enqueue(new)

    def _pod_updated(self, old: Any, new: Any) -> None:
        if is_terminal(new) and not is_terminal(old):
            self._gone(new)

    def _gone(self, obj: Any) -> None:
        for quota in self.quotas.list(obj.metadata.namespace):
            self.enqueue(quota)

    def _count_all(self) -> None:
        for quota in self.quotas.items():
            self.enqueue(quota)

    def reconcile(self, request: Request) -> Result | None:
        """Count what one quota limits."""
        quota = self.quotas.get(request.namespace, request.name)
        if quota is None:
            return None
        hard = quota.spec.hard or {}
        counted = self._count(quota)
        used = {name: counted.get(name, "0") for name in hard}
        known = quota.status or ResourceQuotaStatus()
        if known.hard == hard and known.used is not None and _same(known.used, used):
            return None
        self.say(f"used: {', '.join(f'{name}={used[name]}' for name in sorted(used))}")
        self.client.update_status(quota.replace(status=known.replace(hard=hard, used=used)))
        return None

    def _count(self, quota: ResourceQuota) -> Usage:
        counted: Usage = {}
        for (group, plural), name in self.counted.items():
            if not self._matters(group, plural, quota):
                continue
            for obj in self.informer(name).list(quota.metadata.namespace):
                if in_scope(quota, obj):
                    counted |= total(counted, usage_of(group, plural, obj))
        return counted

    def _matters(self, group: str, plural: str, quota: ResourceQuota) -> bool:
        names = quota.spec.hard or {}
        if f"count/{plural}.{group}" in names or (not group and f"count/{plural}" in names):
            return True
        return not group and plural in EVALUATED


def _same(one: Usage, other: Usage) -> bool:
    return one.keys() == other.keys() and all(compare(one[name], other[name]) == 0 for name in one)
