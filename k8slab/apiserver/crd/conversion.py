"""Conversion of custom objects between versions by a webhook.

Follows `apiextensions-apiserver/pkg/apiserver/conversion` (webhook_converter.go, metadata.go).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api.codec import DecodeError, from_dict, to_dict
from k8slab.apiserver.admission.dynamic.calls import CallFailed, send
from k8slab.errors import unexpected

if TYPE_CHECKING:
    from k8slab.apiserver.server import APIServer

API_VERSION, KIND = "apiextensions.k8s.io/v1", "ConversionReview"
TIMEOUT = 30
FIXED = ("name", "namespace", "uid")
"""Metadata that a webhook may not change."""


class WebhookConverter:
    """Asks a definition's webhook.

    Args:
        server: the API server.
        name: of the definition.
        config: its `spec.conversion.webhook`.
    """

    __slots__ = ("config", "name", "server")

    def __init__(self, server: APIServer, name: str, config: Any) -> None:
        self.server = server
        self.name = name
        self.config = config

    def __call__(self, obj: Any, api_version: str) -> Any:
        """The object in another version. Raises ApiError where the webhook fails."""
        subject = f"conversion webhook for {obj.apiVersion}, Kind={obj.kind}"
        uid = self.server.streams.uid("conversionreviews")
        request = {"uid": uid, "desiredAPIVersion": api_version, "objects": [to_dict(obj)]}
        review = {"kind": KIND, "apiVersion": API_VERSION, "request": request}
        try:
            answer = send(self.server, self.name, self.config.clientConfig, review, TIMEOUT)
            found = _converted(answer, uid)
        except CallFailed as error:
            raise unexpected(f"{subject} failed: {error}") from None
        if len(found) != 1:
            raise unexpected(f"{subject} returned {len(found)} objects, expected 1")
        return _checked(subject, obj, found[0], api_version)


def _converted(answer: dict[str, Any], uid: str) -> list[Any]:
    response = answer.get("response")
    if not isinstance(response, dict):
        raise CallFailed("no response provided")
    if response.get("uid") != uid:
        raise CallFailed(f'expected response.uid="{uid}", got "{response.get("uid", "")}"')
    result = response.get("result")
    result = result if isinstance(result, dict) else {}
    if result.get("status") != "Success":
        status = f"response.result.status was '{result.get('status') or ''}', not 'Success'"
        raise CallFailed(result.get("message") or status)
    found = response.get("convertedObjects")
    return found if isinstance(found, list) else []


def _checked(subject: str, before: Any, data: Any, api_version: str) -> Any:
    """The converted object with the metadata of the old one, but for labels and annotations."""
    place = f"{subject} returned invalid object at index 0"
    try:
        after = from_dict(data, False, unstructured=True)
    except DecodeError as error:
        raise unexpected(f"{place}: {error}") from None
    if after.apiVersion != api_version:
        raise unexpected(f"{place}: invalid groupVersion (expected {api_version}, received {after.apiVersion})")
    if after.kind != before.kind:
        raise unexpected(f"{place}: invalid kind (expected {before.kind}, received {after.kind})")
    for name in FIXED:
        old, new = getattr(before.metadata, name) or "", getattr(after.metadata, name) or ""
        if old != new:
            raise unexpected(f"{subject} returned invalid object: must have the same {_SHOWN[name]}: {old} != {new}")
    changes = {"labels": after.metadata.labels, "annotations": after.metadata.annotations}
    return after.replace(metadata=before.metadata.replace(**changes))


_SHOWN = {"name": "name", "namespace": "namespace", "uid": "UID"}
