"""`/faults`: what is broken in a served cluster, and a way to break and mend it, for those who may POST there.

A real cluster has no such path: there one walks to the machine. `kubectl get --raw /faults` shows what is broken;
`kubectl create --raw /faults -f FILE` with `{"verb": "fail_node", "targets": ["worker-1"]}` breaks something. The verbs
are the methods of `lab.faults`.
"""

from __future__ import annotations

import json
from inspect import signature
from typing import TYPE_CHECKING, Any

from k8slab.cluster.faults import VERBS
from k8slab.errors import ApiError, K8sLabError, bad_request

if TYPE_CHECKING:
    from k8slab.cluster.cluster import Cluster

PATH = "/faults"


def state(cluster: Cluster) -> dict[str, Any]:
    """What is broken now, and what can be asked for."""
    faults = cluster.faults
    broken = {"failedNodes": list(faults.failed_nodes), "crashed": list(faults.crashed), "paused": list(faults.paused)}
    return {**broken, "verbs": sorted(VERBS), "nodes": list(cluster.kubelets), "components": list(cluster.components)}


def inflict(cluster: Cluster, body: bytes) -> dict[str, Any]:
    """Do what a body asks for; returns the state afterwards. Raises ApiError (400) for what cannot be done."""
    verb, targets = _wish(body)
    parameters = signature(getattr(cluster.faults, verb)).parameters
    optional = sum(each.default == "" for each in parameters.values())
    if not len(parameters) - optional <= len(targets) <= len(parameters):
        raise bad_request(f"{verb} takes {len(parameters)} targets ({', '.join(parameters)}), not {len(targets)}")
    try:
        cluster.faults.apply(verb, *targets)
    except ApiError:
        raise
    except K8sLabError as error:
        raise bad_request(str(error)) from None
    return state(cluster)


def _wish(body: bytes) -> tuple[str, list[str]]:
    """Verb and targets."""
    try:
        wish = json.loads(body)
    except ValueError as error:
        raise bad_request(f"the body is no JSON: {error}") from None
    verb = wish.get("verb") if isinstance(wish, dict) else None
    if not isinstance(verb, str) or verb not in VERBS:
        raise bad_request(f"there is no fault {verb!r}: choose one of {', '.join(sorted(VERBS))}")
    targets = wish.get("targets") or []
    if not isinstance(targets, list) or not all(isinstance(each, str) for each in targets):
        raise bad_request("targets is a list of names")
    return verb, targets
