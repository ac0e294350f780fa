"""Random histories with all kinds of workloads: copies, replays and the cluster itself hold together."""

from __future__ import annotations

import copy
import pickle

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8slab import Lab
from k8slab.sim.journal import Journal

NODES = st.integers(1, 3).map("worker-{}".format)
SETS = """apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "redis:7.4"}]}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: agent, image: busybox, command: [sleep, "100000"]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("kubectl"), st.builds("scale deployment web --replicas={}".format, st.integers(0, 8))),
        st.tuples(st.just("kubectl"), st.builds("scale statefulset db --replicas={}".format, st.integers(0, 4))),
        st.tuples(
            st.just("kubectl"),
            st.sampled_from(
                [
                    "set image deployment/web nginx=nginx:1.28",
                    "set image deployment/web nginx=nginx:none",
                    "set image statefulset/db db=redis:7.2",
                    "rollout undo deployment/web",
                    "rollout restart daemonset/agent",
                    "rollout pause deployment/web",
                    "rollout resume deployment/web",
                    "delete pods -l app=web --wait=false",
                    "delete pods -l app=db --wait=false --grace-period=0 --force",
                    "delete replicasets -l app=web --cascade=orphan --wait=false",
                    "delete deployment web --cascade=foreground --wait=false",
                    "delete statefulset db --cascade=orphan --wait=false",
                    "delete namespace shop --wait=false",
                    "create namespace shop",
                    "create deployment cart --image=redis:7.4 --replicas=2 -n shop",
                    "create job pi --image=busybox -- sh -c 'sleep 3'",
                    "run lone --image=nginx:1.29",
                    "create deployment web --image=nginx:1.29 --replicas=3",
                ]
            ),
        ),
        st.tuples(st.just("kubectl"), st.builds("cordon {}".format, NODES)),
        st.tuples(st.just("kubectl"), st.builds("uncordon {}".format, NODES)),
        st.tuples(st.just("kubectl"), st.builds("taint node {} k=v:NoExecute --overwrite".format, NODES)),
        st.tuples(
            st.just("kubectl"),
            st.builds("drain {} --ignore-daemonsets --force --delete-emptydir-data --timeout=20s".format, NODES),
        ),
        st.tuples(st.just("fail"), NODES),
        st.tuples(st.just("recover"), NODES),
        st.tuples(st.just("crash"), st.sampled_from(["kube-scheduler", "kube-controller-manager"])),
        st.tuples(st.just("heal"), st.just("")),
        st.tuples(st.just("run"), st.sampled_from(["50ms", "700ms", "3s", "11s", "65s", "320s"])),
    ),
    min_size=4,
    max_size=14,
)


def act(lab: Lab, verb: str, what: str) -> None:
    """One step; kubectl may fail (what it names may be gone)."""
    if verb == "kubectl":
        lab.kubectl(what, echo=False)
    elif verb == "fail":
        lab.fail_node(what)
    elif verb == "recover":
        lab.recover_node(what)
    elif verb == "crash":
        lab.faults.crash(what)
    elif verb == "heal":
        lab.faults.heal()
    else:
        lab.run(what)


def begin(seed: int = 3) -> Lab:
    """A lab with a Deployment, a StatefulSet, a DaemonSet and a Service."""
    lab = Lab(workers=3, seed=seed, worker={"cpu": "2"})
    lab.kubectl("create deployment web --image=nginx:1.29 --replicas=3", echo=False)
    lab.kubectl("apply -f -", SETS, echo=False)
    return lab


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(STEPS, st.data())
def test_copies_go_the_same_way(steps, data):
    lab = begin()
    at = data.draw(st.integers(0, len(steps) - 1))
    twins = []
    for number, step in enumerate(steps):
        if number == at:
            twins = [copy.deepcopy(lab), pickle.loads(pickle.dumps(lab))]
        for each in (lab, *twins):
            act(each, *step)
    digests = {each.history.digest() for each in (lab, *twins)}
    replayed = Lab._of(replay_of(lab))
    assert digests == {replayed.history.digest()}


def replay_of(lab: Lab) -> object:
    """The cluster that the lab's journal makes."""
    from k8slab.cluster.cluster import replay

    return replay(Journal.loads(lab.cluster.dump_journal()))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(STEPS)
def test_all_is_well_in_the_end(steps):
    lab = begin()
    for step in steps:
        act(lab, *step)
    lab.faults.heal()
    for name in ("worker-1", "worker-2", "worker-3"):
        lab.recover_node(name)
        lab.kubectl(f"uncordon {name}", echo=False)
        lab.kubectl(f"taint node {name} k-", echo=False)
    lab.kubectl("rollout resume deployment/web", echo=False)
    lab.kubectl("set image deployment/web nginx=nginx:1.29", echo=False)
    lab.run("15m")
    check_workloads(lab)
    check_pods(lab)
    check_endpoints(lab)
    check_caches(lab)


def check_workloads(lab: Lab) -> None:
    """Everything has the copies that it wants, and they are ready."""
    for kind in ("deployments", "statefulsets"):
        for workload in lab.list(kind):
            assert (workload.status.readyReplicas or 0) == workload.spec.replicas, workload.metadata.name
    for daemons in lab.list("daemonsets"):
        assert daemons.status.numberReady == 3
    assert all(job.status.succeeded == 1 for job in lab.list("jobs"))


def check_pods(lab: Lab) -> None:
    """Nothing ends for ever; owners exist; no address is used twice."""
    pods = lab.list("pods")
    everything = (*lab.list("replicasets"), *lab.list("statefulsets"), *lab.list("daemonsets"), *lab.list("jobs"))
    owners = {owner.metadata.uid for owner in (*everything, *lab.list("nodes"))}
    addresses = []
    for pod in pods:
        assert pod.metadata.deletionTimestamp is None, pod.metadata.name
        assert all(owner.uid in owners for owner in pod.metadata.ownerReferences or ())
        if pod.status.phase == "Running" and not pod.spec.hostNetwork:
            addresses.append(pod.status.podIP)
    assert len(set(addresses)) == len(addresses)
    assert all(space.status.phase == "Active" for space in lab.list("namespaces"))


def check_endpoints(lab: Lab) -> None:
    """The Service knows exactly the ready Pods."""
    ready = {pod.status.podIP for pod in lab.list("pods", "default", "app=web") if pod.status.phase == "Running"}
    slices = lab.list("endpointslices", "default", "kubernetes.io/service-name=web")
    assert {address for each in slices for point in each.endpoints or () for address in point.addresses} == ready


def check_caches(lab: Lab) -> None:
    """Every informer of the control plane holds what the store holds."""
    for component in (lab.cluster.manager, lab.cluster.scheduler):
        for informer in component.informers.all():
            if not informer.field_selector:
                stored = {id(obj) for obj in lab.cluster.snapshot().list(informer.resource)}
                assert {id(obj) for obj in informer.items()} == stored, informer.resource
