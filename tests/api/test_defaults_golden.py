"""Defaults against a real API server: every recorded creation, less what admission and storage add."""

import pytest

from k8slab.api.codec import from_dict, to_dict
from k8slab.api.defaults import set_defaults
from tests.api.recordings import created

TOKEN = "kube-api-access-"
TOLERATED = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
ALLOCATED = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort")
ADMITTED = ("priority", "preemptionPolicy", "serviceAccountName", "serviceAccount", "nodeSelector", "overhead")
FILES = ("pod-create", "service-create", "workload-create", "object-create", "table", "delete", "invalid", "immutable")
SERVED_ELSEWHERE = ("Binding", "Eviction", "Widget", "CustomResourceDefinition", "Status", "Scale", "TokenRequest")


def without_admission(body):
    """Take out of a Pod, Service, ... what the server adds after defaulting."""
    strip = STRIP.get(body["kind"])
    if strip:
        strip(body)
    return body


def strip_pod(pod):
    spec = pod["spec"]
    spec["volumes"] = [item for item in spec.get("volumes", []) if not item["name"].startswith(TOKEN)]
    for container in spec["containers"] + spec.get("initContainers", []):
        mounts = container.get("volumeMounts", [])
        container["volumeMounts"] = [item for item in mounts if not item["name"].startswith(TOKEN)]
        container["resources"] = dict(container["resources"])
    spec["tolerations"] = [item for item in spec.get("tolerations", []) if item.get("key") not in TOLERATED]
    for name in (*ADMITTED, "imagePullSecrets", "priorityClassName"):
        spec.pop(name, None)
    pod["status"] = {}


def strip_service(service):
    for name in ALLOCATED:
        service["spec"].pop(name, None)
    for port in service["spec"].get("ports", []):
        port.pop("nodePort", None)


def strip_job(job):
    job["spec"].pop("selector", None)
    job["metadata"].pop("labels", None)
    job["spec"]["template"]["metadata"].pop("labels", None)


def strip_spec(name):
    def strip(body):
        body.get("spec", {}).pop(name, None)

    return strip


def strip_status(body):
    body.pop("status", None)


def strip_namespace(namespace):
    namespace.pop("spec", None)


STRIP = {
    "Pod": strip_pod,
    "Service": strip_service,
    "Job": strip_job,
    "Namespace": strip_namespace,
    "Node": strip_spec("taints"),
    "Ingress": strip_spec("ingressClassName"),
    "PersistentVolume": strip_status,
    "PersistentVolumeClaim": strip_status,
    "ResourceQuota": strip_status,
}
SERVER_METADATA = (
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "generation",
    "managedFields",
    "namespace",
    "finalizers",
    "annotations",
)


def tidy(value):
    """Without nulls and without empty lists and maps of the kinds that Go omits, whichever side has them."""
    if isinstance(value, dict):
        kept = {key: tidy(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item is not None and item != []}
    if isinstance(value, list):
        return [tidy(item) for item in value]
    return value


def comparable(body):
    body = without_admission(tidy(body))
    for name in SERVER_METADATA:
        body["metadata"].pop(name, None)
    return tidy(body)


BY_ADMISSION = {
    "pod-create/runtime-class#2": "tolerations come from the RuntimeClass",
    "object-create/limitrange-ratio#6": "requests come from the LimitRange",
}


@pytest.mark.parametrize(("request_body", "answer"), created(*FILES))
def test_defaults_as_recorded(request_body, answer, request):
    if request.node.callspec.id in BY_ADMISSION:
        pytest.skip(BY_ADMISSION[request.node.callspec.id])
    if request_body["kind"] in SERVED_ELSEWHERE or answer["kind"] != request_body["kind"]:
        pytest.skip("not a stored object")
    obj = set_defaults(from_dict(request_body))
    assert comparable(to_dict(obj)) == comparable(answer)


@pytest.mark.parametrize(("request_body", "answer"), created(*FILES))
def test_defaulted_objects_need_nothing_more(request_body, answer):
    if request_body["kind"] in SERVED_ELSEWHERE:
        pytest.skip("not a stored object")
    obj = set_defaults(from_dict(request_body))
    assert set_defaults(obj) is obj
