"""`kubectl create namespace|serviceaccount|quota|poddisruptionbudget|priorityclass|token`."""

from __future__ import annotations

from typing import Any

from k8slab.api import quantity
from k8slab.errors import ApiError
from k8slab.kubectl import duration
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.flags import PRINT, array, boolean, integer, period, text
from k8slab.kubectl.generate.base import Object, generator, meta, one_name
from k8slab.kubectl.printers import Printer
from k8slab.sim.clock import SECOND


def _namespace(inv: Any) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": meta(one_name(inv)), "spec": {}, "status": {}}


def _service_account(inv: Any) -> Object:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta(one_name(inv), inv)}


def _quota(inv: Any) -> Object:
    spec: Object = {"hard": _amounts(inv.flags["hard"])} if inv.flags["hard"] else {}
    spec |= {"scopes": inv.flags["scopes"].split(",")} if inv.flags["scopes"] else {}
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": meta(one_name(inv), inv),
        "spec": spec,
        "status": {},
    }


def _amounts(given: str) -> dict[str, str]:
    amounts: dict[str, str] = {}
    for part in given.split(","):
        name, equals, amount = part.partition("=")
        if not equals:
            raise CommandError(f"Invalid argument syntax {part}, expected <resource>=<value>")
        try:
            amounts[name] = quantity.canonical(amount)
        except quantity.QuantityError as error:
            raise CommandError(str(error)) from None
    return amounts


def _budget(inv: Any) -> Object:
    least, most, selector = (inv.flags[name] for name in ("min-available", "max-unavailable", "selector"))
    if not selector:
        raise CommandError("a selector must be specified")
    if not least and not most:
        raise CommandError("one of min-available or max-unavailable must be specified")
    if least and most:
        raise CommandError("min-available and max-unavailable cannot be both specified")
    number = least or most
    bound = {"minAvailable" if least else "maxUnavailable": int(number) if number.isdigit() else number}
    labels = dict(part.replace("==", "=").partition("=")[::2] for part in selector.split(","))
    status = {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": meta(one_name(inv), inv),
        "spec": {**bound, "selector": {"matchLabels": labels}},
        "status": status,
    }


def _priority_class(inv: Any) -> Object:
    flags = inv.flags
    obj: Object = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": meta(one_name(inv)),
        "value": flags["value"],
    }
    obj |= {"globalDefault": True} if flags["global-default"] else {}
    obj |= {"description": flags["description"]} if flags["description"] else {}
    return obj | {"preemptionPolicy": flags["preemption-policy"]}


def _token(inv: Any) -> None:
    """Ask for a token of a service account and print it."""
    name = one_name(inv)
    if not name:
        raise CommandError("service account name is required")
    seconds = duration.parse(inv.flags["duration"]) // SECOND
    spec: Object = ({"audiences": inv.flags["audience"]} if inv.flags["audience"] else {}) | (
        {"expirationSeconds": seconds} if seconds else {}
    )
    request = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "metadata": {"name": name},
        "spec": spec,
    }
    accounts = inv.access.scheme.resource("serviceaccounts")
    try:
        answer = inv.access.create(accounts, request, inv.namespace, subresource="token")
    except ApiError as error:
        raise CommandError(f"failed to create token: {error.message}") from None
    if inv.flags["output"]:
        return Printer(inv, "created").show(answer)
    token = (answer.get("status") or {}).get("token")
    if not token:
        raise CommandError("failed to create token: no token in server response")
    inv.print(token)


_TOKEN = Command(
    "token",
    "Request a service account token",
    "kubectl create token SERVICE_ACCOUNT_NAME [options]",
    _token,
    (
        *PRINT,
        array("audience"),
        text("bound-object-kind"),
        text("bound-object-name"),
        text("bound-object-uid"),
        period("duration"),
    ),
)

COMMANDS: tuple[Command, ...] = (
    generator("namespace", "namespace NAME", _namespace, (), ("ns",), "Create a namespace with the specified name"),
    generator(
        "poddisruptionbudget",
        "poddisruptionbudget NAME --selector=SELECTOR --min-available=N",
        _budget,
        (text("max-unavailable"), text("min-available"), text("selector")),
        ("pdb",),
        "Create a pod disruption budget with the specified name",
        "failed to create poddisruptionbudgets: ",
    ),
    generator(
        "priorityclass",
        "priorityclass NAME --value=VALUE --global-default=BOOL",
        _priority_class,
        (
            text("description"),
            boolean("global-default"),
            text("preemption-policy", default="PreemptLowerPriority"),
            integer("value"),
        ),
        ("pc",),
        "Create a priority class with the specified name",
        "failed to create priorityclass: ",
    ),
    generator(
        "quota",
        "quota NAME [--hard=key1=value1,key2=value2] [--scopes=Scope1,Scope2]",
        _quota,
        (text("hard"), text("scopes")),
        ("resourcequota",),
        "Create a quota with the specified name",
        "failed to create quota: ",
    ),
    generator(
        "serviceaccount",
        "serviceaccount NAME",
        _service_account,
        (),
        ("sa",),
        "Create a service account with the specified name",
        "failed to create serviceaccount: ",
    ),
    _TOKEN,
)
