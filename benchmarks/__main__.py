"""``make bench``: all figures, or those named: ``python -m benchmarks core lab``."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import benchmarks
from benchmarks.measure import show

HELPERS = {"__main__", "measure", "httpload"}


def main(names: list[str]) -> None:
    """Run the named benchmark modules, or all of them."""
    known = [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name not in HELPERS]
    for name in names or known:
        if name not in known:
            sys.exit(f"there is no benchmark {name!r}: {', '.join(known)}")
        module = importlib.import_module(f"benchmarks.{name}")
        print(f"== {name}")
        if hasattr(module, "figures"):
            show(module.figures())
        else:
            module.main()


main(sys.argv[1:])
