"""What Pods ask for, QoS, conditions, owners and times."""

import pytest

from k8slab.api import conditions, ownership, timestamps
from k8slab.api.apps_v1 import ReplicaSet
from k8slab.api.core_v1 import (
    Container,
    ContainerStatus,
    Pod,
    PodCondition,
    PodSpec,
    PodStatus,
    ResourceRequirements,
)
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.resources import pod_limits, pod_requests, qos_class


def container(name="c", restart=None, limits=None, **requests):
    resources = ResourceRequirements(requests=requests or None, limits=limits)
    return Container(name=name, restartPolicy=restart, resources=resources)


def pod(*containers, init=(), **spec):
    return Pod(spec=PodSpec(containers=containers, initContainers=init or None, **spec))


def test_containers_add_up():
    assert pod_requests(pod(container(cpu="100m", memory="1Gi"), container("d", cpu="1"))) == {
        "cpu": "1100m",
        "memory": "1Gi",
    }


def test_the_start_counts_where_it_needs_more():
    init = (container("i", cpu="2"), container("j", cpu="1", memory="1Gi"))
    assert pod_requests(pod(container(cpu="500m", memory="512Mi"), init=init)) == {"cpu": "2", "memory": "1Gi"}


def test_sidecars_count_beside_the_app_and_beside_later_init_containers():
    init = (container("side", restart="Always", cpu="300m"), container("i", cpu="1"))
    assert pod_requests(pod(container(cpu="500m"), init=init))["cpu"] == "1300m"
    before = (container("i", cpu="1"), container("side", restart="Always", cpu="300m"))
    assert pod_requests(pod(container(cpu="500m"), init=before))["cpu"] == "1"


def test_overhead_and_pod_level_resources():
    spec = pod(container(cpu="500m"), overhead={"cpu": "100m", "memory": "1Mi"})
    assert pod_requests(spec) == {"cpu": "600m", "memory": "1Mi"}
    assert pod_requests(spec, overhead=False) == {"cpu": "500m"}
    level = ResourceRequirements(requests={"cpu": "2", "example.com/gpu": "1"}, limits={"memory": "4Gi"})
    chosen = pod(container(cpu="500m"), resources=level, overhead={"cpu": "1"})
    assert pod_requests(chosen) == {"cpu": "3"}
    assert pod_limits(chosen) == {"memory": "4Gi"}


def test_resized_containers_count_what_they_have():
    resized = pod(container(cpu="500m")).replace(
        status=PodStatus(containerStatuses=(ContainerStatus(name="c", allocatedResources={"cpu": "2"}),))
    )
    assert pod_requests(resized) == {"cpu": "500m"}
    assert pod_requests(resized, use_status=True) == {"cpu": "2"}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (pod(container()), "BestEffort"),
        (pod(container(cpu="0")), "BestEffort"),
        (pod(container(**{"example.com/gpu": "1"})), "BestEffort"),
        (pod(container(cpu="1")), "Burstable"),
        (pod(container(cpu="1", memory="1Gi", limits={"cpu": "1000m", "memory": "1024Mi"})), "Guaranteed"),
        (pod(container(cpu="1", memory="1Gi", limits={"cpu": "2", "memory": "1Gi"})), "Burstable"),
        (pod(container(cpu="1", memory="1Gi", limits={"cpu": "1", "memory": "1Gi"}), container("d")), "Burstable"),
        (
            pod(
                container(),
                resources=ResourceRequirements(
                    requests={"cpu": "1", "memory": "1Gi"}, limits={"cpu": "1", "memory": "1Gi"}
                ),
            ),
            "Guaranteed",
        ),
    ],
)
def test_qos(spec, expected):
    assert qos_class(spec) == expected


EARLY, LATE = "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"


def test_transition_time_changes_with_the_status_only():
    ready = PodCondition(type="Ready", status="True")
    first = conditions.set_condition(None, ready, EARLY)
    assert first == (ready.replace(lastTransitionTime=EARLY),)
    assert conditions.set_condition(first, ready, LATE) is first
    explained = conditions.set_condition(first, ready.replace(reason="R"), LATE)
    assert (explained[0].reason, explained[0].lastTransitionTime) == ("R", EARLY)
    failed = conditions.set_condition(explained, ready.replace(status="False"), LATE)
    assert failed[0].lastTransitionTime == LATE
    assert conditions.is_true(first, "Ready")
    assert not conditions.is_true(failed, "Ready")
    assert conditions.status_of(failed, "Other") == "Unknown"
    assert conditions.without(failed, "Ready") == ()


def test_owner_references():
    owner = ReplicaSet(metadata=ObjectMeta(name="web", uid="u-1"))
    reference = ownership.controller_reference(owner)
    assert (reference.apiVersion, reference.kind, reference.name, reference.uid) == (
        "apps/v1",
        "ReplicaSet",
        "web",
        "u-1",
    )
    owned = Pod(metadata=ObjectMeta(ownerReferences=(ownership.owner_reference(Pod()), reference)))
    assert ownership.controller_of(owned) is reference
    assert ownership.is_controlled_by(owned, owner)
    assert ownership.controller_of(Pod()) is None


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("1970-01-01T00:00:01Z", 1_000_000),
        ("1970-01-01T01:00:00.5+01:00", 500_000),
        ("2026-01-01T00:00:00Z", 1_767_225_600_000_000),
    ],
)
def test_times(text, microseconds):
    assert timestamps.parse(text) == microseconds


@pytest.mark.parametrize(
    ("text", "micro", "message"),
    [
        ("now", False, 'parsing time "now" as "2006-01-02T15:04:05Z07:00": cannot parse "now" as "2006"'),
        ("now", True, 'parsing time "now" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "now" as "2006"'),
        (
            "2026-01-01 00:00:00",
            False,
            'parsing time "2026-01-01 00:00:00" as "2006-01-02T15:04:05Z07:00": cannot parse " 00:00:00" as "T"',
        ),
        ("2026-13-01T00:00:00Z", False, 'parsing time "2026-13-01T00:00:00Z": month out of range'),
        ("2026-02-30T00:00:00Z", False, 'parsing time "2026-02-30T00:00:00Z": day out of range'),
        ("2026-01-01T00:00:00Zx", False, 'parsing time "2026-01-01T00:00:00Zx": extra text: "x"'),
    ],
)
def test_texts_that_are_no_times(text, micro, message):
    with pytest.raises(timestamps.TimeError) as error:
        timestamps.parse(text, micro)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (150, "2m30s"),
        (600, "10m"),
        (10_799, "179m"),
        (10_800, "3h"),
        (10_860, "3h1m"),
        (28_800, "8h"),
        (172_800, "2d"),
        (176_400, "2d1h"),
        (86_400 * 8, "8d"),
        (86_400 * 365 * 2, "2y"),
        (86_400 * (365 * 2 + 5), "2y5d"),
        (86_400 * 365 * 8, "8y"),
    ],
)
def test_ages(seconds, text):
    assert timestamps.human_duration(seconds * 1_000_000) == text
