"""The images that learners bring to a lab: inputs like any other, journalled as data.

So a lab that is loaded, forked at an earlier time or graded pulls the same images with the same behaviour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from k8slab.kubelet.behaviour import DURATIONS, ProgramError
from k8slab.kubelet.images import Image, ImageRegistry, parse_reference
from k8slab.kubelet.program import Program
from k8slab.sim.clock import SECOND
from k8slab.sim.journal import JournalError

if TYPE_CHECKING:
    from k8slab.cluster.gate import Gate

PUSH, DELETE, PROTECT = "push", "delete", "protect"


class Registry(ImageRegistry):
    """A lab's registries of images: what changes them passes the gate.

    Args:
        gate: notes what comes in.
    """

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self._gate = gate

    def __setitem__(self, name: str, program: Program | Image) -> None:
        """Bring an image. Raises InvalidReference, and ProgramError for what is no data."""
        image = self.made(name, program)
        self._enter({"verb": PUSH, "name": parse_reference(name).canonical, "image": dump_image(name, image)})

    def __delitem__(self, name: str) -> None:
        """Make an image unavailable to further pulls."""
        self._enter({"verb": DELETE, "name": parse_reference(name).canonical})

    def protect(self, repositories: str, username: str, password: str) -> None:
        """As `ImageRegistry.protect`."""
        self._enter({"verb": PROTECT, "name": repositories, "username": str(username), "password": str(password)})

    def apply(self, data: dict[str, Any]) -> None:
        """Do again what a journal tells. Raises JournalError for what cannot be."""
        if data.get("verb") not in (PUSH, DELETE, PROTECT):
            raise JournalError(f"there is no way to {data.get('verb')!r} an image")
        self._enter(data)

    def _enter(self, data: dict[str, Any]) -> None:
        gate, verb, name = self._gate, data["verb"], data["name"]
        image = load_image(name, data["image"]) if verb == PUSH else None
        with gate.lock:
            gate.record("image", data)
            if image is not None:
                super().__setitem__(name, image)
            elif verb == DELETE:
                super().__delitem__(name)
            else:
                super().protect(name, data["username"], data["password"])


def dump_image(name: str, image: Image) -> dict[str, Any]:
    """An image as plain data, without what has its default value. Raises ProgramError where it has code in it."""
    for part in (image, image.program):
        if type(part) not in (Image, Program):
            raise ProgramError(
                f"images[{name!r}] is a {type(part).__name__}: only what a Program(...) or Image(...) says can be kept"
            )
    try:
        plain = msgspec.to_builtins(image)
    except TypeError as error:
        raise ProgramError(
            f"images[{name!r}] has something in it that is no data and cannot be kept: {error}"
        ) from None
    program = _seconds(plain["program"])
    return {**_changed(plain, _PLAIN_IMAGE), "program": _changed(program, _PLAIN_PROGRAM)}


def load_image(name: str, data: dict[str, Any]) -> Image:
    """The image that `dump_image` described. Raises ProgramError where the data are none."""
    try:
        return msgspec.convert(data, Image)
    except (msgspec.ValidationError, TypeError) as error:
        raise ProgramError(f"images[{name!r}]: {error}") from None


def _seconds(program: dict[str, Any]) -> dict[str, Any]:
    """Times as `Program` takes them: in seconds, where it keeps microseconds."""
    times = {key: program[key] / SECOND for key in DURATIONS if program[key] is not None}
    period = program["log_every"]
    return {
        **program,
        **times,
        "logs": [[at / SECOND, line] for at, line in program["logs"]],
        "log_every": [period[0] / SECOND, period[1]] if period else None,
    }


def _changed(plain: dict[str, Any], default: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in plain.items() if value != default[key]}


_PLAIN_IMAGE = msgspec.to_builtins(Image())
_PLAIN_PROGRAM = _seconds(msgspec.to_builtins(Program()))
