"""Clients of a served cluster, in a process of their own: ``python -m benchmarks.httpload ROLE PORT TOKEN NUMBER``.

``creators`` send creations over so many connections as fast as they are answered; ``watchers`` hold so many watches of
one resource while others write 100 times a second, and say how long after being sent each write reached the last
of them; ``idlers`` hold so many connections that ask once and then nothing, while one more client goes on asking.
Prints one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time

CREATIONS = 4000
WRITES = 500
WRITE_PERIOD = 0.01
#: Connections over which the watched writes come: each waits for its answer.
WRITERS = 20
MAPS = "/api/v1/namespaces/default/configmaps"
#: Connections that are opened at a time.
OPENING = 25
#: Requests of the client that goes on while others are idle.
ASKED = 200
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE


class Connection:
    """A keep-alive HTTP/1.1 connection."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.token = port, token
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def open(self) -> Connection:
        """Connect; what the server's certificate says does not matter here."""
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=TLS, limit=1 << 26)
        return self

    async def send(self, method: str, path: str, body: bytes = b"") -> int:
        """Send a request; returns the status once the head of the answer is there."""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: k\r\nAuthorization: Bearer {self.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.writer.write(head.encode() + body)
        self.head = await self.reader.readuntil(b"\r\n\r\n")
        return int(self.head.split(b" ", 2)[1])

    async def call(self, method: str, path: str, body: bytes = b"") -> int:
        """Send a request and read the whole answer."""
        status = await self.send(method, path, body)
        length = self.head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]
        await self.reader.readexactly(int(length))
        return status


def config_map(name: str) -> bytes:
    data = {"sent": repr(time.time())}
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
    return json.dumps(obj).encode()


async def creators(port: int, token: str, number: int) -> dict[str, float]:
    """Create ConfigMaps over ``number`` connections."""
    connections = [await Connection(port, token).open() for _ in range(number)]

    async def create(index: int) -> None:
        for count in range(CREATIONS // number):
            status = await connections[index].call("POST", MAPS, config_map(f"load-{index}-{count}"))
            if status != 201:
                raise SystemExit(f"answer {status}")

    start = time.perf_counter()
    await asyncio.gather(*map(create, range(number)))
    return {"creates/s": CREATIONS / (time.perf_counter() - start)}


class Lags:
    """How late each watcher saw each write."""

    def __init__(self) -> None:
        self.worst = 0.0
        self.seen = 0
        self.total = 0.0

    async def watch(self, connection: Connection) -> None:
        """Read events for ever."""
        reader, rest = connection.reader, b""
        while chunk := await reader.read(1 << 20):
            now, rest = time.time(), rest + chunk
            *sent, _ = rest.split(b'"sent":"')[1:] or [b""]
            # What is cut off by the end of the chunk counts with the next one.
            at = rest.rfind(b'"sent":"')
            for text in sent:
                self._note(now - float(text[: text.index(b'"')]))
            rest = rest[at:] if at >= 0 else rest[-16:]

    def _note(self, lag: float) -> None:
        self.seen += 1
        self.total += lag
        self.worst = max(self.worst, lag)


async def watchers(port: int, token: str, number: int) -> dict[str, float]:
    """Hold ``number`` watches of ConfigMaps, and write one of them all the time."""
    lags, connections = Lags(), []
    for start in range(0, number, OPENING):
        opened = [Connection(port, token).open() for _ in range(start, min(start + OPENING, number))]
        connections += await asyncio.gather(*opened)
    begin = "watch=true&sendInitialEvents=false&resourceVersionMatch=NotOlderThan"
    for connection in connections:
        if await connection.send("GET", f"{MAPS}?{begin}") != 200:
            raise SystemExit(f"watch: {connection.head!r}")
    tasks = [asyncio.create_task(lags.watch(connection)) for connection in connections]
    writers = [await Connection(port, token).open() for _ in range(WRITERS)]
    begun = time.perf_counter()

    async def write(index: int) -> None:
        for count in range(index, WRITES, WRITERS):
            await asyncio.sleep(max(0.0, begun + count * WRITE_PERIOD - time.perf_counter()))
            if await writers[index].call("POST", MAPS, config_map(f"watched-{count}")) != 201:
                raise SystemExit("a write failed")

    await asyncio.gather(*map(write, range(WRITERS)))
    took = time.perf_counter() - begun
    deadline = time.perf_counter() + 20
    # The last write is counted with the next one, which does not come.
    while lags.seen < (WRITES - 1) * number and time.perf_counter() < deadline:
        await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    return {
        "worst lag": lags.worst,
        "mean lag": lags.total / max(lags.seen, 1),
        "writes/s": WRITES / took,
        "events": lags.seen,
        "expected": (WRITES - 1) * number,
    }


async def idlers(port: int, token: str, number: int) -> dict[str, float]:
    """Hold ``number`` connections without a request under way, and ask over another one meanwhile."""
    begun, connections = time.perf_counter(), []
    for start in range(0, number, OPENING):
        opened = [Connection(port, token).open() for _ in range(start, min(start + OPENING, number))]
        connections += await asyncio.gather(*opened)
        await asyncio.gather(*(connection.call("GET", "/version") for connection in connections[start:]))
    took = time.perf_counter() - begun
    busy, worst = await Connection(port, token).open(), 0.0
    for count in range(ASKED):
        asked = time.perf_counter()
        if await busy.call("POST", MAPS, config_map(f"beside-{count}")) != 201:
            raise SystemExit("a write failed")
        worst = max(worst, time.perf_counter() - asked)
    held = sum(not connection.reader.at_eof() for connection in connections)
    return {"held": held, "worst answer": worst, "opening": took}


ROLES = {"creators": creators, "watchers": watchers, "idlers": idlers}

if __name__ == "__main__":
    role, port, token, number = sys.argv[1:]
    print(json.dumps(asyncio.run(ROLES[role](int(port), token, int(number)))))
