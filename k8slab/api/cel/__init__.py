"""The Common Expression Language as Kubernetes speaks it: with its libraries, its limits and the words of cel-go."""

from k8slab.api.cel.kinds import BOOL, DYN, INT, STRING, Kind, list_of, map_of, optional_of
from k8slab.api.cel.program import (
    PER_CALL_LIMIT,
    CelError,
    CompileError,
    CostExceeded,
    Meter,
    Program,
    compile_expression,
)

__all__ = [
    "BOOL",
    "DYN",
    "INT",
    "PER_CALL_LIMIT",
    "STRING",
    "CelError",
    "CompileError",
    "CostExceeded",
    "Kind",
    "Meter",
    "Program",
    "compile_expression",
    "list_of",
    "map_of",
    "optional_of",
]
