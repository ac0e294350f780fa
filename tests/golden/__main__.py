"""`python -m tests.golden AREA FOLDER`: compare with a folder of recordings of the real components.

Prints `AREA: equal/total` and names each difference with both sides. AREA is a module of this package with a function
`main(folder) -> exit code`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path


def main(arguments: list[str]) -> int:
    if len(arguments) < 2:
        print("usage: python -m tests.golden AREA FOLDER [ID ...]", file=sys.stderr)
        return 2
    area, folder, *rest = arguments
    try:
        module = import_module(f"tests.golden.{area}")
    except ModuleNotFoundError as error:
        if error.name != f"tests.golden.{area}":
            raise
        print(f"error: no runner for area {area!r}", file=sys.stderr)
        return 2
    path = Path(folder)
    if not path.is_dir():
        print(f"error: {folder} is not a folder", file=sys.stderr)
        return 2
    return module.main(path, *rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
