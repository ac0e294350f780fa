"""Images: references, the registry that serves them, and each node's store with its pulls."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import Any, NamedTuple

from k8slab.kubelet.behaviour import ProgramError, suggestion
from k8slab.kubelet.credentials import Credential, refusal
from k8slab.kubelet.program import Program
from k8slab.kubelet.text import quoted, size
from k8slab.sim.clock import MILLISECOND, SECOND

DEFAULT_DOMAIN = "docker.io"
RESOLVE_TIME = 600 * MILLISECOND
"""Asking the registry which manifest a tag stands for."""
DENIED_TIME = 900 * MILLISECOND
UNPACK_SPEED = 150_000_000
"""Bytes of compressed layers per second that containerd unpacks."""

_DOMAIN = re.compile(r"^(?:localhost|[a-zA-Z0-9.-]*[.:][a-zA-Z0-9.-]*(?::\d+)?)$")
_PATH = re.compile(r"^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$")
_TAG = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")
_DIGEST = re.compile(r"^sha256:[0-9a-f]{64}$")


class InvalidReference(ValueError):
    """A name that cannot be an image's; the text is the reference parser's."""


class Reference(NamedTuple):
    """A parsed image name; `tag` is `latest` where neither tag nor digest was given."""

    domain: str
    path: str
    tag: str
    digest: str

    @property
    def repository(self) -> str:
        """Domain and path."""
        return f"{self.domain}/{self.path}"

    @property
    def canonical(self) -> str:
        """The full name, as the runtime reports it."""
        tail = f"@{self.digest}" if self.digest else ""
        return self.repository + (f":{self.tag}" if self.tag else "") + tail


@lru_cache(maxsize=4096)
def parse_reference(name: str) -> Reference:
    """Parse an image name as `distribution/reference` does. Raises InvalidReference.

    >>> parse_reference("nginx").canonical, parse_reference("quay.io/a/b:v1").repository
    ('docker.io/library/nginx:latest', 'quay.io/a/b')
    """
    rest, _, digest = name.partition("@")
    if digest and not _DIGEST.match(digest):
        raise InvalidReference("invalid reference format")
    head, slash, tail = rest.partition("/")
    if slash and (_DOMAIN.match(head) or head != head.lower()):
        domain, rest = head, tail
    else:
        domain = DEFAULT_DOMAIN
    path, _, tag = rest.partition(":")
    if domain in ("docker.io", "index.docker.io"):
        domain = DEFAULT_DOMAIN
        path = path if "/" in path else f"library/{path}"
    if path != path.lower() and _PATH.match(path.lower()):
        raise InvalidReference(f"invalid reference format: repository name ({path}) must be lowercase")
    if not _PATH.match(path) or (":" in rest and not _TAG.match(tag)):
        raise InvalidReference("invalid reference format")
    return Reference(domain, path, tag or ("" if digest else "latest"), digest)


@dataclass(frozen=True)
class Image:
    """An image of a repository: its size, what starts by default, and which commands are in it.

    Args:
        program: behaviour of the default entrypoint.
        size: compressed bytes, as a pull transfers and the node status shows them.
        entrypoint, cmd: as in the image's configuration.
        binaries: commands that start `program` as well.
        user: as whom it runs, a number or a name; empty: root.
        shell: there is a shell with the usual small tools; distroless images have none.
        script: the default command is this script instead of `program`.
        any_command: whatever command is given, `program` runs (for programs that learners register).
    """

    program: Program = field(default_factory=Program)
    size: int = 30_000_000
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    binaries: tuple[str, ...] = ()
    shell: bool = True
    script: str = ""
    any_command: bool = False
    user: str = ""


@dataclass(frozen=True)
class Repository:
    """A repository of a public registry and the tags that it has.

    Args:
        image: what all its tags contain.
        tags: names of tags.
        versions: major version to lowest and highest minor version (`{1: (7, 29)}` has 1.7, 1.7.3, ..., 1.29.x).
        variants: suffixes that versions may carry, with the size of such an image (0: the same size).
        prefix: before a version (`v`).
    """

    image: Image
    tags: tuple[str, ...] = ("latest",)
    versions: dict[int, tuple[int, int]] = field(default_factory=dict)
    variants: dict[str, int] = field(default_factory=dict)
    prefix: str = ""

    def find(self, tag: str) -> Image | None:
        """The image of a tag."""
        if tag in self.tags or not tag:
            return self._sized(tag)
        base, _, variant = tag.partition("-")
        if not all(part in self.variants or re.sub(r"[\d.]+$", "", part) in self.variants for part in _parts(variant)):
            return None
        found = re.fullmatch(re.escape(self.prefix) + r"(\d+)(?:\.(\d+))?(?:\.(\d+))?", base)
        if not found or int(found[1]) not in self.versions:
            return None
        low, high = self.versions[int(found[1])]
        if found[2] and not low <= int(found[2]) <= high:
            return None
        return self._sized(variant) if not found[3] or int(found[3]) <= 60 else None

    def _sized(self, variant: str) -> Image:
        for name, bytes_ in self.variants.items():
            if bytes_ and (variant.startswith(name) or f"-{name}" in variant):
                return replace(self.image, size=bytes_)
        return self.image


def _parts(variant: str) -> list[str]:
    return variant.split("-") if variant else []


class PullError(NamedTuple):
    """Why an image cannot be pulled: the runtime's message and how long it took to find out."""

    message: str
    time: int


class ImageRegistry:
    """All registries of the world, as far as a lab knows them; shared by its nodes.

    Learners add their own: `images["shop:v2"] = Program(ready_after="3s")`, or `images.add(...)` with a size.

    Args:
        bandwidth: bytes per second of one node's pulls.
        repositories: by full repository name; default: the usual public ones.
    """

    def __init__(self, bandwidth: int = 25_000_000, repositories: dict[str, Repository] | None = None) -> None:
        from k8slab.kubelet.catalog import REPOSITORIES

        self.bandwidth = bandwidth
        self.repositories = REPOSITORIES if repositories is None else repositories
        self.own: dict[str, Image] = {}
        self.removed: set[str] = set()
        self.private: dict[str, tuple[str, str]] = {}

    def __setitem__(self, name: str, program: Program | Image) -> None:
        key = parse_reference(name).canonical
        self.own[key] = self.made(name, program)
        self.removed.discard(key)

    @staticmethod
    def made(name: str, program: Program | Image) -> Image:
        """The image that somebody wants to register. Raises ProgramError where it is none."""
        if not isinstance(program, Image | Program):
            raise ProgramError(
                f"images[{name!r}] must be a Program(...) or an Image(...), not {type(program).__name__}: "
                f'lab.images[{name!r}] = Program(ready_after="3s")'
            )
        return program if isinstance(program, Image) else Image(program, any_command=True)

    def __getitem__(self, name: str) -> Image:
        found = self.find(name)
        if not isinstance(found, Image):
            raise KeyError(name)
        return found

    def __contains__(self, name: str) -> bool:
        return isinstance(self.find(name), Image)

    def __delitem__(self, name: str) -> None:
        """Make an image unavailable to further pulls."""
        self.removed.add(parse_reference(name).canonical)

    def __iter__(self) -> Iterator[str]:
        yield from self.own
        yield from self.repositories

    def add(self, name: str, program: Program | None = None, image_size: int | str = "30M", **behaviour: Any) -> None:
        """Register an image: `images.add("shop:v2", ready_after="3s", memory="80Mi", image_size="120M")`.

        Raises InvalidReference for a name that cannot be an image's, ProgramError for behaviour that cannot be.
        """
        known = tuple(each.name for each in fields(Program))
        for field_name in behaviour:
            if field_name not in known:
                hint = suggestion(field_name, known)
                raise ProgramError(f"a program has no {field_name!r}{hint}: it has {', '.join(known)}")
        self[name] = Image(program or Program(**behaviour), size(image_size), any_command=True)

    def protect(self, repositories: str, username: str, password: str) -> None:
        """Make a registry (`registry.example.com`) or what is below a path of it private: pulls need credentials.

        `kubectl create secret docker-registry` and imagePullSecrets give them.
        """
        self.private[repositories.rstrip("/")] = (username, password)

    def _denied(self, reference: Reference, credentials: Iterable[Credential]) -> str:
        """Why one is not let in, empty where one is."""
        for prefix, (username, password) in self.private.items():
            if reference.repository == prefix or reference.repository.startswith(prefix + "/"):
                return refusal(reference.repository, username, password, credentials)
        return ""

    def find(self, name: str, credentials: Iterable[Credential] = ()) -> Image | PullError:
        """The image of that name, or why there is none. Raises InvalidReference."""
        reference = parse_reference(name)
        denied = self._denied(reference, credentials) if self.private else ""
        if denied:
            full = quoted(reference.canonical)
            stem = f"failed to pull and unpack image {full}: failed to resolve reference {full}: "
            text = f"{stem}pull access denied, repository does not exist or may require authorization: {denied}"
            return PullError(text, DENIED_TIME)
        canonical = reference.canonical
        if canonical not in self.removed:
            if canonical in self.own:
                return self.own[canonical]
            repository = self.repositories.get(reference.repository)
            image = repository.find(reference.tag) if repository else None
            if image:
                return image
        known = reference.repository in self.repositories or any(
            key.startswith(reference.repository + ":") for key in self.own
        )
        return PullError(pull_error(reference, known), RESOLVE_TIME if known else DENIED_TIME)

    def pull_time(self, image: Image) -> int:
        """Microseconds to fetch and unpack an image."""
        return RESOLVE_TIME + image.size * SECOND // self.bandwidth + image.size * SECOND // UNPACK_SPEED


def pull_error(reference: Reference, known: bool) -> str:
    """containerd's message for a tag (`known` repository) or repository that does not exist."""
    name = quoted(reference.canonical)
    stem = f"failed to pull and unpack image {name}: failed to resolve reference {name}: "
    if known or reference.domain in ("registry.k8s.io", "gcr.io", "k8s.gcr.io", "mcr.microsoft.com"):
        return f"rpc error: code = NotFound desc = {stem}{reference.canonical}: not found"
    if reference.domain == DEFAULT_DOMAIN:
        return (
            f"{stem}pull access denied, repository does not exist or may require authorization: "
            "server message: insufficient_scope: authorization failed"
        )
    head = f"https://{reference.domain}/v2/{reference.path}/manifests/{reference.digest or reference.tag}"
    if reference.domain in ("quay.io", "public.ecr.aws"):
        return f"{stem}unexpected status from HEAD request to {head}: 401 UNAUTHORIZED"
    if reference.domain == "ghcr.io" or reference.domain.endswith(".pkg.dev"):
        return f"{stem}unexpected status from HEAD request to {head}: 403 Forbidden"
    host = reference.domain.partition(":")[0]
    return f"{stem}failed to do request: Head {quoted(head)}: dial tcp: lookup {host} on 192.168.0.1:53: no such host"


@lru_cache(maxsize=4096)
def image_id(canonical: str) -> str:
    """The digest reference that the runtime reports for a name."""
    reference = parse_reference(canonical)
    digest = reference.digest or "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()
    return f"{reference.repository}@{digest}"


class Pull(NamedTuple):
    """A pull under way: when it was asked for, when its turn begins and ends, and what comes of it."""

    asked: int
    begins: int
    ends: int
    result: Image | PullError


class ImageStore:
    """The images on one node's disk. Pulls run one after another (serializeImagePulls is the default)."""

    __slots__ = ("_busy_until", "_coming", "images", "registry")

    def __init__(self, registry: ImageRegistry, present: tuple[str, ...] = ()) -> None:
        self.registry = registry
        self.images: dict[str, Image] = {}
        self._busy_until = -(1 << 62)
        self._coming: dict[str, int] = {}
        for name in present:
            self.images[parse_reference(name).canonical] = registry[name]

    def present(self, name: str) -> Image | None:
        """The image, if it is on the disk. Raises InvalidReference."""
        return self.images.get(parse_reference(name).canonical)

    def pull(self, name: str, now: int, credentials: Iterable[Credential] = ()) -> Pull:
        """Begin to pull; the caller comes back at `ends` and calls `arrived`."""
        canonical = parse_reference(name).canonical
        result = self.registry.find(name, credentials)
        begins = max(now, self._busy_until)
        if isinstance(result, PullError):
            took = result.time
        elif canonical in self.images or canonical in self._coming:
            took = RESOLVE_TIME
        else:
            took = self.registry.pull_time(result)
            self._coming[canonical] = begins + took
        self._busy_until = begins + took
        return Pull(now, begins, begins + took, result)

    def arrived(self, name: str, image: Image) -> bool:
        """Put a pulled image on the disk; True where it is new there."""
        canonical = parse_reference(name).canonical
        self._coming.pop(canonical, None)
        new = self.images.get(canonical) != image
        self.images[canonical] = image
        return new

    def interrupted(self, now: int) -> None:
        """The machine went down: pulls under way are lost, images on the disk are not."""
        self._coming.clear()
        self._busy_until = now
