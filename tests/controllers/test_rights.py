from __future__ import annotations

import k8slab

MANIFEST = """
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: local-path}
provisioner: rancher.io/local-path
volumeBindingMode: WaitForFirstConsumer
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: c, image: nginx, resources: {requests: {cpu: 100m}}}]
      volumes:
      - name: scratch
        ephemeral:
          volumeClaimTemplate:
            spec:
              accessModes: [ReadWriteOnce]
              storageClassName: local-path
              resources: {requests: {storage: 1Gi}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  serviceName: db
  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Delete}
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: c, image: redis}]}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], storageClassName: local-path, resources: {requests: {storage: 1Gi}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: c, image: nginx}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: tick}
spec:
  schedule: "* * * * *"
  jobTemplate:
    spec:
      ttlSecondsAfterFinished: 20
      template:
        spec: {restartPolicy: Never, containers: [{name: c, image: busybox, command: [sh, -c, "sleep 2"]}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: q}
spec: {hard: {pods: "50"}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 3
  maxReplicas: 4
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]
"""


def refusals(lab: k8slab.Lab) -> list[str]:
    managers = [lab.cluster.manager, lab.cluster.components["csi-drivers"]]
    loops = [controller.loop for manager in managers for controller in manager.controllers.values()]
    return [failure.message for loop in loops for failure in loop.errors if "is forbidden: User" in failure.message]


def test_no_controller_lacks_a_right_for_what_it_does():
    lab = k8slab.Lab(workers=3, seed=7)
    lab.kubectl("create namespace shop", echo=False)
    lab.apply(MANIFEST.replace("metadata: {name", "metadata: {namespace: shop, name"))
    lab.run("100s")
    assert len(lab.list("pods", namespace="shop", selector="app=web")) == 3
    lab.fail_node("worker-1")
    lab.run("420s")
    lab.recover_node("worker-1")
    for command in (
        "scale sts db --replicas=1",
        "set image deploy/web c=nginx:1.27",
        "set image ds/agent c=nginx:1.27",
    ):
        lab.kubectl(f"{command} -n shop", echo=False)
    lab.run("200s")
    assert refusals(lab) == []
    lab.kubectl("delete sts db -n shop --cascade=foreground --wait=false", echo=False)
    lab.kubectl("delete namespace shop --wait=false", echo=False)
    lab.run("200s")
    assert refusals(lab) == []
    assert lab.list("pods", namespace="shop") == lab.list("pvc", namespace="shop") == lab.list("pv") == []
