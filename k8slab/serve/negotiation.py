"""Which form of an answer a client takes (`apiserver/pkg/endpoints/handlers/negotiation/negotiate.go`).

Table and metadata-only forms are the API server's (`apiserver/presentation.py`); here is only the choice between JSON
and YAML, and the refusal of clients that take neither, before anything is changed for them.
"""

from __future__ import annotations

from typing import NamedTuple

from k8slab.errors import ApiError, not_acceptable

JSON = "application/json"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
MEDIA_TYPES = (JSON, YAML, PROTOBUF)
STREAM_TYPES = (f"{JSON};stream=watch", f"{PROTOBUF};stream=watch")
SHAPES = ("Table", "PartialObjectMetadata", "PartialObjectMetadataList")


class Clause(NamedTuple):
    """One part of an Accept header."""

    media_type: str
    parameters: dict[str, str]


def clauses(accept: str) -> list[Clause]:
    """The parts of an Accept header, those that are liked best first."""
    found: list[tuple[float, Clause]] = []
    for text in accept.split(","):
        media_type, *rest = (part.strip() for part in text.split(";"))
        parameters = {key.strip(): value.strip() for key, _, value in (part.partition("=") for part in rest)}
        if media_type:
            found.append((_weight(parameters.pop("q", "1")), Clause(media_type, parameters)))
    return [clause for _, clause in sorted(found, key=lambda pair: -pair[0])]


def choose(accept: str, verb: str) -> tuple[str, str]:
    """The media type of the answer, and the Accept header of which its shape is chosen (empty: as it is).

    Raises ApiError (406) where the client takes nothing that can be made.
    """
    if not accept.strip():
        return JSON, ""
    streams = verb == "watch"
    rejected = False
    for media_type, parameters in clauses(accept):
        if media_type in (JSON, "*/*", "application/*"):
            chosen = JSON
        elif media_type == YAML and not streams:
            chosen = YAML
        else:
            continue
        shape = parameters.get("as", "")
        if not shape:
            return chosen, ""
        if shape in SHAPES and parameters.get("g") == "meta.k8s.io" and parameters.get("v") in ("v1", "v1beta1"):
            return chosen, f"{media_type};as={shape};v={parameters['v']};g=meta.k8s.io"
        rejected = True
    if rejected:
        raise not_acceptable(f"only the following media types are accepted: {', '.join(MEDIA_TYPES)}")
    types = (*MEDIA_TYPES, *STREAM_TYPES) if verb in ("list", "watch") else MEDIA_TYPES
    raise ApiError(406, "NotAcceptable", f"406: Not Acceptable\n\nAvailable representations: {', '.join(types)}", {})


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
