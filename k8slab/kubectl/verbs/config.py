"""kubectl config: the one context of the lab."""

from __future__ import annotations

from typing import Any

from k8slab.kubectl import goyaml, tabular
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.flags import PRINT, boolean, text
from k8slab.kubectl.printers import as_json

_SERVER = "https://127.0.0.1:6443"


def _names(inv: Any) -> list[str]:
    return [inv.context, *(name for name in sorted(getattr(inv.session, "users", {})) if name != inv.context)]


def _current(inv: Any) -> None:
    inv.print(inv.context)


def _view(inv: Any) -> None:
    contexts: list[dict[str, Any]] = [
        {"name": name, "context": {"cluster": "k8slab", "namespace": inv.session.namespace, "user": _user(inv, name)}}
        for name in _names(inv)
    ]
    config = {
        "apiVersion": "v1",
        "clusters": [{"name": "k8slab", "cluster": {"server": getattr(inv.session, "address", "") or _SERVER}}],
        "contexts": contexts,
        "current-context": inv.context,
        "kind": "Config",
        "preferences": {},
        "users": [{"name": context["context"]["user"], "user": {}} for context in contexts],
    }
    inv.write(as_json(config) + "\n" if inv.flags["output"] == "json" else goyaml.dump(config))


def _user(inv: Any, context: str) -> str:
    user = getattr(inv.session, "users", {}).get(context) or inv.access.user
    return user.name


def _contexts(inv: Any) -> None:
    names = inv.args or _names(inv)
    unknown = next((name for name in names if name not in _names(inv)), None)
    if unknown is not None:
        raise CommandError(f"context {unknown} not found")
    if inv.flags["output"] == "name":
        for name in names:
            inv.print(name)
        return
    rows = [] if inv.flags["no-headers"] else [["CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"]]
    for name in names:
        mark = "*" if name == inv.context else ""
        rows.append([mark, name, "k8slab", _user(inv, name), inv.session.namespace])
    inv.write(tabular.table(rows))


def _use(inv: Any) -> None:
    if len(inv.args) != 1:
        raise inv.usage_error("Unexpected args: [" + " ".join(inv.args) + "]")
    if inv.args[0] != inv.context:
        raise CommandError(f'no context exists with the name: "{inv.args[0]}"')
    inv.print(f'Switched to context "{inv.args[0]}".')


def _set_context(inv: Any) -> None:
    """`config set-context --current --namespace=x`, where the session can remember it."""
    name = inv.context if inv.flags["current"] else (inv.args[0] if inv.args else "")
    if not name:
        raise inv.usage_error("Unexpected args: []")
    remember = getattr(inv.session, "set_namespace", None)
    if name != inv.context or remember is None:
        raise CommandError("this lab has one context, which cannot be changed: use -n NAMESPACE")
    if inv.given.get("namespace"):
        remember(inv.given["namespace"])
    inv.print(f'Context "{name}" modified.')


def _usage(name: str) -> str:
    return f"kubectl config {name} [options]"


COMMAND = Command(
    "config",
    "Modify kubeconfig files",
    "kubectl config SUBCOMMAND [options]",
    commands=(
        Command("current-context", "Display the current-context", _usage("current-context [flags]"), _current),
        Command(
            "get-contexts",
            "Describe one or many contexts",
            _usage("get-contexts [(-o|--output=)name)]"),
            _contexts,
            (boolean("no-headers"), text("output", "o")),
        ),
        Command(
            "set-context",
            "Set a context entry in kubeconfig",
            _usage("set-context [NAME | --current] [--namespace=namespace]"),
            _set_context,
            (boolean("current"),),
        ),
        Command(
            "use-context",
            "Set the current-context in a kubeconfig file",
            _usage("use-context CONTEXT_NAME"),
            _use,
            aliases=("use",),
        ),
        Command(
            "view",
            "Display merged kubeconfig settings or a specified kubeconfig file",
            _usage("view [flags]"),
            _view,
            (*PRINT[1:], text("output", "o", default="yaml"), boolean("flatten"), boolean("minify"), boolean("raw")),
        ),
    ),
)
