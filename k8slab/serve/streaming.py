"""Requests that turn into sessions: pods/exec, pods/attach, pods/portforward.

Follows `registry/core/pod/rest/subresources.go`, the API server's proxies to the kubelet (`apimachinery/pkg/util/proxy/
upgradeaware.go`, `apiserver/pkg/util/proxy/streamtranslator.go`, `streamtunnel.go`), and the kubelet's own answers.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from k8slab.api.request import Request, Response
from k8slab.errors import bad_request
from k8slab.serve import portforward, remotecommand
from k8slab.serve.encoding import encode, headers_of, plain
from k8slab.serve.exchange import TEXT, parameters
from k8slab.serve.outlet import Outlet
from k8slab.serve.upgrade import SPDY, WEBSOCKET, offered, to_spdy, to_websocket, upgrade_of

if TYPE_CHECKING:
    from k8slab.serve.door import Door
    from k8slab.serve.exchange import Exchange

SUBRESOURCES = frozenset({"exec", "attach", "portforward"})
#: What the API server puts before what a kubelet says instead of a session.
KUBELET = "unable to upgrade connection: "
MAX_PORTS = 128
_FLAGS = ("stdin", "stdout", "stderr", "tty")


class Streaming:
    """Serves sessions in Pods."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def serve(self, exchange: Exchange, request: Request) -> None:
        """Answer a request for a session: with the session, or with why there is none. Raises ApiError."""
        upgrade = upgrade_of(exchange)
        if not upgrade:
            raise bad_request("Upgrade request required")
        options = options_of(exchange, request.subresource)
        protocol = _agreed(exchange, request.subresource, upgrade)
        if protocol is None:
            await _no_protocol(exchange, request.subresource, upgrade)
            return
        outlet = Outlet(asyncio.get_running_loop())
        response = await self._door.handle(request.replace(body=options, sink=outlet.push, content_type=""))
        if not response.is_success:
            await self._refuse(exchange, response, protocol)
        elif request.subresource == "portforward":
            await self._forward(exchange, upgrade, protocol, options, response.body)
        else:
            await self._command(exchange, upgrade, protocol, options, response.body, outlet)

    async def _refuse(self, exchange: Exchange, response: Response, protocol: str) -> None:
        status = plain(response.body)
        said = status.get("message", "")
        if not said.startswith(KUBELET):
            await exchange.answer(response.code, encode(status), headers=headers_of(response))
        elif protocol == remotecommand.V5:
            # The API server has upgraded this client's connection before it asks the kubelet.
            socket = await to_websocket(exchange, protocol)
            await remotecommand.WebSocketCommand(socket, protocol, Outlet(), _nowhere).refuse(status)
        else:
            await exchange.answer(response.code, said.removeprefix(KUBELET).encode() + b"\n", TEXT)

    async def _command(
        self, exchange: Exchange, upgrade: str, protocol: str, options: dict[str, Any], session: Any, outlet: Outlet
    ) -> None:
        sessions = self._door.cluster.sessions

        async def send(action: str, *values: Any) -> None:
            await self._door.enter(sessions.send, session, action, *values)

        runner: Any
        try:
            if upgrade == WEBSOCKET:
                socket = await to_websocket(exchange, protocol)
                runner = remotecommand.WebSocketCommand(socket, protocol, outlet, send)
            else:
                wire = await to_spdy(exchange, protocol)
                runner = remotecommand.SpdyCommand(wire, protocol, outlet, send, _streams(options, protocol))
            await runner.run()
        finally:
            outlet.close()
            # Also where the server is stopped in the middle: the session must not wait for this client for ever.
            await asyncio.shield(send("detach"))

    async def _forward(
        self, exchange: Exchange, upgrade: str, protocol: str, options: dict[str, Any], forward: Any
    ) -> None:
        async def ask(method: str, *args: Any) -> Any:
            return await self._door.enter(getattr(forward, method), *args)

        if upgrade == SPDY:
            await portforward.SpdyForward(await to_spdy(exchange, protocol), ask).run()
        elif protocol == portforward.TUNNEL:
            await portforward.SpdyForward(await to_websocket(exchange, protocol), ask).run()
        else:
            ports = _ports(options)
            await portforward.WebSocketForward(await to_websocket(exchange, protocol), protocol, ports, ask).run()


async def _nowhere(action: str, *values: Any) -> None:
    """There is no session to send anything to."""


def options_of(exchange: Exchange, kind: str) -> dict[str, Any]:
    """The query as PodExecOptions, PodAttachOptions or PodPortForwardOptions."""
    query: dict[str, list[str]] = {}
    for name, value in parameters(exchange.query_string):
        query.setdefault(name, []).append(value)
    if kind == "portforward":
        return {"ports": query["ports"]} if "ports" in query else {}
    options: dict[str, Any] = {name: True for name in _FLAGS if query.get(name, [""])[0] in ("true", "1", "True")}
    if kind == "attach":
        # What PodAttachOptions has by default.
        options.update({name: True for name in ("stdout", "stderr") if name not in query})
    if "container" in query:
        options["container"] = query["container"][0]
    if kind == "exec":
        options["command"] = query.get("command", [])
    return options


def _ports(options: dict[str, Any]) -> list[int]:
    given = [part for value in options.get("ports", ()) for part in value.split(",")]
    if not given:
        raise bad_request('query parameter "port" is required')
    for text in given[:MAX_PORTS]:
        if not text.isdecimal() or len(text) > 5 or int(text) > 65535:
            raise bad_request(
                f'unable to parse "{text}" as a port: strconv.ParseUint: parsing "{text}": invalid syntax'
            )
        if int(text) == 0:
            raise bad_request(f'port "{text}" must be > 0')
    return [int(text) for text in given[:MAX_PORTS]]


def _streams(options: dict[str, Any], protocol: str) -> set[str]:
    """The SPDY streams that a client must open."""
    wanted = {"error", *(name for name in ("stdin", "stdout", "stderr") if options.get(name))}
    if options.get("tty"):
        wanted.discard("stderr")
        if protocol.startswith(("v3.", "v4.")):
            wanted.add("resize")
    return wanted


def _agreed(exchange: Exchange, kind: str, upgrade: str) -> str | None:
    """The first protocol of the client's that is known here; None where there is none."""
    is_forward = kind == "portforward"
    known: tuple[str, ...]
    if upgrade == SPDY:
        known = (portforward.PROTOCOL,) if is_forward else remotecommand.SPDY_PROTOCOLS
        wanted = offered(exchange, "x-stream-protocol-version")
        default = "" if is_forward else "channel.k8s.io"
    else:
        more = (portforward.TUNNEL, *portforward.WEBSOCKET_PROTOCOLS)
        known = more if is_forward else remotecommand.WEBSOCKET_PROTOCOLS
        wanted, default = offered(exchange, "sec-websocket-protocol"), ""
    if not wanted:
        return default
    return next((protocol for protocol in wanted if protocol in known), None)


async def _no_protocol(exchange: Exchange, kind: str, upgrade: str) -> None:
    """What a client gets that offers only protocols which nobody here speaks (`httpstream.Handshake`)."""
    if upgrade == WEBSOCKET:
        await exchange.answer(400, b"unable to negotiate protocol\n", TEXT)
        return
    known = (portforward.PROTOCOL,) if kind == "portforward" else remotecommand.SPDY_PROTOCOLS
    wanted = offered(exchange, "x-stream-protocol-version")
    accepted = [(b"X-Accepted-Stream-Protocol-Versions", each.encode()) for each in known]
    text = f"unable to upgrade: unable to negotiate protocol: client supports [{' '.join(wanted)}], server accepts"
    await exchange.answer(403, f"{text} [{' '.join(known)}]\n".encode(), TEXT, accepted)
