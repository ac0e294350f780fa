"""Which objects the arguments of a command mean: `pods`, `pod/a svc/b`, `deploy,rs -l app=web`, `-f web.yaml`.

Follows k8s.io/cli-runtime's resource builder and its error texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from k8slab.api.scheme import Resource
from k8slab.errors import ApiError
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.manifests import Info, Manifests

MUST_PROVIDE = """You must provide one or more resources by argument or filename.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'
   '<resource> <name>'
   '<resource>'"""
_SLASHES = "arguments in resource/name form may not have more than one slash"
_SEPARATE = (
    "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form "
    "(e.g. '{root} get resource/<resource_name>' instead of '{root} get resource resource/<resource_name>'"
)
_WITH_FILES = "when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well"
_NAMED_WITH_FILES = "resource/name arguments cannot be provided when a path is specified"


@dataclass
class Target:
    """A resource to ask for: one object by name, or (without a name) all that match the selectors."""

    resource: Resource
    name: str | None = None


def find_resource(inv: Any, name: str) -> Resource:
    """The resource meant by a word. Raises NoMatch with kubectl's words."""
    found = inv.access.scheme.resource(name)
    if name.partition(".")[0] in found.short_names:
        # A short name stands for the preferred version, whatever version is named with it.
        found = inv.access.scheme.resource(f"{found.plural}.{found.group}".rstrip("."))
    if name in found.short_names:
        for each in inv.access.scheme.all_resources():
            if name in each.short_names and each.group_resource != found.group_resource:
                inv.warn(f'short name "{name}" could also match lower priority resource {each.group_resource}')
    return found


def expand(inv: Any, word: str) -> list[Resource]:
    """The resources meant by `pods`, `deploy,rs` or a category such as `all`."""
    found: list[Resource] = []
    for name in word.split(","):
        category = [each for each in preferred(inv.access.scheme) if name in each.categories]
        found += category or [find_resource(inv, name)]
    return list(dict.fromkeys(found))


def preferred(scheme: Any) -> list[Resource]:
    """Each resource in the version that the server prefers."""
    found: dict[tuple[str, str], Resource] = {}
    for each in scheme.all_resources():
        found.setdefault((each.group, each.plural), each)
    return list(found.values())


def targets(inv: Any, args: list[str], allow_all: bool = False) -> list[Target]:
    """What the arguments name. `allow_all`: a type alone means all of its objects (as for `get`)."""
    if not args:
        return []
    if any("/" in word for word in args):
        return _slashed(inv, args)
    resources = expand(inv, args[0].strip(","))
    names = args[1:]
    if names:
        _no_selector(inv)
        return [Target(resource, name) for resource in resources for name in names]
    if _selects(inv) or allow_all:
        return [Target(resource) for resource in resources]
    raise CommandError("resource(s) were provided, but no name was specified")


def _slashed(inv: Any, args: list[str]) -> list[Target]:
    found: list[Target] = []
    for word in args:
        parts = word.split("/")
        if len(parts) == 1:
            raise CommandError(_SEPARATE.format(root="kubectl"))
        if len(parts) > 2:
            raise CommandError(_SLASHES)
        if not all(parts):
            raise CommandError("arguments in resource/name form must have a single resource and name")
        found += [Target(resource, parts[1]) for resource in expand(inv, parts[0])]
    _no_selector(inv)
    return found


def _selects(inv: Any) -> bool:
    flags = inv.flags
    return bool(flags.get("selector") or flags.get("field-selector") or flags.get("all"))


def _no_selector(inv: Any) -> None:
    if inv.flags.get("selector"):
        raise CommandError("name cannot be provided when a selector is specified")
    if inv.flags.get("field-selector"):
        raise CommandError("name cannot be provided when a field selector is specified")
    if inv.flags.get("all") and not inv.flags.get("list"):
        raise CommandError("name cannot be provided when a selector is specified")
    if inv.all_namespaces:
        raise CommandError("a resource cannot be retrieved by name across all namespaces")


def has_files(inv: Any) -> bool:
    """Whether the objects come from manifests."""
    return bool(inv.flags.get("filename"))


def refuse(args: list[str]) -> None:
    """Beside manifests there are no arguments that name resources. Raises CommandError for such."""
    if args:
        raise CommandError(_NAMED_WITH_FILES if any("/" in word for word in args) else _WITH_FILES)


def local(inv: Any, validate: bool = False) -> tuple[list[Info], list[Exception]]:
    """The objects of `-f` as they stand in the files, and what could not be read."""
    if inv.flags.get("kustomize"):
        raise CommandError("kustomize is not part of this lab: use -f")
    manifests = Manifests(inv, validate)
    return manifests.infos, manifests.errors


def live(inv: Any, args: list[str] | None = None, allow_all: bool = False) -> tuple[list[Info], list[Exception]]:
    """The objects meant by the arguments or by `-f`, fetched from the server, and what could not be had."""
    args = inv.args if args is None else args
    if has_files(inv):
        refuse(args)
        infos, errors = local(inv)
        return _refreshed(inv, infos, errors)
    wanted = targets(inv, args, allow_all)
    if not wanted:
        raise CommandError(MUST_PROVIDE)
    infos, errors = [], []
    for target in wanted:
        try:
            infos += fetch(inv, target)
        except ApiError as error:
            errors.append(error)
    return infos, errors


def _refreshed(inv: Any, infos: list[Info], errors: list[Exception]) -> tuple[list[Info], list[Exception]]:
    fresh: list[Info] = []
    for info in infos:
        try:
            info.object = inv.access.get(info.resource, info.name, info.namespace)
            fresh.append(info)
        except ApiError as error:
            errors.append(error)
    return fresh, errors


def fetch(inv: Any, target: Target) -> list[Info]:
    """The objects that a target means. Raises ApiError."""
    resource, access = target.resource, inv.access
    namespace = inv.namespace if resource.namespaced else None
    if target.name is not None:
        return [Info(resource, namespace, target.name, access.get(resource, target.name, namespace))]
    where = None if inv.all_namespaces else namespace
    found = access.list(resource, where, inv.flags.get("selector") or "", inv.flags.get("field-selector") or "")
    return [info_of(resource, obj) for obj in found]


def info_of(resource: Resource, obj: dict[str, Any], source: str = "") -> Info:
    """The Info of an object which the server sent."""
    metadata = obj["metadata"]
    return Info(resource, metadata.get("namespace") if resource.namespaced else None, metadata["name"], obj, source)
