"""The shape of a KubeSchedulerConfiguration: unknown fields and values of a wrong type, in the decoder's words.

Follows staging/src/k8s.io/kube-scheduler/config/v1/types.go and types_pluginargs.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

INT32, INT64, STRING, BOOL = "int32", "int64", "string", "bool"
Kind = Any
"""A type: the name of a plain one or of a struct below, or a list with the type of its items; None: anything."""

STRUCTS: dict[str, dict[str, Kind]] = {
    "KubeSchedulerConfiguration": {
        "apiVersion": STRING,
        "kind": STRING,
        "parallelism": INT32,
        "leaderElection": None,
        "clientConnection": None,
        "enableProfiling": BOOL,
        "enableContentionProfiling": BOOL,
        "percentageOfNodesToScore": INT32,
        "podInitialBackoffSeconds": INT64,
        "podMaxBackoffSeconds": INT64,
        "profiles": ["KubeSchedulerProfile"],
        "extenders": [None],
        "delayCacheUntilActive": BOOL,
    },
    "KubeSchedulerProfile": {
        "schedulerName": STRING,
        "percentageOfNodesToScore": INT32,
        "plugins": "Plugins",
        "pluginConfig": ["PluginConfig"],
    },
    "Plugins": dict.fromkeys(
        (
            "preEnqueue",
            "queueSort",
            "preFilter",
            "filter",
            "postFilter",
            "preScore",
            "score",
            "reserve",
            "permit",
            "preBind",
            "bind",
            "postBind",
            "multiPoint",
        ),
        "PluginSet",
    ),
    "PluginSet": {"enabled": ["Plugin"], "disabled": ["Plugin"]},
    "Plugin": {"name": STRING, "weight": INT32},
    "PluginConfig": {"name": STRING, "args": "Args"},
    "Args": {},
}

ARGS: dict[str, dict[str, Kind]] = {
    "DefaultPreemption": {"minCandidateNodesPercentage": INT32, "minCandidateNodesAbsolute": INT32},
    "InterPodAffinity": {"hardPodAffinityWeight": INT32, "ignorePreferredTermsOfExistingPods": BOOL},
    "NodeAffinity": {"addedAffinity": "NodeAffinity"},
    "NodeResourcesFit": {
        "ignoredResources": [STRING],
        "ignoredResourceGroups": [STRING],
        "scoringStrategy": "ScoringStrategy",
    },
    "NodeResourcesBalancedAllocation": {"resources": ["ResourceSpec"]},
    "PodTopologySpread": {"defaultConstraints": ["TopologySpreadConstraint"], "defaultingType": STRING},
    "VolumeBinding": {"bindTimeoutSeconds": INT64, "shape": ["UtilizationShapePoint"]},
    "DynamicResources": {"filterTimeout": STRING, "bindingTimeout": STRING},
}
"""What the args of built-in plugins have; args of others are the plugins' own affair."""

STRUCTS |= {
    "TopologySpreadConstraint": {
        "maxSkew": INT32,
        "topologyKey": STRING,
        "whenUnsatisfiable": STRING,
        "labelSelector": None,
        "minDomains": INT32,
        "nodeAffinityPolicy": STRING,
        "nodeTaintsPolicy": STRING,
        "matchLabelKeys": [STRING],
    },
    "ScoringStrategy": {
        "type": STRING,
        "resources": ["ResourceSpec"],
        "requestedToCapacityRatio": "RequestedToCapacityRatioParam",
    },
    "NodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": "NodeSelector",
        "preferredDuringSchedulingIgnoredDuringExecution": ["PreferredSchedulingTerm"],
    },
    "NodeSelector": {"nodeSelectorTerms": ["NodeSelectorTerm"]},
    "PreferredSchedulingTerm": {"weight": INT32, "preference": "NodeSelectorTerm"},
    "NodeSelectorTerm": {"matchExpressions": ["NodeSelectorRequirement"], "matchFields": ["NodeSelectorRequirement"]},
    "NodeSelectorRequirement": {"key": STRING, "operator": STRING, "values": [STRING]},
    "ResourceSpec": {"name": STRING, "weight": INT64},
    "RequestedToCapacityRatioParam": {"shape": ["UtilizationShapePoint"]},
    "UtilizationShapePoint": {"utilization": INT32, "score": INT32},
}
STRUCTS |= {f"{name}Args": {"apiVersion": STRING, "kind": STRING, **fields} for name, fields in ARGS.items()}


def problems(document: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The first value of a wrong type ("" if there is none), and all unknown fields, as the decoder reports them."""
    unknown = []
    for kind, text in _struct(document, "KubeSchedulerConfiguration", "", ""):
        if kind == "type":
            return text, []
        unknown.append(f'unknown field "{text}"' if kind == "field" else text)
    return "", unknown


ZEROS: dict[str, dict[str, Any]] = {
    "Plugin": {"name": ""},
    "PluginConfig": {"name": ""},
    "ResourceSpec": {"name": ""},
    "UtilizationShapePoint": {"utilization": 0, "score": 0},
}
"""Fields without which a struct is read with these values."""


def tidy(value: Any, kind: Kind = "KubeSchedulerConfiguration") -> Any:
    """The same without nulls, and with zero values where the parts that follow count on them."""
    name = kind if isinstance(kind, str) else ""
    if isinstance(value, Mapping):
        fields = dict(STRUCTS.get(name) or {})
        if name == "PluginConfig":
            fields["args"] = f"{value.get('name')}Args"
        found = {key: tidy(inner, fields.get(key)) for key, inner in value.items() if inner is not None}
        return {**ZEROS.get(name, {}), **found}
    if isinstance(value, (list, tuple)):
        item = kind[0] if isinstance(kind, list) else None
        zero: Any = {} if item in STRUCTS else "" if item == STRING else None
        return [tidy(zero if one is None else one, item) for one in value]
    return value


def _struct(value: Any, name: str, path: str, exact: str) -> Iterator[tuple[str, str]]:
    """`path` is as in type errors (without indexes), `exact` as in strict ones (with them)."""
    fields = STRUCTS[name]
    for key, inner in value.items():
        where, precise = _join(path, key), _join(exact, key)
        if key not in fields:
            yield "field", precise
        elif name == "PluginConfig" and key == "args":
            yield from _args(inner, value.get("name"), where, precise)
        else:
            yield from _value(inner, fields[key], name, where, precise)


def _args(value: Any, plugin: Any, path: str, exact: str) -> Iterator[tuple[str, str]]:
    name = f"{plugin}Args"
    if value is None:
        return
    if not isinstance(value, Mapping):
        yield "type", f"json: cannot unmarshal {json_name(value)} into Go value of type {name}"
    elif name in STRUCTS:
        # The decoder reads args by themselves: their paths begin anew.
        place = f"decoding .{exact.removesuffix('.args')}: decoding args for plugin {plugin}: "
        found = list(_struct(value, name, "", ""))
        wrong = [text for kind, text in found if kind == "type"]
        if wrong:
            yield "type", place + wrong[0]
        elif found:
            unknown = ", ".join(f'unknown field "{text}"' for _, text in found)
            yield "args", f"{place}strict decoding error: {unknown}"


def _value(value: Any, kind: Kind, owner: str, path: str, exact: str) -> Iterator[tuple[str, str]]:
    if value is None or kind is None:
        return
    if isinstance(kind, list):
        if not isinstance(value, (list, tuple)):
            yield "type", _mismatch(value, owner, path, f"[]{_go(kind[0])}")
            return
        for index, item in enumerate(value):
            yield from _value(item, kind[0], owner, path, f"{exact}[{index}]")
    elif kind in STRUCTS:
        if isinstance(value, Mapping):
            yield from _struct(value, kind, path, exact)
        else:
            yield "type", _mismatch(value, owner, path, _go(kind))
    elif not _is(value, kind):
        yield "type", _mismatch(value, owner, path, kind)


def _is(value: Any, kind: str) -> bool:
    if kind in (INT32, INT64):
        limit = 2**31 if kind == INT32 else 2**63
        return isinstance(value, int) and not isinstance(value, bool) and -limit <= value < limit
    return isinstance(value, bool) if kind == BOOL else isinstance(value, str)


def _mismatch(value: Any, owner: str, path: str, wanted: str) -> str:
    return f"json: cannot unmarshal {json_name(value)} into Go struct field {owner}.{path} of type {wanted}"


def json_name(value: Any) -> str:
    """What Go calls a JSON value in errors; numbers are shown, since their size may be what is wrong."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return f"number {value}" if isinstance(value, float) or abs(value) >= 2**31 else "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, (list, tuple)) else "object"


def _go(kind: Kind) -> str:
    return f"v1.{kind}" if kind in STRUCTS else str(kind or "interface {}")


def _join(path: str, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)
