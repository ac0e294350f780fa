"""When images are pulled."""

from __future__ import annotations


def pull_policy(image: str | None) -> str:
    """`Always` for the tag latest (also if implied), else `IfNotPresent`."""
    reference, _, digest = (image or "").partition("@")
    _, colon, tag = reference.rpartition("/")[2].partition(":")
    latest = tag == "latest" if colon else not digest
    return "Always" if latest else "IfNotPresent"
