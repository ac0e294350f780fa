"""Which cluster `k8slab serve` serves: a new one, or the one that a data directory holds."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NamedTuple

from k8slab.cluster.build import version
from k8slab.cluster.cluster import Cluster
from k8slab.cluster.datadir import DataDirectory, DataDirectoryError
from k8slab.cluster.epoch import catch_up
from k8slab.cluster.keeping import Keeper, keep, recover
from k8slab.sim.clock import SECOND
from k8slab.sim.timestamps import rfc3339

#: What a cluster is made of where nothing else is asked for.
DEFAULTS: dict[str, Any] = {"workers": 3, "control_planes": 1, "seed": 7}
#: The note that says whether a cluster's calendar follows the real one.
CALENDAR, REAL, OWN = "calendar", "real", "own"


class Found(NamedTuple):
    """A cluster, what keeps it (None: nothing), and whether its calendar follows the real one."""

    cluster: Cluster
    keeper: Keeper | None
    present: bool


def find(data_dir: str | Path | None = None, epoch: str | None = None, **asked: Any) -> Found:
    """The cluster to serve.

    Args:
        data_dir: where it is, or will be, kept.
        epoch: what its calendar says at first (RFC 3339); None: the present, and it follows the real one.
        asked: arguments of `Cluster`; None and False stand for the default, or for whatever is kept.

    Raises DataDirectoryError where the directory cannot be used, or holds another cluster than the one asked for.
    """
    wanted = {name: value for name, value in asked.items() if value is not None and value is not False}
    if data_dir is None:
        return Found(_new(wanted, epoch), None, epoch is None)
    directory = DataDirectory(data_dir)
    try:
        if directory.setup is None:
            keeper = keep(_new(wanted, epoch), directory)
            directory.note({CALENDAR: REAL if epoch is None else OWN})
        else:
            _check(directory, wanted | ({} if epoch is None else {"epoch": epoch}))
            keeper = recover(directory)
            directory.note({"version": version()})
        present = directory.meta(CALENDAR) == REAL
        if present:
            catch_up(keeper.cluster, int(time.time()))
    except BaseException:
        directory.close()
        raise
    return Found(keeper.cluster, keeper, present)


def keep_lab(cluster: Cluster, data_dir: str | Path) -> Keeper:
    """Keep the cluster of a running lab in a directory. Raises DataDirectoryError where it holds another one."""
    directory = DataDirectory(data_dir)
    try:
        return keep(cluster, directory)
    except BaseException:
        directory.close()
        raise


def _new(wanted: dict[str, Any], epoch: str | None) -> Cluster:
    return Cluster(**{**DEFAULTS, **wanted}, epoch=epoch or rfc3339(int(time.time()) * SECOND))


def _check(directory: DataDirectory, wanted: dict[str, Any]) -> None:
    """Raises DataDirectoryError where something else is asked for than what is kept."""
    for name, value in wanted.items():
        kept = directory.setup.get(name)
        if value != kept:
            has = "all components" if name == "components" and kept is None else f"{name} {kept or False}"
            raise DataDirectoryError(f"{directory.path} holds a cluster with {has}, not {value}: leave the option out")
