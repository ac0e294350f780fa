"""Whatever stands in a scheduler configuration: it is taken, or refused in one line."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from k8slab.scheduler.plugins import REGISTRY
from k8slab.scheduler.profile import ConfigurationError, load_configuration
from k8slab.scheduler.runtime import Framework

WHOLE = yaml.safe_load("""
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
parallelism: 16
percentageOfNodesToScore: 50
podInitialBackoffSeconds: 1
podMaxBackoffSeconds: 10
leaderElection: {leaderElect: true}
profiles:
- schedulerName: a
  percentageOfNodesToScore: 10
  plugins:
    score:
      disabled: [{name: NodeResourcesBalancedAllocation}]
      enabled: [{name: ImageLocality, weight: 7}]
    multiPoint:
      disabled: [{name: InterPodAffinity}]
      enabled: [{name: TaintToleration, weight: 5}]
  pluginConfig:
  - name: NodeResourcesFit
    args:
      ignoredResources: [a]
      scoringStrategy:
        type: RequestedToCapacityRatio
        resources: [{name: cpu, weight: 3}]
        requestedToCapacityRatio: {shape: [{utilization: 0, score: 0}, {utilization: 100, score: 10}]}
  - name: PodTopologySpread
    args:
      defaultingType: List
      defaultConstraints: [{maxSkew: 1, topologyKey: z, whenUnsatisfiable: ScheduleAnyway}]
  - name: NodeAffinity
    args:
      addedAffinity:
        requiredDuringSchedulingIgnoredDuringExecution:
          nodeSelectorTerms: [{matchExpressions: [{key: foo, operator: In, values: [bar]}]}]
  - name: DefaultPreemption
    args: {minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100}
  - name: InterPodAffinity
    args: {hardPodAffinityWeight: 100}
  - name: VolumeBinding
    args: {bindTimeoutSeconds: 5, shape: [{utilization: 0, score: 0}]}
  - name: NodeResourcesBalancedAllocation
    args: {resources: [{name: cpu, weight: 1}]}
- schedulerName: b
""")
JUNK = [
    None,
    0,
    -1,
    1,
    10**30,
    "",
    "x",
    "*",
    [],
    {},
    [1],
    [None],
    {"a": 1},
    True,
    1.5,
    ["x"],
    {"name": None},
    [{}],
    [[]],
]


class Nothing:
    """A handle for plugins that are only set up."""

    cache = client = clock = rng = nominator = queue = None


def places(value: Any, path: tuple = ()) -> Iterator[tuple]:
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*path, index))


def spoiled(rng: random.Random) -> dict:
    document = copy.deepcopy(WHOLE)
    path = rng.choice([path for path in places(WHOLE) if path])
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    if rng.random() < 0.15 and isinstance(inner, dict):
        inner[rng.choice(["colour", "name", "enabled"])] = copy.deepcopy(rng.choice(JUNK))
    elif rng.random() < 0.1:
        del inner[path[-1]]
    else:
        inner[path[-1]] = copy.deepcopy(rng.choice(JUNK))
    return document


def test_any_value_anywhere_is_taken_or_refused_in_one_line():
    rng = random.Random(1)
    taken = refused = 0
    for _ in range(1500):
        document = spoiled(rng)
        try:
            for profile in load_configuration(document).profiles:
                Framework(profile, dict(REGISTRY), Nothing())
            taken += 1
        except ConfigurationError as error:
            assert str(error) and "\n" not in str(error), document
            refused += 1
    assert taken > 100 and refused > 500


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x {b: *x}", "yaml: anchor value contains itself, or is nested too deeply"),
        ("a: {b: c", "yaml: line 1: "),
        ("just words", "couldn't get version/kind; json parse error: json: cannot unmarshal string into Go value"),
        ("", "Object 'Kind' is missing"),
    ],
)
def test_texts_that_are_no_configuration(text, message):
    with pytest.raises(ConfigurationError) as error:
        load_configuration(text)
    assert str(error.value).startswith(message)
