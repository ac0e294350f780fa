"""What is asked for in vain is answered in one clear line."""

from __future__ import annotations

import pytest

from k8slab import Lab
from k8slab.lab import CommandError


@pytest.fixture(scope="module")
def lab():
    return Lab(workers=1)


def test_no_such_pod_to_explain(lab):
    with pytest.raises(CommandError, match=r"^nothing is known of pod/nope: it never existed in this lab$"):
        lab.explain("pod/nope")


def test_a_pod_that_nobody_has_scheduled():
    lab = Lab(workers=1, components=["kube-apiserver", "kube-controller-manager"])
    lab.kubectl("run web --image=nginx:1.29", echo=False)
    with pytest.raises(CommandError) as found:
        lab.explain("pod/web")
    assert "never existed" not in str(found.value)


def test_run_until_wants_a_function(lab):
    with pytest.raises(CommandError, match="run_until takes a function of the lab, not 'ready'"):
        lab.run_until("ready")


def test_a_history_shows_what_it_is(lab):
    assert repr(lab.history).startswith(
        f"<History of {len(lab.history)} changes up to revision {lab.history.revision}, "
    )
