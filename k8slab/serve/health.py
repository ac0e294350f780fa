"""GET /livez, /readyz, /healthz: whether the server is well, check by check (`apiserver/pkg/server/healthz`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import parse_qs

from k8slab.api.request import Response
from k8slab.errors import quote

#: The checks of a kube-apiserver v1.36, in their order: those before its hooks, its hooks, those after.
BEFORE = ("ping", "log", "etcd")
HOOKS = tuple(
    f"poststarthook/{name}"
    for name in (
        "start-apiserver-admission-initializer",
        "generic-apiserver-start-informers",
        "priority-and-fairness-config-consumer",
        "priority-and-fairness-filter",
        "storage-object-count-tracker-hook",
        "start-apiextensions-informers",
        "start-apiextensions-controllers",
        "crd-informer-synced",
        "start-system-namespaces-controller",
        "start-cluster-authentication-info-controller",
        "start-kube-apiserver-identity-lease-controller",
        "start-kube-apiserver-identity-lease-garbage-collector",
        "start-legacy-token-tracking-controller",
        "start-service-ip-repair-controllers",
        "rbac/bootstrap-roles",
        "scheduling/bootstrap-system-priority-classes",
        "priority-and-fairness-config-producer",
        "bootstrap-controller",
        "start-kubernetes-service-cidr-controller",
        "aggregator-reload-proxy-client-cert",
        "start-kube-aggregator-informers",
        "apiservice-status-local-available-controller",
        "apiservice-status-remote-available-controller",
        "apiservice-registration-controller",
        "apiservice-discovery-controller",
        "kube-apiserver-autoregistration",
    )
)
AFTER = ("autoregister-completion", "poststarthook/apiservice-openapi-controller",
         "poststarthook/apiservice-openapiv3-controller")  # fmt: skip
LIVE = (*BEFORE, *HOOKS, *AFTER)
#: Readiness also asks whether the caches are filled, and whether the server is being stopped.
READY = ("ping", "log", "etcd", "etcd-readiness", "informer-sync", *HOOKS, *AFTER, "shutdown")
CHECKS = {"livez": LIVE, "healthz": LIVE, "readyz": READY}

Find = Callable[[], str]
"""Why something is not well; empty where it is."""


class Health:
    """Answers health checks.

    Args:
        problems: by check, what finds out whether it fails. All other checks hold as long as somebody answers.
    """

    def __init__(self, problems: dict[str, Find]) -> None:
        self._problems = problems

    def answer(self, path: str, query: bytes) -> Response | None:
        """The answer for a path; None where it is no check."""
        name, _, check = path.strip("/").partition("/")
        checks = CHECKS.get(name)
        if checks is None or (check and check not in checks):
            return None
        if check:
            return self._single(check)
        parameters = parse_qs(query.decode("latin-1"), keep_blank_values=True)
        return self._all(name, checks, "verbose" in parameters, parameters.get("exclude", []))

    def _single(self, check: str) -> Response:
        problem = self._problem(check)
        return Response(500, f"internal server error: {problem}\n") if problem else Response(200, "ok")

    def _all(self, name: str, checks: Sequence[str], verbose: bool, excluded: Sequence[str]) -> Response:
        lines, failed = [], False
        for check in checks:
            if check in excluded:
                lines.append(f"[+]{check} excluded: ok")
            elif self._problem(check):
                # Why is for the server's log: anybody may ask.
                lines.append(f"[-]{check} failed: reason withheld")
                failed = True
            else:
                lines.append(f"[+]{check} ok")
        unknown = [each for each in excluded if each not in checks]
        if unknown:
            them = ", ".join(quote(each) for each in sorted(unknown))
            lines.append(f"warn: some health checks cannot be excluded: no matches for {them}")
        if failed:
            return Response(500, "\n".join((*lines, f"{name} check failed", "")))
        return Response(200, "\n".join((*lines, f"{name} check passed", "")) if verbose else "ok")

    def _problem(self, check: str) -> str:
        find = self._problems.get(check)
        return find() if find is not None else ""
