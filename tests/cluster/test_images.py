"""Learners' images and private registries are inputs: whoever lives through a journal again has them."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from k8slab import Lab
from k8slab.cluster.registry import dump_image, load_image
from k8slab.kubelet import Program
from k8slab.kubelet.behaviour import ProgramError
from k8slab.kubelet.catalog import REPOSITORIES
from k8slab.kubelet.images import Image
from k8slab.sim.journal import JournalError

RICH = Program(
    ready_after="1500ms",
    ports=(8080, 9090),
    memory="33Mi",
    latency=0.0123456,
    paths={"/healthz": 200, "/*": 404},
    sends=("http://db", 2.5),
    logs=(("1s", "started"), (2.5, "ready")),
    log_every=("10s", "tick {date}"),
    files={"/etc/motd": "hello"},
    stop_code=None,
)


@pytest.fixture
def lab():
    lab = Lab(workers=1, seed=3)
    lab.images["shop:v2"] = RICH
    lab.images.add("registry.example.com/team/slow:v1", ready_after="40s", image_size="90M")
    lab.images.protect("registry.example.com/team", "ann", "secret")
    lab.kubectl("create deployment shop --image=shop:v2", echo=False)
    lab.kubectl("run slow --image=registry.example.com/team/slow:v1", echo=False)
    lab.run("30s")
    del lab.images["shop:v2"]
    lab.kubectl("scale deployment shop --replicas=2", echo=False)
    lab.run("30s")
    return lab


def test_a_loaded_lab_has_the_same_images(lab, tmp_path: Path):
    lab.save(tmp_path / "shop.k8slab")
    loaded = Lab.load(tmp_path / "shop.k8slab")
    assert loaded.history.digest() == lab.history.digest()
    assert loaded.get("deployment/shop").status.readyReplicas == 2, "the image is on the disk"
    why = loaded.get("pod/slow").status.containerStatuses[0].state.waiting.reason
    assert why in ("ErrImagePull", "ImagePullBackOff")
    assert "shop:v2" not in loaded.images
    assert loaded.images.own == lab.images.own


def test_an_earlier_time_has_the_images_of_that_time(lab):
    early = lab.fork(at="10s")
    assert early.images["shop:v2"].program == RICH
    early.kubectl("run again --image=shop:v2", echo=False)
    early.run("20s")
    assert early.get("pod/again").status.phase == "Running"
    assert "shop:v2" not in lab.images


def test_a_copy_has_images_of_its_own(lab):
    copy = lab.fork()
    copy.images["extra:v1"] = Program()
    assert "extra:v1" in copy.images and "extra:v1" not in lab.images


def test_every_image_survives_being_written_down():
    for name, repository in REPOSITORIES.items():
        image = repository.image
        assert load_image(name, dump_image(name, image)) == image, name
    assert load_image("x", dump_image("x", Image(RICH, 7, ("/app",), ("-v",)))).program == RICH


@dataclass(frozen=True)
class Clever(Program):
    """A program with code in it."""

    def surprise(self):
        """Nobody could write that down."""


def test_code_cannot_be_kept(lab):
    before = lab.cluster.dump_journal()
    with pytest.raises(ProgramError, match="is a Clever: only what a Program"):
        lab.images["clever:v1"] = Clever()
    with pytest.raises(ProgramError, match=r"images\['code:v1'\] has something in it that is no data"):
        lab.images["code:v1"] = Program(body=print)
    with pytest.raises(ProgramError, match=r"Expected `str`, got `int` - at `\$.program.body`"):
        lab.images["number:v1"] = Program(body=5)
    assert lab.cluster.dump_journal() == before


def test_what_a_journal_cannot_mean(lab):
    with pytest.raises(JournalError, match="there is no way to 'burn' an image"):
        lab.images.apply({"verb": "burn", "name": "x"})
