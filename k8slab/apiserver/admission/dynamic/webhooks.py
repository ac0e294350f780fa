"""Which webhooks are asked about a write, and what becomes of those that fail.

Follows `apiserver/pkg/admission/plugin/webhook` (generic/webhook.go, validating/dispatcher.go).
"""

from __future__ import annotations

from typing import Any

from k8slab.api.scheme import Resource
from k8slab.apiserver.admission.dynamic.attributes import Attributes
from k8slab.apiserver.admission.dynamic.calls import CallFailed, ask, failed, rejected, remember
from k8slab.apiserver.admission.dynamic.evaluation import Evaluation, Failure, conditions_hold
from k8slab.apiserver.admission.dynamic.matching import hooked
from k8slab.errors import forbidden


def wanted(attributes: Attributes, hook: Any) -> Resource | None:
    """The resource as which a webhook is asked about a write, None where it is not. Raises Forbidden."""
    resource = hooked(attributes, hook)
    if resource is None or not hook.matchConditions:
        return resource
    try:
        return resource if conditions_hold(Evaluation(attributes, resource), hook.matchConditions) else None
    except Failure as error:
        if hook.failurePolicy == "Ignore":
            return None
        own = attributes.resource
        raise forbidden(own.group_resource, attributes.name, str(error)) from None


def allowed(attributes: Attributes, hook: Any, resource: Resource) -> dict[str, Any] | None:
    """The answer of a webhook that says yes; None where it failed and that is to be ignored. Raises ApiError."""
    try:
        response = ask(attributes, hook, resource)
    except CallFailed as error:
        if hook.failurePolicy == "Ignore":
            return None
        raise failed(hook.name, error) from None
    remember(attributes, hook.name, response)
    if response.get("allowed") is not True:
        raise rejected(hook.name, response.get("status"))
    return response
