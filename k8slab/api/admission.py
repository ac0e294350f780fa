"""The expressions of admission: policies' and webhooks', with the variables that they see.

Follows `apiserver/pkg/admission/plugin/cel` (compile.go, composition.go) and `apiserver/pkg/cel/mutation`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from k8slab.api.cel import BOOL, DYN, INT, STRING, CompileError, Kind, Program, compile_expression, list_of, map_of
from k8slab.api.cel.authorizer import AUTHORIZER, RESOURCE
from k8slab.api.cel.kinds import TIMESTAMP, object_of

REQUEST_BUDGET = 10_000_000
"""What all expressions of a policy may cost for one request (`apis/cel/config.go`, RuntimeCELCostBudget)."""
CONDITIONS_BUDGET = 2_500_000
"""What its matchConditions may cost."""
LONGEST_MESSAGE = 5 * 1024


def _object(name: str, /, **fields: Kind) -> Kind:
    return object_of(name, fields)


_GVK = _object("kubernetes.GroupVersionKind", group=STRING, version=STRING, kind=STRING)
_GVR = _object("kubernetes.GroupVersionResource", group=STRING, version=STRING, resource=STRING)
_USER = _object(
    "kubernetes.UserInfo",
    username=STRING,
    uid=STRING,
    groups=list_of(STRING),
    extra=map_of(STRING, list_of(STRING)),
)
REQUEST = _object(
    "kubernetes.AdmissionRequest",
    kind=_GVK,
    resource=_GVR,
    subResource=STRING,
    requestKind=_GVK,
    requestResource=_GVR,
    requestSubResource=STRING,
    name=STRING,
    namespace=STRING,
    operation=STRING,
    userInfo=_USER,
    dryRun=BOOL,
    options=DYN,
)
NAMESPACE = _object(
    "kubernetes.Namespace",
    metadata=_object(
        "kubernetes.NamespaceMetadata",
        name=STRING,
        generateName=STRING,
        namespace=STRING,
        labels=map_of(STRING, STRING),
        annotations=map_of(STRING, STRING),
        UID=STRING,
        creationTimestamp=TIMESTAMP,
        deletionGracePeriodSeconds=INT,
        deletionTimestamp=TIMESTAMP,
        generation=INT,
        resourceVersion=STRING,
        finalizers=list_of(STRING),
    ),
    spec=_object("kubernetes.NamespaceSpec", finalizers=list_of(STRING)),
    status=_object(
        "kubernetes.NamespaceStatus",
        conditions=list_of(
            _object(
                "kubernetes.NamespaceCondition",
                status=STRING,
                type=STRING,
                lastTransitionTime=TIMESTAMP,
                message=STRING,
                reason=STRING,
            )
        ),
        phase=STRING,
    ),
)
PATCH = object_of("JSONPatch", {"op": STRING, "path": STRING, "from": STRING, "value": DYN})
PATCHES = list_of(PATCH)
OBJECT = Kind("Object")


class ExpressionError(Exception):
    """An expression that may not stand where it stands: the server's words."""


Variables = tuple[tuple[str, Kind], ...]


def made(name: str) -> Kind | None:
    """The objects that mutations may make: JSON patches, and any part of the object that is admitted."""
    if name == "JSONPatch":
        return PATCH
    return Kind(name) if name == "Object" or name.startswith("Object.") else None


@lru_cache(maxsize=1024)
def expression(
    text: str,
    wanted: tuple[Kind, ...] = (BOOL,),
    has_params: bool = False,
    has_authorizer: bool = True,
    variables: Variables = (),
    mutates: bool = False,
    objects: Kind = DYN,
) -> Program:
    """The program of an expression.

    Args:
        text: the expression.
        wanted: the types that it may have; none allows all.
        has_params, has_authorizer: whether it may use `params` and `authorizer`.
        variables: the fields of `variables`, where there are any.
        mutates: whether it may make objects and patches.
        objects: the type of `object` and `oldObject`.

    Raises:
        ExpressionError: where it does not compile, or its type is another.
    """
    names = {"object": objects, "oldObject": objects, "namespaceObject": NAMESPACE, "request": REQUEST}
    if has_params:
        names["params"] = DYN
    if has_authorizer:
        names |= {"authorizer": Kind(AUTHORIZER), "authorizer.requestResource": Kind(RESOURCE)}
    if variables:
        names["variables"] = object_of("kubernetes.variables", dict(variables))
    try:
        program = compile_expression(text, names, made if mutates else None)
    except CompileError as error:
        raise ExpressionError(f"compilation failed: {error}") from None
    if wanted and not any(_exact(program.kind, each) for each in wanted):
        what = wanted[0] if len(wanted) == 1 else f"one of [{' '.join(map(str, wanted))}]"
        raise ExpressionError(f"must evaluate to {what} but got {program.kind}")
    return program


def _exact(kind: Kind, wanted: Kind) -> bool:
    return str(kind) == str(wanted)


def composed(
    declared: Iterable[Any], has_params: bool, mutates: bool = False, objects: Kind = DYN
) -> tuple[Variables, dict[str, str]]:
    """The variables of a policy with their types, and what is wrong with those that do not compile."""
    variables: Variables = ()
    problems: dict[str, str] = {}
    for each in declared:
        kind = DYN
        try:
            kind = expression(each.expression or "", (), has_params, True, variables, mutates, objects).kind
        except ExpressionError as error:
            problems[each.name] = str(error)
        variables = (*variables, (each.name, kind))
    return variables, problems
