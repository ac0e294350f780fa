"""Replays recorded kubectl sessions with the lab's kubectl on a cluster of the same four nodes, and compares.

Both sides are brought to the same placeholders (the recordings' README) before they are compared: ages, times, uids,
addresses, random suffixes, tokens, paths; runs of blanks count as one. Of `rollout status` the last line must be the
same, and the wording of the others must be one that the recording knows or that kubectl has for this kind. Lists of
events have no order within a second, and how often one was repeated depends on when the recorder looked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from itertools import groupby
from pathlib import Path
from typing import Any

from k8slab.api.codec import from_dict
from k8slab.api.request import UserInfo
from k8slab.client import Client
from k8slab.cluster.cluster import Cluster
from k8slab.kubectl import run
from k8slab.sim.clock import SECOND
from tests.golden.fakenodes import FakeNodes

COMPONENTS = ("kube-apiserver", "kube-scheduler", "kube-controller-manager")
USERS = {
    "": UserInfo(name="admin", groups=("system:masters", "system:authenticated"), uid="admin-uid"),
    "alice": UserInfo(name="alice", groups=("developers", "system:authenticated"), uid="alice-uid"),
}
SUFFIX = "[bcdfghjklmnpqrstvwxz2456789]{5}"
MASKS = [
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<uid>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?[-+]\d{4}|Z)?"), "<time>"),
    (re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [-+]\d{4}"), "<date>"),
    (re.compile(rf"(?<=-){SUFFIX}(?![\w-])|<r\d+>|<rand5>"), "<suffix>"),
    (re.compile(r"\b(10|192)(\.\d+){3}\b|<podIP>|<clusterIP>"), "<ip>"),
    (re.compile(r'(resourceVersion"?: ?)"\d+"'), r'\1"<rv>"'),
    (re.compile(r"(/tmp|/var)/[\w./-]+"), "<path>"),
    (re.compile(r"https://[\w.:<>]+"), "https://<server>"),
    (re.compile(r"\b[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}\b"), "<token>"),
    (re.compile(r"\b(\d+[smhdy])+\b"), "<age>"),
    (re.compile(r"<ip> +n[1-4] "), "<ip> <node> "),
    (re.compile(r"\(x\d+ over"), "(xN over"),
]
#: Some distributions of kubectl are started by a program that logs what kubectl itself would print as an error.
WRAPPED = re.compile(r'^<klog> "command failed" err=(".*")$', re.MULTILINE)
EVENTS = re.compile(r"^Events:.*", re.MULTILINE | re.DOTALL)
WAITING = re.compile(r"\d+")
AT_ONCE, AFTER = SECOND // 5, 4 * SECOND
UNNOTICED = ("/registry/leases/", "/registry/events/")
READING = ("get", "describe", "delete", "wait", "events", "explain", "auth", "api-resources")


class Session:
    """What kubectl sees: the cluster, through a namespace of its own."""

    context = "lab"
    users = USERS

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.client, self.clock, self.namespace = cluster, cluster.client, cluster.clock, namespace

    def run_until(self, predicate: Any, timeout_us: int) -> bool:
        return self.cluster.run_until(predicate, timeout_us)

    def read_file(self, path: str) -> str:
        return Path(path).read_text(encoding="utf-8")


def masked(text: str) -> str:
    """The text with everything that differs from run to run replaced, and its blanks collapsed."""
    text = WRAPPED.sub(_unwrapped, text)
    for pattern, placeholder in MASKS:
        text = pattern.sub(placeholder, text)
    lines = [re.sub(r"[ \t]+", " ", line).strip() for line in text.split("\n")]
    return "\n".join(lines).strip("\n")


def _unwrapped(match: re.Match[str]) -> str:
    return f"error: {json.loads(match.group(1))}"


def differences(recorded: dict[str, Any], got: Any) -> list[str]:
    """What is not the same, each with both sides."""
    found = [] if recorded["exit"] == got.exit_code else [f"  exit: recorded {recorded['exit']} got {got.exit_code}"]
    for stream, mine in (("stdout", got.stdout), ("stderr", got.stderr)):
        wanted, have = masked(recorded[stream]), masked(mine)
        if "Events: <left out>" in wanted:
            have = EVENTS.sub("Events: <left out>", have)
        if recorded["command"][1:3] == ["rollout", "status"] and stream == "stdout":
            same = _same_progress(wanted, have)
        elif "events" in recorded["command"]:
            same = sorted(wanted.splitlines()) == sorted(have.splitlines())
        else:
            same = wanted == have
        if not same:
            found.append(f"  {stream} recorded:\n{_indent(wanted)}\n  {stream} got:\n{_indent(have)}")
    return found


def _same_progress(wanted: str, have: str) -> bool:
    """The same end; on the way kubectl looks at other moments, so only the wording counts."""
    texts = {WAITING.sub("N", line) for line in wanted.splitlines()}
    lines = have.splitlines()
    if not lines or lines[-1] != wanted.splitlines()[-1]:
        return False
    return all(WAITING.sub("N", line) in texts or line.lower().startswith("waiting for ") for line in lines)


def _indent(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines()) or "    (nothing)"


def cases(folder: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The recorded sessions of a folder, each as its commands in order."""
    for path in sorted(folder.glob("*.jsonl")):
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for case, commands in groupby(lines, key=lambda line: line["case"]):
            yield case, list(commands)


def replay(commands: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], Any]]:
    """Run one session on a cluster of its own; gives each recorded command with what came out here."""
    cluster = Cluster(0, control_planes=0, components=COMPONENTS)
    # The recorded controller manager gave nodes no address ranges.
    cluster.manager.pause("node-ipam-controller")
    nodes = Client(cluster.server.handle, cluster.clock, cluster.trace, user_agent="kubelet")
    FakeNodes(nodes, cluster.clock)
    namespace = commands[0]["namespace"]
    cluster.client.create(from_dict({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}))
    cluster.advance(AFTER)
    session = Session(cluster, namespace)
    for recorded in commands:
        got = run(recorded["command"], session, recorded.get("stdin") or "")
        yield recorded, got
        # The recorder waited for what a change set in motion, but not for deletions, whose traces it wanted to see.
        if recorded["command"][1] not in READING:
            cluster.advance(AFTER if _sets_in_motion(cluster) else AT_ONCE)


def _sets_in_motion(cluster: Cluster) -> bool:
    """Whether somebody acts on the last change: nobody does on a ConfigMap's, and nobody waited for it."""
    future, before = deepcopy(cluster), cluster.store.revision
    future.advance(AFTER)
    keys = [future.trace.write(each).key for each in range(before + 1, future.store.revision + 1)]
    return any(not key.startswith(UNNOTICED) for key in keys)


def main(folder: Path, *only: str) -> int:
    """Compare with every recorded session of the folder (or those named); 0 when all commands came out equal."""
    equal = total = 0
    for case, commands in cases(folder):
        if only and case not in only:
            continue
        for recorded, got in replay(commands):
            total += 1
            found = differences(recorded, got)
            equal += not found
            if found:
                print(f"{recorded['id']}: {' '.join(recorded['command'])}")
                print("\n".join(found))
    print(f"kubectl: {equal}/{total}")
    return 0 if equal == total else 1
