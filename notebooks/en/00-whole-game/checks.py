"""The challenge of lesson 0: a wish that survives."""

from k8slab.course import check


@check(
    "Five copies run, one worker is closed for new Pods, and no copy is left on it",
    answers=("journal",),
    hint="Two wishes: kubectl scale changes how many copies there should be; kubectl drain empties a node.\n"
    "kubectl drain worker-1 --ignore-daemonsets evicts its Pods; their ReplicaSet asks for new ones elsewhere.\n"
    "kubectl scale deployment hello --replicas=5, then kubectl drain worker-1 --ignore-daemonsets, then lab.run('1m').",
)
def moved(case):
    lab = case.replay()
    hello = next((one for one in lab.list("deployments", namespace="default") if one.metadata.name == "hello"), None)
    case.expect(hello, "there is no Deployment called hello any more: apply it again")
    case.expect(hello.spec.replicas == 5, f"hello asks for {hello.spec.replicas} copies, not 5")
    ready = (hello.status.readyReplicas or 0) if hello.status else 0
    case.expect(ready == 5, f"5 copies are asked for, {ready} are ready: let some time pass")
    closed = [node.metadata.name for node in lab.list("nodes") if node.spec.unschedulable]
    case.expect(closed, "no node is cordoned (kubectl get nodes would say SchedulingDisabled)")
    left = [pod.metadata.name for pod in lab.list("pods", namespace="default") if pod.spec.nodeName in closed]
    case.expect(not left, f"{', '.join(left)} still runs on {closed[0]}")
