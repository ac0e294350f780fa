"""One HTTP request and its answer, on top of ASGI (https://asgi.readthedocs.io/en/latest/specs/www.html)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from k8slab.api.request import ANONYMOUS, Request, UserInfo
from k8slab.errors import ApiError
from k8slab.serve.protocol import ABORT, CERTIFICATE, SWITCH

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]

#: The largest body that the API server reads (`MaxRequestBodyBytes`).
BODY_LIMIT = 3 * 1024 * 1024
#: Seconds until a request is given up (`--request-timeout`).
REQUEST_TIMEOUT = 60.0
#: So many parameters may a query have.
MAX_PARAMETERS = 10_000
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"


class Disconnected(Exception):
    """The client has gone: there is nobody to answer."""


class Exchange:
    """A request as far as HTTP goes, and the ways to answer it.

    Attributes: `method`, `path` (decoded), `query` (first value of each parameter), `is_overlong` (there are too many
    of these); set by authentication: `user`, `impersonate` (whom the request claims to be), `follow_up` (a write that
    the use of the credential causes); by the audit log: `note`, `is_long` (the answer goes on for long); `code` of the
    answer, 0 before it; `client`'s address; `meter` counts; `abort()` breaks the connection off.
    """

    def __init__(self, scope: Message, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query_string: bytes = scope["query_string"]
        query = _query(self.query_string)
        self.is_overlong = query is None
        self.query: dict[str, str] = query or {}
        self.user: UserInfo = ANONYMOUS
        self.impersonate: UserInfo | None = None
        self.follow_up: Request | None = None
        self.certificate: bytes | None = scope.get("state", {}).get(CERTIFICATE)
        self._headers: list[Header] = scope["headers"]
        self._receive, self._send = receive, send
        self.extra_headers: list[Header] = []
        self._switch = scope.get("state", {}).get(SWITCH)
        self.begun = False
        self.code = 0
        self.note: Any = None
        self.meter: Any = None
        self.abort: Callable[[], None] = scope.get("state", {}).get(ABORT) or _nothing
        self.is_long = False
        self.client: str = (scope.get("client") or ("",))[0]
        raw: bytes = scope.get("raw_path") or self.path.encode()
        self.uri = (raw + (b"?" + self.query_string if self.query_string else b"")).decode("latin-1")

    def header(self, name: str) -> str:
        """A header's value, empty where it was not sent; several are joined with commas."""
        wanted = name.lower().encode()
        return ", ".join(value.decode("latin-1") for key, value in self._headers if key == wanted)

    def headers(self, prefix: str) -> Iterable[tuple[str, str]]:
        """The headers whose lower-case names begin with a prefix, in their order."""
        start = prefix.encode()
        return [
            (key.decode("latin-1"), value.decode("latin-1")) for key, value in self._headers if key.startswith(start)
        ]

    async def body(self) -> bytes:
        """The request's body. Raises ApiError for one that is too large or does not arrive, Disconnected."""
        try:
            return await asyncio.wait_for(self._read(), REQUEST_TIMEOUT)
        except TimeoutError:
            raise ApiError(408, "", "request body was not received in time") from None

    async def _read(self) -> bytes:
        declared = self.header("content-length")
        if declared.isdigit() and int(declared) > BODY_LIMIT:
            raise too_large()
        parts, size = [], 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            part = message.get("body", b"")
            size += len(part)
            if size > BODY_LIMIT:
                raise too_large()
            parts.append(part)
            if not message.get("more_body"):
                return b"".join(parts)

    async def answer(self, code: int, body: bytes, content_type: str = JSON, headers: Iterable[Header] = ()) -> None:
        """Send the whole answer; breaks off where the client does not take it in time."""
        length = (b"content-length", str(len(body)).encode())
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT):
                await self._begin(code, content_type, [length, *headers])
                await self._send({"type": "http.response.body", "body": body})
        except TimeoutError:
            self.abort()
            raise Disconnected from None

    async def begin(self, content_type: str, headers: Iterable[Header] = ()) -> None:
        """Begin an answer that goes on as long as there is something to tell (HTTP/1.1: chunked)."""
        await self._begin(200, content_type, headers)
        await self._send({"type": "http.response.body", "body": b"", "more_body": True})

    async def write(self, chunk: bytes) -> None:
        """Send a part of the answer; waits while the client does not keep up."""
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def end(self) -> None:
        """End an answer that was begun."""
        await self._send({"type": "http.response.body", "body": b""})

    async def gone(self) -> None:
        """Return when the client has closed the connection."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def switch(self, headers: list[Header]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Answer 101 and take the connection over: from now on it does not speak HTTP any more."""
        self._answers(101)
        return self._switch([*headers, *self.extra_headers])

    async def _begin(self, code: int, content_type: str, headers: Iterable[Header]) -> None:
        head = [
            (b"content-type", content_type.encode()),
            (b"cache-control", b"no-cache, private"),
            *self.extra_headers,
            *headers,
        ]
        self._answers(code)
        await self._send({"type": "http.response.start", "status": code, "headers": head})

    def _answers(self, code: int) -> None:
        self.begun, self.code = True, code
        if self.is_long and self.note is not None:
            self.note.started()


def _nothing() -> None:
    """There is no connection to break off."""


def too_large() -> ApiError:
    """413, in the words of `limitedReadBody`."""
    return ApiError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {BODY_LIMIT}")


def _query(text: bytes) -> dict[str, str] | None:
    query: dict[str, str] = {}
    try:
        pairs = parse_qsl(text.decode("latin-1"), keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        return None
    for name, value in pairs:
        query.setdefault(name, value)
    return query


def parameters(text: bytes) -> list[tuple[str, str]]:
    """The names and values of a query; none where there are too many, as in Go (`urlmaxqueryparams`)."""
    try:
        return parse_qsl(text.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        return []
