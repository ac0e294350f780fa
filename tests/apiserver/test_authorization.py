from __future__ import annotations

from k8slab.api.request import Request, UserInfo
from k8slab.apiserver.authorization import Attributes, Decision, Rules
from tests.apiserver.conftest import Lab

ALICE = UserInfo(name="alice", groups=("developers",))


class ReadersOnly:
    """Lets everybody read Pods in one namespace, and nothing else."""

    allows_everything = False

    def knows(self, request: Request) -> bool:
        return False

    def authorize(self, attributes: Attributes) -> Decision:
        may = attributes.verb in ("get", "list") and attributes.resource == "pods" and attributes.namespace == "default"
        return Decision(may or attributes.resource.startswith("self"))

    def rules(self, user: UserInfo, namespace: str) -> Rules:
        return Rules(({"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]},))


def test_refusals_say_who_cannot_do_what_where(lab: Lab) -> None:
    lab.server.authorizer = ReadersOnly()
    assert lab.send("list", "pods", user=ALICE).code == 200
    cases = (
        (("delete", "pods", "p"), 'pods "p" is forbidden: User "alice" cannot delete resource "pods" in API group ""'),
        (("list", "deployments.apps"), 'deployments.apps is forbidden: User "alice" cannot list resource'),
        (("get", "foos.nope.io", "x"), 'foos.nope.io "x" is forbidden: User "alice" cannot get resource "foos"'),
    )
    for arguments, text in cases:
        refused = lab.send(*arguments, user=ALICE)
        assert refused.code == 403 and refused.body["message"].startswith(text)
        assert refused.body["message"].endswith('in the namespace "default"')
    cluster = lab.send("list", "nodes", namespace=None, user=ALICE)
    assert cluster.body["message"].endswith("at the cluster scope")


def test_reviews_ask_the_authorizer_and_store_nothing(lab: Lab) -> None:
    lab.server.authorizer = ReadersOnly()
    revision = lab.store.revision

    def may(verb: str) -> bool:
        wanted = {"verb": verb, "resource": "pods", "namespace": "default"}
        body = {"spec": {"resourceAttributes": wanted}}
        resource = "selfsubjectaccessreviews.authorization.k8s.io"
        return lab.create(resource, body, namespace=None, user=ALICE).status.allowed

    assert may("get") and not may("delete")
    rules = lab.create(
        "selfsubjectrulesreviews.authorization.k8s.io", {"spec": {"namespace": "default"}}, namespace=None, user=ALICE
    )
    assert rules.status.resourceRules[0].verbs == ("get", "list")
    me = lab.create("selfsubjectreviews.authentication.k8s.io", {}, namespace=None, user=ALICE)
    assert me.status.userInfo.username == "alice" and me.status.userInfo.groups == ("developers",)
    assert lab.store.revision == revision
