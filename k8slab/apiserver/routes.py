"""HTTP paths and queries into requests (`apiserver/pkg/endpoints/request/requestinfo.go`).

Knows nothing of sockets: an HTTP front takes a request apart with `request_for` and sends what `handle` answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from k8slab.api import documents, gojson
from k8slab.api.codec import DecodeError, convert
from k8slab.api.decoding import NO_KIND, TYPE_META, go_kind
from k8slab.api.meta_v1 import DeleteOptions
from k8slab.api.request import ADMIN, JSON, NO_OPTIONS, YAML, Options, Preconditions, Request, UserInfo
from k8slab.errors import (
    FieldError,
    bad_request,
    invalid,
    method_not_allowed,
    no_such_resource,
    quote,
    unsupported_media_type,
)

VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "GET": "get"}
CONNECT = frozenset({"log", "exec", "attach", "portforward", "proxy"})
OPTIONS_KIND = {"create": "CreateOptions", "update": "UpdateOptions", "patch": "PatchOptions"}


class Place(Struct, frozen=True):
    """What a path points at."""

    group: str
    version: str
    resource: str
    namespace: str | None = None
    name: str | None = None
    subresource: str = ""
    is_watch: bool = False
    tail: str = ""
    """What follows `proxy`: the path that is asked for behind it."""


def locate(path: str) -> Place | None:
    """Take an API path apart; None for all other paths (discovery, /healthz, /version ...)."""
    parts = [part for part in path.split("/") if part]
    if len(parts) >= 3 and parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    elif len(parts) >= 4 and parts[0] == "apis":
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    is_watch = rest[0] == "watch" and len(rest) > 1
    rest = rest[1:] if is_watch else rest
    namespace = None
    if rest[0] == "namespaces" and len(rest) > 2 and not (len(rest) == 3 and rest[2] in ("status", "finalize")):
        namespace, rest = rest[1], rest[2:]
    if len(rest) > 3 and rest[2] not in CONNECT:
        raise no_such_resource()
    padded = [*rest, "", ""]
    return Place(group, version, rest[0], namespace, padded[1] or None, padded[2], is_watch, "/".join(rest[3:]))


def request_for(
    method: str,
    path: str,
    query: Mapping[str, str] | None = None,
    body: Any = None,
    content_type: str = JSON,
    user: UserInfo = ADMIN,
    user_agent: str = "",
    as_table: bool = False,
) -> Request:
    """The request that an HTTP request means. Raises ApiError for what no handler could take."""
    place = locate(path)
    verb = VERBS.get(method)
    if place is None:
        raise no_such_resource()
    if verb is None:
        raise method_not_allowed()
    query = query or {}
    if place.name is None:
        verb = {"get": "list", "delete": "deletecollection"}.get(verb, verb)
        if verb in ("update", "patch"):
            raise method_not_allowed()
    elif verb == "create" and not place.subresource:
        raise method_not_allowed()
    if verb == "list" and (place.is_watch or _true(query.get("watch"))):
        verb = "watch"
    if verb == "get" and place.is_watch:
        # The old way to watch one object.
        verb, query = "watch", {**query, "fieldSelector": f"metadata.name={place.name}"}
        place = replace(place, name=None)
    options = options_for(verb, query, as_table, place.subresource)
    if place.tail:
        options = replace(options, parameters={**options.parameters, "path": place.tail})
    if verb == "get" and not place.subresource:
        options = replace(options, managed_fields=True)
    if verb in ("delete", "deletecollection") and body:
        # A body counts instead of the query, which says only what a collection is to be narrowed to then.
        options, body = delete_options(_without_deletion(options), _parsed(body, content_type)), None
    return Request(
        verb=verb,
        resource=place.resource,
        group=place.group,
        version=place.version,
        namespace=place.namespace,
        name=place.name,
        subresource=place.subresource,
        body=body,
        content_type=content_type or JSON,
        user=user,
        user_agent=user_agent,
        options=options,
    )


def _parsed(body: Any, content_type: str) -> Any:
    """The plain data of a DeleteOptions body. Raises ApiError."""
    if not isinstance(body, (str, bytes)):
        return body
    media = content_type.partition(";")[0].strip()
    if media not in ("", JSON, YAML):
        raise unsupported_media_type((JSON, YAML, "application/vnd.kubernetes.protobuf"))
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    try:
        return documents.load(text) if media == YAML else gojson.loads(text)
    except documents.DocumentError as error:
        raise bad_request(f"yaml: {error.problem}") from None
    except gojson.SyntaxFault as error:
        raise bad_request(f"{NO_KIND}{error}") from None


def _without_deletion(options: Options) -> Options:
    return replace(options, dry_run=False, propagation_policy=None, orphan_dependents=None, grace_period_seconds=None)


def options_for(verb: str, query: Mapping[str, str], as_table: bool = False, subresource: str = "") -> Options:
    """Query parameters as options. Raises ApiError for values that cannot be read."""
    if not query and not as_table:
        return NO_OPTIONS
    dry_run = query.get("dryRun", "")
    if dry_run not in ("", "All") and verb in (*OPTIONS_KIND, "delete", "deletecollection"):
        kind = OPTIONS_KIND.get(verb, "DeleteOptions")
        # The server prints the whole list of values here.
        error = FieldError.not_supported("dryRun", [dry_run], ("All",))
        raise invalid(f"{kind}.meta.k8s.io", "", [error])
    validation = query.get("fieldValidation", "")
    if validation not in ("", "Ignore", "Warn", "Strict") and verb in OPTIONS_KIND:
        error = FieldError.not_supported("fieldValidation", validation, ("", "Ignore", "Strict", "Warn"))
        raise invalid(f"{OPTIONS_KIND[verb]}.meta.k8s.io", "", [error])
    initial = query.get("sendInitialEvents")
    orphan = query.get("orphanDependents")
    return Options(
        dry_run=dry_run == "All",
        field_manager=query.get("fieldManager", ""),
        field_validation=validation,
        force=_true(query.get("force")),
        label_selector=query.get("labelSelector", ""),
        field_selector=query.get("fieldSelector", "") if verb not in ("get", "create", "update", "patch") else "",
        limit=_integer(query.get("limit")),
        continue_=query.get("continue", ""),
        resource_version=query.get("resourceVersion"),
        resource_version_match=query.get("resourceVersionMatch", ""),
        propagation_policy=query.get("propagationPolicy"),
        orphan_dependents=None if orphan is None else _true(orphan),
        grace_period_seconds=_integer(query["gracePeriodSeconds"]) if "gracePeriodSeconds" in query else None,
        allow_watch_bookmarks=_true(query.get("allowWatchBookmarks")),
        send_initial_events=None if initial is None else _true(initial),
        timeout_seconds=_integer(query.get("timeoutSeconds")),
        as_table=as_table,
        include_object=query.get("includeObject", ""),
        parameters=dict(query) if subresource in CONNECT else {},
    )


def delete_options(options: Options, body: Mapping[str, Any]) -> Options:
    """Options with those of a DeleteOptions body. Raises ApiError for a body of another kind."""
    if not isinstance(body, Mapping):
        raise bad_request(f"{NO_KIND}json: cannot unmarshal {go_kind(body)} into Go value of type {TYPE_META}")
    kind, version = body.get("kind", "DeleteOptions"), body.get("apiVersion", "v1")
    if kind != "DeleteOptions":
        raise bad_request(f"decoded object cannot be converted to DeleteOptions: {version}, Kind={kind}")
    try:
        convert(dict(body), DeleteOptions, strict=False)
    except DecodeError as problem:
        raise bad_request(str(problem)) from None
    dry_run = body.get("dryRun") or []
    if dry_run not in ([], ["All"]):
        error = FieldError.not_supported("dryRun", dry_run, ("All",))
        raise invalid("DeleteOptions.meta.k8s.io", "", [error])
    wanted = body.get("preconditions")
    conditions = Preconditions(uid=wanted.get("uid"), resourceVersion=wanted.get("resourceVersion")) if wanted else None
    changes: dict[str, Any] = {"dry_run": options.dry_run or bool(dry_run), "preconditions": conditions}
    fields = (
        ("propagationPolicy", "propagation_policy"),
        ("orphanDependents", "orphan_dependents"),
        ("gracePeriodSeconds", "grace_period_seconds"),
    )
    changes |= {ours: body[theirs] for theirs, ours in fields if body.get(theirs) is not None}
    return replace(options, **changes)


def _true(text: str | None) -> bool:
    """A boolean parameter: whatever is given means yes, but for these (`runtime.Convert_Slice_string_To_bool`)."""
    return text is not None and text.lower() not in ("false", "0")


def _integer(text: str | None) -> int:
    if text is None:
        return 0
    if _INTEGER.fullmatch(text) is None:
        raise bad_request(f"strconv.ParseInt: parsing {quote(text)}: invalid syntax")
    found = int(text) if len(text) <= _DIGITS else None
    if found is None or not -(1 << 63) <= found < 1 << 63:
        raise bad_request(f"strconv.ParseInt: parsing {quote(text)}: value out of range")
    return found


_INTEGER = re.compile("[+-]?[0-9]+")
_DIGITS = 4000
"""More digits are not worth reading."""
