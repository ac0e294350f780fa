"""ValidatingAdmissionWebhook: webhooks that say yes or no."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.apiserver.admission.dynamic.attributes import Attributes
from k8slab.apiserver.admission.dynamic.matching import is_exempt
from k8slab.apiserver.admission.dynamic.notes import failed_open
from k8slab.apiserver.admission.dynamic.webhooks import allowed, wanted
from k8slab.apiserver.admission.plugin import Plugin
from k8slab.errors import ApiError

if TYPE_CHECKING:
    from k8slab.apiserver.admission.dynamic.hooks import Hook
    from k8slab.apiserver.call import Call


class ValidatingAdmissionWebhook(Plugin):
    """Asks the webhooks of ValidatingWebhookConfigurations."""

    name = "ValidatingAdmissionWebhook"
    operations = frozenset({"CREATE", "UPDATE"})
    sees_subresources = True

    def validate(self, call: Call, obj: Any, old: Any) -> None:
        """Ask all; the first that refuses or fails decides what the client is told."""
        hooks = call.server.hooks.webhooks("validating")
        if hooks:
            _dispatch(Attributes(call, obj, old), hooks)

    def check_delete(self, call: Call, obj: Any) -> None:
        """As for other writes."""
        hooks = call.server.hooks.webhooks("validating")
        if hooks:
            _dispatch(Attributes(call, None, obj), hooks)


def _dispatch(attributes: Attributes, hooks: tuple[Hook, ...]) -> None:
    if is_exempt(attributes):
        return
    errors: list[ApiError] = []
    asked = [(hook, wanted(attributes, hook)) for _, hook in hooks]
    relevant = [(hook, resource) for hook, resource in asked if resource is not None]
    for index, (hook, resource) in enumerate(relevant):
        try:
            if allowed(attributes, hook, resource) is None:
                failed_open(attributes.call, "validating", (0, index), hook.name)
        except ApiError as error:
            errors.append(error)
    if errors:
        raise errors[0]
