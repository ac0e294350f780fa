"""Columns aligned with blanks as Go's text/tabwriter does it: a column is a run of lines that have that cell."""

from __future__ import annotations

from collections.abc import Sequence


def align(text: str, minimum: int = 0, padding: int = 2) -> str:
    """Replace tabs by as many blanks as align the cells. A cell is text *ended* by a tab.

    `minimum` is the least width of a cell including its padding; what follows a line's last tab belongs to no column.
    """
    lines = [line.split("\t") for line in text.split("\n")]
    widths: list[list[int]] = [[] for _ in lines]
    _measure(lines, widths, 0, len(lines), 0, minimum, padding)
    return "\n".join(
        "".join(cell.ljust(width) for cell, width in zip(cells, own, strict=False)) + cells[-1]
        for cells, own in zip(lines, widths, strict=True)
    )


def _measure(
    lines: list[list[str]], widths: list[list[int]], start: int, end: int, column: int, minimum: int, padding: int
) -> None:
    """Set the width of `column` for every block of neighbouring lines in which it exists."""
    index = start
    while index < end:
        if len(lines[index]) <= column + 1:
            index += 1
            continue
        last = index
        while last < end and len(lines[last]) > column + 1:
            last += 1
        longest = max(len(lines[row][column]) for row in range(index, last))
        width = max(longest + padding, minimum) if longest else (minimum if minimum else padding)
        for row in range(index, last):
            widths[row].append(width)
        _measure(lines, widths, index, last, column + 1, minimum, padding)
        index = last


def table(rows: Sequence[Sequence[str]], minimum: int = 6, padding: int = 3) -> str:
    """Rows of cells as `kubectl get` prints them: the last cell of a row is not padded."""
    if not rows:
        return ""
    return align("".join("\t".join(row) + "\n" for row in rows), minimum, padding)
