"""Reading manifests: files, folders, standard input; documents split and decoded as kubectl's builder does it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from k8slab.api import codec, gojson
from k8slab.api.core_v1 import ConfigMap
from k8slab.api.jsonpath import compact
from k8slab.api.scheme import NoMatch, Resource
from k8slab.kubectl import goyaml
from k8slab.kubectl.failure import CommandError

_SEPARATOR = re.compile(r"^---.*\n?", re.MULTILINE)
_EXTENSIONS = (".json", ".yaml", ".yml")


@dataclass
class Info:
    """An object a command works on: where it is in the API, and what is known of it so far."""

    resource: Resource
    namespace: str | None
    name: str
    object: dict[str, Any] = field(default_factory=dict)
    source: str = ""

    @property
    def label(self) -> str:
        """`web` or `deployment.apps/web` in messages about this object."""
        kind = self.resource.kind.lower()
        group = f".{self.resource.group}" if self.resource.group else ""
        return f"{kind}{group}/{self.name}"


class Manifests:
    """The objects of `-f`, in order; `errors` collects what could not be read, as the others are still used."""

    def __init__(self, inv: Any, validate: bool = False) -> None:
        self.inv = inv
        self.validate = validate
        self.infos: list[Info] = []
        self.errors: list[Exception] = []
        for path in inv.flags["filename"]:
            self._path(path)

    def _path(self, path: str) -> None:
        if path == "-":
            return self._stream("STDIN", self.inv.stdin)
        if path.startswith(("http://", "https://")):
            raise CommandError(f'unable to read URL "{path}": the lab has no way to the network')
        for name in _files(path, self.inv.flags.get("recursive", False)):
            self._stream(name, self._read(name, path))

    def _read(self, name: str, given: str) -> str:
        try:
            return self.inv.session.read_file(name)
        except FileNotFoundError:
            raise CommandError(f'the path "{given}" does not exist') from None
        except UnicodeDecodeError:
            raise CommandError(f"error parsing {name}: yaml: invalid leading UTF-8 octet") from None
        except OSError as error:
            raise CommandError(f'the path "{given}" cannot be accessed: {error.strerror}') from None

    def _stream(self, source: str, text: str) -> None:
        """Take the documents of one file up to the first that cannot be parsed."""
        try:
            for document in documents(text, source):
                self._document(document, source)
        except CommandError as error:
            self.errors.append(error)

    def _document(self, document: Any, source: str) -> None:
        """Take one document. One that cannot be decoded is noted, and the next ones are still read."""
        if self.validate and self.inv.validation != "Ignore":
            _check_kind(document, source)
        try:
            _check_shape(document, source)
            for item in _flatten(document):
                _check_shape(item, source)
                self._add(item, source)
        except CommandError as error:
            self.errors.append(error)

    def _add(self, item: dict[str, Any], source: str) -> None:
        metadata = item.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        name, namespace = str(metadata.get("name") or ""), str(metadata.get("namespace") or "")
        try:
            resource = self._resource(item)
        except NoMatch as error:
            self.errors.append(
                CommandError(
                    f'resource mapping not found for name: "{name}" namespace: "{namespace}" from "{source}": {error}\n'
                    "ensure CRDs are installed first"
                )
            )
            return
        if resource.namespaced:
            self._agree(namespace)
            namespace = namespace or self.inv.namespace
            item = {**item, "metadata": {**metadata, "namespace": namespace}}
        self.infos.append(Info(resource, namespace if resource.namespaced else None, name, item, source))

    def _resource(self, item: dict[str, Any]) -> Resource:
        scheme, kind, version = self.inv.access.scheme, str(item["kind"]), str(item.get("apiVersion") or "")
        if version:
            return scheme.by_kind(version, kind)
        found = next((each for each in scheme.all_resources() if each.kind == kind and not each.group), None)
        if found is None:
            raise NoMatch(f'no matches for kind "{kind}" in version ""')
        return found

    def _agree(self, namespace: str) -> None:
        wanted = self.inv.namespace
        if self.inv.has_namespace and namespace and namespace != wanted:
            raise CommandError(
                f'the namespace from the provided object "{namespace}" does not match the namespace "{wanted}". '
                f"You must pass '--namespace={namespace}' to perform this operation."
            )


def _files(path: str, recursive: bool) -> list[str]:
    if not os.path.isdir(path):
        return [path]
    found: list[str] = []
    for name in sorted(os.listdir(path)):
        inner = os.path.join(path, name)
        if os.path.isdir(inner):
            found += _files(inner, True) if recursive else []
        elif name.endswith(_EXTENSIONS):
            found.append(inner)
    if not found and not recursive:
        raise CommandError(f"error reading [{path}]: recognized file extensions are [.json .yaml .yml]")
    return found


_JSON_TYPES = {dict: "object", list: "array", str: "string", bool: "bool", int: "number", float: "number"}


def _check_kind(document: Any, source: str) -> None:
    """The check kubectl makes before it decodes anything, unless told `--validate=false`."""
    if not isinstance(document, dict):
        problems = ["invalid object to validate"]
    else:
        values = {name: document.get(name) for name in ("apiVersion", "kind")}
        problems = [f"{name} not set" for name, value in values.items() if value in (None, "")]
        problems += [f"{name} isn't string type" for name, value in values.items() if not isinstance(value or "", str)]
    if problems:
        text = ", ".join(problems)
        raise CommandError(
            f'error validating "{source}": error validating data: {f"[{text}]" if len(problems) > 1 else text}; '
            "if you choose to ignore these errors, turn validation off with --validate=false"
        )


def _check_shape(document: Any, source: str) -> None:
    """What kubectl needs of a document to know which object it is."""
    if not isinstance(document, dict):
        found = _JSON_TYPES[type(document)]
        raise _undecodable(source, f"json: cannot unmarshal {found} into Go value of type unstructured.detector")
    for name in ("apiVersion", "kind"):
        _check_text(document.get(name), f"detector.{name}", source)
    if not document.get("kind"):
        raise _undecodable(source, f"Object 'Kind' is missing in '{compact(document)}'")
    _check_metadata(document.get("metadata"), source)


def _check_metadata(metadata: Any, source: str) -> None:
    """kubectl reads the metadata of everything with their type, and nothing else."""
    if metadata is None:
        return
    if not isinstance(metadata, dict):
        found = _JSON_TYPES[type(metadata)]
        message = (
            f"json: cannot unmarshal {found} into Go struct field metadataOnlyObject.metadata of type v1.ObjectMeta"
        )
        raise _undecodable(source, message)
    try:
        codec.convert({"metadata": metadata}, ConfigMap, strict=False)
    except codec.DecodeError as error:
        raise _undecodable(source, str(error)) from None


def _check_text(value: Any, field: str, source: str) -> None:
    if value is not None and not isinstance(value, str):
        found = _JSON_TYPES[type(value)]
        raise _undecodable(source, f"json: cannot unmarshal {found} into Go struct field {field} of type string")


def _undecodable(source: str, reason: str) -> CommandError:
    return CommandError(f'unable to decode "{source}": {reason}')


def _flatten(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The items of a `List` (or `PodList`), or the object itself."""
    items = document.get("items")
    if document["kind"].endswith("List") and isinstance(items, list):
        inner = document["kind"].removesuffix("List")
        for item in items:
            if isinstance(item, dict):
                yield (
                    item
                    if item.get("kind") or not inner
                    else {"apiVersion": document["apiVersion"], "kind": inner, **item}
                )
    else:
        yield document


def documents(text: str, source: str) -> Iterator[Any]:
    """The values of a stream of YAML or JSON documents, without empty ones. Raises CommandError at the first bad."""
    if text.lstrip().startswith("{"):
        yield from _json_documents(text, source)
        return
    for chunk in _chunks(text, source):
        try:
            value = goyaml.load(chunk if chunk.endswith("\n") else chunk + "\n")
        except goyaml.YamlError as error:
            raise CommandError(f"error parsing {source}: error converting YAML to JSON: {error}") from None
        if value is not None:
            yield value


def _chunks(text: str, source: str) -> Iterator[str]:
    """The documents between lines of `---`, after which only blanks and a comment may follow."""
    start = 0
    for separator in _SEPARATOR.finditer(text):
        if text[start : separator.start()].strip():
            yield text[start : separator.start()]
        trailing = separator[0][3:].strip()
        if trailing and not trailing.startswith("#"):
            raise CommandError(f"error parsing {source}: invalid Yaml document separator: {trailing}")
        start = separator.end()
    if text[start:].strip():
        yield text[start:]


def _json_documents(text: str, source: str) -> Iterator[Any]:
    decoder, position = json.JSONDecoder(), 0
    while True:
        while position < len(text) and text[position].isspace():
            position += 1
        if position >= len(text):
            return
        try:
            value, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise CommandError(f"error parsing {source}: {go_json_error(error)}") from None
        except RecursionError:
            raise CommandError(f"error parsing {source}: json: exceeded max depth") from None
        _refuse_depth(value, text, source)
        yield value


def _refuse_depth(value: Any, text: str, source: str) -> None:
    try:
        gojson.refuse_depth(value, text)
    except gojson.SyntaxFault as fault:
        raise CommandError(f"error parsing {source}: json: {fault}") from None


def go_json_error(error: json.JSONDecodeError, offset: bool = True) -> str:
    """Why a text is not JSON, in the words of Go's encoding/json."""
    position, text = error.pos, error.doc
    while position < len(text) and text[position].isspace():
        position += 1
    where = f"json: offset {position + 1}: " if offset else ""
    if position >= len(text):
        return "unexpected EOF"
    expected = "beginning of object key string" if "property name" in error.msg else "beginning of value"
    if "delimiter" in error.msg:
        expected = "after object key:value pair" if "','" in error.msg else "after object key"
        return f"{where}invalid character '{text[position]}' {expected}"
    return f"{where}invalid character '{text[position]}' looking for {expected}"
