"""What goes into the API server and what comes out: the one interface that clients and the server share.

In-process clients build these directly; the HTTP front translates paths, queries and bodies into them. A `Request` says
the same as an HTTP request to the Kubernetes API (https://kubernetes.io/docs/reference/using-api/api-concepts/), with
the path taken apart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

JSON = "application/json"
YAML = "application/yaml"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

ADDED = "ADDED"
MODIFIED = "MODIFIED"
DELETED = "DELETED"
BOOKMARK = "BOOKMARK"
ERROR = "ERROR"


class UserInfo(Struct, frozen=True, kw_only=True):
    """Who asks, as authentication found out."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: dict[str, tuple[str, ...]] = {}


ADMIN = UserInfo(name="kubernetes-admin", groups=("kubeadm:cluster-admins", "system:masters", "system:authenticated"))
"""The user of the admin kubeconfig: allowed everything."""
ANONYMOUS = UserInfo(name="system:anonymous", groups=("system:unauthenticated",))
LOOPBACK = UserInfo(name="system:apiserver", groups=("system:masters",))
"""The API server itself."""


class Preconditions(Struct, frozen=True, kw_only=True):
    """What must hold of the stored object before it is deleted."""

    uid: str | None = None
    resourceVersion: str | None = None


class Options(Struct, frozen=True, kw_only=True):
    """Query parameters and delete options; a field that was not given has its default."""

    dry_run: bool = False
    field_manager: str = ""
    field_validation: str = ""
    """Strict, Warn or Ignore; empty means Warn, as for a client that sends nothing."""
    force: bool = False
    """Server-side apply: take over fields that others own."""
    label_selector: str = ""
    field_selector: str = ""
    limit: int = 0
    continue_: str = ""
    resource_version: str | None = None
    resource_version_match: str = ""
    propagation_policy: str | None = None
    orphan_dependents: bool | None = None
    grace_period_seconds: int | None = None
    preconditions: Preconditions | None = None
    allow_watch_bookmarks: bool = False
    send_initial_events: bool | None = None
    timeout_seconds: int = 0
    steady: bool = False
    """Watches of components in the same process: renewals that change nothing but times (`apiserver.renewals`) are not
    sent one by one; the watch is asked for the newest version instead (`Watch.newest`)."""
    managed_fields: bool = False
    """Reads: also of objects whose managedFields nobody kept, as far as their history tells."""
    as_table: bool = False
    include_object: str = ""
    """For Tables: None, Metadata (the default) or Object."""
    parameters: dict[str, str] = {}
    """Query parameters of a connecting subresource, such as pods/log."""
    sign_later: bool = False
    """TokenRequests, in process only: `str()` of the token signs it, for those who seldom need its text."""


NO_OPTIONS = Options()


class Request(Struct, frozen=True, kw_only=True):
    """One request to the API server."""

    verb: str
    """get, list, watch, create, update, patch, delete or deletecollection."""
    resource: str
    """The plural, such as `pods`."""
    group: str = ""
    version: str = "v1"
    namespace: str | None = None
    name: str | None = None
    subresource: str = ""
    body: Any = None
    """A typed object (trusted as decoded), Unstructured, a plain dict or list, or JSON/YAML text per content_type."""
    content_type: str = JSON
    user: UserInfo = ADMIN
    impersonate: UserInfo | None = None
    """Whom the user claims to be for this request, if anybody."""
    user_agent: str = ""
    options: Options = NO_OPTIONS
    sink: Callable[[WatchEvent], None] | None = None
    """Watches only: the bound method that receives the events."""

    note: Any = None
    """What the audit log notes of it, where the front has begun to (`apiserver.audit`)."""

    def replace(self, **changes: Any) -> Request:
        """A copy with some fields changed."""
        return replace(self, **changes)


class Response(Struct):
    """The answer: an HTTP status code, and an object, ListBody, Table, Status (both plain dicts) or Watch."""

    code: int
    body: Any
    warnings: tuple[str, ...] = ()

    @property
    def is_success(self) -> bool:
        """Whether the request did what was asked (2xx)."""
        return 200 <= self.code < 300


class ListBody(Struct, frozen=True, kw_only=True):
    """The answer to a list request."""

    items: tuple[Any, ...]
    resourceVersion: str
    continue_: str = ""
    remainingItemCount: int | None = None
    kind: str = "List"
    apiVersion: str = "v1"
    custom: bool = False
    """The items are custom objects: such lists are written in a way of their own."""


class WatchEvent(Struct, frozen=True):
    """One change that a watch delivers."""

    type: str
    object: Any
    revision: int


class Watch(Protocol):
    """An open watch."""

    def newest(self, obj: Any, time: int | None = None) -> Any:
        """A delivered object with the renewals that had arrived by now, or by a lab time; see `Options.steady`."""

    def arrival(self, obj: Any, time: int) -> int | None:
        """When the last of the renewals that a delivered object had by a lab time arrived; None where none had."""

    def pace(self, obj: Any) -> Any:
        """What renews a delivered object now (it has `closed`), or None."""

    def stop(self) -> None:
        """End it; nothing more is delivered. Stopping twice is harmless."""
