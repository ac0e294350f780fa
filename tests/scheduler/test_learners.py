"""Plugins that learners write: what they may answer, and what becomes of their mistakes."""

from __future__ import annotations

import pickle

import pytest

from k8slab.scheduler.framework import PluginError, implements
from k8slab.scheduler.learners import make_plugin
from k8slab.scheduler.recall import Answers, recalled


class Ranked:
    """Likes nodes late in the alphabet."""

    def filter(self, pod, node):
        return True

    def score(self, pod, nodes):
        return {node.name: index for index, node in enumerate(nodes)}

    def normalize_score(self, scores):
        for name in scores:
            scores[name] *= 2


def rank(pod, node):
    return 1


def test_a_plugin_takes_part_where_it_has_methods():
    plugin = make_plugin(Ranked, weight=4)
    assert (plugin.name, plugin.weight) == ("Ranked", 4)
    taking_part = [
        point for point in ("PreFilter", "Filter", "Score", "Reserve", "Bind") if implements(plugin(), point)
    ]
    assert taking_part == ["Filter", "Score"]


def test_a_function_is_a_plugin_of_one_point():
    plugin = make_plugin(rank, point="score")
    assert implements(plugin(), "Score") and not implements(plugin(), "Filter")
    assert make_plugin(rank, point="NormalizeScore".replace("Normalize", "")).name == "rank"


def test_plugin_classes_can_be_pickled_by_what_they_are_made_of():
    again = pickle.loads(pickle.dumps(make_plugin(Ranked, "Other", 3)))
    assert (again.name, again.weight, again.recipe[0]) == ("Other", 3, Ranked)


def test_what_stands_in_for_a_plugin_takes_part_where_the_plugin_did():
    stand_in = recalled(Answers(), make_plugin(rank, point="score"))
    assert implements(stand_in(), "Score") and not implements(stand_in(), "Filter")


class Nothing:
    pass


class Typo:
    def filter(self, pod, nod):
        return True


class NoScore:
    def normalize_score(self, scores):
        return scores


class Binds:
    def bind(self, pod, node):
        return True


class BadInit:
    def __init__(self):
        raise KeyError("no such file")

    def score(self, pod, node):
        return 1


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (Nothing, 'plugin "Nothing" takes part in no extension point'),
        (
            Typo,
            "running Filter plugin \"Typo\": there is no argument 'nod': choose from pod, node, nodes, state, handle",
        ),
        (NoScore, 'plugin "NoScore" has normalize_score, but no score'),
        (Binds, 'plugin "Binds": for bind, derive the class from k8slab.scheduler.Plugin'),
        (BadInit, "initializing plugin \"BadInit\": KeyError: 'no such file' (__init__, line"),
        (rank, 'plugin "rank" is a function: say for which extension point'),
        (7, 'plugin "int" must be a class or a function, not int 7'),
    ],
)
def test_what_is_no_plugin_is_refused_by_name(target, message):
    with pytest.raises(PluginError) as error:
        make_plugin(target)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("weight", [-1, 0, 2**31, "3", True, 1.5])
def test_weights_are_whole_numbers(weight):
    with pytest.raises(PluginError, match="the weight must be a whole number from 1 to 2147483647"):
        make_plugin(Ranked, weight=weight)
