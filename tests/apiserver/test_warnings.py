"""Warnings about objects that are accepted all the same."""

from __future__ import annotations

from typing import Any

import pytest

from k8slab.api.request import MERGE_PATCH
from tests.apiserver.conftest import Lab

NO_SELECTOR = "a null labelSelector results in matching no pod"
ZONE = "failure-domain.beta.kubernetes.io/zone"
ZONE_TEXT = 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead'
SECCOMP = "container.seccomp.security.alpha.kubernetes.io/c"
APPARMOR = "container.apparmor.security.beta.kubernetes.io/c"


def spec(container: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"containers": [{"name": "c", "image": "nginx", **(container or {})}], **more}


def expressions(key: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": "Exists"}]}


def paths(*names: str) -> list[dict[str, str]]:
    return [{"key": f"k{index}", "path": name} for index, name in enumerate(names)]


NODE = "spec.affinity.nodeAffinity"
REQUIRED, PREFERRED = (f"{kind}DuringSchedulingIgnoredDuringExecution" for kind in ("required", "preferred"))


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (
            spec(
                affinity={
                    "nodeAffinity": {
                        REQUIRED: {"nodeSelectorTerms": [expressions(ZONE)]},
                        PREFERRED: [{"weight": 1, "preference": expressions("beta.kubernetes.io/os")}],
                    }
                }
            ),
            [
                f"{NODE}.{REQUIRED}.nodeSelectorTerms[0].matchExpressions[0].key: {ZONE} is {ZONE_TEXT}",
                f"{NODE}.{PREFERRED}[0].preference.matchExpressions[0].key: beta.kubernetes.io/os is "
                'deprecated since v1.14; use "kubernetes.io/os" instead',
            ],
        ),
        (
            spec(
                affinity={
                    "podAffinity": {REQUIRED: [{"topologyKey": "z"}]},
                    "podAntiAffinity": {PREFERRED: [{"weight": 1, "podAffinityTerm": {"topologyKey": "z"}}]},
                }
            ),
            [
                f"spec.affinity.podAffinity.{REQUIRED}[0].labelSelector: {NO_SELECTOR}",
                f"spec.affinity.podAntiAffinity.{PREFERRED}[0].podAffinityTerm.labelSelector: {NO_SELECTOR}",
            ],
        ),
        (
            spec(hostAliases=[{"ip": "1.2.3.4", "hostnames": ["a"]}, {"ip": "1.2.3.4", "hostnames": ["b"]}]),
            ['spec.hostAliases[1].ip: duplicate ip "1.2.3.4"'],
        ),
        (
            spec(imagePullSecrets=[{"name": ""}, {"name": "a"}, {"name": "a"}]),
            [
                'spec.imagePullSecrets[2].name: duplicate name "a"',
                'spec.imagePullSecrets[0].name: invalid empty name ""',
            ],
        ),
        (
            spec(
                {"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "x$(A)"}, {"name": "A", "value": "$(A)"}]}
            ),
            ['spec.containers[0].env[2]: hides previous definition of "A", which may be dropped when using apply'],
        ),
        (
            spec({"resources": {"limits": {"memory": "2500m"}, "requests": {"memory": "1500m"}}}),
            [
                f"spec.containers[0].resources.{kind}[memory]: "
                f'fractional byte value "{amount}" is invalid, must be an integer'
                for kind, amount in (("limits", "2500m"), ("requests", "1500m"))
            ],
        ),
        (
            spec(volumes=[{"name": "v", "configMap": {"name": "m", "items": paths("a/b", "a", "x")}}]),
            ['volume "v" (ConfigMap "m"): overlapping paths: "a" with "a/b"'],
        ),
        (
            spec(
                volumes=[
                    {
                        "name": "v",
                        "projected": {
                            "sources": [
                                {"serviceAccountToken": {"path": "token"}},
                                {"secret": {"name": "s", "items": paths("token/x")}},
                            ]
                        },
                    }
                ]
            ),
            ['volume "v" (Projected Secret "s"): overlapping paths: "token/x" with "token"'],
        ),
        (
            spec(
                {"ports": [{"containerPort": 80}, {"containerPort": 81, "hostIP": "10.0.0.1"}]},
                initContainers=[
                    {"name": "i", "image": "nginx", "restartPolicy": "Always", "ports": [{"containerPort": 80}]}
                ],
            ),
            [
                "spec.containers[0].ports[0]: duplicate port definition with spec.initContainers[0].ports[0]",
                "spec.containers[0].ports[1]: hostIP set without hostPort: "
                "{Name: HostPort:0 ContainerPort:81 Protocol:TCP HostIP:10.0.0.1}",
            ],
        ),
        (
            spec({"ports": [{"containerPort": 80, "hostPort": 8080}, {"containerPort": 80}]}),
            ["spec.containers[0].ports[1]: overlapping port definition with spec.containers[0].ports[0]"],
        ),
    ],
)
def test_pods(lab: Lab, body: dict[str, Any], wanted: list[str]) -> None:
    response = lab.send("create", "pods", None, {"metadata": {"name": "p"}, "spec": body})
    assert response.code == 201, response.body
    assert list(response.warnings) == wanted


def test_annotations_that_became_fields(lab: Lab) -> None:
    annotations = {SECCOMP: "x", APPARMOR: "runtime/default", "scheduler.alpha.kubernetes.io/critical-pod": ""}
    metadata = {"labels": {"app": "a"}, "annotations": annotations}
    body = {"selector": {"matchLabels": {"app": "a"}}, "template": {"metadata": metadata, "spec": spec()}}
    response = lab.send("create", "deployments.apps", None, {"metadata": {"name": "d"}, "spec": body})
    place = "spec.template.metadata.annotations"
    assert list(response.warnings) == [
        f"{place}[scheduler.alpha.kubernetes.io/critical-pod]: "
        'non-functional in v1.16+; use the "priorityClassName" field instead',
        f'{place}[{SECCOMP}]: non-functional in v1.27+; use the "seccompProfile" field instead',
        f'{place}[{APPARMOR}]: deprecated since v1.30; use the "appArmorProfile" field instead',
    ]


def test_names_of_workloads(lab: Lab) -> None:
    body = {
        "selector": {"matchLabels": {"app": "a"}},
        "template": {"metadata": {"labels": {"app": "a"}}, "spec": spec()},
    }
    start = "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; "
    long = f"{'x' * 63}.y"
    response = lab.send("create", "deployments.apps", None, {"metadata": {"name": long}, "spec": body})
    assert response.warnings[0].startswith(f"{start}a DNS label is recommended: [")
    assert "must be no more than 63 " in response.warnings[0]
    assert not lab.send("create", "daemonsets.apps", None, {"metadata": {"name": long}, "spec": body}).warnings
    changed = {"spec": {"replicas": 2}}
    assert not lab.send("patch", "deployments.apps", long, changed, content_type=MERGE_PATCH).warnings


FRACTION = 'fractional byte value "1500m" is invalid, must be an integer'
OLD_CLASS = (
    "metadata.annotations[volume.beta.kubernetes.io/storage-class]: "
    'deprecated since v1.8; use "storageClassName" attribute instead'
)
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1500m"}}}
TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": spec()}
JOB = {"template": {"spec": spec(restartPolicy="Never")}, "completionMode": "Indexed", "completions": 100001}
TOO_MANY = (
    "spec: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, "
    "Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
)


@pytest.mark.parametrize(
    ("resource", "body", "wanted"),
    [
        (
            "persistentvolumeclaims",
            {"metadata": {"annotations": {"volume.beta.kubernetes.io/storage-class": "x"}}, "spec": CLAIM},
            [OLD_CLASS, f"spec.resources.requests[storage]: {FRACTION}"],
        ),
        (
            "persistentvolumes",
            {
                "spec": {
                    "capacity": {"storage": "1Gi"},
                    "accessModes": ["ReadWriteOnce"],
                    "hostPath": {"path": "/a"},
                    "persistentVolumeReclaimPolicy": "Recycle",
                    "nodeAffinity": {"required": {"nodeSelectorTerms": [expressions(ZONE)]}},
                }
            },
            [
                "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. "
                "Instead, the recommended approach is to use dynamic provisioning.",
                f"spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key: {ZONE} is {ZONE_TEXT}",
            ],
        ),
        (
            "statefulsets.apps",
            {
                "spec": {
                    "selector": {"matchLabels": {"app": "a"}},
                    "template": TEMPLATE,
                    "revisionHistoryLimit": -1,
                    "volumeClaimTemplates": [{"metadata": {"name": "v"}, "spec": CLAIM}],
                }
            },
            [
                "spec.revisionHistoryLimit: a negative value retains all historical revisions; "
                "a value >= 0 is recommended",
                f"spec.volumeClaimTemplates[0].resources.requests[storage]: {FRACTION}",
            ],
        ),
        ("jobs.batch", {"spec": JOB | {"parallelism": 10001}}, [TOO_MANY]),
        (
            "ingresses.networking.k8s.io",
            {
                "metadata": {"annotations": {"kubernetes.io/ingress.class": "nginx"}},
                "spec": {"defaultBackend": {"service": {"name": "a", "port": {"number": 1}}}},
            },
            ["annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead"],
        ),
        (
            "networkpolicies.networking.k8s.io",
            {"spec": {"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.1/8"}}]}]}},
            [
                'spec.ingress[0].from[0].ipBlock.cidr: CIDR value "10.0.0.1/8" is ambiguous in this context '
                '(should be "10.0.0.0/8" or "10.0.0.1/32"?)'
            ],
        ),
        (
            "services",
            {
                "metadata": {"annotations": {"service.kubernetes.io/topology-aware-hints": "auto"}},
                "spec": {
                    "clusterIP": "None",
                    "externalIPs": ["10.0.0.9"],
                    "ports": [{"port": 1}],
                    "externalName": "x.y",
                },
            },
            [
                "annotation service.kubernetes.io/topology-aware-hints is deprecated, "
                "please use service.kubernetes.io/topology-mode instead",
                "spec.externalIPs is ignored for headless services",
                'spec.externalName is ignored when spec.type is not "ExternalName"',
            ],
        ),
        (
            "storageclasses.storage.k8s.io",
            {
                "provisioner": "a.b",
                "allowedTopologies": [{"matchLabelExpressions": [{"key": ZONE, "values": ["a"]}]}],
            },
            [f"allowedTopologies[0].matchLabelExpressions[0]: {ZONE_TEXT}"],
        ),
        (
            "runtimeclasses.node.k8s.io",
            {"handler": "h", "scheduling": {"nodeSelector": {ZONE: "a"}}},
            [f"scheduling.nodeSelector: {ZONE_TEXT}"],
        ),
        (
            "podtemplates",
            {"template": {"spec": spec(nodeSelector={ZONE: "a"})}},
            [f"template.spec.nodeSelector[{ZONE}]: {ZONE_TEXT}"],
        ),
    ],
)
def test_other_kinds(lab: Lab, resource: str, body: dict[str, Any], wanted: list[str]) -> None:
    metadata = {"name": "x"} | body.get("metadata", {})
    response = lab.send("create", resource, None, body | {"metadata": metadata})
    assert response.code == 201, response.body
    assert list(response.warnings) == wanted
