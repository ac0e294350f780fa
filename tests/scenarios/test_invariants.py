"""Random histories: whatever is done to a cluster, some things never happen, and in the end desired equals actual."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8slab import Lab
from k8slab.api.quantity import milli
from k8slab.api.resources import pod_requests

ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("scale"), st.sampled_from(["web", "db"]), st.integers(0, 9)),
        st.tuples(st.just("delete-pod"), st.integers(0, 20), st.just(0)),
        st.tuples(st.just("fail"), st.integers(1, 3), st.just(0)),
        st.tuples(st.just("recover"), st.integers(1, 3), st.just(0)),
        st.tuples(st.just("cordon"), st.integers(1, 3), st.just(0)),
        st.tuples(st.just("uncordon"), st.integers(1, 3), st.just(0)),
        st.tuples(st.just("image"), st.sampled_from(["nginx:1.28", "nginx:1.29", "nginx:none"]), st.just(0)),
        st.tuples(st.just("crash"), st.sampled_from(["kube-scheduler", "kube-controller-manager"]), st.just(0)),
        st.tuples(st.just("heal"), st.just(0), st.just(0)),
        st.tuples(st.just("run"), st.integers(1, 400), st.just(0)),
    ),
    min_size=3,
    max_size=12,
)


def act(lab: Lab, verb: str, what: object, number: int) -> None:
    if verb == "scale":
        lab.kubectl(f"scale deployment {what} --replicas={number}", echo=False)
    elif verb == "delete-pod":
        found = lab.list("pods", namespace="default")
        if found:
            lab.delete(f"pod/{found[what % len(found)].metadata.name}")
    elif verb in ("fail", "recover"):
        getattr(lab, f"{verb}_node")(f"worker-{what}")
    elif verb in ("cordon", "uncordon"):
        lab.kubectl(f"{verb} worker-{what}", echo=False)
    elif verb == "image":
        lab.kubectl(f"set image deployment/web nginx={what}", echo=False)
    elif verb == "crash":
        lab.faults.crash(what)
    elif verb == "heal":
        lab.faults.heal()
    else:
        lab.run(what)


def check_always(lab: Lab) -> None:
    """No Pod was ever on two nodes; no node ever had more asked of it than it has."""
    nodes: dict[str, str] = {}
    for change in lab.history.changes():
        if change.write.key.startswith("/registry/pods/") and change.after is not None and change.after.spec.nodeName:
            uid, node = change.after.metadata.uid, change.after.spec.nodeName
            assert nodes.setdefault(uid, node) == node
    capacity = {node.metadata.name: milli(node.status.allocatable["cpu"]) for node in lab.list("nodes")}
    used: dict[str, int] = {}
    for pod in lab.list("pods"):
        if pod.spec.nodeName and pod.status.phase in ("Pending", "Running"):
            used[pod.spec.nodeName] = used.get(pod.spec.nodeName, 0) + milli(pod_requests(pod).get("cpu", "0"))
    assert all(total <= capacity[name] for name, total in used.items())


def check_finally(lab: Lab) -> None:
    """Healed and given time, every Deployment has the copies it wants, and nothing is left over."""
    lab.faults.heal()
    for number in (1, 2, 3):
        lab.kubectl(f"uncordon worker-{number}", echo=False)
    lab.kubectl("set image deployment/web nginx=nginx:1.29", echo=False)
    lab.run("12m")
    deployments = lab.list("deployments", namespace="default")
    for deployment in deployments:
        assert (deployment.status.readyReplicas or 0) == deployment.spec.replicas
    pods = lab.list("pods", namespace="default")
    assert len(pods) == sum(deployment.spec.replicas for deployment in deployments)
    owners = {rs.metadata.uid for rs in lab.list("replicasets", namespace="default")}
    assert all(pod.metadata.ownerReferences[0].uid in owners for pod in pods)


def check_caches(lab: Lab) -> None:
    """Every informer of the control plane holds what the store holds."""
    for component in (lab.cluster.manager, lab.cluster.scheduler):
        for informer in component.informers.all():
            if not informer.field_selector:
                stored = {id(obj) for obj in lab.cluster.snapshot().list(informer.resource)}
                assert {id(obj) for obj in informer.items()} == stored, informer.resource


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(ACTIONS)
def test_random_histories(actions):
    lab = Lab(workers=3, seed=5, worker={"cpu": "2"})
    lab.kubectl("create deployment web --image=nginx:1.29 --replicas=3", echo=False)
    lab.kubectl("create deployment db --image=redis:7.4 --replicas=2", echo=False)
    lab.patch("deployment/web", _requests("nginx", "300m"))
    for verb, what, number in actions:
        act(lab, verb, what, number)
    check_always(lab)
    check_finally(lab)
    check_always(lab)
    check_caches(lab)


def _requests(container: str, cpu: str) -> dict:
    one = {"name": container, "image": "nginx:1.29", "resources": {"requests": {"cpu": cpu}}}
    return {"spec": {"template": {"spec": {"containers": [one]}}}}
