"""ClusterRoles that are put together from others (pkg/controller/clusterroleaggregation)."""

from __future__ import annotations

from typing import Any

from k8slab.api.selector import from_label_selector
from k8slab.client import Request, Result
from k8slab.controllers.controller import Controller

RESOURCE = "clusterroles.rbac.authorization.k8s.io"


class ClusterRoleAggregation(Controller):
    """Gives a ClusterRole with an aggregation rule the rules of all that its selectors choose."""

    name = "clusterrole-aggregation-controller"
    about = "fills ClusterRoles such as admin, edit and view from the roles labelled for them"

    def setup(self) -> None:
        """Watch ClusterRoles."""
        self.roles = self.informer(RESOURCE)
        self.roles.add_handler(self._changed, self._updated, self._changed)

    def _updated(self, _: Any, role: Any) -> None:
        self._changed(role)

    def _changed(self, _: Any) -> None:
        for role in self.roles.items():
            if role.aggregationRule is not None:
                self.queue.add(Request("", role.metadata.name))

    def reconcile(self, request: Request) -> Result | None:
        """Put one role together."""
        role = self.roles.get("", request.name)
        if role is None or role.aggregationRule is None:
            return None
        rules = self._collected(role)
        if rules != (role.rules or ()):
            self.say(f"ClusterRole {request.name} gets the {len(rules)} rules of those that its selectors choose")
            self.client.update(role.replace(rules=rules or None))
        return None

    def _collected(self, role: Any) -> tuple[Any, ...]:
        """The rules of the chosen roles by name, each once."""
        others = sorted(self.roles.items(), key=_name)
        rules: list[Any] = []
        for selector in map(from_label_selector, role.aggregationRule.clusterRoleSelectors or ()):
            for other in others:
                if other.metadata.name != role.metadata.name and selector.matches(other.metadata.labels):
                    rules += [rule for rule in other.rules or () if rule not in rules]
        return tuple(rules)


def _name(role: Any) -> str:
    return role.metadata.name
