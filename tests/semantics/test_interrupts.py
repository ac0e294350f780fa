"""Ctrl-C while time passes: the lab stays whole, and can be replayed."""

from __future__ import annotations

import signal

import pytest

from k8slab import Lab
from k8slab.etcd.store import Store


class InterruptedPut:
    """Store.put, with one Ctrl-C in the middle of a write."""

    def __init__(self, at: int, times: int = 1) -> None:
        self.left, self.times, self.real = at, times, Store.put

    def __get__(self, store: Store, _: type) -> object:
        def put(*args: object, **options: object) -> object:
            self.left -= 1
            for _ in range(self.times if self.left == 0 else 0):
                signal.raise_signal(signal.SIGINT)
            return self.real(store, *args, **options)

        return put


@pytest.fixture(autouse=True)
def python_hears_of_interrupts():
    # A program that was started in the background (`make test &`) ignores SIGINT.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("at", [1, 17, 60, 150])
def test_what_was_under_way_goes_on_afterwards(lab, kubectl, monkeypatch, tmp_path, at):
    kubectl("create deployment web --image=nginx:1.29 --replicas=30")
    with monkeypatch.context() as patched:
        patched.setattr(Store, "put", InterruptedPut(at))
        with pytest.raises(KeyboardInterrupt):
            lab.run("10m")
    assert lab.now < 600
    lab.run("60s")
    assert lab.get("deployment/web").status.readyReplicas == 30
    lab.save(tmp_path / "lab")
    assert Lab.load(tmp_path / "lab").history.digest() == lab.history.digest()


def test_a_request_is_done_or_not(lab, monkeypatch, tmp_path):
    with monkeypatch.context() as patched:
        patched.setattr(Store, "put", InterruptedPut(1))
        with pytest.raises(KeyboardInterrupt):
            lab.kubectl("create deployment web --image=nginx:1.29", echo=False)
    assert lab.get("deployment/web").spec.replicas == 1
    lab.save(tmp_path / "lab")
    assert Lab.load(tmp_path / "lab").history.digest() == lab.history.digest()


def test_pressed_twice_it_stops_at_once(lab, kubectl, monkeypatch):
    kubectl("create deployment web --image=nginx:1.29")
    before = lab.history.revision
    monkeypatch.setattr(Store, "put", InterruptedPut(1, times=2))
    with pytest.raises(KeyboardInterrupt):
        lab.run("10m")
    assert lab.history.revision == before
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
