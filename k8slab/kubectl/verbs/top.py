"""kubectl top: what nodes and Pods use, as metrics-server has measured it (`kubectl/pkg/cmd/top`, `metricsutil`)."""

from __future__ import annotations

from typing import Any

from k8slab.api import quantity
from k8slab.api.selector import parse_fields, parse_labels
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.flags import ALL_NAMESPACES, SELECTOR, boolean, text
from k8slab.kubectl.tabular import align
from k8slab.sim.clock import MINUTE
from k8slab.sim.timestamps import parse_rfc3339

GROUP, VERSION = "metrics.k8s.io", "v1beta1"
MEASURED = ("cpu", "memory")
NODE_COLUMNS = ("NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)")
POD_COLUMNS = ("NAME", "CPU(cores)", "MEMORY(bytes)")
UNKNOWN = "<unknown>"
MIB = 1 << 20
CREATION_DELAY = 2 * MINUTE

Usage = dict[str, Any]
Metrics = dict[str, Any]


def top_node(inv: Any) -> None:
    """Print what nodes use."""
    name = _name(inv)
    metrics = _fetched(inv, "nodes", name, None)
    if not metrics:
        raise CommandError("metrics not available yet")
    nodes = _nodes(inv, name)
    kind = "capacity" if inv.flags["show-capacity"] else "allocatable"
    available = {node["metadata"]["name"]: (node.get("status") or {}).get(kind) or {} for node in nodes}
    rows = [] if inv.flags["no-headers"] else [list(NODE_COLUMNS)]
    for each in sorted(metrics, key=_order(inv.flags["sort-by"], _of_node)):
        own = each["metadata"]["name"]
        rows.append([own, *_cells(each["usage"], available.pop(own, None))])
    rows.extend([own, *[UNKNOWN] * 4] for own in sorted(available))
    inv.write(_table(rows))


def top_pod(inv: Any) -> None:
    """Print what Pods use."""
    name, everywhere = _name(inv), inv.flags["all-namespaces"]
    namespace = None if everywhere and not name else inv.namespace
    metrics = _fetched(inv, "pods", name, namespace)
    if not metrics:
        _explain_absence(inv, namespace)
        inv.complain("No resources found" if everywhere else f"No resources found in {inv.namespace} namespace.")
        return
    rows = [] if inv.flags["no-headers"] else [_pod_header(inv)]
    for each in sorted(metrics, key=_order(inv.flags["sort-by"], _of_pod, everywhere)):
        rows.extend(_pod_rows(inv, each))
    if inv.flags["sum"]:
        rows.extend(_sum_rows(inv, metrics))
    inv.write(_table(rows))


def _name(inv: Any) -> str:
    if len(inv.args) > 1:
        raise inv.usage_error(f"{inv.path.split()[-1]} [NAME | -l label]")
    if inv.flags["sort-by"] not in ("", *MEASURED):
        raise CommandError("--sort-by accepts only cpu or memory")
    name = inv.args[0] if inv.args else ""
    if name and (inv.flags["selector"] or inv.flags.get("field-selector")):
        raise CommandError("only one of NAME or selector can be provided")
    return name


def _fetched(inv: Any, plural: str, name: str, namespace: str | None) -> list[Metrics]:
    if inv.flags["selector"]:
        parse_labels(inv.flags["selector"])
    if inv.flags.get("field-selector"):
        parse_fields(inv.flags["field-selector"])
    resource = inv.access.scheme.served(GROUP, VERSION, plural)
    if resource is None:
        raise CommandError("Metrics API not available")
    if name:
        return [inv.access.get(resource, name, namespace)]
    return inv.access.list(resource, namespace, inv.flags["selector"], inv.flags.get("field-selector") or "")


def _nodes(inv: Any, name: str) -> list[dict[str, Any]]:
    resource = inv.access.scheme.resource("nodes")
    if name:
        return [inv.access.get(resource, name, None)]
    return inv.access.list(resource, None, inv.flags["selector"])


def _explain_absence(inv: Any, namespace: str | None) -> None:
    """Nothing was measured: say so where there are Pods. Raises CommandError."""
    resource = inv.access.scheme.resource("pods")
    pods = inv.access.list(resource, namespace, inv.flags["selector"], inv.flags["field-selector"])
    for pod in pods:
        metadata = pod["metadata"]
        age = inv.now_us - parse_rfc3339(metadata["creationTimestamp"])
        if age > CREATION_DELAY:
            where = f"{metadata['namespace']}/{metadata['name']}"
            raise CommandError(f"Metrics not available for pod {where}, age: {_go_seconds(age)}")
    if pods:
        raise CommandError("metrics not available yet")


def _go_seconds(us: int) -> str:
    hours, rest = divmod(us // 1_000_000, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}h{minutes}m{seconds}s" if hours else f"{minutes}m{seconds}s"


# -- rows -----------------------------------------------------------------------------------------------------------


def _pod_header(inv: Any) -> list[str]:
    return [
        *(["NAMESPACE"] if inv.flags["all-namespaces"] else []),
        *(["POD"] if inv.flags["containers"] else []),
        *POD_COLUMNS,
    ]


def _pod_rows(inv: Any, metrics: Metrics) -> list[list[str]]:
    metadata = metrics["metadata"]
    head = [metadata["namespace"]] if inv.flags["all-namespaces"] else []
    if not inv.flags["containers"]:
        return [[*head, metadata["name"], *_cells(_of_pod(metrics), None)]]
    found = sorted(metrics["containers"], key=_order(inv.flags["sort-by"], _of_node))
    return [[*head, metadata["name"], each["name"], *_cells(each["usage"], None)] for each in found]


def _sum_rows(inv: Any, metrics: list[Metrics]) -> list[list[str]]:
    width = len(_pod_header(inv))
    whole = {name: quantity.total([_of_pod(each)[name] for each in metrics]) for name in MEASURED}
    blank = [""] * (width - 2)
    return [[*blank, "________", "________"], [*blank, *_cells(whole, None)]]


def _cells(usage: Usage, available: Usage | None) -> list[str]:
    """Processors and memory, each with its share of what is available where that is known."""
    cells = []
    for name in MEASURED:
        amount = usage.get(name, "0")
        cells.append(f"{quantity.milli(amount)}m" if name == "cpu" else f"{quantity.value(amount) // MIB}Mi")
        if available is not None and name in available:
            whole = quantity.milli(available[name])
            cells.append(f"{int(quantity.milli(amount) / whole * 100) if whole else 0}%")
    return cells


def _of_node(metrics: Metrics) -> Usage:
    return metrics["usage"]


def _of_pod(metrics: Metrics) -> Usage:
    return {name: quantity.total([each["usage"][name] for each in metrics["containers"]]) for name in MEASURED}


def _order(by: str, usage: Any, namespaces: bool = False) -> Any:
    """A sorting key: by use, the greatest first, or by namespace and name."""

    def key(metrics: Metrics) -> tuple[Any, ...]:
        if by:
            return (-quantity.nano(usage(metrics)[by]),)
        metadata = metrics.get("metadata") or {"name": metrics.get("name", "")}
        return (metadata.get("namespace", "") if namespaces else "", metadata["name"])

    return key


def _table(rows: list[list[str]]) -> str:
    return align("".join("".join(f"{cell}\t" for cell in row) + "\n" for row in rows), 6, 3)


_COMMON = (
    boolean("no-headers"),
    text("sort-by"),
    *SELECTOR,
    boolean("show-swap"),
    boolean("use-protocol-buffers", default=True),
)
COMMAND = Command(
    "top",
    "Display resource (CPU/memory) usage",
    "kubectl top [flags] [options]",
    commands=(
        Command(
            "node",
            "Display resource (CPU/memory) usage of nodes",
            "kubectl top node [NAME | -l label] [options]",
            top_node,
            (*_COMMON, boolean("show-capacity")),
            ("nodes", "no"),
        ),
        Command(
            "pod",
            "Display resource (CPU/memory) usage of pods",
            "kubectl top pod [NAME | -l label] [options]",
            top_pod,
            (*_COMMON, *ALL_NAMESPACES, boolean("containers"), text("field-selector"), boolean("sum")),
            ("pods", "po"),
        ),
    ),
)
