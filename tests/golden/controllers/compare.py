"""Compares a recorded scenario with its replay.

Not compared, because it is input or chance: nodes of Pods, addresses, uids, times as text, which of equal Pods was
chosen.
Counters that pass through intermediate values on their way (three Pods becoming ready within a moment) are compared by
their turning points. A Deployment's sums over several ReplicaSets, and the number of Pods on their way out, depend on
which of several independent objects was faster: they are compared where they came to rest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from tests.golden.controllers.recording import ABSENT, History, Scenario

TOLERANCE = 2.0
"""Seconds: the recorded machine was slow, our API answers at once."""
IGNORED = re.compile(
    r"""^metadata\.(uid|creationTimestamp|generation|deletionTimestamp|selfLink)$
    |^metadata\.annotations\.endpoints\.kubernetes\.io/last-change-trigger-time$
    |Time$|[tT]imestamp$|\.resourceVersion$|\.startedAt$|\.finishedAt$|\.timeAdded$|podIPs?(\[0\]\.ip)?$|hostIP$|clusterIPs?(\[0\])?$
    |^spec\.nodeName$|^status\.disruptedPods|^spec\.volumes
    |^data\.ca\.crt$|^status\.conditions\[PodScheduled\]|status\.daemonEndpoints|^status\.nodeInfo
    """,
    re.VERBOSE,
)
KUBELET = re.compile(
    r"^status\.(containerStatuses|conditions\[(Initialized|ContainersReady|PodReadyToStartContainers)\])"
    r"|^status\.conditions\[Ready\]\.(message|reason)$"
)
"""Of a Pod's status, what the fake kubelets write: input."""
COUNTER = re.compile(r"^status\.[A-Za-z]*([rR]eplicas|Scheduled|Ready|Available|Unavailable|Healthy|Pods|Allowed|"
                     r"active|ready|succeeded|failed|terminating)$")  # fmt: skip
SUMS = {
    "Deployment": (
        "status.availableReplicas",
        "status.readyReplicas",
        "status.replicas",
        "status.terminatingReplicas",
        "status.unavailableReplicas",
        "status.updatedReplicas",
    ),
    "ReplicaSet": ("status.terminatingReplicas",),
}
"""What depends on the order of events at several objects that know nothing of each other."""
SCHEDULER = ("Scheduled", "FailedScheduling")
GENERATED = re.compile(r"-\(\d+\)")
POD_FIELDS = re.compile(
    r"^(metadata\.(labels|annotations|ownerReferences|finalizers|deletionGracePeriodSeconds)"
    r"|spec\.(nodeSelector|hostname|subdomain|tolerations)|status)"
)


def compare(recorded: Scenario, ours: Scenario) -> dict[str, list[str]]:
    """Differences by subject: every object (equal Pods as one), and the events about each."""
    results: dict[str, list[str]] = {}
    rests = [line["t"] for line in recorded.lines if line["type"] == "ACTION"] + [recorded.seconds]
    left, right = _groups(recorded), _groups(ours)
    kinds = {key.split("/")[0] for key in left}
    for key in sorted(left.keys() | {key for key in right if key.split("/")[0] in kinds}):
        if key in left or key.split("/")[0] not in ("Node", "PersistentVolume", "Namespace", "Lease"):
            results[key] = _compare_group(left.get(key, []), right.get(key, []), rests)
    one, other = _events(recorded), _events(ours)
    for name in sorted({about for about, *_ in one} | {about for about, *_ in other}):
        mine = {key[1:]: count for key, count in one.items() if key[0] == name}
        yours = {key[1:]: count for key, count in other.items() if key[0] == name}
        results[f"events of {name}"] = _difference_of_events(mine, yours)
    results |= _results(recorded, ours)
    return results


def _results(recorded: Scenario, ours: Scenario) -> dict[str, list[str]]:
    left, right = _answers(recorded), _answers(ours)
    if not left and not right:
        return {}
    return {"answers": [] if left == right else [f"recorded {left} ours {right}"]}


def _answers(scenario: Scenario) -> list[list[str]]:
    """What commands printed, by line in any order: a drain works on all Pods at once."""
    texts = [line["action"] for line in scenario.lines if line["type"] == "RESULT"]
    return [sorted(GENERATED.sub("-(*)", text).splitlines()) for text in texts]


# --- objects


def _groups(scenario: Scenario) -> dict[str, list[History]]:
    groups: dict[str, list[History]] = {}
    for key, lives in scenario.histories().items():
        groups.setdefault(GENERATED.sub("-(*)", key), []).extend(lives)
    return groups


def _compare_group(left: list[History], right: list[History], rests: list[float]) -> list[str]:
    if len(left) != len(right):
        return [f"recorded {len(left)} objects, ours {len(right)}"]
    if len(left) == 1:
        return _compare_histories(left[0], right[0]) or _restless(left[0], right[0], rests)
    one, other = [_summary(h) for h in left], [_summary(h) for h in right]
    unmatched = list(other)
    missing = []
    for summary in one:
        if summary in unmatched:
            unmatched.remove(summary)
        else:
            missing.append(summary)
    return [f"one of {len(left)}: " + "; ".join(_difference(a, b)) for a, b in zip(missing, unmatched, strict=True)]


def _compare_histories(left: History, right: History) -> list[str]:
    one, other = _summary(left), _summary(right)
    differences = _difference(one, other)
    if differences:
        return differences
    return _late(left, right)


def _summary(history: History) -> dict[str, tuple[Any, ...]]:
    sequences: dict[str, list[Any]] = {}
    states = [canonical(history.kind, state) for _, state in history.states]
    for index, state in enumerate(states):
        for path in state.keys() | sequences.keys():
            values = sequences.setdefault(path, [ABSENT] * index)
            values.append(state.get(path, ABSENT))
    result = {path: _essence(path, values) for path, values in sequences.items()}
    result = {path: values for path, values in result.items() if values != (ABSENT,)}
    result.pop("metadata.deletionGracePeriodSeconds", None)
    for path in SUMS.get(history.kind, ()):
        result.pop(path, None)
    gone = history.deleted is not None or history.states[-1][1].get("metadata.deletionGracePeriodSeconds") == 0
    result["deleted"] = (gone,)
    return result


def _essence(path: str, values: Iterable[Any]) -> tuple[Any, ...]:
    steps: list[Any] = []
    for value in values:
        if not steps or steps[-1] != value:
            steps.append(value)
    counts = path.startswith(("endpoints[", "subsets[")) and all(type(step) is int or step == ABSENT for step in steps)
    if COUNTER.match(path) or counts:
        return _turning_points([0 if step == ABSENT else step for step in steps])
    return tuple(steps)


def _turning_points(steps: list[Any]) -> tuple[Any, ...]:
    result: list[Any] = []
    for step in steps:
        if result and result[-1] == step:
            continue
        if len(result) >= 2 and isinstance(step, int) and (result[-1] > result[-2]) == (step > result[-1]):
            result[-1] = step
        else:
            result.append(step)
    return tuple(result)


def _difference(one: dict[str, tuple], other: dict[str, tuple]) -> list[str]:
    return [
        f"{path}: recorded {_show(one.get(path))} ours {_show(other.get(path))}"
        for path in sorted(one.keys() | other.keys())
        if one.get(path) != other.get(path)
    ]


def _show(values: tuple | None) -> str:
    return " -> ".join(str(value) for value in values) if values is not None else "nothing"


def canonical(kind: str, state: dict[str, Any]) -> dict[str, Any]:
    """A state without what is not compared, and with lists whose order is chance made into sets."""
    result: dict[str, Any] = {}
    entries: dict[str, dict[str, Any]] = {}
    for path, value in state.items():
        if kind == "Pod" and (KUBELET.match(path) or not POD_FIELDS.match(path)):
            continue
        if kind == "Node" and (path.startswith("status.") and "onditions[" not in path):
            continue
        found = re.match(r"^(endpoints|subsets\[\d+\]\.(?:addresses|notReadyAddresses))\[(\d+)\]\.(.*)$", path)
        if found:
            entries.setdefault(f"{found[1]}[{found[2]}]", {})[found[3]] = value
        elif not IGNORED.search(path):
            text = GENERATED.sub("-(*)", value) if isinstance(value, str) else value
            result[GENERATED.sub("-(*)", path)] = None if text in ([], {}) else text
    counts: Counter[str] = Counter()
    for name, entry in entries.items():
        shown = {key: value for key, value in entry.items() if key.startswith("conditions") or key == "hostname"}
        counts[f"{name.rsplit('[', 1)[0]}{sorted(shown.items())}"] += 1
    result |= {f"{name}": count for name, count in counts.items()}
    return {path: value for path, value in result.items() if value is not None}


def _restless(left: History, right: History, rests: list[float]) -> list[str]:
    """Sums that came to rest at another value than recorded."""
    texts = []
    for path in SUMS.get(left.kind, ()):
        times = [time for time in rests if _at_rest(left, path, time)]
        one, other = ([_value(history, path, time) for time in times] for history in (left, right))
        if one != other:
            texts.append(f"{path} at rest: recorded {_show(tuple(one))} ours {_show(tuple(other))}")
    return texts


def _at_rest(history: History, path: str, time: float) -> bool:
    """Whether nothing happened to the value for a while."""
    return _value(history, path, time) == _value(history, path, time - TOLERANCE) and not any(
        time - TOLERANCE < at <= time and state.get(path) != history.states[index][1].get(path)
        for index, (at, state) in enumerate(history.states[1:])
    )


def _value(history: History, path: str, time: float) -> Any:
    states = [state for at, state in history.states if at <= time]
    return states[-1].get(path, 0) if states else 0


def _late(left: History, right: History) -> list[str]:
    """Changes that came at another time than recorded."""
    texts = []
    one, other = _moments(left), _moments(right)
    for path, times in one.items():
        if path in SUMS.get(left.kind, ()):
            continue
        ours = other.get(path)
        if ours is None:
            continue
        for what, mine, yours in (("first", times[0], ours[0]), ("last", times[-1], ours[-1])):
            if abs(mine - yours) > TOLERANCE:
                texts.append(f"{path}: {what} change recorded at {mine:.2f} s, ours at {yours:.2f} s")
                break
    if left.deleted is not None and abs(left.deleted - right.deleted) > TOLERANCE:
        texts.append(f"deleted: recorded at {left.deleted:.2f} s, ours at {right.deleted:.2f} s")
    return texts


def _moments(history: History) -> dict[str, list[float]]:
    result: dict[str, list[float]] = {}
    before: dict[str, Any] = {}
    for time, state in history.states:
        state = canonical(history.kind, state)
        for path in state.keys() | before.keys():
            if state.get(path) != before.get(path):
                result.setdefault(path, []).append(time)
        before = state
    return result


# --- events


def _events(scenario: Scenario) -> Counter[tuple[str, ...]]:
    counts: Counter[tuple[str, ...]] = Counter()
    latest: dict[tuple[str, ...], int] = {}
    for event in scenario.events():
        if event["reason"] in SCHEDULER:
            continue
        exact = (event["name"], event["eventType"], event["reason"], event["message"], event["source"])
        new = event["count"] - latest.get(exact, 0)
        latest[exact] = event["count"]
        key = tuple(GENERATED.sub("-(*)", part) for part in exact)
        counts[key] += new if new > 0 else 1
    return counts


def _difference_of_events(one: dict[tuple, int], other: dict[tuple, int]) -> list[str]:
    return [
        f"{' | '.join(key)}: recorded {one.get(key, 0)} times, ours {other.get(key, 0)}"
        for key in sorted(one.keys() | other.keys())
        if one.get(key, 0) != other.get(key, 0)
    ]
