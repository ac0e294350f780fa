"""kubectl auth can-i and whoami."""

from __future__ import annotations

from typing import Any

from k8slab.api.scheme import NoMatch
from k8slab.kubectl import tabular
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError, Exit
from k8slab.kubectl.flags import ALL_NAMESPACES, PRINT, boolean, text
from k8slab.kubectl.printers import Printer

_KNOWN_VERBS = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "use",
    "bind",
    "escalate",
    "impersonate",
    "proxy",
    "approve",
    "sign",
    "*",
]
_URL_VERBS = ["get", "put", "post", "head", "options", "delete", "patch", "*"]


def _can_i(inv: Any) -> None:
    if inv.flags["list"]:
        return _list(inv)
    if len(inv.args) not in (2, 3):
        raise CommandError(
            "you must specify two arguments: verb resource or verb resource/resourceName.\n"
            "See 'kubectl auth can-i -h' for help and examples."
        )
    spec = _url(inv) if inv.args[1].startswith("/") else _resource(inv)
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "metadata": {}, "spec": spec}
    reviews = inv.access.scheme.resource("selfsubjectaccessreviews.authorization.k8s.io")
    status = inv.access.create(reviews, review, None).get("status") or {}
    allowed = bool(status.get("allowed"))
    if not inv.flags["quiet"]:
        reason = f" - {status['reason']}" if status.get("reason") and not allowed else ""
        error = f" - {status['evaluationError']}" if status.get("evaluationError") else ""
        inv.print(("yes" if allowed else "no") + reason + error)
    if not allowed:
        raise Exit(1)


def _url(inv: Any) -> dict[str, Any]:
    if inv.args[0] not in _URL_VERBS:
        inv.complain(f"Warning: verb '{inv.args[0]}' is not a known verb\n")
    return {"nonResourceAttributes": {"path": inv.args[1], "verb": inv.args[0]}}


def _resource(inv: Any) -> dict[str, Any]:
    verb, word = inv.args[0], inv.args[1]
    name, slash, object_name = word.partition("/")
    subresource = inv.flags["subresource"]
    if slash and inv.access.scheme.resource(name).subresource(object_name) is not None:
        # `pods/log` means the subresource, not a Pod called log.
        subresource, object_name = object_name, ""
    if verb not in _KNOWN_VERBS:
        inv.complain(f"Warning: verb '{verb}' is not a known verb\n")
    attributes: dict[str, Any] = {"verb": verb}
    try:
        found = inv.access.scheme.resource(name) if name != "*" else None
    except NoMatch:
        inv.complain(f"Warning: the server doesn't have a resource type '{name}'\n")
        attributes |= {"resource": name}
    else:
        attributes |= {"group": found.group, "resource": found.plural} if found else {"group": "*", "resource": "*"}
        if found is not None and not found.namespaced and not inv.all_namespaces:
            where = f" in group '{found.group}'" if found.group else ""
            inv.complain(f"Warning: resource '{found.plural}' is not namespace scoped{where}\n")
    if not inv.all_namespaces:
        attributes["namespace"] = inv.namespace
    attributes |= {"name": object_name} if object_name else {}
    attributes |= {"subresource": subresource} if subresource else {}
    return {"resourceAttributes": attributes}


def _list(inv: Any) -> None:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "metadata": {},
        "spec": {"namespace": inv.namespace},
    }
    reviews = inv.access.scheme.resource("selfsubjectrulesreviews.authorization.k8s.io")
    status = inv.access.create(reviews, review, None).get("status") or {}
    rows = [] if inv.flags["no-headers"] else [["Resources", "Non-Resource URLs", "Resource Names", "Verbs"]]
    rows += policy_rows(status.get("resourceRules") or [], status.get("nonResourceRules") or [])
    inv.write(tabular.table(rows))


def policy_rows(rules: list[dict[str, Any]], urls: list[dict[str, Any]]) -> list[list[str]]:
    """One row per resource and per URL of the rules, sorted as kubectl shows them; verbs of a resource are joined."""
    verbs: dict[tuple[str, str, str], list[str]] = {}
    for rule in rules:
        names = bracket(rule.get("resourceNames"))
        for group in rule.get("apiGroups") or [""]:
            for resource in rule.get("resources") or ():
                known = verbs.setdefault((group, resource, names), [])
                known += [verb for verb in rule.get("verbs") or () if verb not in known]
    keyed = []
    for (group, resource, names), allowed in verbs.items():
        name = f"{resource}.{group}" if group else resource
        keyed.append(((bracket(allowed), f"[{group}]", f"[{resource}]", names), [name, "[]", names, bracket(allowed)]))
    for rule in urls:
        for url in rule.get("nonResourceURLs") or ():
            shown = bracket(rule.get("verbs"))
            keyed.append(((shown, "[]", "[]", f"[{url}]"), ["", f"[{url}]", "[]", shown]))
    return [row for _, row in sorted(keyed, key=_order)]


def _order(pair: tuple[tuple[str, ...], list[str]]) -> tuple[str, ...]:
    """kubectl sorts rules by their text, which begins with the verbs, groups and resources."""
    return pair[0]


def bracket(values: Any) -> str:
    """A list in Go's notation: `[get list]`."""
    return "[" + " ".join(values or ()) + "]"


def _whoami(inv: Any) -> None:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview", "metadata": {}}
    reviews = inv.access.scheme.resource("selfsubjectreviews.authentication.k8s.io")
    answer = inv.access.create(reviews, review, None)
    if inv.flags["output"]:
        return Printer(inv, "created").show(answer)
    user = (answer.get("status") or {}).get("userInfo") or {}
    rows = [["ATTRIBUTE", "VALUE"], ["Username", user.get("username", "")]]
    rows += [["UID", user["uid"]]] if user.get("uid") else []
    rows += [["Groups", bracket(user["groups"])]] if user.get("groups") else []
    for key, values in sorted((user.get("extra") or {}).items()):
        rows.append([f"Extra: {key}", bracket(values)])
    inv.write(tabular.table(rows))


COMMAND = Command(
    "auth",
    "Inspect authorization",
    "kubectl auth [flags] [options]",
    commands=(
        Command(
            "can-i",
            "Check whether an action is allowed",
            "kubectl auth can-i VERB [TYPE | TYPE/NAME | NONRESOURCEURL] [options]",
            _can_i,
            (*ALL_NAMESPACES, boolean("list"), boolean("no-headers"), boolean("quiet", "q"), text("subresource")),
        ),
        Command(
            "whoami",
            "Experimental: Check self subject attributes",
            "kubectl auth whoami [options]",
            _whoami,
            PRINT,
        ),
    ),
)
