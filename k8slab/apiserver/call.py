"""One request on its way through the pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api.request import Options, Request, UserInfo

if TYPE_CHECKING:
    from k8slab.apiserver.registry.endpoint import Endpoint
    from k8slab.apiserver.registry.strategy import Strategy
    from k8slab.apiserver.server import APIServer


class Call:
    """A request with everything that the stages of the pipeline want to know about it."""

    __slots__ = (
        "annotations",
        "endpoint",
        "managed",
        "name",
        "namespace",
        "operation",
        "options",
        "reinvocation",
        "request",
        "server",
        "strategy",
        "subresource",
        "user",
        "warnings",
    )

    def __init__(self, server: APIServer, request: Request, endpoint: Endpoint) -> None:
        self.server = server
        self.request = request
        self.endpoint = endpoint
        self.strategy: Strategy = endpoint.strategy
        self.namespace = (request.namespace or None) if endpoint.namespaced else None
        self.name = request.name or ""
        self.subresource = request.subresource
        self.options: Options = request.options
        self.user: UserInfo = request.user
        self.operation = ""
        self.warnings: list[str] = []
        self.managed: tuple[Any, ...] | None = None
        self.reinvocation: Any = None
        """What of admission's mutations has to be asked again (`admission.dynamic.changes.Reinvocation`)."""
        self.annotations: dict[str, str] = {}
        """What admission notes for the audit log."""

    @property
    def now(self) -> str:
        """The time as metadata carries it."""
        return self.server.clock.rfc3339()

    def warn(self, *texts: str) -> None:
        """Send warnings along with the answer; each text once."""
        self.warnings.extend(text for text in dict.fromkeys(texts) if text not in self.warnings)

    def annotate(self, key: str, text: str, replace: bool = False) -> None:
        """Note something for the audit log; different texts under one key are joined."""
        known = self.annotations.get(key)
        if known is None or replace:
            self.annotations[key] = text
        elif text not in known.split(", "):
            self.annotations[key] = f"{known}, {text}"

    def answer(self, obj: Any) -> Any:
        """A stored object as the client's version of the resource has it."""
        convert = self.endpoint.from_storage
        return obj if convert is None else convert(obj)
