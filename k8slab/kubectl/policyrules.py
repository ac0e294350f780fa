"""The rules of roles as rows of a table (kubectl/pkg/util/rbac: BreakdownRule, CompactRules, SortableRuleSlice)."""

from __future__ import annotations

from typing import Any

KNOWN_VERBS = (
    "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "use", "bind", "escalate",
    "impersonate", "proxy", "approve", "sign", "*",
)  # fmt: skip
"""What kubectl does not warn about."""


def policy_rows(rules: list[dict[str, Any]], urls: list[dict[str, Any]]) -> list[list[str]]:
    """One row per resource and per URL of the rules, sorted as kubectl shows them; verbs of a resource are joined."""
    verbs: dict[tuple[str, str, str], list[str]] = {}
    for rule in rules:
        names = bracket(rule.get("resourceNames"))
        for group in rule.get("apiGroups") or [""]:
            for resource in rule.get("resources") or ():
                known = verbs.setdefault((group, resource, names), [])
                known += [verb for verb in rule.get("verbs") or () if verb not in known]
    keyed = []
    for (group, resource, names), allowed in verbs.items():
        name = f"{resource}.{group}" if group else resource
        keyed.append(((bracket(allowed), f"[{group}]", f"[{resource}]", names), [name, "[]", names, bracket(allowed)]))
    for rule in urls:
        for url in rule.get("nonResourceURLs") or ():
            shown = bracket(rule.get("verbs"))
            keyed.append(((shown, "[]", "[]", f"[{url}]"), ["", f"[{url}]", "[]", shown]))
    return [row for _, row in sorted(keyed, key=_order)]


def _order(pair: tuple[tuple[str, ...], list[str]]) -> tuple[str, ...]:
    """kubectl sorts rules by their text, which begins with the verbs, groups and resources."""
    return pair[0]


def bracket(values: Any) -> str:
    """A list in Go's notation: `[get list]`."""
    return "[" + " ".join(values or ()) + "]"
