"""Random operations: when it has become quiet, what is equals what is wanted, and caches equal the store."""

from __future__ import annotations

from random import Random

import pytest

from k8slab.errors import ApiError
from tests.controllers.lab import Lab, workload

STEPS = 25


def act(lab: Lab, rng: Random) -> None:
    """One random operation of a user, a kubelet or fate."""
    name = rng.choice(["red", "green", "blue"])
    choice = rng.randrange(8)
    if choice == 0:
        lab.apply("Deployment", name, {"replicas": rng.randrange(6), **workload(name)})
    elif choice == 1:
        lab.client.patch("deployments", name, {"spec": {"replicas": rng.randrange(8)}}, "default")
    elif choice == 2:
        containers = [{"name": "c", "image": f"app:{rng.randrange(3)}"}]
        patch = {"spec": {"template": {"spec": {"containers": containers}}}}
        lab.client.patch("deployments", name, patch, "default")
    elif choice == 3:
        policy = rng.choice(["Background", "Foreground", "Orphan"])
        lab.client.delete("deployments", name, "default", propagation_policy=policy)
    elif choice == 4 and lab.pods():
        lab.client.delete("pods", rng.choice(lab.pods()).metadata.name, "default")
    elif choice == 5 and lab.pods():
        victim = rng.choice(lab.pods()).metadata.name
        lab.client.patch("pods", victim, {"metadata": {"labels": {"app": rng.choice(["red", "other"])}}}, "default")
    elif choice == 6:
        lab.apply("Service", name, {"selector": {"app": name}, "ports": [{"port": 80}]}, api="v1")
    elif choice == 7:
        lab.manager.crash()
        lab.run(rng.random())
        lab.manager.start()


@pytest.mark.parametrize("seed", range(6))
def test_what_is_becomes_what_is_wanted(seed):
    lab, rng = Lab(), Random(seed)
    for _ in range(STEPS):
        try:
            act(lab, rng)
        except ApiError as error:
            assert error.code in (404, 409), error
        lab.run(rng.random() * 2)
    lab.run(90)
    check_replica_sets(lab)
    check_deployments(lab)
    check_endpoints(lab)
    check_owners(lab)
    check_caches(lab)


def check_replica_sets(lab: Lab) -> None:
    for rs in lab.client.list("replicasets", "default").items:
        owned = [p for p in lab.pods() if any(r.uid == rs.metadata.uid for r in p.metadata.ownerReferences or ())]
        assert len(owned) == rs.spec.replicas == rs.status.replicas
        assert (rs.status.readyReplicas or 0) == rs.spec.replicas
        assert rs.status.observedGeneration == rs.metadata.generation


def check_deployments(lab: Lab) -> None:
    for deployment in lab.client.list("deployments", "default").items:
        status, replicas = deployment.status, deployment.spec.replicas
        assert (status.updatedReplicas or 0) == (status.availableReplicas or 0) == (status.replicas or 0) == replicas
        images = {
            pod.spec.containers[0].image
            for rs in lab.client.list("replicasets", "default").items
            for pod in lab.pods()
            if any(r.uid == deployment.metadata.uid for r in rs.metadata.ownerReferences or ())
            and any(r.uid == rs.metadata.uid for r in pod.metadata.ownerReferences or ())
        }
        assert images <= {deployment.spec.template.spec.containers[0].image}


def check_endpoints(lab: Lab) -> None:
    for service in lab.client.list("services", "default").items:
        if not service.spec.selector:
            continue
        selector = f"kubernetes.io/service-name={service.metadata.name}"
        pieces = lab.client.list("endpointslices", "default", label_selector=selector).items
        listed = sorted(e.targetRef.name for piece in pieces for e in piece.endpoints or ())
        assert listed == sorted(pod.metadata.name for pod in lab.pods(**service.spec.selector))
        legacy = lab.get("endpoints", service.metadata.name)
        assert listed == sorted(a.targetRef.name for s in legacy.subsets or () for a in s.addresses or ())


def check_owners(lab: Lab) -> None:
    alive = {kv.value.metadata.uid for kv in lab.store.range("/registry/")}
    for kv in lab.store.range("/registry/"):
        references = kv.value.metadata.ownerReferences or ()
        assert not references or any(reference.uid in alive for reference in references), kv.key


def check_caches(lab: Lab) -> None:
    for informer in lab.manager.informers.all():
        cached = {(o.metadata.namespace, o.metadata.name): o for o in informer.items()}
        stored = {(o.metadata.namespace, o.metadata.name): o for o in lab.client.list(informer.resource).items}
        assert cached.keys() == stored.keys(), informer.resource
        assert all(cached[key] is stored[key] for key in stored), informer.resource
