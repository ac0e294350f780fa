"""Learners' controllers: what they see, own and may do; what becomes of their mistakes; the same in every replay."""

from __future__ import annotations

import copy
from itertools import pairwise

import pytest

from k8slab import Lab
from k8slab.controllers.custom import ControllerError
from k8slab.sim.journal import JournalError

DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: websites.example.com}
spec:
  group: example.com
  names: {plural: websites, singular: website, kind: Website}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {replicas: {type: integer}, theme: {type: string}}}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
"""
SITE = """
apiVersion: example.com/v1
kind: Website
metadata: {name: shop}
spec: {replicas: 2, theme: dark}
"""


def deployment(name, replicas):
    labels = {"site": name}
    containers = [{"name": "web", "image": "nginx"}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def website(client, request, log):
    site = client.find("websites", request.name, request.namespace)
    if site is None:
        log(f"{request} is gone")
        return
    log(f"{site.spec['replicas']} replicas wanted")
    live = client.apply(deployment(request.name, site.spec["replicas"]), owner=site)
    client.set_status(site, ready=(live.status.readyReplicas if live.status else None) or 0)


def lab_with_sites(controller=website, **options):
    lab = Lab(workers=2)
    lab.apply(DEFINITION, echo=False)
    lab.run("2s")
    lab.controller(controller, watch="websites", owns=["deployments"], **options)
    lab.apply(SITE, echo=False)
    lab.run("20s")
    return lab


def test_a_controller_makes_what_its_resource_asks_for_and_keeps_it_so():
    lab = lab_with_sites()
    assert lab.get("website/shop").status == {"ready": 2}
    lab.patch("website/shop", {"spec": {"replicas": 3}})
    lab.run("20s")
    assert lab.get("website/shop").status == {"ready": 3}
    lab.delete("deployment/shop")
    lab.run("20s")
    assert lab.get("deployment/shop").status.readyReplicas == 3
    lab.delete("website/shop")
    lab.run("60s")
    assert not lab.list("deployments") and "default/shop is gone" in lab.controllers["website"].logs


def test_why_names_the_controller_what_it_saw_and_what_it_wanted():
    lab = lab_with_sites()
    text = str(lab.why("deployment/shop"))
    line = next(line for line in text.splitlines() if "Deployment/shop" in line and "created" in line)
    assert "website" in line and "2 replicas wanted" in line
    assert "kubernetes-admin" in text and "Website/shop" in text


def test_stopped_it_does_nothing_and_started_again_it_catches_up():
    lab = lab_with_sites()
    lab.faults.crash("controller/website")
    lab.patch("website/shop", {"spec": {"replicas": 4}})
    lab.run("20s")
    assert lab.get("deployment/shop").spec.replicas == 2
    lab.faults.heal()
    lab.run("20s")
    assert lab.get("deployment/shop").status.readyReplicas == 4


def test_paused_it_rests_and_resumed_it_catches_up():
    lab = lab_with_sites()
    lab.faults.pause("website")
    assert repr(lab.controllers["website"]).startswith("<controller website: paused")
    lab.patch("website/shop", {"spec": {"replicas": 4}})
    lab.run("20s")
    assert lab.get("deployment/shop").spec.replicas == 2
    lab.faults.resume("website")
    lab.run("20s")
    assert lab.get("deployment/shop").status.readyReplicas == 4


def test_the_definition_may_come_after_the_controller():
    lab = Lab(workers=1)
    lab.controller(website, watch="websites", owns="deployments")
    assert "cannot watch websites yet" in lab.controllers["website"].logs
    lab.run("5s")
    lab.apply(DEFINITION, echo=False)
    lab.run("2s")
    lab.apply(SITE, echo=False)
    lab.run("60s")
    assert lab.get("website/shop").status == {"ready": 2}


def test_the_same_in_a_fork_in_the_past_and_from_a_file(tmp_path):
    lab = lab_with_sites()
    lab.save(tmp_path / "lab.k8slab")
    loaded = Lab.load(tmp_path / "lab.k8slab", controllers=[website])
    early = lab.fork(at="10s")
    late = lab.fork()
    for one in (loaded, early, late):
        one.run(20 + lab.now - one.now)
    lab.run("20s")
    assert {states(one) for one in (loaded, early, late)} == {states(lab)}
    with pytest.raises(JournalError, match=r"learner's controller 'website'.*controllers=\[website\]"):
        Lab.load(tmp_path / "lab.k8slab")


def states(lab):
    return str([(write.revision, write.time, write.actor, write.key) for write in lab.cluster.trace.writes.values()])


def test_what_the_client_gives_is_the_learners_own():
    def spoils(client, request):
        client.get("websites", request.name, request.namespace).spec["theme"] = "spoilt"
        client.list("websites").items[0].spec["theme"] = "spoilt"

    lab = lab_with_sites(spoils, name="spoils")
    assert lab.get("website/shop").spec["theme"] == "dark"


class Themes:
    """Sites take the theme of the ConfigMap `theme`."""

    watch = "websites"
    also = ("configmaps",)

    def __init__(self):
        self.seen = 0

    def requests_for(self, obj):
        return [(obj.metadata.namespace, "shop")] if obj.metadata.name == "theme" else []

    def reconcile(self, client, request):
        self.seen += 1
        theme = client.find("configmaps", "theme", request.namespace)
        site = client.find("websites", request.name, request.namespace)
        if theme is not None and site is not None and site.spec["theme"] != theme.data["theme"]:
            patch = {"spec": {"theme": theme.data["theme"]}}
            client.patch("websites", request.name, patch, request.namespace)
        return "30s"


def test_a_class_may_watch_more_and_ask_to_be_called_again():
    lab = Lab(workers=1)
    lab.apply(DEFINITION, echo=False)
    lab.run("2s")
    lab.controller(Themes)
    lab.apply(SITE, echo=False)
    lab.kubectl("create configmap theme --from-literal=theme=light", echo=False)
    lab.run("5s")
    assert lab.get("website/shop").spec["theme"] == "light"
    before = lab.controllers["themes"].loop.syncs
    lab.run("95s")
    assert lab.controllers["themes"].loop.syncs == before + 3
    assert repr(lab.controllers["themes"]).startswith("<controller themes: running")


def test_a_copy_of_a_lab_has_a_controller_of_its_own():
    lab = lab_with_sites()
    twin = copy.deepcopy(lab)
    twin.patch("website/shop", {"spec": {"replicas": 5}})
    twin.run("20s")
    lab.run("20s")
    assert (twin.get("deployment/shop").spec.replicas, lab.get("deployment/shop").spec.replicas) == (5, 2)


def test_an_error_is_one_line_an_event_and_retried_with_back_off():
    def wrong(client, request):
        client.get("configmaps", "missing", request.namespace)

    lab = lab_with_sites(wrong, name="wrong")
    lines = list(lab.controllers["wrong"].lines)
    assert 'controller "wrong": NotFound: configmaps "missing" not found (wrong, line' in lines[0].text
    gaps = [b.time - a.time for a, b in pairwise(lines)]
    assert gaps[4] > 1.5 * gaps[3] > 2 * gaps[2] and len(lines) < 20
    event = next(e for e in lab.list("events") if e.reason == "ReconcileError")
    assert event.type == "Warning" and event.involvedObject.name == "shop"


def test_without_the_right_it_may_not():
    lab = Lab(workers=1)
    lab.kubectl("create serviceaccount reader", echo=False)
    lab.kubectl("create role reader --verb=get,list,watch --resource=configmaps", echo=False)
    lab.kubectl("create rolebinding reader --role=reader --serviceaccount=default:reader", echo=False)
    lab.kubectl("create clusterrole lister --verb=list,watch --resource=configmaps", echo=False)
    lab.kubectl("create clusterrolebinding lister --clusterrole=lister --serviceaccount=default:reader", echo=False)

    def greedy(client, request):
        client.delete("configmaps", request.name, request.namespace)

    lab.controller(greedy, watch="configmaps", service_account="default/reader")
    lab.kubectl("create configmap mine", echo=False)
    lab.run("5s")
    assert lab.get("configmap/mine")
    assert (
        'User "system:serviceaccount:default:reader" cannot delete resource "configmaps" in API group "" in the '
        'namespace "default"' in lab.controllers["greedy"].logs
    )


def test_one_that_never_rests_lets_time_pass():
    def restless(client, request):
        if request.name != "mine":
            return
        config = client.get("configmaps", request.name, request.namespace)
        count = int((config.data or {}).get("count", "0")) + 1
        client.patch("configmaps", request.name, {"data": {"count": str(count)}}, request.namespace)

    lab = Lab(workers=1)
    lab.controller(restless, watch="configmaps")
    lab.kubectl("create configmap mine", echo=False)
    lab.run("20s")
    assert 300 < int(lab.get("configmap/mine").data["count"]) < 600  # as client-go's limits let it


class NoReconcile:
    watch = "pods"


class NoMapping:
    watch = "pods"
    also = ("nodes",)

    def reconcile(self, client, request):
        return None


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        (website, {}, "say what it watches"),
        (website, {"watch": 5}, "say what it watches"),
        (website, {"watch": "pods", "owns": [3]}, "owns names resources"),
        (website, {"watch": "pods", "also": "nodes"}, "requests_for"),
        (5, {"watch": "pods"}, "must be a function or a class"),
        (NoReconcile, {}, "no method reconcile"),
        (NoMapping, {}, "no method requests_for"),
        (lambda client, name: None, {"watch": "pods"}, "there is no argument 'name': choose from client, request"),
        (website, {"watch": "pods", "service_account": "reader"}, "namespace/name"),
    ],
)
def test_what_is_no_controller_is_refused_and_leaves_nothing_behind(target, options, message):
    lab = Lab(workers=1)
    with pytest.raises(ControllerError, match=message):
        lab.controller(target, **options)
    assert not lab.controllers and "extension" not in lab.cluster.dump_journal()


@pytest.mark.parametrize("answer", [True, "soon", {}, -1])
def test_a_wrong_answer_is_said(answer):
    lab = lab_with_sites(lambda client, request: answer, name="odd")
    assert 'controller "odd": answer None, or after how long to look again ("30s")' in lab.controllers["odd"].logs


def test_an_object_of_another_controller_is_not_taken():
    def thief(client, request):
        pod = client.get("pods", request.name, request.namespace)
        site = client.get("configmaps", "mine", request.namespace)
        client.controlled(pod, site)

    lab = Lab(workers=1)
    lab.kubectl("create configmap mine", echo=False)
    lab.kubectl("create deployment web --image=nginx", echo=False)
    lab.controller(thief, watch="pods")
    lab.run("2s")
    assert "is already owned by another ReplicaSet controller web-" in lab.controllers["thief"].logs
