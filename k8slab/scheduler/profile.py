"""Scheduler configuration: KubeSchedulerConfiguration with its profiles, read and checked as kube-scheduler does.

Follows pkg/scheduler/apis/config (v1, validation) and framework/runtime/framework.go (expansion of MultiPoint).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from msgspec import Struct, field

from k8slab.errors import K8sLabError
from k8slab.scheduler.decoding import json_name, problems, tidy
from k8slab.scheduler.framework import EXTENSION_POINTS, Plugin, implements
from k8slab.scheduler.plugins import DEFAULT_PLUGINS, REGISTRY
from k8slab.scheduler.validation import check_args
from k8slab.sim.clock import SECOND

API_VERSION = "kubescheduler.config.k8s.io/v1"
KIND = "KubeSchedulerConfiguration"
DEFAULT_NAME = "default-scheduler"
MAX_WEIGHT = (2**63 - 1) // 100

Entry = tuple[str, int]
"""(plugin name, weight); weight 0 where none is given."""

SET_NAMES = {"multiPoint": "MultiPoint"} | {name[0].lower() + name[1:]: name for name in EXTENSION_POINTS}


class ConfigurationError(K8sLabError):
    """A scheduler configuration that kube-scheduler would refuse, in its words."""


class Profile(Struct):
    """One profile: which plugins run at each extension point, in order, with weights and args."""

    scheduler_name: str
    points: dict[str, list[Entry]]
    weights: dict[str, int]
    args: dict[str, dict[str, Any]] = field(default_factory=dict)
    percentage_of_nodes_to_score: int | None = None


class Configuration(Struct):
    """A whole configuration. Back-off times are in microseconds."""

    profiles: list[Profile]
    initial_backoff: int = SECOND
    max_backoff: int = 10 * SECOND


def default_configuration(registry: Mapping[str, type[Plugin]] = REGISTRY) -> Configuration:
    """What kube-scheduler runs with when nothing is configured; plugins that are not built in come last."""
    return Configuration([_profile({}, "profiles[0]", registry)])


def load_configuration(
    source: str | Mapping[str, Any] | None, registry: Mapping[str, type[Plugin]] = REGISTRY
) -> Configuration:
    """Read a KubeSchedulerConfiguration (YAML text or a dict). Raises ConfigurationError with all that is wrong."""
    if source is None:
        return default_configuration(registry)
    document = _parsed(source)
    _check_finite(document)
    _check_kind(document)
    _check_fields(document)
    document = tidy(document)
    wrong = _problems(document)
    if wrong:
        raise ConfigurationError(_aggregate(wrong))
    profiles = [
        _profile(one, f"profiles[{index}]", registry, document.get("percentageOfNodesToScore"))
        for index, one in enumerate(document.get("profiles") or [{}])
    ]
    return Configuration(
        profiles,
        int(document.get("podInitialBackoffSeconds", 1)) * SECOND,
        int(document.get("podMaxBackoffSeconds", 10)) * SECOND,
    )


def _parsed(source: str | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(source, Mapping):
        return source
    try:
        document = yaml.safe_load(source) or {}
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or str(error)
        line = f"line {mark.line + 1}: " if mark is not None else ""
        raise ConfigurationError(f"yaml: {line}{' '.join(problem.split())}") from None
    if not isinstance(document, dict):
        raise ConfigurationError(
            f"couldn't get version/kind; json parse error: json: cannot unmarshal {json_name(document)} into Go value"
        )
    return document


def _check_finite(document: Mapping[str, Any]) -> None:
    try:
        json.dumps(document, default=str)
    except (ValueError, TypeError, RecursionError):
        raise ConfigurationError("yaml: anchor value contains itself, or is nested too deeply") from None


def _check_kind(document: Mapping[str, Any]) -> None:
    version, kind = document.get("apiVersion", ""), document.get("kind", "")
    if not kind:
        raise ConfigurationError("Object 'Kind' is missing")
    if version != API_VERSION or kind != KIND:
        raise ConfigurationError(f'no kind "{kind}" is registered for version "{version}" in scheme')


def _check_fields(document: Mapping[str, Any]) -> None:
    wrong, unknown = problems(document)
    if wrong:
        raise ConfigurationError(wrong)
    if unknown:
        raise ConfigurationError(f"strict decoding error: {', '.join(unknown)}")
    if document.get("extenders"):
        raise ConfigurationError("extenders: this scheduler calls no HTTP extenders; write a plugin instead")


def _problems(document: Mapping[str, Any]) -> list[str]:
    found = []
    if document.get("parallelism", 1) <= 0:
        found.append(_invalid("parallelism", document["parallelism"], "should be an integer value greater than zero"))
    found += _percentage(document, "percentageOfNodesToScore")
    initial, longest = document.get("podInitialBackoffSeconds", 1), document.get("podMaxBackoffSeconds", 10)
    if initial <= 0:
        found.append(_invalid("podInitialBackoffSeconds", initial, "must be greater than 0"))
    if longest < initial:
        text = "must be greater than or equal to PodInitialBackoffSeconds"
        found.append(_invalid("podMaxBackoffSeconds", longest, text))
    names: set[str] = set()
    for index, profile in enumerate(document.get("profiles") or ()):
        path = f"profiles[{index}]"
        name = profile.get("schedulerName", DEFAULT_NAME if len(document["profiles"]) == 1 else "")
        if not name:
            found.append(f"{path}.schedulerName: Required value")
        elif name in names:
            found.append(f'{path}.schedulerName: Duplicate value: "{name}"')
        names.add(name)
        found += _percentage(profile, f"{path}.percentageOfNodesToScore")
        found += _config_problems(profile, path)
    return found


def _config_problems(profile: Mapping[str, Any], path: str) -> list[str]:
    found, seen = [], set()
    for index, config in enumerate(profile.get("pluginConfig") or ()):
        name = config.get("name", "")
        if name in seen:
            found.append(f'{path}.pluginConfig[{index}]: Duplicate value: "{name}"')
        seen.add(name)
        found += check_args(name, config.get("args") or {}, f"{path}.pluginConfig[{index}].args")
    return found


def _percentage(document: Mapping[str, Any], path: str) -> list[str]:
    value = document.get("percentageOfNodesToScore")
    if value is None or 0 <= value <= 100:
        return []
    return [_invalid(path, value, "not in valid range [0-100]")]


def _invalid(path: str, value: Any, why: str) -> str:
    shown = f'"{value}"' if isinstance(value, str) else value
    return f"{path}: Invalid value: {shown}: {why}"


def _aggregate(problems: Sequence[str]) -> str:
    return problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"


# --- profiles


def _profile(
    config: Mapping[str, Any], path: str, registry: Mapping[str, type[Plugin]], percentage: int | None = None
) -> Profile:
    name = config.get("schedulerName") or DEFAULT_NAME
    own = config.get("percentageOfNodesToScore")
    try:
        points, weights = _expand(config.get("plugins") or {}, registry)
        _check_profile(points, name)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"initializing profiles: creating profile for scheduler name {name}: {error}"
        ) from None
    args = {one["name"]: dict(one.get("args") or {}) for one in config.get("pluginConfig") or ()}
    return Profile(name, points, weights, args, own if own is not None else percentage)


def _expand(
    plugins: Mapping[str, Any], registry: Mapping[str, type[Plugin]]
) -> tuple[dict[str, list[Entry]], dict[str, int]]:
    more = [(name, plugin.weight) for name, plugin in registry.items() if name not in REGISTRY]
    defaults = [(plugin.name, weight) for plugin, weight in DEFAULT_PLUGINS] + more
    multi = _merged(defaults, plugins.get("multiPoint") or {})
    _check_known([name for name, _ in multi], "PreFilter", registry)
    points: dict[str, list[Entry]] = {}
    weights: dict[str, int] = {}
    for key, point in SET_NAMES.items():
        if point == "MultiPoint":
            continue
        chosen = plugins.get(key) or {}
        points[point] = _at_point(multi, chosen, point, registry)
    for name, weight in points["Score"]:
        weights[name] = weight or 1
    if sum(weights.values()) > MAX_WEIGHT:
        raise ConfigurationError("total score of Score plugins could overflow")
    return points, weights


def _merged(defaults: list[Entry], chosen: Mapping[str, Any]) -> list[Entry]:
    """Defaults minus the disabled; an enabled one replaces its default in place, others follow."""
    disabled = {one["name"] for one in chosen.get("disabled") or ()}
    enabled = _entries(chosen.get("enabled"))
    replacing = dict(enabled)
    found: list[Entry] = []
    if "*" not in disabled:
        for name, weight in defaults:
            if name in disabled:
                continue
            found.append((name, replacing.pop(name)) if name in replacing else (name, weight))
    return found + [(name, weight) for name, weight in enabled if name in replacing]


def _at_point(
    multi: list[Entry], chosen: Mapping[str, Any], point: str, registry: Mapping[str, type[Plugin]]
) -> list[Entry]:
    """The plugins of one point: those set for it that MultiPoint has too, the rest of MultiPoint, the rest of it."""
    disabled = {one["name"] for one in chosen.get("disabled") or ()}
    enabled = _entries(chosen.get("enabled"))
    _check_known([name for name, _ in enabled], point, registry)
    seen: set[str] = set()
    for name, _ in enabled:
        if name in seen:
            raise ConfigurationError(f'plugin "{name}" already registered as "{point}Plugin"')
        seen.add(name)
        if not _takes_part(registry[name], point):
            raise ConfigurationError(f'plugin "{name}" does not extend {point}Plugin plugin')
    in_multi = {name for name, _ in multi}
    rest = [
        (name, weight)
        for name, weight in multi
        if name not in seen and name not in disabled and "*" not in disabled and _takes_part(registry[name], point)
    ]
    first = [one for one in enabled if one[0] in in_multi]
    return first + rest + [one for one in enabled if one[0] not in in_multi]


def _takes_part(plugin: type[Plugin], point: str) -> bool:
    return implements(plugin.__new__(plugin), point)


def _entries(enabled: Any) -> list[Entry]:
    return [(one["name"], one.get("weight") or 0) for one in enabled or ()]


def _check_known(names: Sequence[str], point: str, registry: Mapping[str, type[Plugin]]) -> None:
    for name in names:
        if name not in registry:
            raise ConfigurationError(f'{point}Plugin "{name}" does not exist')


def _check_profile(points: Mapping[str, Sequence[Entry]], name: str) -> None:
    count = len(points["QueueSort"])
    if count == 0:
        raise ConfigurationError(f'at least one queue sort plugin is required for profile with scheduler name "{name}"')
    if count > 1:
        raise ConfigurationError(
            f'only one queue sort plugin required for profile with scheduler name "{name}", but got {count}'
        )
    if not points["Bind"]:
        raise ConfigurationError(f'at least one bind plugin is needed for profile with scheduler name "{name}"')
