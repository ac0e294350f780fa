# ruff: noqa: E501 - a rule and the server's words for it stand on one line each
"""Objects that break one rule each, and what the API server says of them (messages of `pkg/apis/*/validation`)."""

from __future__ import annotations

import copy

import pytest

from k8slab.api.codec import from_dict
from k8slab.api.defaults import set_defaults
from k8slab.api.validation import validate_create, validate_status_update

CONTAINER = {"name": "c", "image": "nginx"}


def made(kind, api="v1", spec=None, namespaced=True, **fields):
    meta = {"name": "x", **({"namespace": "default"} if namespaced else {})}
    body = {"apiVersion": api, "kind": kind, "metadata": meta, **fields}
    if spec is not None:
        body["spec"] = spec
    return body


def pod(**spec):
    return made("Pod", spec={"containers": [CONTAINER], **spec})


def container(**fields):
    return pod(containers=[{**CONTAINER, **fields}])


def mounted(**fields):
    mount = {"name": "v", "mountPath": "/a", **fields}
    return pod(volumes=[{"name": "v", "emptyDir": {}}], containers=[{**CONTAINER, "volumeMounts": [mount]}])


def service(**spec):
    return made("Service", spec={"ports": [{"port": 80}], **spec})


def job(**spec):
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [CONTAINER], "restartPolicy": "Never"}}
    known = {"template": template, "selector": {"matchLabels": {"a": "b"}}, "manualSelector": True}
    return made("Job", "batch/v1", {**known, **spec})


def indexed(**spec):
    return job(completionMode="Indexed", completions=3, **spec)


def failure_rule(**rule):
    return job(podFailurePolicy={"rules": [{"action": "FailJob", **rule}]})


def codes(*values, **fields):
    return failure_rule(onExitCodes={"operator": "In", "values": list(values), **fields})


def scaler(**spec):
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}
    return made("HorizontalPodAutoscaler", "autoscaling/v2", {"scaleTargetRef": target, "maxReplicas": 3, **spec})


def metric(kind, source, **target):
    field = kind[0].lower() + kind[1:]
    return scaler(metrics=[{"type": kind, field: {**source, "target": target}}])


def limits(**item):
    return made("LimitRange", spec={"limits": [item]})


def quota(*scopes, **hard):
    return made("ResourceQuota", spec={"hard": hard, "scopes": list(scopes)})


def volume(**spec):
    known = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], **spec}
    return made("PersistentVolume", spec=known, namespaced=False)


def ingress(path, path_type="Prefix"):
    backend = {"service": {"name": "s", "port": {"number": 80}}}
    rule = {"http": {"paths": [{"path": path, "pathType": path_type, "backend": backend}]}}
    return made("Ingress", "networking.k8s.io/v1", {"rules": [rule]})


def storage(kind, spec=None, **fields):
    return made(kind, "storage.k8s.io/v1", spec, namespaced=kind == "CSIStorageCapacity", **fields)


RULES = [
    (mounted(recursiveReadOnly="Enabled"), "spec.containers[0].volumeMounts.recursiveReadOnly: Forbidden: may only be specified when readOnly is true"),
    (mounted(subPath="/x"), 'spec.containers[0].volumeMounts.subPath: Invalid value: "/x": must be a relative path'),
    (container(resources={"claims": [{"name": "gpu"}]}), 'spec.containers[0].resources.claims[0]: Not found: "gpu": must be one of the names in pod.spec.resourceClaims which is empty'),
    (pod(resourceClaims=[{"name": "gpu"}]), 'spec.resourceClaims[0]: Invalid value: {"Name":"gpu","ResourceClaimName":null,"ResourceClaimTemplateName":null}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'),
    (pod(os={"name": "windows"}, securityContext={"runAsUser": 1}), "spec.securityContext.runAsUser: Forbidden: cannot be set for a windows pod"),
    (pod(os={"name": "linux"}, securityContext={"windowsOptions": {}}), "spec.securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod"),
    (pod(hostNetwork=True, securityContext={"sysctls": [{"name": "net.core.somaxconn", "value": "1"}]}), "spec.securityContext.sysctls[0].name: Invalid value: \"net.core.somaxconn\": may not be specified when 'hostNetwork' is true"),
    (container(securityContext={"procMount": "Unmasked"}), 'spec.containers[0].securityContext.procMount: Invalid value: "Unmasked": `hostUsers` must be false to use `Unmasked`'),
    (pod(affinity={"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "a", "matchLabelKeys": ["x"]}]}}), "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].matchLabelKeys: Forbidden: must not be specified when labelSelector is not set"),
    (container(resources={"requests": {"cpu": "1", "hugepages-2Mi": "3Mi"}, "limits": {"hugepages-2Mi": "3Mi"}}), 'spec.containers[0].resources.limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi'),
    (service(externalIPs=["127.0.0.1"]), 'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'),
    (service(clusterIP="10.96.0.5", clusterIPs=["10.96.0.5", "10.96.0.6"]), 'spec.clusterIPs: Invalid value: ["10.96.0.5","10.96.0.6"]: may specify no more than one IP for each IP family'),
    (service(clusterIP="10.96.0.5", clusterIPs=["10.96.0.5"], ipFamilies=["IPv6"]), 'spec.clusterIPs[0]: Invalid value: "10.96.0.5": expected an IPv6 value as indicated by `ipFamilies[0]`'),
    (service(type="LoadBalancer", ports=[{"port": 10250}]), "spec.ports[0]: Invalid value: 10250: may not expose port 10250 externally since it is used by kubelet"),
    (made("Endpoints", subsets=[{"addresses": [{"ip": "169.254.1.1"}]}]), 'subsets[0].addresses[0].ip: Invalid value: "169.254.1.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)'),
    (made("EndpointSlice", "discovery.k8s.io/v1", addressType="FQDN", endpoints=[{"addresses": ["web"]}]), 'endpoints[0].addresses[0]: Invalid value: "web": should be a domain with at least two segments separated by dots'),
    (indexed(maxFailedIndexes=4, backoffLimitPerIndex=1), "spec.maxFailedIndexes: Invalid value: 4: must be less than or equal to completions"),
    (indexed(maxFailedIndexes=2), "spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified"),
    (indexed(successPolicy={"rules": [{"succeededIndexes": "2-1"}]}), 'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "2-1": error parsing succeededIndexes: non-increasing order, previous: 2, current: 1'),
    (indexed(successPolicy={"rules": [{"succeededIndexes": "0,1", "succeededCount": 3}]}), "spec.successPolicy.rules[0].succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)"),
    (codes(0), "spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator"),
    (codes(3, 1), "spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [3,1]: must be ordered"),
    (codes(1, containerName="z"), 'spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: "z": must be one of the container or initContainer names in the pod template'),
    (failure_rule(action=""), 'spec.podFailurePolicy.rules[0].action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]'),
    (failure_rule(), "spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required"),
    (job(podReplacementPolicy="Never"), 'spec.podReplacementPolicy: Unsupported value: "Never": supported values: "Failed", "TerminatingOrFailed"'),
    (job(managedBy="me"), 'spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")'),
    (scaler(metrics=[{"type": "Resource"}]), "spec.metrics[0].resource: Required value: must populate information for the given metric source"),
    (metric("Pods", {"metric": {"name": "rps"}}, type="Value", value="1"), "spec.metrics[0].pods.target.averageValue: Required value: must specify a positive target averageValue"),
    (metric("Resource", {"name": "cpu"}, type="Utilization", averageUtilization=0), "spec.metrics[0].resource.target.averageUtilization: Invalid value: 0: must be greater than 0"),
    (scaler(behavior={"scaleUp": {"stabilizationWindowSeconds": 4000}}), "spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 4000: must be less than or equal to 3600"),
    (limits(type="Foo"), 'spec.limits[0].type: Invalid value: "Foo": must be a standard limit type or fully qualified'),
    (limits(type="PersistentVolumeClaim"), "spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided"),
    (limits(type="Container", max={"cpu": "2"}, min={"cpu": "1"}, maxLimitRequestRatio={"cpu": "4"}), 'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "4": ratio 4 is greater than max/min = 2.000000'),
    (quota("BestEffort", cpu="1"), 'spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource'),
    (quota("Terminating", "NotTerminating", pods="1"), 'spec.scopes: Invalid value: ["Terminating","NotTerminating"]: conflicting scopes'),
    (volume(hostPath={"path": "/"}, persistentVolumeReclaimPolicy="Recycle"), "spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"),
    (volume(hostPath={"path": "/a"}, nodeAffinity={}), "spec.nodeAffinity.required: Required value: must specify required node constraints"),
    (ingress("/a/../b"), "spec.rules[0].http.paths[0].path: Invalid value: \"/a/../b\": must not contain '/../'"),
    (storage("CSIDriver", {"fsGroupPolicy": "Foo"}), 'spec.fsGroupPolicy: Unsupported value: "Foo": supported values: "File", "None", "ReadWriteOnceWithFSType"'),
    (made("APIService", "apiregistration.k8s.io/v1", {"group": "a.b", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1}, namespaced=False), 'metadata.name: Invalid value: "x": must be `spec.version+"."+spec.group`: "v1.a.b"'),
    (made("FlowSchema", "flowcontrol.apiserver.k8s.io/v1", {"matchingPrecedence": 1, "priorityLevelConfiguration": {"name": "a"}}, namespaced=False), "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1"),
    (made("PriorityLevelConfiguration", "flowcontrol.apiserver.k8s.io/v1", {"type": "Limited"}, namespaced=False), "spec.limited: Required value: must not be empty when type is Limited"),
    (made("ServiceCIDR", "networking.k8s.io/v1", {"cidrs": ["10.0.0.0/8", "11.0.0.0/8"]}, namespaced=False), 'spec.cidrs: Invalid value: {"CIDRs":["10.0.0.0/8","11.0.0.0/8"]}: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'),
    (made("Secret", type="kubernetes.io/dockerconfigjson", data={".dockerconfigjson": "eA=="}), "data[.dockerconfigjson]: Invalid value: \"<secret contents redacted>\": invalid character 'x' looking for beginning of value"),
    (storage("CSINode", {"drivers": [{"name": "a.b"}]}), "spec.drivers[0].nodeID: Required value"),
    (storage("VolumeAttachment", {"attacher": "a.b", "nodeName": "n", "source": {}}), "spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName"),
    (storage("VolumeAttributesClass", driverName="a.b"), "parameters: Required value: must contain at least one key/value pair"),
    (storage("StorageClass", provisioner="a", allowedTopologies=[{"matchLabelExpressions": [{"key": "a"}]}]), "allowedTopologies[0].matchLabelExpressions[0].values: Required value"),
]  # fmt: skip


def errors_of(body):
    obj = set_defaults(from_dict(copy.deepcopy(body)))
    return [str(error) for error in validate_create(obj)]


@pytest.mark.parametrize(("body", "message"), RULES, ids=[message.split(":")[0] for _, message in RULES])
def test_a_broken_rule_is_said_in_the_servers_words(body, message):
    assert message in errors_of(body)


def test_finished_jobs_stay_finished_and_their_counters_never_shrink():
    done = [{"type": kind, "status": "True"} for kind in ("SuccessCriteriaMet", "Complete")]
    times = {"startTime": "2026-01-01T00:00:00Z", "completionTime": "2026-01-01T00:01:00Z"}
    meta = {"resourceVersion": "1", "name": "x", "namespace": "default"}
    old, new = (set_defaults(from_dict({**job(), "metadata": meta, "status": status})) for status in (
        {"succeeded": 2, "conditions": done, **times}, {"succeeded": 1, "failed": 1, "active": 2}
    ))  # fmt: skip
    found = [str(error) for error in validate_status_update(new, old)]
    assert "status.conditions: Invalid value: cannot disable the terminal Complete=True condition" in found
    assert "status.succeeded: Invalid value: 1: cannot decrease the succeeded counter" in found
    assert not validate_status_update(old, old)
