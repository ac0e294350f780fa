"""kubectl auth can-i and whoami."""

from __future__ import annotations

from typing import Any

from k8slab.api.scheme import NoMatch
from k8slab.kubectl import tabular
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError, Exit
from k8slab.kubectl.flags import ALL_NAMESPACES, PRINT, boolean, text
from k8slab.kubectl.policyrules import KNOWN_VERBS, bracket, policy_rows
from k8slab.kubectl.printers import Printer
from k8slab.kubectl.verbs import reconcile

_URL_VERBS = ["get", "put", "post", "head", "options", "delete", "patch", "*"]


def _can_i(inv: Any) -> None:
    if inv.flags["list"]:
        return _list(inv)
    if len(inv.args) != 2:
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
    if verb not in KNOWN_VERBS:
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
        reconcile.COMMAND,
        Command(
            "whoami",
            "Experimental: Check self subject attributes",
            "kubectl auth whoami [options]",
            _whoami,
            PRINT,
        ),
    ),
)
