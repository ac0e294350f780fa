"""The policies, bindings and webhooks of a server, ready to be asked; read again after one has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from k8slab.apiserver.server import APIServer

GROUP = "admissionregistration.k8s.io"
VALIDATING, MUTATING = "validatingadmissionpolicies", "mutatingadmissionpolicies"
BINDINGS = {VALIDATING: "validatingadmissionpolicybindings", MUTATING: "mutatingadmissionpolicybindings"}
WEBHOOKS = {"validating": "validatingwebhookconfigurations", "mutating": "mutatingwebhookconfigurations"}
EXEMPT = frozenset({*BINDINGS, *BINDINGS.values(), *WEBHOOKS.values()})
"""Kinds that nothing of this sort is asked about, so that mistakes can be mended."""


class Bound(NamedTuple):
    """A policy with its bindings."""

    policy: Any
    bindings: tuple[Any, ...]


class Hook(NamedTuple):
    """A webhook, and the name of the configuration that it is in."""

    configuration: str
    webhook: Any


class Hooks:
    """What is configured, by name."""

    def __init__(self, server: APIServer) -> None:
        self.server = server
        self._policies: dict[str, tuple[Bound, ...] | None] = dict.fromkeys(BINDINGS)
        self._webhooks: dict[str, tuple[Hook, ...] | None] = dict.fromkeys(WEBHOOKS)
        for plural in sorted(EXEMPT):
            server.store.watch(server.endpoint(plural, GROUP).prefix, self._changed)

    def _changed(self, event: Any) -> None:
        self._policies = dict.fromkeys(BINDINGS)
        self._webhooks = dict.fromkeys(WEBHOOKS)

    def policies(self, plural: str) -> tuple[Bound, ...]:
        """The policies of a kind that are bound."""
        found = self._policies[plural]
        if found is None:
            found = self._policies[plural] = self._bound(plural)
        return found

    def _bound(self, plural: str) -> tuple[Bound, ...]:
        bindings = self.server.peek_all(BINDINGS[plural], None, GROUP)
        found = []
        for policy in self.server.peek_all(plural, None, GROUP):
            own = tuple(each for each in bindings if each.spec.policyName == policy.metadata.name)
            if own:
                found.append(Bound(policy, own))
        return tuple(found)

    def webhooks(self, kind: str) -> tuple[Hook, ...]:
        """The webhooks of a kind (`validating`, `mutating`), by the names of their configurations."""
        found = self._webhooks[kind]
        if found is None:
            made = self.server.peek_all(WEBHOOKS[kind], None, GROUP)
            found = tuple(Hook(each.metadata.name, hook) for each in made for hook in each.webhooks or ())
            self._webhooks[kind] = found
        return found
