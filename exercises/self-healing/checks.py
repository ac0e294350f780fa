"""The public checks of this exercise: what you can try as often as you like."""

from k8slab.course import check


@check(
    "The manifest is accepted and asks for 3 copies of nginx",
    answers=("manifest",),
    hint="The kind that keeps a number of copies alive, and can also update them, is Deployment.\n"
    "spec.replicas is the number; spec.selector.matchLabels and spec.template.metadata.labels must agree.\n"
    "kubectl create deployment web --image=nginx:1.29 --replicas=3 --dry-run=client -o yaml prints a good start.",
)
def accepted(case):
    lab = case.lab(workers=2)
    lab.apply(case.answer("manifest", str), echo=False)
    deployments = lab.list("deployments", namespace="default")
    case.expect(deployments, "it was accepted, but there is no Deployment in it")
    web = next((one for one in deployments if one.metadata.name == "web"), None)
    case.expect(web, f"the Deployment should be called web, not {deployments[0].metadata.name}")
    case.expect(web.spec.replicas == 3, f"spec.replicas should be 3, not {web.spec.replicas}")
    image = web.spec.template.spec.containers[0].image
    case.expect(image.split(":")[0] == "nginx", f"the image should be nginx, not {image}")


@check(
    "A deleted Pod comes back",
    answers=("manifest",),
    hint="A bare Pod never comes back: something must want it to exist.\n"
    "Look at lab.why('pod/...') of a Pod that came back: which controller made it?",
)
def comes_back(case):
    lab = case.lab(workers=2)
    lab.apply(case.answer("manifest", str), echo=False)
    lab.run_until_ready("2m")
    pods = lab.list("pods", namespace="default")
    case.expect(pods, "there are no Pods after two minutes")
    before = len(pods)
    lab.delete(f"pod/{pods[0].metadata.name}")
    lab.run("1m")
    lab.run_until_ready("2m")
    after = lab.list("pods", namespace="default")
    case.expect(len(after) == before, f"{before} Pods ran, one was deleted, and {len(after)} are there a minute later")


@check(
    "eviction_seconds is a number",
    answers=("eviction_seconds",),
    hint="Fail a worker that runs one of the Pods, and let the lab run for 10 minutes.\n"
    "lab.why('pod/...') of the replacement shows when it was created; subtract the time of the power cut (lab.now).",
)
def number(case):
    seconds = case.answer("eviction_seconds", (int, float))
    case.expect(0 < seconds < 3600, f"{seconds} seconds cannot be: think of seconds of virtual time")


@check(
    "The impatient manifest is accepted and still asks for 3 copies",
    answers=("fast_manifest",),
    hint="A Pod tolerates the taints of a dead node for 300 s: kubectl get pod -o yaml shows the two tolerations.\n"
    "Give spec.template.spec.tolerations your own entries for node.kubernetes.io/unreachable and "
    "node.kubernetes.io/not-ready, effect NoExecute, with a shorter tolerationSeconds.",
)
def impatient(case):
    lab = case.lab(workers=2)
    lab.apply(case.answer("fast_manifest", str), echo=False)
    case.expect(lab.run_until_ready("2m"), "its Pods are not ready after two minutes")
    web = next((one for one in lab.list("deployments", namespace="default") if one.metadata.name == "web"), None)
    case.expect(web, "there is no Deployment called web in it")
    case.expect(web.spec.replicas == 3, f"spec.replicas should be 3, not {web.spec.replicas}")
    keys = {t.key for t in web.spec.template.spec.tolerations or () if t.tolerationSeconds is not None}
    case.expect(keys, "its Pods tolerate a dead node as long as before: no toleration has its own tolerationSeconds")


@check(
    "Your lab runs 5 copies of web, asked for with kubectl",
    answers=("journal",),
    hint="kubectl scale deployment web --replicas=5, then let some time pass: lab.run('30s').",
)
def scaled(case):
    lab = case.replay()
    web = next((one for one in lab.list("deployments", namespace="default") if one.metadata.name == "web"), None)
    case.expect(web, "there is no Deployment called web in your lab")
    case.expect(web.spec.replicas == 5, f"web should have 5 replicas, but has {web.spec.replicas}")
    ready = (web.status.readyReplicas or 0) if web.status else 0
    case.expect(ready == 5, f"5 copies are asked for, {ready} are ready: let some time pass")
