"""`--help`: what a command is for, its commands, options and usage line, in kubectl's layout."""

from __future__ import annotations

from collections.abc import Iterable

from k8slab.kubectl.command import Command
from k8slab.kubectl.flags import GLOBAL, Flag

_GROUPS = (
    ("Basic Commands (Beginner)", "create expose run set"),
    ("Basic Commands (Intermediate)", "explain get edit delete"),
    ("Deploy Commands", "rollout scale autoscale"),
    ("Cluster Management Commands", "certificate cluster-info top cordon uncordon drain taint"),
    (
        "Troubleshooting and Debugging Commands",
        "describe logs attach exec port-forward proxy cp auth debug events",
    ),
    ("Advanced Commands", "diff apply patch replace wait kustomize"),
    ("Settings Commands", "label annotate completion"),
    ("Other Commands", "api-resources api-versions config plugin version"),
)
_MEANINGS = {
    "all": "Choose all objects of the given types in the namespace.",
    "all-containers": "Show the logs of all containers of the Pod.",
    "all-namespaces": "Work across all namespaces.",
    "cascade": "What becomes of the objects it owns: background, foreground or orphan.",
    "container": "The container meant, by name.",
    "containers": "The containers meant; a pattern.",
    "dry-run": "none, client (print only) or server (let the server check, store nothing).",
    "field-manager": "Name under which the server records who set the fields.",
    "field-selector": "Filter by fields, such as status.phase=Running.",
    "filename": "A manifest: a file, a folder, or - for standard input.",
    "follow": "Go on printing while virtual time passes.",
    "for": "What to wait for, or the object whose events are meant.",
    "force": "Do it even where that is unsafe.",
    "from-file": "A file, or key=file.",
    "from-literal": "key=value.",
    "grace-period": "Seconds which a Pod has to end by itself; -1 keeps its own setting.",
    "ignore-not-found": "Objects that are not there are no error.",
    "image": "The container image.",
    "label-columns": "Labels to show as columns.",
    "no-headers": "Leave out the headers.",
    "output": "Output format.",
    "overwrite": "Existing values may be replaced.",
    "previous": "Show the log of the container's previous run.",
    "recursive": "Look into subfolders (explain: show the fields of fields).",
    "replicas": "How many copies.",
    "revision": "The revision meant.",
    "save-config": "Store this configuration in the object's annotation, for apply.",
    "selector": "Filter by labels: app=web, tier!=front, env in (a,b).",
    "server-side": "Let the server merge (server-side apply).",
    "show-kind": "Show the type before the name.",
    "show-labels": "Show all labels in a last column.",
    "show-managed-fields": "Do not leave out metadata.managedFields.",
    "since": "Only lines younger than this, such as 5s or 2m.",
    "sort-by": "Sort by a field, such as .metadata.name.",
    "subresource": "Work on a subresource such as status or scale.",
    "tail": "How many of the last lines to show; -1 for all.",
    "template": "The template for -o go-template or -o jsonpath.",
    "timeout": "How long to wait (virtual time).",
    "timestamps": "Show the time of each line.",
    "to-revision": "The revision to return to; 0 is the one before.",
    "type": "The type, for example of a patch (json, merge, strategic) or a Service.",
    "validate": "strict, warn or ignore: what the server does about unknown fields.",
    "wait": "Wait until it is gone.",
    "watch": "Go on showing changes while virtual time passes.",
    "watch-only": "Show changes only, not what is there now.",
}


def help_text(command: Command, path: str) -> str:
    """The help of one command."""
    parts = [command.about + "."]
    if command.details:
        parts.append(command.details)
    if command.aliases:
        parts.append("Aliases:\n" + ", ".join((command.name, *command.aliases)))
    if command.examples:
        parts.append("Examples:\n" + "\n".join(f"  {line}" for line in command.examples.strip().splitlines()))
    if command.commands:
        parts += _commands(command)
    if command.flags:
        parts.append(_options(command.flags))
    parts.append(f"Usage:\n  {command.usage}")
    if command.commands:
        parts.append(
            f'Use "{path} <command> --help" for more information about a given command.\n'
            'Use "kubectl options" for a list of global command-line options (applies to all commands).'
        )
    else:
        parts.append('Use "kubectl options" for a list of global command-line options (applies to all commands).')
    return "\n\n".join(parts) + "\n"


def options_text() -> str:
    """The flags that every command accepts."""
    return "The following options can be passed to any command:\n\n" + _lines(GLOBAL) + "\n"


def _commands(command: Command) -> list[str]:
    shown = {child.name: child for child in command.commands if not child.hidden}
    if command.name != "kubectl":
        return ["Available Commands:\n" + _list(shown.values())]
    sections = []
    for title, names in _GROUPS:
        children = [shown[name] for name in names.split() if name in shown]
        if children:
            sections.append(f"{title}:\n{_list(children)}")
    return sections


def _list(children: Iterable[Command]) -> str:
    rows = list(children)
    width = max(len(child.name) for child in rows) + 3
    return "\n".join(f"  {child.name.ljust(width)}{child.about}" for child in rows)


def _options(flags: Iterable[Flag]) -> str:
    return "Options:\n" + _lines(sorted(flags, key=lambda flag: flag.name))


def _lines(flags: Iterable[Flag]) -> str:
    lines = []
    for flag in flags:
        short = f"-{flag.short}, " if flag.short else ""
        meaning = _MEANINGS.get(flag.name)
        lines.append(f"    {short}--{flag.name}={flag.shown_default}:" + (f"\n\t{meaning}" if meaning else ""))
    return "\n".join(lines)
