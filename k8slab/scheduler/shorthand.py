"""Short ways to write a scheduler configuration, for comparing profiles and setting up labs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from k8slab.scheduler.profile import API_VERSION, KIND, ConfigurationError
from k8slab.scheduler.validation import STRATEGIES

Source = str | Mapping[str, Any] | None
"""A KubeSchedulerConfiguration (YAML text or dict), the name of a strategy of NodeResourcesFit such as
`MostAllocated`, weights by plugin such as `{"ImageLocality": 5, "NodeResourcesFit": 0}` (0: do not score with it),
or None or `default` for kube-scheduler's defaults."""


def expand(source: Source) -> str | dict[str, Any] | None:
    """The KubeSchedulerConfiguration that is meant; None for the defaults. Raises ConfigurationError.

    >>> expand("default") is None
    True
    >>> expand({"ImageLocality": 5})["profiles"][0]["plugins"]["score"]["enabled"]
    [{'name': 'ImageLocality', 'weight': 5}]
    """
    if source is None or source == "default":
        return None
    if isinstance(source, str):
        return _strategy(source) if source in STRATEGIES else source
    if not isinstance(source, Mapping):
        raise ConfigurationError(f"a scheduler configuration is YAML text or a dict, not {type(source).__name__}")
    if not source or any(key in source for key in ("apiVersion", "kind", "profiles")):
        return dict(source)
    return _weights(source)


def plain(source: Source) -> Any:
    """The same as text or JSON data, as a journal keeps it. Raises ConfigurationError where it is not such data."""
    if source is None or isinstance(source, str):
        return source
    try:
        return json.loads(json.dumps(source))
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"a scheduler configuration is YAML text or a dict of plain data: {error}") from None


def title(source: Source) -> str:
    """A short name for a configuration, for headings."""
    if source is None or source == "default":
        return "default"
    if isinstance(source, str) and source in STRATEGIES:
        return source
    if isinstance(source, Mapping) and source and not any(key in source for key in ("apiVersion", "kind", "profiles")):
        return ", ".join(f"{name} ×{weight}" for name, weight in source.items())
    return ""


def _strategy(name: str) -> dict[str, Any]:
    strategy: dict[str, Any] = {"type": name}
    strategy["resources"] = [{"name": "cpu", "weight": 1}, {"name": "memory", "weight": 1}]
    if name == STRATEGIES[2]:
        shape = [{"utilization": 0, "score": 0}, {"utilization": 100, "score": 10}]
        strategy["requestedToCapacityRatio"] = {"shape": shape}
    return _configuration({"pluginConfig": [{"name": "NodeResourcesFit", "args": {"scoringStrategy": strategy}}]})


def _weights(weights: Mapping[str, Any]) -> dict[str, Any]:
    enabled = [{"name": name, "weight": weight} for name, weight in weights.items() if weight != 0]
    disabled = [{"name": name} for name, weight in weights.items() if weight == 0]
    score = {key: value for key, value in (("enabled", enabled), ("disabled", disabled)) if value}
    return _configuration({"plugins": {"score": score}})


def _configuration(profile: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": KIND, "profiles": [{"schedulerName": "default-scheduler", **profile}]}
