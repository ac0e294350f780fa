"""What is true of a cluster after a storm, once everything is mended and some time has passed."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

from k8slab import Lab
from k8slab.api.quantity import milli
from k8slab.api.resources import pod_requests
from k8slab.controllers.cloud.provider import TERMINATED
from tests.scenarios.storm import NODES, act

OWNED = ("pods", "replicasets", "jobs", "endpointslices", "controllerrevisions", "persistentvolumeclaims", "leases")
OWNERS = ("replicasets", "deployments", "statefulsets", "daemonsets", "jobs", "cronjobs", "services", "nodes", "pods")


def mend(lab: Lab) -> None:
    """Undo what was done to the machines, ask for everything again, and wait."""
    lab.faults.heal()
    for name in sorted(machines(lab) - {node.metadata.name for node in lab.list("nodes")}):
        lab.faults.stop(f"kubelet/{name}")  # It registers its Node only when it starts.
    lab.faults.heal()
    for node in [each.metadata.name for each in lab.list("nodes") if each.metadata.name in NODES]:
        lab.kubectl(f"uncordon {node}", echo=False)
        lab.kubectl(f"taint node {node} k-", echo=False)
        lab.kubectl(f"taint node {node} node.kubernetes.io/out-of-service-", echo=False)
    lab.run("12m")
    for pod in lab.list("pods", "default"):
        if not pod.metadata.ownerReferences:  # --cascade=orphan, and nobody has the like of it any more
            lab.delete(f"pod/{pod.metadata.name}")
    lab.kubectl("rollout resume deployment/web", echo=False)
    act(lab, ("kubectl", "apply -f all.yaml"))
    lab.kubectl("set image deployment/web nginx=nginx:1.29", echo=False)
    lab.run("12m")
    lab.run((90 - lab.now % 60) % 60)  # to the middle of a minute: the CronJob starts at its beginning


def machines(lab: Lab) -> set[str]:
    """The machines that there are."""
    return {machine.name for machine in lab.cloud.machines if machine.state != TERMINATED}


def problems(lab: Lab) -> list[str]:
    """All that is not as it should be, each a line."""
    found = [*_workloads(lab), *_pods(lab), *_owners(lab), *_endpoints(lab), *_volumes(lab), *_nodes(lab)]
    return [*found, *_caches(lab), *_history(lab), *_containers(lab)]


def _workloads(lab: Lab) -> list[str]:
    found = []
    for kind in ("deployments", "statefulsets"):
        for each in lab.list(kind):
            status, want = each.status, each.spec.replicas
            counts = (status.readyReplicas or 0, status.replicas or 0, status.updatedReplicas or 0)
            if counts != (want,) * 3:
                found.append(f"{kind}/{each.metadata.name} wants {want} but has ready, all, updated {counts}")
            if status.observedGeneration != each.metadata.generation:
                found.append(f"{kind}/{each.metadata.name} was not observed")
    found += _copies(lab)
    daemons = lab.get("daemonset/agent").status
    workers = len(machines(lab)) - 1
    if (daemons.numberReady, daemons.currentNumberScheduled, daemons.updatedNumberScheduled) != (workers,) * 3:
        found.append(f"the DaemonSet wants {workers} but is {daemons}")
    return [*found, *_jobs(lab)]


def _copies(lab: Lab) -> list[str]:
    """What a status says is not enough: its controller may be asleep."""
    live = [pod for pod in lab.list("pods") if pod.status.phase in ("Pending", "Running")]
    owners = [owner.uid for pod in live for owner in pod.metadata.ownerReferences or () if owner.controller]
    found = []
    for kind in ("replicasets", "statefulsets"):
        for each in lab.list(kind):
            if owners.count(each.metadata.uid) != each.spec.replicas:
                count = owners.count(each.metadata.uid)
                found.append(f"{kind}/{each.metadata.name} wants {each.spec.replicas}, but there are {count}")
    return found


def _jobs(lab: Lab) -> list[str]:
    found = []
    for job in lab.list("jobs"):
        if job.metadata.name in ("pi", "extra") and (job.status.succeeded or 0) != (job.spec.completions or 1):
            found.append(f"job/{job.metadata.name} is not done: {job.status}")
        waiting = job.status.uncountedTerminatedPods
        if waiting is not None and (waiting.succeeded or waiting.failed):
            found.append(f"job/{job.metadata.name} has uncounted Pods")
    ticks = [job for job in lab.list("jobs", "default") if job.metadata.name.startswith("tick-")]
    if not 1 <= len(ticks) <= 5:
        found.append(f"the CronJob has {len(ticks)} jobs")
    return found


def _pods(lab: Lab) -> list[str]:
    found, addresses, used = [], {}, {}
    for pod in lab.list("pods"):
        name, node = pod.metadata.name, pod.spec.nodeName
        if pod.metadata.deletionTimestamp is not None:
            found.append(f"pod/{name} is deleted for ever ({pod.metadata.finalizers})")
        if node and node not in machines(lab):
            found.append(f"pod/{name} is on {node}, which is no more")
        if pod.status.phase == "Running" and not pod.spec.hostNetwork and _local(lab, pod):
            addresses.setdefault(pod.status.podIP, []).append(name)
        if pod.status.phase in ("Pending", "Running"):
            used[node] = used.get(node, 0) + milli(pod_requests(pod).get("cpu", "0"))
    found += [f"{names} share {address}" for address, names in addresses.items() if len(names) > 1]
    for node in lab.list("nodes"):
        if used.get(node.metadata.name, 0) > milli(node.status.allocatable["cpu"]):
            found.append(f"{node.metadata.name} is asked for more than it has")
    terminating = [space.metadata.name for space in lab.list("namespaces") if space.status.phase != "Active"]
    return [*found, *(f"namespace/{name} does not end" for name in terminating)]


def _local(lab: Lab, pod: Any) -> bool:
    """Whether the Pod's address is of its Node's range; a Node that was deleted and came back has another one."""
    nodes = [node for node in lab.list("nodes") if node.metadata.name == pod.spec.nodeName]
    return bool(nodes) and ip_address(pod.status.podIP) in ip_network(nodes[0].spec.podCIDR)


def _owners(lab: Lab) -> list[str]:
    uids = {obj.metadata.uid for kind in OWNERS for obj in lab.list(kind)}
    found = []
    for kind in OWNED:
        for obj in lab.list(kind):
            for owner in obj.metadata.ownerReferences or ():
                if owner.uid not in uids and owner.kind not in ("APIService",):
                    found.append(f"{kind}/{obj.metadata.name} belongs to {owner.kind}/{owner.name}, which is gone")
    live = [pod for pod in lab.list("pods") if pod.status.phase in ("Pending", "Running")]
    lone = [pod.metadata.name for pod in live if not pod.metadata.ownerReferences]
    found += [f"pod/{name} belongs to nobody" for name in lone if name != "scratch"]
    old = [rs for rs in lab.list("replicasets", "default", "app=web") if not rs.metadata.ownerReferences]
    return found + [f"replicaset/{rs.metadata.name} belongs to nobody" for rs in old]


def _endpoints(lab: Lab) -> list[str]:
    def ready(pod: Any) -> bool:
        return any(each.type == "Ready" and each.status == "True" for each in pod.status.conditions or ())

    want = {pod.status.podIP for pod in lab.list("pods", "default", "app=web") if ready(pod)}
    slices = lab.list("endpointslices", "default", "kubernetes.io/service-name=web")
    have = {address for each in slices for point in each.endpoints or () for address in point.addresses}
    found = [] if have == want else [f"the Service has {sorted(have)}, but ready are {sorted(want)}"]
    service = lab.get("service/web")
    balancers = [balancer.service for balancer in lab.cloud.load_balancers]
    if balancers != ["default/web"] or not service.status.loadBalancer.ingress:
        found.append(f"load balancers: {balancers}")
    want_nodes = sorted(machines(lab) - {"control-plane-1"})
    return found + [f"behind it {each.nodes}" for each in lab.cloud.load_balancers if sorted(each.nodes) != want_nodes]


def _volumes(lab: Lab) -> list[str]:
    found = []
    claims = {claim.metadata.uid: claim for claim in lab.list("pvc")}
    volumes = lab.list("pv")
    for volume in volumes:
        if volume.spec.claimRef is None or volume.spec.claimRef.uid not in claims or volume.status.phase != "Bound":
            found.append(f"pv/{volume.metadata.name} is {volume.status.phase}, its claim gone")
    bound = {volume.spec.claimRef.uid: volume.metadata.name for volume in volumes if volume.spec.claimRef}
    for uid, claim in claims.items():
        if claim.metadata.deletionTimestamp and not _used(lab, claim):
            found.append(f"pvc/{claim.metadata.name} does not end")
        elif claim.spec.volumeName and bound.get(uid) != claim.spec.volumeName:
            found.append(f"pvc/{claim.metadata.name} has lost its volume")
    return found + _attachments(
        lab, {claim.metadata.namespace + "/" + claim.metadata.name: claim for claim in claims.values()}
    )


def _used(lab: Lab, claim: Any) -> bool:
    """Whether a Pod uses the claim, which is then kept."""
    pods = [pod for pod in lab.list("pods", claim.metadata.namespace) if pod.status.phase in ("Pending", "Running")]
    volumes = [volume.persistentVolumeClaim for pod in pods for volume in pod.spec.volumes or ()]
    return any(each is not None and each.claimName == claim.metadata.name for each in volumes)


def _attachments(lab: Lab, claims: dict[str, Any]) -> list[str]:
    want = set()
    for pod in lab.list("pods"):
        if not pod.spec.nodeName or pod.status.phase in ("Succeeded", "Failed"):
            continue
        for volume in pod.spec.volumes or ():
            name = f"{pod.metadata.name}-{volume.name}" if volume.ephemeral else ""
            if volume.persistentVolumeClaim:
                name = volume.persistentVolumeClaim.claimName
            if name:
                want.add((claims[f"{pod.metadata.namespace}/{name}"].spec.volumeName, pod.spec.nodeName))
    have = {(each.spec.source.persistentVolumeName, each.spec.nodeName) for each in lab.list("volumeattachments")}
    found = [] if have == want else [f"attached are {sorted(have)}, needed {sorted(want)}"]
    for node in lab.list("nodes"):
        attached = {each.name.rpartition("^")[2] for each in node.status.volumesAttached or ()}
        in_use = {each.rpartition("^")[2] for each in node.status.volumesInUse or ()}
        if len(attached) != len([1 for _, each in want if each == node.metadata.name]) or attached != in_use:
            found.append(f"{node.metadata.name} has {attached} attached, {in_use} in use")
    return found


def _nodes(lab: Lab) -> list[str]:
    have = machines(lab)
    nodes = {node.metadata.name: node for node in lab.list("nodes")}
    found = [] if set(nodes) == have else [f"nodes {sorted(nodes)}, machines {sorted(have)}"]
    leases = {lease.metadata.name for lease in lab.list("leases", "kube-node-lease")}
    found += [] if leases == have else [f"Leases of nodes: {sorted(leases)}"]
    for name, node in nodes.items():
        ready = next(each.status for each in node.status.conditions if each.type == "Ready")
        taints = [taint.key for taint in node.spec.taints or () if "control-plane" not in taint.key]
        if ready != "True" or taints or node.spec.unschedulable:
            found.append(f"node/{name} is Ready={ready}, taints {taints}")
    ranges = [node.spec.podCIDR for node in nodes.values()]
    return found + ([] if len(set(ranges)) == len(ranges) and all(ranges) else [f"Pod ranges {ranges}"])


def _caches(lab: Lab) -> list[str]:
    """Every informer of the control plane holds what the store holds (renewals apart, which may be under way)."""
    found = []
    stored: dict[str, dict[str, Any]] = {}
    for name, component in lab.cluster.components.items():
        informers = getattr(component, "informers", None)
        for informer in informers.all() if informers is not None else ():
            if informer.running and not (informer.field_selector or informer.label_selector):
                want = stored.setdefault(informer.resource, _by_uid(lab.cluster.snapshot().list(informer.resource)))
                if _by_uid(informer.items()) != want:
                    found.append(f"{name} has another view of {informer.resource}")
    return found


def _by_uid(objects: Any) -> dict[str, Any]:
    """What there is to know of each object; the revision of what heartbeats renew changes all the time."""
    return {obj.metadata.uid: _known(obj) for obj in objects}


def _known(obj: Any) -> Any:
    if obj.kind == "Lease":
        return obj.metadata.labels
    return (obj.metadata.labels, obj.spec) if obj.kind == "Node" else obj.metadata.resourceVersion


def _containers(lab: Lab) -> list[str]:
    """Each machine runs what the API server has on it, and nothing else."""
    found = []
    for node in machines(lab):
        want = {pod.metadata.name for pod in lab.list("pods") if pod.spec.nodeName == node}
        have = {worker.pod.metadata.name for worker in lab.cluster.kubelets[node].workers.values()}
        if have != want:
            found.append(f"{node} runs {sorted(have - want)} and lacks {sorted(want - have)}")
    return found


def _history(lab: Lab) -> list[str]:
    """No Pod was ever on two nodes, no claim on two volumes, none of either came back from its end."""
    places: dict[str, str] = {}
    ended: dict[str, str] = {}
    found = []
    for change in lab.history.changes():
        after = change.after
        if after is None or not change.write.key.startswith(("/registry/pods/", "/registry/persistentvolumeclaims/")):
            continue
        uid = after.metadata.uid
        place = getattr(after.spec, "nodeName", None) or getattr(after.spec, "volumeName", None)
        if places.get(uid, place) != place:
            found.append(f"{change.write.key} moved from {places[uid]} to {place}")
        if place:
            places[uid] = place
        phase = after.status.phase if after.status else None
        if ended.get(uid, phase) != phase:
            found.append(f"{change.write.key} was {ended[uid]} and became {phase}")
        if phase in ("Succeeded", "Failed"):
            ended[uid] = phase
    return found
