"""Tab completion: commands, flags, resource types, and the names that exist right now.

Follows what kubectl's shell completion offers for each verb.
"""

from __future__ import annotations

import shlex
from typing import Any

from k8slab.api.scheme import NoMatch, Resource
from k8slab.errors import ApiError, K8sLabError
from k8slab.kubectl import command as commands
from k8slab.kubectl.access import Access
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.flags import GLOBAL, Flag
from k8slab.kubectl.verbs import ROOT

_FORMATS = ("custom-columns=", "go-template=", "json", "jsonpath=", "name", "wide", "yaml")
_VALUES = {
    "dry-run": ("client", "none", "server"),
    "cascade": ("background", "foreground", "orphan"),
    "validate": ("ignore", "strict", "warn"),
    "types": ("Normal", "Warning"),
    "restart": ("Always", "Never", "OnFailure"),
}
_BY_TYPE = ("get", "describe", "delete", "edit", "patch", "label", "annotate", "expose", "explain", "wait", "events")
_OF_TYPES = {
    "scale": ("deployments", "replicasets", "statefulsets", "replicationcontrollers"),
    "autoscale": ("deployments", "replicasets", "statefulsets", "replicationcontrollers"),
    "logs": ("pods",),
    "attach": ("pods",),
    "exec": ("pods",),
    "port-forward": ("pods",),
    "cordon": ("nodes",),
    "uncordon": ("nodes",),
    "drain": ("nodes",),
    "top node": ("nodes",),
    "top pod": ("pods",),
    "rollout pause": ("deployments",),
    "rollout resume": ("deployments",),
    "rollout status": ("deployments", "daemonsets", "statefulsets"),
    "rollout history": ("deployments", "daemonsets", "statefulsets"),
    "rollout restart": ("deployments", "daemonsets", "statefulsets"),
    "rollout undo": ("deployments", "daemonsets", "statefulsets"),
    "set image": ("deployments", "daemonsets", "statefulsets", "pods", "cronjobs", "jobs"),
    "set env": ("deployments", "daemonsets", "statefulsets", "pods", "cronjobs", "jobs"),
    "set resources": ("deployments", "daemonsets", "statefulsets", "cronjobs"),
}
_NAMES_ONLY = ("logs", "attach", "exec", "port-forward", "cordon", "uncordon", "drain", "top node", "top pod")


def complete(line: str, cursor: int, session: Any) -> list[str]:
    """What the word before the cursor may become: whole words, in the order in which they should be offered.

    `line` is the command with or without a leading `kubectl`; a line that cannot be understood gives nothing.
    """
    words, fragment = _split(line[:cursor])
    if words[:1] == ["kubectl"]:
        words = words[1:]
    elif not words and "kubectl".startswith(fragment) and fragment:
        return ["kubectl"]
    completer = _Completer(words, fragment, session)
    try:
        found = completer.candidates()
    except (CommandError, K8sLabError, NoMatch, ApiError):
        return []
    return [each for each in dict.fromkeys(found) if each.startswith(fragment)]


def _split(text: str) -> tuple[list[str], str]:
    """The finished words and the one being typed."""
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    if not text or text[-1].isspace():
        return words, ""
    return words[:-1], words[-1] if words else ""


class _Completer:
    def __init__(self, words: list[str], fragment: str, session: Any) -> None:
        self.command, self.path, rest = commands.find(ROOT, words)
        self.fragment, self.session, self.words = fragment, session, words
        self.args, self.given, self.open_flag = _read(self.command, rest)
        self.access = Access(session.client, None, _ignore)

    def candidates(self) -> list[str]:
        if self.open_flag is not None:
            return self._values(self.open_flag)
        if self.fragment.startswith("--") and "=" in self.fragment:
            name = self.fragment[2:].partition("=")[0]
            return [f"--{name}={value}" for value in self._values(_flags(self.command).get(name))]
        if self.fragment.startswith("-"):
            return sorted(f"--{name}" for name in _flags(self.command))
        if self.command.commands and not self.args:
            children = [child.name for child in self.command.commands if not child.hidden]
            if self.command is ROOT:
                children.append("help")
            return children + ([] if self.command.run is None else self._arguments())
        return self._arguments()

    @property
    def namespace(self) -> str:
        return self.given.get("namespace") or self.session.namespace or "default"

    def _values(self, flag: Flag | None) -> list[str]:
        if flag is None:
            return []
        if flag.name == "namespace":
            return self._names(self.access.scheme.resource("namespaces"))
        if flag.name == "output":
            return list(_FORMATS)
        if flag.name == "container":
            return self._containers()
        if flag.name == "type":
            patching = self.command.name == "patch"
            return (
                ["json", "merge", "strategic"]
                if patching
                else ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]
            )
        return list(_VALUES.get(flag.name, ()))

    def _arguments(self) -> list[str]:
        verb = self.path.removeprefix("kubectl ")
        if verb in _NAMES_ONLY:
            return self._of_types(_OF_TYPES[verb]) if not self.args else []
        if verb == "taint":
            return ["nodes"] if not self.args else self._names(self.access.scheme.resource("nodes"))
        if verb in _OF_TYPES and not self.args:
            return self._typed(_OF_TYPES[verb])
        if verb in _BY_TYPE and not self.args:
            return self._types()
        if (verb in _BY_TYPE or verb in _OF_TYPES) and self.args:
            return self._after_type()
        if verb == "auth can-i":
            return ["get", "list", "watch", "create", "update", "patch", "delete"] if not self.args else self._types()
        return []

    def _of_types(self, plurals: tuple[str, ...]) -> list[str]:
        return [name for plural in plurals for name in self._names(self.access.scheme.resource(plural))]

    def _typed(self, plurals: tuple[str, ...]) -> list[str]:
        """Types, or (after a slash) names of a type: `deployment/web`."""
        return self._slashed() if "/" in self.fragment else [*plurals, *(self._singular(plural) for plural in plurals)]

    def _singular(self, plural: str) -> str:
        return self.access.scheme.resource(plural).singular

    def _types(self) -> list[str]:
        if "/" in self.fragment:
            return self._slashed()
        head, comma, _ = self.fragment.rpartition(",")
        resources = [each for each in self.access.scheme.all_resources() if "list" in each.verbs]
        names = [each.plural for each in resources] + [short for each in resources for short in each.short_names]
        names += [each.singular for each in resources] + ["all"]
        return [f"{head}{comma}{name}" for name in names]

    def _slashed(self) -> list[str]:
        word = self.fragment.partition("/")[0]
        return [f"{word}/{name}" for name in self._names(self.access.scheme.resource(word))]

    def _after_type(self) -> list[str]:
        first = self.args[0]
        if "/" in first:
            return self._slashed() if "/" in self.fragment else []
        taken = self.args[1:]
        resource = self.access.scheme.resource(first.split(",")[0])
        return [name for name in self._names(resource) if name not in taken]

    def _names(self, resource: Resource) -> list[str]:
        objects = self.access.list(resource, self.namespace if resource.namespaced else None)
        return [obj["metadata"]["name"] for obj in objects]

    def _containers(self) -> list[str]:
        pods = self.access.scheme.resource("pods")
        name = self.args[-1].partition("/")[2] or self.args[-1] if self.args else ""
        spec = self.access.get(pods, name, self.namespace).get("spec") or {} if name else {}
        return [each["name"] for each in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ()))]


def _ignore(text: str) -> None:
    """Warnings are not for completion."""


def _flags(command: Command) -> dict[str, Flag]:
    return {flag.name: flag for flag in (*command.flags, *GLOBAL)}


def _read(command: Command, rest: list[str]) -> tuple[list[str], dict[str, str], Flag | None]:
    """Arguments, texts of flags, and the flag whose value comes next (None when none does)."""
    flags, shorts = _flags(command), {flag.short: flag for flag in _flags(command).values() if flag.short}
    args: list[str] = []
    given: dict[str, str] = {}
    waiting: Flag | None = None
    for word in rest:
        if waiting is not None:
            given[waiting.name], waiting = word, None
        elif word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            flag = flags.get(name)
            if flag is not None and equals:
                given[name] = value
            elif flag is not None and flag.implied is None:
                waiting = flag
        elif word.startswith("-") and len(word) > 1:
            flag = shorts.get(word[1])
            if flag is not None and flag.implied is None and len(word) == 2:
                waiting = flag
            elif flag is not None and flag.implied is None:
                given[flag.name] = word[2:].removeprefix("=")
        else:
            args.append(word)
    return args, given, waiting
