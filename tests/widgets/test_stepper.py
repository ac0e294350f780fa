"""The live view of a scheduler's decision, without a front end."""

from __future__ import annotations

from k8slab import Lab
from k8slab.widgets.decision import ALL_NODES

POD = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: c, image: nginx, resources: {requests: {cpu: "1"}}}]}
"""


def lab_with_several_attempts() -> Lab:
    lab = Lab(workers=2)
    for command in ("cordon worker-1", "cordon worker-2"):
        lab.kubectl(command, echo=False)
    lab.apply(POD, echo=False)
    lab.run("20s")
    lab.kubectl("uncordon worker-2", echo=False)
    lab.run("20s")
    return lab


def test_buttons_step_through_attempts_and_a_list_asks_about_nodes():
    lab = lab_with_several_attempts()
    live = lab.explain("web").live()
    titles = [text for text, _ in live.attempt.options]
    assert titles[0].startswith("1: unschedulable at 20")
    assert titles[-1].startswith(f"{len(titles)}: → worker-2 at 20.")
    assert "→ worker-2" in live.picture.value and live.forward.disabled and not live.back.disabled
    for _ in titles:
        live.back.click()
    assert live.attempt.value == 1 and live.back.disabled
    assert "fits on no node" in live.picture.value
    live.node.value = "worker-1"
    assert "What if it were worker-1?" in live.picture.value
    assert "kubectl uncordon worker-1" in live.picture.value
    live.node.value = ALL_NODES
    live.attempt.value = len(titles)
    assert "What if" not in live.picture.value


def test_what_it_shows_without_a_front_end_is_the_still_picture():
    lab = lab_with_several_attempts()
    bundle = lab.explain("web", node="worker-1").live()._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "<svg" in data["text/html"] and "What if it were worker-1?" in data["text/html"]
    assert data["text/plain"].startswith("Pod default/web scheduled to worker-2")


def test_a_pod_that_is_tried_again_gets_one_attempt_more():
    lab = Lab(workers=1)
    lab.kubectl("cordon worker-1", echo=False)
    lab.apply(POD, echo=False)
    lab.run("5s")
    live = lab.explain("web").live()
    lab.kubectl("uncordon worker-1", echo=False)
    lab.run("20s")
    assert len(live.attempt.options) == 1
    live.forward.click()
    live.forward.click()
    assert len(live.attempt.options) > 1 and live.attempt.value > 1
