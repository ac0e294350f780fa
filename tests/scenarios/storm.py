"""Random storms: what people do to a cluster while its machines, processes and cloud fail, drawn from one seed."""

from __future__ import annotations

from random import Random

from k8slab import Lab

Step = tuple[str, ...]
"""A verb (``kubectl``, ``run``, or a fault's name) and what it is told."""

NODES = ("worker-1", "worker-2", "worker-3", "worker-4")
MACHINES = (*NODES, "control-plane-1")
MANAGERS = ("kube-controller-manager", "kube-controller-manager-2")
PROCESSES = (*MANAGERS, "kube-scheduler", "kube-scheduler-2", "cloud-controller-manager", "csi-drivers")
CONTROLLERS = (
    "deployment-controller",
    "replicaset-controller",
    "statefulset-controller",
    "daemonset-controller",
    "job-controller",
    "cronjob-controller",
    "endpointslice-controller",
    "garbage-collector-controller",
    "pod-garbage-collector-controller",
    "namespace-controller",
    "node-lifecycle-controller",
    "taint-eviction-controller",
    "disruption-controller",
    "persistentvolume-binder-controller",
    "persistentvolume-attach-detach-controller",
    "persistentvolumeclaim-protection-controller",
    "ephemeral-volume-controller",
    "service-lb-controller",
    "cloud-node-lifecycle-controller",
    "csi-provisioner",
    "csi-attacher",
)
COMMANDS = (
    "set image deployment/web nginx=nginx:1.28",
    "set image deployment/web nginx=nginx:none",
    "set image statefulset/db db=redis:7.2",
    "set env deployment/web COLOUR=blue",
    "rollout undo deployment/web",
    "rollout restart daemonset/agent",
    "rollout restart statefulset/db",
    "rollout pause deployment/web",
    "rollout resume deployment/web",
    "delete pods -l app=web --wait=false",
    "delete pods -l app=db --wait=false",
    "delete pods -l app=db --wait=false --grace-period=0 --force",
    "delete replicasets -l app=web --wait=false",
    "delete replicasets -l app=web --cascade=orphan --wait=false",
    "delete deployment web --cascade=foreground --wait=false",
    "delete deployment web --wait=false",
    "delete statefulset db --cascade=orphan --wait=false",
    "delete statefulset db --wait=false",
    "delete pvc -l app=db --wait=false",
    "delete service web --wait=false",
    "delete job pi --wait=false",
    "delete cronjob tick --wait=false",
    "delete namespace shop --wait=false",
    "apply -f all.yaml",
    "apply --server-side --force-conflicts -f all.yaml",
    "create namespace shop",
    "create deployment cart --image=redis:7.4 --replicas=2 -n shop",
    "apply -f scratch.yaml -n shop",
    "create job extra --image=busybox -- sh -c 'sleep 3'",
    "autoscale deployment web --min=2 --max=5",
    "delete hpa web --wait=false",
)
ALL = """apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: disks}
provisioner: ebs.csi.aws.com
volumeBindingMode: WaitForFirstConsumer
allowVolumeExpansion: true
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers:
      - {name: helper, image: busybox, command: [sleep, "100000"], restartPolicy: Always}
      containers:
      - name: nginx
        image: nginx:1.29
        resources: {requests: {cpu: 100m}}
        readinessProbe: {httpGet: {path: /, port: 80}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: db, image: "redis:7.4", volumeMounts: [{name: data, mountPath: /data}]}]
  volumeClaimTemplates:
  - metadata: {name: data, labels: {app: db}}
    spec: {storageClassName: disks, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
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
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: pi}
spec:
  completions: 3
  parallelism: 2
  backoffLimit: 100
  podReplacementPolicy: Failed
  template: {spec: {restartPolicy: Never, containers: [{name: pi, image: busybox, command: [sleep, "20"]}]}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: tick}
spec:
  schedule: "*/2 * * * *"
  concurrencyPolicy: Forbid
  jobTemplate:
    spec:
      backoffLimit: 100
      template: {spec: {restartPolicy: OnFailure, containers: [{name: tick, image: busybox, command: [sleep, "5"]}]}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}
"""
SCRATCH = """apiVersion: v1
kind: Pod
metadata: {name: scratch}
spec:
  containers: [{name: main, image: busybox, command: [sleep, "100000"]}]
  volumes:
  - name: space
    ephemeral:
      volumeClaimTemplate:
        spec: {storageClassName: disks, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""
FILES = {"all.yaml": ALL, "scratch.yaml": SCRATCH}
PAUSES = ("50ms", "700ms", "3s", "11s", "40s", "65s", "320s")


def begin(seed: int) -> Lab:
    """Four machines in a cloud, two of each process, and every kind of workload, a moment after it was asked for."""
    two = {"kube-scheduler": 2, "kube-controller-manager": 2}
    lab = Lab(workers=4, seed=seed, worker={"cpu": "2", "shutdown_grace_period": "30s"}, cloud=True, replicas=two)
    act(lab, ("kubectl", "apply -f all.yaml"))
    return lab


def steps(seed: int, least: int = 4, most: int = 16) -> list[Step]:
    """What happens, in order."""
    random = Random(seed)
    return [_step(random) for _ in range(random.randint(least, most))]


def _step(random: Random) -> Step:
    kind = random.choice(
        ("command", "command", "scale", "node", "fault", "fault", "cloud", "heal", "run", "run", "run")
    )
    if kind == "command":
        return ("kubectl", random.choice(COMMANDS))
    if kind == "scale":
        return (
            "kubectl",
            f"scale {random.choice(('deployment/web', 'statefulset/db'))} --replicas={random.randint(0, 5)}",
        )
    if kind == "node":
        return ("kubectl", random.choice(NODE_COMMANDS).format(random.choice(NODES)))
    if kind == "run":
        return ("run", random.choice(PAUSES))
    if kind == "heal":
        return ("heal",)
    return _fault(random) if kind == "fault" else _cloud(random)


NODE_COMMANDS = (
    "cordon {}",
    "uncordon {}",
    "taint node {} k=v:NoExecute --overwrite",
    "taint node {} node.kubernetes.io/out-of-service=nodeshutdown:NoExecute --overwrite",
    "drain {} --ignore-daemonsets --force --delete-emptydir-data --timeout=20s",
    "delete node {} --wait=false",
)


def _fault(random: Random) -> Step:
    verb = random.choice(
        ("fail_node", "recover_node", "shutdown_node", "crash", "crash", "stop", "start", "pause", "resume")
    )
    if verb.endswith("_node"):
        return (verb, random.choice(NODES))
    if verb in ("pause", "resume"):
        return (verb, random.choice(CONTROLLERS))
    machine = random.choice(MACHINES)
    return (verb, random.choice((*PROCESSES, f"kubelet/{machine}", f"containerd/{machine}")))


def _cloud(random: Random) -> Step:
    verb = random.choice(("stop_machine", "start_machine", "delete_machine", "fail_cloud", "recover_cloud"))
    if verb == "delete_machine":
        return (verb, "worker-4")
    return (verb, random.choice(("instances", "loadbalancers") if verb.endswith("cloud") else NODES))


def act(lab: Lab, step: Step) -> None:
    """One step; kubectl may fail (what it names may be gone)."""
    verb, *told = step
    if verb == "kubectl":
        command = told[0]
        for name, text in FILES.items():
            if name in command:
                lab.kubectl(command.replace(name, "-"), text, echo=False)
                return
        lab.kubectl(command, echo=False)
    elif verb == "run":
        lab.run(told[0])
    else:
        lab.faults.apply(verb, *told)
