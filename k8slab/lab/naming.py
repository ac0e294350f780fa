"""How objects and files are named in notebooks, and what is said where a name leads nowhere."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from k8slab.errors import K8sLabError


class CommandError(K8sLabError):
    """A command failed; the message is what it wrote to standard error."""


def split(target: str, name: str | None) -> tuple[str, str]:
    """Resource and name of `deployment/web`, or of both given apart. Raises CommandError."""
    if name is not None:
        return target, name
    if not isinstance(target, str):
        raise CommandError(f"{target!r} names no object: write kind/name, for example 'deployment/web'")
    resource, slash, name = target.partition("/")
    if not slash or not name:
        raise CommandError(f"{target!r} names no object: write kind/name, for example 'deployment/web'")
    return resource, name


def texts(manifest: Any) -> Iterable[str]:
    """The YAML documents in a path, text, dict, typed object, or list of these. Raises CommandError."""
    import msgspec

    from k8slab.api.codec import encode_yaml

    if isinstance(manifest, Path):
        yield read(manifest)
    elif isinstance(manifest, str):
        # One line that ends like a file's name is one: no YAML document of Kubernetes is a single line without ": ".
        is_path = "\n" not in manifest and manifest.endswith((".yaml", ".yml", ".json"))
        yield read(Path(manifest)) if is_path else manifest.rstrip("\n") + "\n"
    elif isinstance(manifest, (dict, msgspec.Struct)):
        try:
            yield encode_yaml(manifest)
        except (TypeError, RecursionError) as error:
            raise CommandError(f"cannot apply this {type(manifest).__name__}: {str(error).lower()}") from None
    elif isinstance(manifest, (list, tuple)):
        for part in manifest:
            yield from texts(part)
    else:
        raise CommandError(f"cannot apply {type(manifest).__name__}: give a path, YAML text, dict or API object")


def read(path: Path) -> str:
    """The text of a file. Raises CommandError, with kubectl's words."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CommandError(f'the path "{path}" does not exist') from None
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f'the path "{path}" cannot be read: {getattr(error, "strerror", None) or error}') from None
