"""JSON patch (RFC 6902) as the API server applies it.

The server uses evanphx/json-patch v4, whose few liberties are kept: `replace` creates a missing key of an object,
negative indices count from the end, a path without a leading slash loses its first part.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from k8slab.api.patch.failure import bad_request, json_type, rejected
from k8slab.api.patch.merge import same
from k8slab.errors import ApiError

MAX_OPERATIONS = 10000


def json_patch(document: Any, operations: Any) -> Any:
    """A copy of `document` with the operations applied.

    Raises ApiError: 400 if `operations` is not a list of operations, 413 if there are too many, 422 if one cannot be
    applied (then the whole patch is refused).
    """
    if operations is None:
        operations = []
    _check_shape(operations)
    if len(operations) > MAX_OPERATIONS:
        text = f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(operations)}"
        raise ApiError(413, "RequestEntityTooLarge", f"Request entity too large: {text}")
    box = [deepcopy(document)]
    for operation in operations:
        _apply(box, operation)
    return box[0]


def _check_shape(operations: Any) -> None:
    if not isinstance(operations, list | tuple):
        raise bad_request(_unmarshal_error(json_type(operations), "value of type []handlers.jsonPatchOp"))
    for operation in operations:
        if operation is not None and not isinstance(operation, dict):
            raise bad_request(_unmarshal_error(json_type(operation), "value of type handlers.jsonPatchOp"))
        for key in ("op", "path", "from"):
            value = (operation or {}).get(key)
            if value is not None and not isinstance(value, str):
                place = f"struct field jsonPatchOp.{key} of type string"
                raise bad_request(_unmarshal_error(json_type(value), place))


def _unmarshal_error(found: str, place: str) -> str:
    return f"error decoding patch: json: cannot unmarshal {found} into Go {place}"


def _apply(box: list[Any], operation: dict[str, Any] | None) -> None:
    handler = _HANDLERS.get((operation or {}).get("op"))
    if handler is None or operation.get("path") is None:
        raise rejected()
    handler(box, operation)


def _parent(box: list[Any], path: Any) -> tuple[Any, str]:
    """The container that the path's last part names something in, and that part."""
    parts = (path or "").split("/")
    if len(parts) < 2:
        raise rejected()
    node = box[0]
    for part in parts[1:-1]:
        node = _get(node, _unescape(part))
    if not isinstance(node, dict | list):
        raise rejected()
    return node, _unescape(parts[-1])


def _unescape(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


def _index(container: list[Any], key: str, size: int) -> int:
    try:
        index = int(key)
    except ValueError:
        raise rejected() from None
    if not -size <= index < size:
        raise rejected()
    return index + size if index < 0 else index


def _get(container: Any, key: str) -> Any:
    if isinstance(container, dict):
        return container.get(key)
    if isinstance(container, list):
        return container[_index(container, key, len(container))]
    raise rejected()


def _put(container: Any, key: str, value: Any) -> None:
    if isinstance(container, dict):
        container[key] = value
    elif key == "-":
        container.append(value)
    else:
        container.insert(_index(container, key, len(container) + 1), value)


def _take(container: Any, key: str) -> Any:
    if isinstance(container, list):
        return container.pop(_index(container, key, len(container)))
    if key not in container:
        raise rejected()
    return container.pop(key)


def _add(box: list[Any], operation: dict[str, Any]) -> None:
    container, key = _parent(box, operation["path"])
    _put(container, key, deepcopy(operation.get("value")))


def _remove(box: list[Any], operation: dict[str, Any]) -> None:
    _take(*_parent(box, operation["path"]))


def _replace(box: list[Any], operation: dict[str, Any]) -> None:
    value = deepcopy(operation.get("value"))
    if operation["path"] == "":
        if not isinstance(value, dict | list):
            raise rejected()
        box[0] = value
        return
    container, key = _parent(box, operation["path"])
    if isinstance(container, dict):
        container[key] = value
    else:
        container[_index(container, key, len(container))] = value


def _move(box: list[Any], operation: dict[str, Any]) -> None:
    value = _take(*_parent(box, operation.get("from")))
    _put(*_parent(box, operation["path"]), value)


def _copy(box: list[Any], operation: dict[str, Any]) -> None:
    value = _get(*_parent(box, operation.get("from")))
    _put(*_parent(box, operation["path"]), deepcopy(value))


def _test(box: list[Any], operation: dict[str, Any]) -> None:
    wanted = operation.get("value")
    found = box[0] if operation["path"] == "" else _get(*_parent(box, operation["path"]))
    if not same(found, wanted):
        raise rejected()


_HANDLERS = {"add": _add, "remove": _remove, "replace": _replace, "move": _move, "copy": _copy, "test": _test}
