"""Disk, process IDs, soft thresholds, reserved resources, image garbage collection."""

import pytest

from k8slab.kubelet import Program
from k8slab.kubelet.thresholds import ThresholdError, amount, thresholds
from k8slab.sim.clock import SECOND
from tests.kubelet.conftest import Bench

GI = 2**30


def condition(bench, type_):
    node = bench.client.get("nodes", "worker-1")
    return next(c for c in node.status.conditions if c.type == type_)


def node_events(bench, reason):
    return [e.message for e in bench.client.list("events", "default").items if e.reason == reason]


def evicted(bench, name):
    return bench.get(name).status.reason == "Evicted"


def test_an_empty_dir_beyond_its_limit(bench):
    volume = {"name": "scratch", "emptyDir": {"sizeLimit": "100Mi"}}
    mount = [{"name": "scratch", "mountPath": "/data"}]
    bench.script(
        "dd if=/dev/zero of=/data/big bs=1M count=150; sleep 1000", container={"volumeMounts": mount}, volumes=[volume]
    )
    bench.until(lambda: evicted(bench, "job"), 30)
    assert bench.get("job").status.message == 'Usage of EmptyDir volume "scratch" exceeds the limit "100Mi". '
    assert bench.messages("job", "Evicted") == [bench.get("job").status.message]
    assert not any(c.type == "DisruptionTarget" for c in bench.get("job").status.conditions)
    assert condition(bench, "DiskPressure").status == "False"


def test_a_container_beyond_its_ephemeral_storage(bench):
    limits = {"resources": {"limits": {"ephemeral-storage": "50Mi"}}}
    bench.script("sleep 5; fallocate -l 60M /tmp/big; sleep 1000", container=limits)
    bench.script("sleep 5; fallocate -l 40M /tmp/big; sleep 1000", name="modest", container=limits)
    bench.until(lambda: evicted(bench, "job"), 40)
    message = bench.get("job").status.message
    assert message == "Pod ephemeral local storage usage exceeds the total limit of containers 50Mi. "
    assert bench.get("modest").status.phase == "Running"


def test_disk_pressure():
    bench = Bench(ephemeral_storage="20Gi", preload=("busybox",))
    bench.images["filler:1"] = Program(disk_growth="200Mi", memory="10Mi")
    bench.pod("calm", container={"image": "busybox", "command": ["sleep", "10000"]})
    bench.pod("full", container={"image": "filler:1"})
    bench.until(lambda: evicted(bench, "full"), 400)
    message = bench.get("full").status.message
    assert message.startswith("The node was low on resource: ephemeral-storage. Threshold quantity: 3Gi, available: ")
    assert "request is 0, has larger consumption of ephemeral-storage. " in message
    assert bench.condition("full", "DisruptionTarget").reason == "TerminationByKubelet"
    bench.run(11)
    assert condition(bench, "DiskPressure").reason == "KubeletHasDiskPressure"
    assert node_events(bench, "EvictionThresholdMet")[0] == "Attempting to reclaim ephemeral-storage"
    assert node_events(bench, "NodeHasDiskPressure") == ["Node worker-1 status is now: NodeHasDiskPressure"]
    assert bench.get("calm").status.phase == "Running"
    bench.pod("late", container={"image": "busybox"})
    bench.run(1)
    assert "The node had condition: [DiskPressure]. " in bench.get("late").status.message
    bench.client.delete("pods", "full", "default")
    bench.until(lambda: condition(bench, "DiskPressure").status == "False", 400)


def test_unused_images_go_first():
    bench = Bench(ephemeral_storage="10Gi", preload=("busybox",))
    bench.images.add("huge:1", image_size="1500M")
    bench.images.add("huge:2", image_size="1500M")
    bench.pod("one", container={"image": "huge:1"})
    bench.run(80)
    assert "docker.io/library/huge:1" in bench.kubelet.images.images
    bench.client.delete("pods", "one", "default")
    bench.run(30)
    bench.pod("two", container={"image": "huge:2"})
    bench.until(lambda: "docker.io/library/huge:1" not in bench.kubelet.images.images, 600)
    assert "docker.io/library/huge:2" in bench.kubelet.images.images
    assert bench.get("two").status.phase == "Running", "reclaiming images was enough"
    assert "Removing image to free bytes" in bench.kubelet.journal.text()


def test_process_ids():
    bench = Bench(pids=1000, eviction_hard={"pid.available": "10%"})
    bench.script("stress --cpu 900", name="bomb")
    bench.script("sleep 10000", name="calm")
    bench.until(lambda: evicted(bench, "bomb"), 60)
    message = bench.get("bomb").status.message
    assert message.startswith("The node was low on resource: pids. Threshold quantity: 100, available: ")
    bench.run(11)
    assert condition(bench, "PIDPressure").status == "True"
    assert bench.get("calm").status.phase == "Running"


def test_a_soft_threshold_waits():
    soft = {"eviction_soft": {"memory.available": "1Gi"}, "eviction_soft_grace": {"memory.available": "1m30s"}}
    bench = Bench(memory="2Gi", eviction_max_grace=20, **soft)
    bench.images["big:1"] = Program(memory="1200Mi")
    bench.pod("big", container={"image": "big:1"})
    bench.until(lambda: condition(bench, "MemoryPressure").status == "True", 60)
    began = bench.clock.now
    assert bench.get("big").status.phase == "Running"
    bench.until(lambda: evicted(bench, "big"), 200)
    assert 80 <= (bench.clock.now - began) / SECOND <= 110


def test_reserved_resources_are_not_allotted():
    bench = Bench(cpu="4", memory="8Gi", system_reserved={"cpu": "200m", "memory": "500Mi"}, kube_reserved={"cpu": "1"})
    status = bench.client.get("nodes", "worker-1").status
    assert (status.capacity["cpu"], status.allocatable["cpu"]) == ("4", "2800m")
    assert status.allocatable["memory"] == f"{8 * 1024 - 500 - 100}Mi"
    bench.pod("big", container={"resources": {"requests": {"cpu": "3"}}})
    bench.run(5)
    assert bench.get("big").status.reason == "OutOfcpu"


def test_thresholds():
    assert amount("10%", 20 * GI) == 2 * GI
    with pytest.raises(ThresholdError, match="unsupported eviction signal disk"):
        thresholds({"disk": "1"}, {}, {}, {})
    with pytest.raises(ThresholdError, match="grace period must be specified"):
        thresholds({}, {"memory.available": "1Gi"}, {}, {})
    with pytest.raises(ThresholdError, match="invalid value 'lots'"):
        thresholds({"memory.available": "lots"}, {}, {}, {})
