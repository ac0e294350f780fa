"""MutatingAdmissionWebhook: webhooks that change what is written, one after the other."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from k8slab.api.patch import json_patch
from k8slab.apiserver.admission.dynamic.attributes import Attributes
from k8slab.apiserver.admission.dynamic.calls import CallFailed, failed
from k8slab.apiserver.admission.dynamic.changes import changed
from k8slab.apiserver.admission.dynamic.matching import is_exempt
from k8slab.apiserver.admission.dynamic.notes import failed_open, mutation
from k8slab.apiserver.admission.dynamic.webhooks import allowed, wanted
from k8slab.apiserver.admission.plugin import Plugin
from k8slab.errors import ApiError, internal_error

if TYPE_CHECKING:
    from k8slab.api.scheme import Resource
    from k8slab.apiserver.admission.dynamic.hooks import Hook
    from k8slab.apiserver.call import Call


class MutatingAdmissionWebhook(Plugin):
    """Asks the webhooks of MutatingWebhookConfigurations."""

    name = "MutatingAdmissionWebhook"
    operations = frozenset({"CREATE", "UPDATE"})
    sees_subresources = True

    def admit(self, call: Call, obj: Any, old: Any) -> Any:
        """The object as the webhooks want it. Raises ApiError where one refuses or fails."""
        hooks = call.server.hooks.webhooks("mutating")
        return obj if not hooks else self._dispatch(Attributes(call, obj, old), hooks)

    def check_delete(self, call: Call, obj: Any) -> None:
        """Webhooks hear of deletions, too, but there is nothing to change."""
        hooks = call.server.hooks.webhooks("mutating")
        if hooks:
            self._dispatch(Attributes(call, None, obj), hooks)

    def _dispatch(self, attributes: Attributes, hooks: tuple[Hook, ...]) -> Any:
        if is_exempt(attributes):
            return attributes.obj
        rounds = attributes.call.reinvocation
        rounds.begin(self.name, attributes.obj)
        for index, (configuration, hook) in enumerate(hooks):
            resource = wanted(attributes, hook)
            key = (configuration, hook.name)
            if resource is None or rounds.skips(self.name, key):
                continue
            before = attributes.obj
            place = (int(rounds.repeating), index)
            attributes = _asked(attributes, hook, resource, configuration, place)
            rounds.note(self.name, key, attributes.obj != before, hook.reinvocationPolicy)
        rounds.end(self.name, attributes.obj)
        return attributes.obj


def _asked(attributes: Attributes, hook: Any, resource: Resource, config: str, place: tuple[int, int]) -> Attributes:
    """The write after a webhook has changed it."""
    response = allowed(attributes, hook, resource)
    try:
        patch = _decoded((response or {}).get("patch"), (response or {}).get("patchType"))
    except CallFailed as error:
        if hook.failurePolicy != "Ignore":
            raise failed(hook.name, error) from None
        response = None
    if response is None:
        failed_open(attributes.call, "mutating", place, hook.name)
        return attributes
    found = _patched(attributes, hook, resource, patch) if patch else attributes
    mutation(attributes.call, place, config, hook.name, patch, found.obj != attributes.obj)
    return found


def _patched(attributes: Attributes, hook: Any, resource: Resource, patch: Any) -> Attributes:
    if attributes.obj is None:
        why = "attempted to modify the object, which is not supported for this operation"
        raise internal_error(f'admission webhook "{hook.name}" {why}')
    try:
        data = json_patch(attributes.data("object", resource), patch)
    except ApiError as error:
        raise internal_error(error.message) from None
    return Attributes(attributes.call, changed(attributes, resource, data), attributes.old)


def _decoded(patch: Any, kind: Any) -> Any:
    """The operations of a patch, which comes as JSON in base64. Raises CallFailed."""
    if not patch:
        return ()
    if kind != "JSONPatch":
        raise CallFailed(f'unsupported patch type "{kind}"')
    try:
        return json.loads(base64.b64decode(patch, validate=True))
    except (binascii.Error, TypeError, ValueError) as error:
        raise CallFailed(f"received undecodable patch in webhook response: {error}") from None
