"""KubeSchedulerConfiguration: what it means, and what is refused with which words."""

from __future__ import annotations

import pytest

from k8slab.scheduler.framework import Plugin
from k8slab.scheduler.plugins import REGISTRY
from k8slab.scheduler.profile import ConfigurationError, load_configuration

HEAD = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"


def load(text: str, registry=REGISTRY):
    return load_configuration(HEAD + text, registry)


def names(profile, point):
    return [name for name, _ in profile.points[point]]


def test_the_default_profile_is_that_of_kube_scheduler():
    profile = load_configuration(None).profiles[0]
    assert names(profile, "Filter") == [
        "NodeUnschedulable",
        "NodeName",
        "TaintToleration",
        "NodeAffinity",
        "NodePorts",
        "NodeResourcesFit",
        "VolumeRestrictions",
        "NodeVolumeLimits",
        "VolumeBinding",
        "VolumeZone",
        "PodTopologySpread",
        "InterPodAffinity",
        "DynamicResources",
    ]
    assert names(profile, "PostFilter") == ["DynamicResources", "DefaultPreemption"]
    assert names(profile, "PreEnqueue") == ["SchedulingGates", "DynamicResources", "DefaultPreemption"]
    assert profile.weights == {
        "TaintToleration": 3,
        "NodeAffinity": 2,
        "NodeResourcesFit": 1,
        "PodTopologySpread": 2,
        "InterPodAffinity": 2,
        "DynamicResources": 2,
        "NodeResourcesBalancedAllocation": 1,
        "ImageLocality": 1,
    }


def test_plugins_are_switched_off_reordered_and_weighted():
    config = load(
        """
profiles:
- schedulerName: packer
  plugins:
    score:
      disabled: [{name: NodeResourcesBalancedAllocation}]
      enabled: [{name: ImageLocality, weight: 7}]
    multiPoint:
      disabled: [{name: InterPodAffinity}]
      enabled: [{name: TaintToleration, weight: 5}]
  pluginConfig:
  - name: NodeResourcesFit
    args: {scoringStrategy: {type: MostAllocated}}
- schedulerName: bare
  plugins:
    score: {disabled: [{name: "*"}]}
"""
    )
    packer, bare = config.profiles
    assert packer.weights["ImageLocality"] == 7
    assert packer.weights["TaintToleration"] == 5
    assert "InterPodAffinity" not in names(packer, "Filter")
    assert "NodeResourcesBalancedAllocation" not in packer.weights
    assert names(packer, "Score")[0] == "ImageLocality"
    assert packer.args["NodeResourcesFit"]["scoringStrategy"]["type"] == "MostAllocated"
    assert names(bare, "Score") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("parallelism: 0", "parallelism: Invalid value: 0: should be an integer value greater than zero"),
        ("percentageOfNodesToScore: 101", "percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]"),
        ("podInitialBackoffSeconds: 0", "podInitialBackoffSeconds: Invalid value: 0: must be greater than 0"),
        ("colour: blue", 'strict decoding error: unknown field "colour"'),
        (
            "profiles: [{schedulerName: a, plugins: {filters: {}}}]",
            'strict decoding error: unknown field "profiles[0].plugins.filters"',
        ),
        (
            "profiles: [{schedulerName: a}, {schedulerName: a}]",
            'profiles[1].schedulerName: Duplicate value: "a"',
        ),
        (
            "profiles: [{plugins: {multiPoint: {enabled: [{name: Magic}]}}}]",
            "initializing profiles: creating profile for scheduler name default-scheduler: "
            'PreFilterPlugin "Magic" does not exist',
        ),
        (
            "profiles: [{plugins: {score: {enabled: [{name: NodeName}]}}}]",
            "initializing profiles: creating profile for scheduler name default-scheduler: "
            'plugin "NodeName" does not extend ScorePlugin plugin',
        ),
        (
            "profiles: [{plugins: {bind: {disabled: [{name: '*'}]}}}]",
            "initializing profiles: creating profile for scheduler name default-scheduler: "
            'at least one bind plugin is needed for profile with scheduler name "default-scheduler"',
        ),
        (
            "profiles: [{pluginConfig: [{name: InterPodAffinity, args: {hardPodAffinityWeight: 200}}]}]",
            "profiles[0].pluginConfig[0].args.hardPodAffinityWeight: Invalid value: 200: not in valid range [0, 100]",
        ),
        (
            "profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: Best}}}]}]",
            'profiles[0].pluginConfig[0].args.scoringStrategy.type: Unsupported value: "Best": supported values: '
            '"LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"',
        ),
    ],
)
def test_what_kube_scheduler_refuses(text, message):
    with pytest.raises(ConfigurationError) as error:
        load(text)
    assert str(error.value) == message


def test_another_kind_is_refused():
    with pytest.raises(ConfigurationError, match='no kind "Pod" is registered for version "v1"'):
        load_configuration("apiVersion: v1\nkind: Pod")
    with pytest.raises(ConfigurationError, match="yaml: line 1: "):
        load_configuration("a: [")


def test_a_plugin_of_ones_own_comes_last_with_its_weight():
    class Mine(Plugin):
        weight = 4

        def score(self, state, pod, node):
            return 1

    profile = load_configuration(None, REGISTRY | {"Mine": Mine}).profiles[0]
    assert profile.points["Score"][-1] == ("Mine", 4)
    assert profile.weights["Mine"] == 4
