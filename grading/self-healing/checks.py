"""Hidden checks of the exercise "Self-healing": other clusters, other failures."""

from k8slab.course import Failed, check

MANIFEST_HINT = "Ask for a Deployment called web with 3 replicas; its controller replaces what is lost."


def copies(lab, ready=True):
    """The Pods of default that are not being deleted (and, unless told otherwise, ready)."""
    pods = [pod for pod in lab.list("pods", namespace="default") if pod.metadata.deletionTimestamp is None]
    return [pod for pod in pods if is_ready(pod)] if ready else pods


def is_ready(pod):
    conditions = (pod.status.conditions if pod.status else None) or ()
    return any(one.type == "Ready" and one.status == "True" for one in conditions)


def is_nginx(pod):
    return any(one.image.split(":")[0].split("/")[-1] == "nginx" for one in pod.spec.containers)


def started(case, name, **setup):
    """A lab on which the learner's manifest runs with 3 ready copies."""
    lab = case.lab(**setup)
    lab.apply(case.answer(name, str), echo=False)
    lab.run_until(lambda lab: len(copies(lab)) >= 3, "3m")
    lab.run("5s")
    found = copies(lab)
    case.expect(len(found) == 3, f"3 copies were asked for; after 3 minutes {len(found)} are ready")
    case.expect(all(map(is_nginx, found)), "the copies should run nginx")
    return lab


@check("3 copies of nginx run, on any cluster", points=2, answers=("manifest",), hint=MANIFEST_HINT)
def three_copies_run(case):
    for workers in (1, 4):
        started(case, "manifest", workers=workers)


@check("Whichever Pod is deleted, it comes back", points=2, answers=("manifest",), hint=MANIFEST_HINT)
def any_pod_comes_back(case):
    lab = started(case, "manifest", workers=3)
    for number in range(3):
        victim = copies(lab)[number]
        lab.delete(f"pod/{victim.metadata.name}")
        lab.run("45s")
        found = copies(lab)
        case.expect(
            len(found) == 3 and victim.metadata.uid not in {pod.metadata.uid for pod in found},
            f"45 s after a Pod was deleted {len(found)} copies are ready, not 3",
        )


@check(
    "A worker that dies costs copies only for a while",
    points=2,
    answers=("manifest",),
    hint="Pods on a dead node are evicted after about 350 s; only what has a controller is made anew elsewhere.",
)
def survives_a_dead_worker(case):
    lab = started(case, "manifest", workers=3, seed=case.seed + 1)
    victim = copies(lab)[0].spec.nodeName
    lab.fail_node(victim)
    lab.run("8m")
    alive = [pod for pod in copies(lab) if pod.spec.nodeName != victim]
    case.expect(len(alive) == 3, f"8 minutes after {victim} died {len(alive)} copies are ready on living nodes, not 3")


def replacement_delay(lab):
    """Seconds from a worker's death to the first replacement Pod; fails the check where none comes in 10 minutes."""
    known = {pod.metadata.uid for pod in lab.list("pods", namespace="default")}
    cut = lab.now
    lab.fail_node(copies(lab)[0].spec.nodeName)
    if not lab.run_until(lambda lab: {p.metadata.uid for p in lab.list("pods", namespace="default")} - known, "10m"):
        raise Failed("10 minutes after a worker died there is still no replacement")
    return lab.now - cut


REFERENCE = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1.29"}]}
"""


@check(
    "eviction_seconds is what it takes",
    points=1,
    answers=("eviction_seconds",),
    hint="Measure from the power cut, not from NotReady: 50 s until the node counts as dead, then 300 s of toleration.",
)
def measured(case):
    seconds = case.answer("eviction_seconds", (int, float))
    delays = []
    for offset in range(3):
        lab = case.lab(workers=3, seed=case.seed + offset)
        lab.apply(REFERENCE, echo=False)
        lab.run_until_ready("3m")
        # The heartbeats' phase decides over some seconds: cut the power at different moments of it.
        lab.run(f"{30 + 3 * offset}s")
        delays.append(replacement_delay(lab))
    low, high = min(delays) - 15, max(delays) + 15
    case.expect(low <= seconds <= high, f"{seconds:g} s is not what it takes on a cluster with the default settings")


@check(
    "The impatient Deployment is replaced within 100 s of the power cut",
    points=2,
    answers=("fast_manifest",),
    hint="The tolerations of node.kubernetes.io/unreachable and not-ready decide how long a Pod waits on a dead node.",
)
def replaced_quickly(case):
    lab = started(case, "fast_manifest", workers=4)
    delay = replacement_delay(lab)
    case.expect(delay <= 100, f"the first replacement came {delay:.0f} s after the power cut")
    case.expect(delay >= 40, "a Pod must not leave before its node counts as dead: who deleted it?")


@check(
    "On your lab, web was scaled to 5",
    points=1,
    answers=("journal",),
    hint="kubectl scale deployment web --replicas=5 on the lab called `lab`; then let some time pass.",
)
def scaled_to_five(case):
    lab = case.replay()
    web = next((one for one in lab.list("deployments", namespace="default") if one.metadata.name == "web"), None)
    case.expect(web, "there is no Deployment called web in the lab")
    case.expect(web.spec.replicas == 5, f"web ends with {web.spec.replicas} replicas, not 5")
    found = [pod for pod in copies(lab) if (pod.metadata.labels or {}).get("app") == "web"]
    case.expect(len(found) == 5, f"at the end {len(found)} copies of web are ready, not 5")
