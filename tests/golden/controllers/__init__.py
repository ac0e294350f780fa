"""Replays recorded scenarios of kube-controller-manager on our own control plane and compares what happened.

What is input is replayed as recorded: the actions, the scheduler's choices of nodes, and what the fake kubelets
reported and when. What controllers did with it is compared: object by object, field by field, event by event.
"""

from __future__ import annotations

from pathlib import Path

from tests.golden.controllers.compare import compare
from tests.golden.controllers.recording import load
from tests.golden.controllers.replay import replay

FIRST = ("deployment", "replicaset", "node", "gc", "namespace", "service", "replicationcontroller")


def main(folder: Path, *only: str) -> int:
    """Compare all files of a folder, or those files or scenarios that are named. 0 if all is equal."""
    files = sorted(folder.glob("*.jsonl"), key=lambda path: (path.stem not in FIRST, path.stem))
    equal = total = 0
    for path in files:
        here, there = 0, 0
        for recorded in load(path):
            if only and path.stem not in only and recorded.name not in only:
                continue
            results = compare(recorded, replay(recorded))
            for subject, differences in results.items():
                for text in differences:
                    print(f"{path.stem} {recorded.name} {subject}: {text}")
            here += sum(not differences for differences in results.values())
            there += len(results)
        if there:
            print(f"  {path.stem}: {here}/{there}")
        equal, total = equal + here, total + there
    print(f"controllers: {equal}/{total}")
    return int(equal != total)
