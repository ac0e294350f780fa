"""Requests for resources: from HTTP to the API server and back (`apiserver/pkg/endpoints/handlers`)."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from k8slab.api import documents
from k8slab.api.request import ANONYMOUS, APPLY_PATCH, ListBody, Request, Response
from k8slab.apiserver.presentation import present
from k8slab.apiserver.routes import locate, request_for
from k8slab.errors import bad_request, unsupported_media_type
from k8slab.serve import protobuf
from k8slab.serve.auditing import with_note
from k8slab.serve.authentication import unauthorized
from k8slab.serve.encoding import encode, encode_yaml, headers_of, plain, wants_pretty
from k8slab.serve.logs import serve_log
from k8slab.serve.negotiation import JSON, YAML, choose
from k8slab.serve.streaming import SUBRESOURCES as SESSIONS
from k8slab.serve.streaming import Streaming
from k8slab.serve.watching import DEFAULT_TIMEOUT, EventCache, Rounds, Stream, serve_watch

if TYPE_CHECKING:
    from k8slab.serve.authentication import Authenticator
    from k8slab.serve.door import Door
    from k8slab.serve.exchange import Exchange

PAGE_NOT_FOUND = b"404 page not found\n"
BODY_METHODS = ("POST", "PUT", "PATCH", "DELETE")
#: A list with more items than this is encoded on another thread: encoding it takes longer than others should wait.
MANY = 500
#: Seconds before its end at which a watch with bookmarks gets a last one.
LAST_BOOKMARK = 2.0


class Resources:
    """Serves everything below `/api/<version>/` and `/apis/<group>/<version>/`."""

    def __init__(self, door: Door, authenticator: Authenticator) -> None:
        self.door = door
        self.server = door.cluster.server
        self._authenticator = authenticator
        self._events = EventCache(self.server)
        self._rounds = Rounds()
        self._streams: set[Stream] = set()
        self._streaming = Streaming(door)

    def drain(self) -> None:
        """Let all watches end, as if their time were over: clients begin new ones elsewhere, or later."""
        for stream in self._streams:
            stream.close()

    async def serve(self, exchange: Exchange) -> None:
        """Answer a request. Raises ApiError for what is wrong with it as HTTP."""
        if exchange.user.name == ANONYMOUS.name and not self._authenticator.anonymous:
            raise unauthorized()
        request = await self._request(exchange)
        if request.subresource in SESSIONS and request.resource == "pods":
            await self._streaming.serve(exchange, request)
            return
        media_type, accept = choose(exchange.header("accept"), request.verb)
        if request.verb == "watch":
            await self._watch(exchange, request, accept)
        elif request.subresource == "log" and request.verb == "get":
            await serve_log(self.door, exchange, request)
        else:
            response = await self.door.handle(request)
            await self._answer(exchange, request, response, media_type, accept)

    async def _request(self, exchange: Exchange) -> Request:
        body = await exchange.body() if exchange.method in BODY_METHODS else b""
        content_type = exchange.header("content-type")
        content: Any = body
        is_object = exchange.method in ("POST", "PUT") or (body and exchange.method == "DELETE")
        if is_object and _media_type(content_type) == protobuf.MEDIA_TYPE:
            content, content_type = protobuf.decode(body), JSON
        elif exchange.method == "DELETE":
            content = _delete_options(body, content_type)
        elif body:
            content = _text(body, _media_type(content_type))
        request = request_for(
            exchange.method,
            exchange.path,
            exchange.query,
            content if exchange.method in BODY_METHODS else None,
            content_type,
            exchange.user,
            exchange.header("user-agent"),
        )
        request = with_note(request, exchange)
        return request if exchange.impersonate is None else request.replace(impersonate=exchange.impersonate)

    async def _answer(
        self, exchange: Exchange, request: Request, response: Response, media_type: str, accept: str
    ) -> None:
        if response.code == 404 and self._unknown_group(request):
            await exchange.answer(404, PAGE_NOT_FOUND, "text/plain; charset=utf-8")
            return
        if request.subresource == "proxy" and isinstance(response.body, str):
            kind = "text/html" if response.body.lstrip().startswith("<") else "text/plain; charset=utf-8"
            await exchange.answer(response.code, response.body.encode(), kind)
            return
        pretty = wants_pretty(exchange.query, exchange.header("user-agent"))
        arguments = (request, response, media_type, accept, pretty)
        if isinstance(response.body, ListBody) and len(response.body.items) > MANY:
            code, body = await asyncio.to_thread(self._encoded, *arguments)
        else:
            code, body = self._encoded(*arguments)
        await exchange.answer(code, body, media_type if code == response.code else JSON, headers_of(response))

    def _encoded(
        self, request: Request, response: Response, media_type: str, accept: str, pretty: bool
    ) -> tuple[int, bytes]:
        shown = present(self.server, request, response, accept, as_text=media_type != YAML)
        data = plain(shown.body)
        return shown.code, encode_yaml(data) if media_type == YAML else encode(data, pretty)

    def _unknown_group(self, request: Request) -> bool:
        known = ((each.group, each.version) for each in self.server.scheme.all_resources())
        return bool(request.group) and all(group != request.group for group, _ in known)

    async def _watch(self, exchange: Exchange, request: Request, accept: str) -> None:
        options = request.options
        timeout = float(options.timeout_seconds or DEFAULT_TIMEOUT)
        stream = Stream(asyncio.get_running_loop(), self.door.seen, self._rounds, exchange.abort)
        self._streams.add(stream)
        # The client's time is real time: the server's own timer would count virtual seconds.
        asked = request.replace(sink=stream.push, options=replace(options, timeout_seconds=0))
        response = await self.door.handle(asked)
        if not response.is_success:
            self._streams.discard(stream)
            await self._answer(exchange, request, response, JSON, "")
            return
        last = asyncio.create_task(self._bookmark(response.body, timeout, options.allow_watch_bookmarks))
        try:
            await serve_watch(exchange, stream, request, accept, self._events, timeout)
        finally:
            last.cancel()
            stream.close()
            self._streams.discard(stream)
            await self.door.enter(response.body.stop)

    async def _bookmark(self, watch: Any, timeout: float, wanted: bool) -> None:
        if wanted and timeout > LAST_BOOKMARK:
            await asyncio.sleep(timeout - LAST_BOOKMARK)
            await self.door.enter(watch.bookmark)


def is_resource(path: str) -> bool:
    """Whether a path points at a resource. Raises ApiError for one that points too deep."""
    return locate(path) is not None


def _delete_options(body: bytes, content_type: str) -> Any:
    """The plain data of a DeleteOptions body, None where there is none. Raises ApiError."""
    if not body.strip():
        return None
    kind = _media_type(content_type) or JSON
    try:
        if kind == JSON:
            data = json.loads(body)
        elif kind == YAML:
            data = documents.load(body.decode())
        else:
            raise unsupported_media_type((JSON, YAML, protobuf.MEDIA_TYPE))
    except (ValueError, RecursionError, documents.DocumentError) as error:
        raise bad_request(f"couldn't get version/kind; json parse error: {error}") from None
    if data is not None and not isinstance(data, dict):
        raise bad_request("couldn't get version/kind; json parse error: expected an object")
    return data


def _text(body: bytes, media_type: str) -> str:
    """A body as text: Go's JSON decoder puts a replacement where bytes are not UTF-8, that of YAML refuses them."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        if media_type in (YAML, APPLY_PATCH):
            raise bad_request("error converting YAML to JSON: yaml: invalid leading UTF-8 octet") from None
        return body.decode(errors="replace")


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip()
