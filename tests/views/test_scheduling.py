"""The scheduler's decision as picture, tables and text, for decisions that a real lab's scheduler made."""

from __future__ import annotations

from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from k8slab.views.scheduling import explanation_html, explanation_svg, explanation_text


def score(raw, normalized, weight):
    return SimpleNamespace(raw=raw, normalized=normalized, weight=weight, weighted=normalized * weight)


def verdict(name, rejected_by="", reasons=(), total=None, scores=None, advice=""):
    filters = {"NodeName": "skipped", "TaintToleration": "passed", "NodeResourcesFit": "passed"}
    if rejected_by:
        filters[rejected_by] = "rejected"
    return SimpleNamespace(
        name=name,
        examined=True,
        feasible=not rejected_by,
        filters=filters,
        rejected_by=rejected_by,
        reasons=reasons,
        scores=scores or {},
        total=total,
        advice=advice,
    )


def explanation(nodes, **changes):
    feasible = [node for node in nodes if node.feasible]
    plain = {
        "namespace": "default",
        "pod": "web-6d9f-x2x4z",
        "attempt": 1,
        "attempts": 1,
        "time": 4_000,
        "outcome": "scheduled",
        "message": "",
        "node": feasible[0].name if feasible else "",
        "runner_up": "",
        "tied": (),
        "nominated_node": "",
        "feasible": len(feasible),
        "filter_plugins": ("NodeName", "TaintToleration", "NodeResourcesFit"),
        "score_plugins": ("NodeResourcesFit", "ImageLocality", "TaintToleration"),
        "skipped": ("NodeName",),
        "nodes": nodes,
    }
    return SimpleNamespace(**{**plain, **changes})


def scored(name, fit, total):
    scores = {
        "NodeResourcesFit": score(fit, fit, 1),
        "ImageLocality": score(0, 0, 1),
        "TaintToleration": score(0, 100, 3),
    }
    return verdict(name, total=total, scores=scores, advice="" if total == 390 else "20 points behind")


@pytest.fixture
def decided():
    full = verdict("worker-3", "NodeResourcesFit", ("Insufficient cpu",), advice="free 4 of cpu")
    return explanation([scored("worker-2", 70, 370), scored("worker-1", 90, 390), full], node="worker-1")


@pytest.fixture
def stuck():
    nodes = [verdict(f"worker-{i}", "TaintToleration", ("node(s) had untolerated taint(s)",)) for i in range(3)]
    return explanation(nodes, outcome="unschedulable", message="0/3 nodes are available: 3 <taints>.")


def test_text_ranks_the_winner_first_and_leaves_out_plugins_without_effect(decided):
    text = explanation_text(decided)
    assert text.startswith("Pod default/web-6d9f-x2x4z scheduled to worker-1 (attempt 1 of 1, at 4ms)")
    lines = text.splitlines()
    head = next(i for i, line in enumerate(lines) if "TOTAL" in line)
    assert "NodeResourcesFit (×1)" in lines[head] and "TaintToleration (×3)" in lines[head]
    assert "ImageLocality" not in text
    assert lines[head + 1].split() == ["worker-1", "390", "90", "300", "chosen"]
    assert "Insufficient cpu" in text and "free 4 of cpu" in text


def test_html_shows_raw_normalised_and_weighted(decided):
    html = explanation_html(decided)
    assert "0 → 100 × 3 = 300" in html
    assert '<tr class="chosen"><td>worker-1</td>' in html


def test_one_feasible_node_is_not_scored():
    one = explanation([verdict("worker-1"), verdict("worker-2", "NodeResourcesFit", ("Insufficient cpu",))])
    assert "nothing is scored" in explanation_text(one)
    assert "the only node that fits" in explanation_svg(one)


def test_a_pod_that_fits_nowhere(stuck):
    assert "fits on no node" in explanation_text(stuck)
    html = explanation_html(stuck)
    assert "3 &lt;taints&gt;." in html and "<taints>" not in html


@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
def test_pictures_are_well_formed(decided, stuck, theme):
    many = explanation([scored(f"worker-{i}", 90, 390) for i in range(100)])
    for one in (decided, stuck, many, explanation([])):
        root = ElementTree.fromstring(explanation_svg(one, theme))
        assert root.find("{*}title").text.startswith("Pod default/web")
    assert "and 76 more nodes" in explanation_svg(many, theme)


def test_bars_are_as_long_as_their_scores(decided):
    root = ElementTree.fromstring(explanation_svg(decided, "light"))
    bars = [r for r in root.findall(".//{*}rect") if (r.get("height"), r.get("rx")) == ("17", "3")]
    widths = [float(bar.get("width")) for bar in bars]
    assert widths[1] == pytest.approx(widths[3], abs=0.1)
    assert widths[2] / widths[0] == pytest.approx(70 / 90, abs=0.02)


def test_with_a_real_scheduler():
    lab = pytest.importorskip("k8slab.lab", reason="needs the whole package").Lab(workers=2)
    manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"containers": [{"name": "web", "image": "nginx:1.27"}]},
    }
    lab.apply(manifest, echo=False)
    lab.run("10s")
    shown = lab.explain("pod/web")
    assert "scheduled to worker-" in shown.text
    assert "control-plane-1" in shown.html and "<svg" in shown.html
    why = lab.why("pod/web")
    assert "kube-scheduler" in why.text and "<svg" in why.html
