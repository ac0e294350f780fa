"""A cluster served over HTTPS: certificates, listening socket, live clock, and the threads that carry them."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import logging
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn

from k8slab.api.request import ADMIN
from k8slab.errors import K8sLabError
from k8slab.serve.app import App
from k8slab.serve.auditing import Auditing
from k8slab.serve.authentication import AUTHENTICATED, Authenticator
from k8slab.serve.certificates import Pair
from k8slab.serve.committer import Committer
from k8slab.serve.door import Door
from k8slab.serve.keys import kept_keys, new_keys
from k8slab.serve.kubeconfig import kubeconfig, write_kubeconfig
from k8slab.serve.limits import DEFAULT_LIMITS, Limits
from k8slab.serve.pace import Pace
from k8slab.serve.protocol import Connection, Waiting

if TYPE_CHECKING:
    from k8slab.cluster.cluster import Cluster
    from k8slab.cluster.keeping import Keeper

#: Seconds after which a connection without requests is closed; clients close theirs after 90.
KEEP_ALIVE = 120
#: Seconds that open requests get to finish when the server stops.
GRACE = 2
BACKLOG = 4096
#: Seconds for the handshake of TLS.
HANDSHAKE = 10.0
#: X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which the module ssl has no name for.
NO_CHECK_TIME = 0x200000


class ServeError(K8sLabError):
    """The server cannot be started; the message says why."""


class Server:
    """Serves one cluster on a background thread.

    Args:
        cluster: what is served.
        bind: address to listen on; one that other machines reach must be asked for with `expose`.
        port: port to listen on, 0 for any that is free.
        kubeconfig: where to write the kubeconfig; a file in a new private folder if not given.
        speed: virtual seconds in a second.
        expose: allow an address that is not a loopback address.
        anonymous: let the cluster's rules decide about requests without a credential, instead of refusing them.
        keeper: keeps the cluster in a data directory, which the server closes; its keys and kubeconfig are there too.
        present: set the cluster's calendar forward where it falls behind the real one.
        audit_log_path: file for the audit log, `-` for standard output; needs a policy.
        audit_policy_file: an audit Policy, as YAML.
        limits: how much is served at a time.

    Attributes: `url`, `kubeconfig` (path of the file), `token` (the administrator's bearer token).
    Raises ServeError where the address cannot be used.
    """

    def __init__(
        self,
        cluster: Cluster,
        bind: str = "127.0.0.1",
        port: int = 6443,
        kubeconfig: str | Path | None = None,
        speed: float = 1.0,
        expose: bool = False,
        anonymous: bool = False,
        keeper: Keeper | None = None,
        present: bool = False,
        audit_log_path: str | Path | None = None,
        audit_policy_file: str | Path | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        _check_bind(bind, expose)
        self.cluster = cluster
        self.committer = Committer(keeper) if keeper is not None else None
        self.pace = Pace(cluster, speed, self.committer, present)
        self._folder = tempfile.TemporaryDirectory(prefix="k8slab-")
        keys = kept_keys(keeper.directory) if keeper is not None else new_keys()
        self.authority = keys.authority
        self._socket = _listen(bind, port)
        self.port = self._socket.getsockname()[1]
        self.url = f"https://{_host(bind)}:{self.port}"
        self._door = Door(cluster, self.committer)
        serving = self.authority.certificate.decode()
        cluster.trust(serving)
        self._authenticator = Authenticator(
            cluster.server, anonymous, cluster.authority, keys.signer, keys.token, serving
        )
        self.token = self._authenticator.token
        self._auditing = _auditing(cluster, audit_log_path, audit_policy_file)
        self.app = App(self._door, self._authenticator, f"{_host(bind)}:{self.port}", self._auditing, limits)
        self.add_token = self._authenticator.add_token
        self._server = _Uvicorn(self._config(bind))
        self._thread = threading.Thread(target=self._run, name="k8slab-serve", daemon=True)
        self.kubeconfig = self._write_kubeconfig(
            kubeconfig or (keeper.directory.path / "kubeconfig" if keeper else None)
        )

    def client_certificate(self, user: str, groups: tuple[str, ...] = ()) -> Pair:
        """A certificate with which a client is `user`, a member of `groups`."""
        return self.authority.client(user, groups)

    def start(self) -> Server:
        """Begin to serve, and let time pass. Returns itself when requests are answered."""
        self._thread.start()
        self._server.ready.wait()
        if self.committer is not None:
            self.committer.start()
        self.pace.start()
        return self

    def stop(self) -> None:
        """End it: time stands still again, connections are closed. Stopping twice is harmless."""
        self.pace.stop()
        self._server.drain(self.app.drain)
        if self._thread.ident is not None:
            self._thread.join()
        self._socket.close()
        self._door.close()
        self._authenticator.close()
        if self._auditing is not None:
            self._auditing.close()
        if self.committer is not None:
            self.committer.stop()
        self._folder.cleanup()

    def __enter__(self) -> Server:
        return self if self._thread.is_alive() else self.start()  # what lab.serve() returns has started

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Server {self.url}, KUBECONFIG={self.kubeconfig}>"

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=_Loop) as runner:
            runner.run(self._server.serve(sockets=[self._socket]))

    def _config(self, bind: str) -> uvicorn.Config:
        pair = self.authority.serving([bind, socket.gethostname()] if bind in ("0.0.0.0", "::") else [bind])
        authorities = self.authority.certificate.decode() + self.cluster.authority.certificate
        context = _tls(Path(self._folder.name), pair, authorities)
        return uvicorn.Config(
            self.app,
            http=functools.partial(Connection, Waiting()),  # type: ignore[arg-type]
            ws="none",
            lifespan="off",
            loop="asyncio",
            ssl_context_factory=lambda *_: context,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=GRACE,
            h11_max_incomplete_event_size=1 << 20,
            backlog=BACKLOG,
            log_config=None,
            log_level=logging.CRITICAL,
            access_log=False,
            server_header=False,
            proxy_headers=False,
        )

    def _write_kubeconfig(self, path: str | Path | None) -> Path:
        groups = [group for group in ADMIN.groups if group != AUTHENTICATED]
        content = kubeconfig(self.url, self.authority.certificate, self.authority.client(ADMIN.name, groups))
        return write_kubeconfig(path or Path(self._folder.name) / "kubeconfig", content)


class _Loop(asyncio.SelectorEventLoop):
    """An event loop whose servers have little patience with clients that do not finish their handshake."""

    async def create_server(self, *args: Any, **options: Any) -> asyncio.Server:
        """As that of asyncio."""
        options.setdefault("ssl_handshake_timeout", HANDSHAKE)
        return await super().create_server(*args, **options)


class _Uvicorn(uvicorn.Server):
    """uvicorn without its signal handlers: it runs beside a notebook or below `k8slab serve`."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def drain(self, begin: Callable[[], None]) -> None:
        """Call `begin` on the server's own thread, then stop: no new connections, open requests get their time."""
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has stopped already
                self._loop.call_soon_threadsafe(begin)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.ready.set()


def _auditing(cluster: Cluster, path: str | Path | None, policy: str | Path | None) -> Auditing | None:
    if path is None and policy is None:
        return None
    if path is None or policy is None:
        # kube-apiserver audits nothing then, and says so in its log only: easily overlooked.
        raise ServeError("--audit-log-path and --audit-policy-file belong together")
    return Auditing(cluster.server, path, policy)


def _tls(folder: Path, pair: Pair, authorities: str) -> ssl.SSLContext:
    """TLS with a client certificate if the client has one. The key lies in a private folder only while it is read.

    Times are checked with the user: what the cluster signs is valid on its own clock.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    path = folder / "serving.pem"
    path.touch(mode=0o600)
    path.write_bytes(pair.key + pair.certificate)
    context.load_cert_chain(path)
    path.unlink()
    context.load_verify_locations(cadata=authorities)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= NO_CHECK_TIME
    context.set_alpn_protocols(["http/1.1"])
    return context


def _listen(bind: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    # With the protocol named, asyncio turns Nagle's algorithm off: answers in two parts would take 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((bind, port))
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        raise ServeError(f"cannot listen on {_host(bind)}:{port}: {error}") from None
    return listener


def _check_bind(bind: str, expose: bool) -> None:
    try:
        is_loopback = bind == "localhost" or ipaddress.ip_address(bind).is_loopback
    except ValueError:
        raise ServeError(f"{bind!r} is not an address to listen on") from None
    if not is_loopback and not expose:
        raise ServeError(f"{bind} can be reached from other machines: ask for that explicitly (--expose)")


def _host(bind: str) -> str:
    return f"[{bind}]" if ":" in bind else bind
