"""A data directory: what is kept in it, and what is said of one that cannot be used."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from k8slab import Lab
from k8slab.client.reconciler import Loop
from k8slab.cluster.datadir import FILE, DataDirectory, DataDirectoryError, DiskFullError, Row
from k8slab.cluster.keeping import SNAPSHOT
from k8slab.serve import committer
from k8slab.serve.kept import find, keep_lab
from k8slab.serve.server import Server
from k8slab.sim.clock import SECOND
from k8slab.sim.journal import Entry
from tests.serve.conftest import Caller

CONFIGMAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "c-"}, "data": {"a": "ä"}}
LABELS = {"app": "web"}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {
        "selector": {"matchLabels": LABELS},
        "template": {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "web", "image": "nginx"}]}},
    },
}
CONFIGMAPS = "/api/v1/namespaces/default/configmaps"


class Kept:
    """A lab that is kept in a directory; what came in is written when it is told to."""

    def __init__(self, folder: Path, lab: Lab | None = None) -> None:
        self.folder, self.lab = folder, lab or Lab(workers=2)
        self.keeper = keep_lab(self.lab.cluster, folder)

    def write(self) -> None:
        self.keeper.directory.append(self.keeper.take())

    def image(self) -> None:
        self.write()
        self.keeper.write_image(self.keeper.image(), self.keeper.directory.seal())

    def again(self) -> Lab:
        """The lab as another process would find it."""
        self.keeper.directory.close()
        return Lab.restore(self.folder)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    found = Kept(tmp_path / "data")
    yield found
    found.keeper.directory.close()


def state(lab: Lab) -> tuple[Any, ...]:
    lab.cluster.gate.account()
    return lab.history.digest(), lab.now, lab.cluster.clock.rfc3339(), lab.cluster.dump_journal()


@pytest.mark.parametrize("images", [(), (3,), (3, 20), (31,)])
def test_a_restored_lab_is_the_same_and_goes_on_the_same(kept: Kept, images: tuple[int, ...]) -> None:
    lab = kept.lab
    lab.kubectl("create deployment web --image=nginx --replicas=3", echo=False)
    for number in range(30):
        lab.run("1s")
        if number % 2:
            kept.write()
        if number in images:
            kept.image()
    lab.fail_node("worker-1")
    lab.client.create(CONFIGMAP | {"metadata": {"generateName": "c-", "namespace": "default"}})
    kept.write()
    lab.run("2m")
    kept.write()
    if 31 in images:
        kept.image()
    again = kept.again()
    assert state(again) == state(lab)
    for each in (lab, again):
        each.run("10m")
    assert state(again) == state(lab)


def test_what_was_not_written_is_forgotten(kept: Kept) -> None:
    kept.lab.run("5s")
    kept.write()
    before = state(kept.lab)
    kept.lab.kubectl("create namespace late", echo=False)
    assert state(kept.again()) == before


def test_time_that_passes_takes_no_room(kept: Kept) -> None:
    for _ in range(50):
        kept.lab.run("1s")
        kept.write()
    assert kept.keeper.directory.length == 1
    kept.image()
    kept.lab.run("1s")
    kept.write()
    assert kept.keeper.directory.length == 2, "a snapshot refers to the entry before"
    assert kept.again().now == 51


def test_a_restored_lab_is_kept_on_and_another_one_is_not(kept: Kept, tmp_path: Path) -> None:
    kept.lab.run("5s")
    kept.write()
    again = kept.again()
    again.kubectl("create namespace more", echo=False)
    again.run("5s")
    second = Kept(kept.folder, again)
    second.keeper.directory.close()
    third = Lab.restore(kept.folder)
    assert state(third) == state(again)
    with pytest.raises(DataDirectoryError, match=r"holds another cluster"):
        Kept(kept.folder, Lab(workers=2))
    with pytest.raises(DataDirectoryError, match=r"holds another cluster"):
        Kept(kept.folder, Lab(workers=3))
    assert state(Lab.restore(kept.folder)) == state(again)


def test_a_damaged_snapshot_is_not_needed(kept: Kept) -> None:
    kept.lab.kubectl("create namespace shop", echo=False)
    kept.image()
    path = kept.folder / SNAPSHOT
    content = bytearray(path.read_bytes())
    for spoil in (bytes(content[:-10]), b"", b"{", bytes(content[:5000]) + b"\0" + bytes(content[5001:])):
        path.write_bytes(spoil)
        assert state(kept.again()) == state(kept.lab)


def test_a_component_that_failed_fails_again(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the live clock survived must not keep the cluster from starting."""
    working, failures = Loop._sync, []

    def sync(loop: Loop, *arguments: Any) -> None:
        if loop.name == "replicaset-controller":
            failures.append(loop.clock.now)
            raise ZeroDivisionError
        working(loop, *arguments)

    monkeypatch.setattr(Loop, "_sync", sync)
    kept.lab.client.create(CONFIGMAP | {"metadata": {"name": "c", "namespace": "default"}})
    kept.lab.client.create(DEPLOYMENT)
    while kept.lab.now < 3:
        with contextlib.suppress(ZeroDivisionError):
            kept.lab.run(3 - kept.lab.now)
    kept.write()
    first, failures[:] = list(failures), []
    assert first
    assert state(kept.again()) == state(kept.lab)
    assert failures == first


# -- directories that cannot be used ---------------------------------------------------------------------------------


def refused(folder: Path) -> str:
    with pytest.raises(DataDirectoryError) as error:
        find(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_others_could_have_written_is_refused(kept: Kept, tmp_path: Path) -> None:
    kept.image()
    kept.keeper.directory.close()
    kept.folder.chmod(0o755)
    assert refused(kept.folder).endswith(f"is open to other users (mode 0755): chmod 700 {kept.folder}")
    kept.folder.chmod(0o700)
    for name in (SNAPSHOT, FILE):
        (kept.folder / name).chmod(0o660)
        assert f"chmod 600 {kept.folder / name}" in refused(kept.folder)
        (kept.folder / name).chmod(0o600)
    (kept.folder / SNAPSHOT).rename(tmp_path / "elsewhere")
    (kept.folder / SNAPSHOT).symlink_to(tmp_path / "elsewhere")
    assert "snapshot" in refused(kept.folder)
    assert (tmp_path / "elsewhere").stat().st_mode & 0o777 == 0o600


def test_a_new_directory_is_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        directory = DataDirectory(tmp_path / "a" / "data")
        directory.write_file("pki/key", b"x")
    finally:
        os.umask(before)
    directory.close()
    assert directory.path.stat().st_mode & 0o777 == 0o700
    for path in directory.path.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x")
    assert refused(tmp_path / "data").endswith("not a directory")
    assert "Not a directory" in refused(tmp_path / "data" / "below")


def test_files_of_others_and_of_other_versions(kept: Kept) -> None:
    kept.keeper.directory.close()
    path = kept.folder / FILE
    whole = path.read_bytes()
    path.write_bytes(b"not a database at all, but long enough to be looked at" * 50)
    assert "file is not a database" in refused(kept.folder)
    path.write_bytes(whole)
    for pragma, words in (("user_version = 99", "has format 99, but"), ("application_id = 5", "is not a file of")):
        with sqlite3.connect(path) as database:
            database.execute(f"PRAGMA {pragma}")
        database.close()
        assert words in refused(kept.folder)
        path.write_bytes(whole)


def test_a_changed_entry_is_found_out(kept: Kept) -> None:
    kept.lab.kubectl("create namespace shop", echo=False)
    kept.lab.run("5s")
    kept.lab.kubectl("create namespace mall", echo=False)
    kept.write()
    kept.keeper.directory.close()
    with sqlite3.connect(kept.folder / FILE) as database:
        database.execute("UPDATE journal SET data = replace(data, 'shop', 'shup') WHERE seq = 1")
    database.close()
    assert refused(kept.folder).endswith("cluster.db is damaged: entry 1 of its journal is not what was written")


def test_a_torn_page_is_found_out(kept: Kept) -> None:
    for number in range(200):
        kept.lab.client.create(CONFIGMAP | {"metadata": {"name": f"c-{number}", "namespace": "default"}})
    kept.write()
    kept.keeper.directory.close()
    path = kept.folder / FILE
    content = bytearray(path.read_bytes())
    assert len(content) > 5 * 4096
    content[3 * 4096 : 4 * 4096] = bytes(4096)
    path.write_bytes(content)
    assert "is damaged" in refused(kept.folder)


def test_a_history_that_goes_another_way_is_not_served(kept: Kept) -> None:
    """As another version of the program would find it."""
    kept.lab.kubectl("create namespace shop", echo=False)
    kept.lab.run("5s")
    kept.write()
    kept.keeper.directory.append([Row(Entry(kept.lab.cluster.clock.now, "note", {}), 4711)])
    kept.keeper.directory.close()
    message = refused(kept.folder)
    assert re.search(r"leads to revision \d+ instead of 4711: start this cluster with the version of k8slab", message)


def test_options_that_do_not_fit_what_is_kept(tmp_path: Path) -> None:
    found = find(tmp_path / "data", workers=1)
    found.keeper.directory.close()
    for option, value in (("workers", 5), ("seed", 9), ("components", ["kubelet"]), ("epoch", "2030-01-01T00:00:00Z")):
        with pytest.raises(DataDirectoryError, match="leave the option out"):
            find(tmp_path / "data", **{option: value})
    with pytest.raises(DataDirectoryError, match="a cluster with cloud False, not True"):
        find(tmp_path / "data", cloud=True)
    again = find(tmp_path / "data", workers=1, cloud=False)
    assert len(again.cluster.kubelets) == 2
    again.keeper.directory.close()


def test_nothing_of_a_failed_write_is_there(kept: Kept) -> None:
    kept.lab.kubectl("create namespace shop", echo=False)
    kept.write()
    directory = kept.keeper.directory
    before = state(kept.lab)
    pages = directory._database.execute("PRAGMA page_count").fetchone()[0]
    directory._database.execute(f"PRAGMA max_page_count = {pages}")
    for number in range(100):
        kept.lab.client.create(CONFIGMAP | {"metadata": {"name": f"c-{number}", "namespace": "default"}})
    rows = kept.keeper.take()
    with pytest.raises(DiskFullError, match="no space left on device"):
        directory.append(rows)
    directory._database.execute("PRAGMA max_page_count = 100000")
    directory.close()
    assert state(Lab.restore(kept.folder)) == before
    directory = DataDirectory(kept.folder)
    directory.append(rows)
    directory.close()
    assert state(Lab.restore(kept.folder)) == state(kept.lab)


# -- served -----------------------------------------------------------------------------------------------------------


def serve(folder: Path, **options: Any) -> Server:
    found = find(folder, **options)
    return Server(found.cluster, port=0, speed=5, keeper=found.keeper, present=found.present)


def test_clients_go_on_after_a_restart(tmp_path: Path) -> None:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    with serve(tmp_path / "data", workers=1) as server:
        call = Caller(server)
        assert call("POST", CONFIGMAPS, CONFIGMAP).code == 201
        found = call("GET", CONFIGMAPS).body
        account = "/api/v1/namespaces/default/serviceaccounts/default/token"
        token = call("POST", account, body).body["status"]["token"]
        old = server.token, server.authority.certificate
    with serve(tmp_path / "data") as server:
        assert (server.token, server.authority.certificate) == old
        again = Caller(server)("GET", CONFIGMAPS).body
        assert [item["metadata"]["uid"] for item in again["items"]] == [i["metadata"]["uid"] for i in found["items"]]
        refusal = Caller(server, "nobody")("GET", CONFIGMAPS, headers={"Authorization": f"Bearer {token}"})
        assert refusal.code == 403
        assert "system:serviceaccount:default:default" in refusal.message


def test_the_calendar_follows_the_real_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(tmp_path / "data", workers=1) as server:
        assert abs(server.cluster.clock.unix_us / SECOND - time.time()) < 5
    later = time.time() + 86_400
    monkeypatch.setattr("k8slab.serve.kept.time.time", lambda: later)
    found = find(tmp_path / "data")
    assert abs(found.cluster.clock.unix_us / SECOND - later) < 5
    found.cluster.advance(600 * SECOND)
    nodes = found.cluster.snapshot().list("nodes")
    assert {c.status for node in nodes for c in node.status.conditions if c.type == "Ready"} == {"True"}
    found.keeper.directory.append(found.keeper.take())
    found.keeper.directory.close()
    again = Lab.restore(tmp_path / "data")
    assert again.history.digest() == Lab._of(found.cluster).history.digest()


def test_a_calendar_of_its_own(tmp_path: Path) -> None:
    for epoch in ("2030-06-01T12:00:00Z", None):
        found = find(tmp_path / "data", epoch=epoch, workers=1)
        found.keeper.directory.close()
        assert found.cluster.clock.rfc3339() == "2030-06-01T12:00:00Z"
        assert not found.present


def test_a_full_disk_refuses_writes_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committer, "RETRY", 0.05)
    monkeypatch.setattr(committer, "LAZY", 0.05)
    with serve(tmp_path / "data", workers=1) as server:
        call, directory = Caller(server), server.committer.keeper.directory
        names = [call("POST", CONFIGMAPS, CONFIGMAP).body["metadata"]["name"]]
        write, room = directory.append, [0]

        def append(rows: list[Row]) -> None:
            if not room[0] and (directory.path / "reserve").exists():
                raise DiskFullError("cannot write cluster.db: no space left on device")
            write(rows)

        monkeypatch.setattr(directory, "append", append)
        monkeypatch.setattr(directory, "reserve", lambda: bool(room[0]))
        answer = call("POST", CONFIGMAPS, CONFIGMAP)
        assert answer.code == 201, "what was under way goes into the reserve"
        names.append(answer.body["metadata"]["name"])
        answer = call("POST", CONFIGMAPS, CONFIGMAP)
        assert (answer.code, answer.message) == (500, "etcdserver: mvcc: database space exceeded")
        assert call("GET", CONFIGMAPS).code == 200
        before = server.cluster.clock.now
        time.sleep(0.2)
        assert server.cluster.clock.now == before
        room[0] = 1
        deadline = time.monotonic() + 60
        while (answer := call("POST", CONFIGMAPS, CONFIGMAP)).code != 201:
            assert time.monotonic() < deadline
        names.append(answer.body["metadata"]["name"])
    found = [item.metadata.name for item in Lab.restore(tmp_path / "data").list("configmaps", "default")]
    assert sorted(names) == [name for name in found if name.startswith("c-")]


def test_a_lab_is_kept_while_it_is_served(tmp_path: Path) -> None:
    lab = Lab(workers=1)
    lab.kubectl("create namespace shop", echo=False)
    server = lab.serve(data_dir=tmp_path / "data")
    try:
        assert Caller(server)("POST", CONFIGMAPS, CONFIGMAP).code == 201
        lab.kubectl("create namespace mall", echo=False)
    finally:
        server.stop()
    again = Lab.restore(tmp_path / "data")
    assert state(again) == state(lab)
    assert {"shop", "mall"} <= {each.metadata.name for each in again.list("namespaces")}
