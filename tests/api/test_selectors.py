"""Selectors against the server's recorded texts, and matching."""

import pickle

import pytest
from recordings import records

from k8slab.api.core_v1 import (
    Affinity,
    Node,
    NodeAffinity,
    NodeSelector,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    Pod,
    PodSpec,
    Taint,
    Toleration,
)
from k8slab.api.meta_v1 import LabelSelector, LabelSelectorRequirement, ObjectMeta
from k8slab.api.selector import (
    EVERYTHING,
    NOTHING,
    escape_field,
    from_label_selector,
    node_matches,
    parse_fields,
    parse_labels,
    selector_text,
)
from k8slab.api.taints import tolerates, untolerated
from k8slab.errors import BadRequest


def test_recorded_label_selectors():
    count = 0
    for record in records("selectors"):
        query, answer = record["request"].get("query") or {}, record["response"]
        if not query.get("labelSelector") or query.get("fieldSelector"):
            continue
        if answer["code"] == 400:
            with pytest.raises(BadRequest) as error:
                parse_labels(query["labelSelector"])
            assert error.value.message == answer["body"]["message"]
        else:
            parse_labels(query["labelSelector"])
        count += 1
    assert count > 20


@pytest.mark.parametrize("text", ["status.phase", "status.phase in (Running)"])
def test_field_selectors_that_make_no_sense(text):
    with pytest.raises(BadRequest) as error:
        parse_fields(text)
    assert error.value.message == f"invalid selector: '{text}'; can't understand '{text}'"


def test_field_selectors():
    assert parse_fields(r"a=b\,c,d!=e,f==g,h=") == (
        ("a", "=", "b,c"),
        ("d", "!=", "e"),
        ("f", "=", "g"),
        ("h", "=", ""),
    )
    assert parse_fields("") == ()
    assert parse_fields("x=" + escape_field("a,b=c\\")) == (("x", "=", "a,b=c\\"),)


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        ("a=1", {"a": "1"}, True),
        ("a=1", {}, False),
        ("a!=1", {}, True),
        ("a!=1", {"a": "1"}, False),
        ("a in (1, 2)", {"a": "2"}, True),
        ("a in (1,2)", {"a": "3"}, False),
        ("a notin (1)", {}, True),
        ("a", {"a": ""}, True),
        ("!a", {"a": ""}, False),
        ("a=", {"a": ""}, True),
        ("a>5", {"a": "6"}, True),
        ("a<5", {"a": "x"}, False),
        ("a=1,b", {"a": "1"}, False),
        ("in in (in)", {"in": "in"}, True),
        ("", {"a": "1"}, True),
    ],
)
def test_matching(text, labels, expected):
    assert parse_labels(text).matches(labels) is expected
    assert pickle.loads(pickle.dumps(parse_labels(text))).matches(labels) is expected


def test_text_is_sorted_and_can_be_read_again():
    text = "a in (x,y),b!=1,!c,d,e>4"
    assert str(parse_labels("e>4,d,!c,b!=1,a in (y, x)")) == "a in (x,y),b!=1,!c,d,e>4"
    assert parse_labels(text) == parse_labels(str(parse_labels(text)))


def test_label_selector_objects():
    assert from_label_selector(None) == NOTHING
    assert from_label_selector(LabelSelector()) == EVERYTHING
    assert not NOTHING.matches({})
    assert EVERYTHING.matches({})
    selector = LabelSelector(
        matchLabels={"app": "web"},
        matchExpressions=(LabelSelectorRequirement(key="tier", operator="NotIn", values=("db",)),),
    )
    assert from_label_selector(selector).matches({"app": "web"})
    assert not from_label_selector(selector).matches({"app": "web", "tier": "db"})
    assert selector_text(selector) == "app=web,tier notin (db)"
    assert selector_text({"b": "2", "a": "1"}) == "a=1,b=2"
    with pytest.raises(BadRequest, match='"Nope" is not a valid label selector operator'):
        from_label_selector(LabelSelector(matchExpressions=(LabelSelectorRequirement(key="a", operator="Nope"),)))


def node(**labels):
    return Node(metadata=ObjectMeta(name="n1", labels=labels))


def affine(*terms):
    required = NodeSelector(nodeSelectorTerms=terms)
    affinity = Affinity(nodeAffinity=NodeAffinity(requiredDuringSchedulingIgnoredDuringExecution=required))
    return Pod(spec=PodSpec(affinity=affinity))


def wants(key, operator, *values):
    return NodeSelectorRequirement(key=key, operator=operator, values=values or None)


def test_node_affinity():
    either = affine(
        NodeSelectorTerm(matchExpressions=(wants("zone", "In", "a"), wants("cores", "Gt", "4"))),
        NodeSelectorTerm(matchFields=(wants("metadata.name", "In", "n1"),)),
    )
    assert node_matches(either.spec, node())
    assert not node_matches(affine(NodeSelectorTerm()).spec, node(zone="a"))
    strict = affine(NodeSelectorTerm(matchExpressions=(wants("zone", "In", "a"), wants("cores", "Gt", "4"))))
    assert node_matches(strict.spec, node(zone="a", cores="8"))
    assert not node_matches(strict.spec, node(zone="a", cores="4"))
    assert not node_matches(PodSpec(nodeSelector={"disk": "ssd"}), node(disk="hdd"))
    assert node_matches(PodSpec(), node())


def test_tolerations():
    taint = Taint(key="k", value="v", effect="NoSchedule")
    assert tolerates(Toleration(key="k", value="v"), taint)
    assert tolerates(Toleration(operator="Exists"), taint)
    assert not tolerates(Toleration(key="k", operator="Equal", value="w"), taint)
    assert not tolerates(Toleration(key="k", operator="Exists", effect="NoExecute"), taint)
    assert untolerated([taint], None) is taint
    assert untolerated([taint], [Toleration(operator="Exists")]) is None
    assert untolerated([taint], None, effects=("NoExecute",)) is None
