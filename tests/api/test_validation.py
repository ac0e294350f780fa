"""Validation: the rules of single fields, updates of Pods, and what recordings do not show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8slab.api import core_v1
from k8slab.api.codec import from_dict
from k8slab.api.defaults import set_defaults
from k8slab.api.unstructured import Unstructured
from k8slab.api.validation import names, validate_create, validate_status_update, validate_update
from k8slab.api.validation.cron import schedule_problem
from k8slab.api.validation.gostruct import quoted


def texts(errors):
    return [str(error) for error in errors]


def pod(status=None, meta=None, **spec):
    spec = {"containers": [{"name": "c", "image": "nginx:1"}], "serviceAccountName": "default", **spec}
    meta = {"name": "p", "namespace": "d", "uid": "u", "resourceVersion": "1", **(meta or {})}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
    return set_defaults(from_dict(body | ({"status": status} if status else {})))


def changed(old, **spec):
    return old.replace(spec=old.spec.replace(**spec))


class TestPodUpdate:
    def test_nothing(self):
        assert validate_update(pod(), pod()) == []

    def test_image_and_added_toleration(self):
        old = pod()
        container = old.spec.containers[0].replace(image="nginx:2")
        toleration = core_v1.Toleration(key="a", operator="Exists")
        assert validate_update(changed(old, containers=(container,), tolerations=(toleration,)), old) == []

    def test_the_rest_is_fixed_and_shown(self):
        old = pod()
        errors = validate_update(changed(old, dnsPolicy="Default"), old)
        assert texts(errors) == [
            "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
            "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
            "`spec.tolerations` (only additions to existing tolerations),"
            "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n"
            "@@ -38,7 +38,7 @@\n"
            '  "RestartPolicy": "Always",\n'
            '  "TerminationGracePeriodSeconds": 30,\n'
            '  "ActiveDeadlineSeconds": null,\n'
            '- "DNSPolicy": "ClusterFirst",\n'
            '+ "DNSPolicy": "Default",\n'
            '  "NodeSelector": null,\n'
            '  "ServiceAccountName": "default",\n'
            '  "AutomountServiceAccountToken": null,\n'
        ]

    def test_containers_stay(self):
        old = pod()
        errors = validate_update(changed(old, containers=old.spec.containers * 2), old)
        assert "spec.containers: Forbidden: pod updates may not add or remove containers" in texts(errors)

    def test_deadline_only_shrinks(self):
        old = pod(activeDeadlineSeconds=10)
        assert validate_update(changed(old, activeDeadlineSeconds=5), old) == []
        text = "spec.activeDeadlineSeconds: Invalid value: 20: must be less than or equal to previous value"
        assert texts(validate_update(changed(old, activeDeadlineSeconds=20), old)) == [text]
        text = "spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value"
        assert texts(validate_update(changed(old, activeDeadlineSeconds=None), old)) == [text]

    def test_tolerations_are_only_added(self):
        old = pod(tolerations=[{"key": "a", "operator": "Exists"}])
        text = "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds"
        assert texts(validate_update(changed(old, tolerations=()), old)) == [text]

    def test_gates_only_go_and_gated_pods_may_be_narrowed(self):
        old = pod(schedulingGates=[{"name": "a"}], nodeSelector={"x": "1"})
        assert validate_update(changed(old, schedulingGates=(), nodeSelector={"x": "1", "y": "2"}), old) == []
        text = "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'b'"
        gate = core_v1.PodSchedulingGate(name="b")
        assert texts(validate_update(changed(old, schedulingGates=(gate,)), old)) == [text]
        text = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
        assert texts(validate_update(changed(old, nodeSelector={}), old))[0].endswith(text)

    def test_metadata_is_fixed(self):
        errors = validate_update(pod(meta={"name": "q"}), pod())
        assert texts(errors)[0] == 'metadata.name: Invalid value: "q": field is immutable'


class TestPodStatus:
    def test_terminated_containers_stay_so(self):
        ended = {"name": "c", "image": "i", "state": {"terminated": {"exitCode": 0}}}
        running = {"name": "c", "image": "i", "state": {"running": {}}}
        old = pod(status={"containerStatuses": [ended]}, restartPolicy="Never")
        new = pod(status={"containerStatuses": [running]}, restartPolicy="Never")
        text = "status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state"
        assert texts(validate_status_update(new, old)) == [text]
        assert validate_status_update(pod(status={"containerStatuses": [running]}), old.replace(spec=pod().spec)) == []

    def test_quality_of_service_is_fixed(self):
        old, new = pod(status={"qosClass": "Burstable"}), pod(status={"qosClass": "Guaranteed"})
        assert texts(validate_status_update(new, old)) == [
            'status.qosClass: Invalid value: "Guaranteed": field is immutable'
        ]


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (
            {"containers": [{"name": "c", "image": "i", "volumeMounts": [{"name": "x", "mountPath": "/x"}]}]},
            'spec.containers[0].volumeMounts[0].name: Not found: "x"',
        ),
        (
            {
                "containers": [
                    {"name": "c", "image": "i", "resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}}
                ]
            },
            'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
        ),
        (
            {
                "containers": [
                    {"name": "c", "image": "i", "resources": {"limits": {"cpu": "-1"}, "requests": {"cpu": "-1"}}}
                ]
            },
            'spec.containers[0].resources.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0',
        ),
        (
            {"containers": [{"name": "c", "image": "i", "resources": {"limits": {"example.com/gpu": "500m"}}}]},
            'spec.containers[0].resources.limits[example.com/gpu]: Invalid value: "500m": must be an integer',
        ),
        ({"restartPolicy": "Sometimes"}, 'spec.restartPolicy: Unsupported value: "Sometimes": supported values: '),
        ({"preemptionPolicy": "Maybe"}, 'spec.preemptionPolicy: Unsupported value: "Maybe"'),
        ({"hostAliases": [{"ip": "x"}]}, 'spec.hostAliases[0].ip: Invalid value: "x": must be a valid IP address'),
        (
            {"volumes": [{"name": "v", "hostPath": {"path": "/a/../b"}}]},
            "spec.volumes[0].hostPath.path: Invalid value: \"/a/../b\": must not contain '..'",
        ),
        (
            {"topologySpreadConstraints": [{"maxSkew": 0, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"}]},
            "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero",
        ),
    ],
)
def test_pod_rules(spec, text):
    errors = texts(validate_create(pod(**spec)))
    assert errors and errors[0].startswith(text)


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        ("*/5 0-6,12 1 jan-mar mon", ""),
        ("@hourly", ""),
        ("@every 1h30m", ""),
        ("nope", "expected exactly 5 fields, found 1: [nope]"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("a * * * *", 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'),
        ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("@never", "unrecognized descriptor: @never"),
    ],
)
def test_schedules(schedule, problem):
    assert schedule_problem(schedule) == problem


def test_config_map_frozen():
    meta = {"name": "c", "namespace": "d", "resourceVersion": "1"}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "b"}, "immutable": True}
    old = from_dict(body)
    assert texts(validate_update(old.replace(data={"a": "c"}, immutable=None), old)) == [
        "immutable: Forbidden: field is immutable when `immutable` is set",
        "data: Forbidden: field is immutable when `immutable` is set",
    ]


def test_too_big():
    meta = {"name": "c", "namespace": "d"}
    big = from_dict({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "x" * (1 << 20) + "x"}})
    assert texts(validate_create(big)) == ["[]: Too long: may not be more than 1048576 bytes"]
    annotated = from_dict(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta | {"annotations": {"a": "x" * 262144}}}
    )
    assert texts(validate_create(annotated)) == ["metadata.annotations: Too long: may not be more than 262144 bytes"]


def test_custom_resources_follow_the_general_rules():
    widget = Unstructured(
        apiVersion="example.com/v1", kind="Widget", metadata=core_v1.Pod().metadata.replace(name="Bad_Name")
    )
    assert texts(validate_create(widget, namespaced=False))[0].startswith('metadata.name: Invalid value: "Bad_Name"')


def test_internal_form():
    taint = core_v1.Taint(key="a", effect="NoSchedule")
    assert quoted(taint) == '{"Key":"a","Value":"","Effect":"NoSchedule","TimeAdded":null}'


@given(st.from_regex("[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True))
def test_labels_are_names_everywhere(text):
    assert (
        names.dns_label(text)
        == names.dns_subdomain(text)
        == names.qualified_name(text)
        == names.label_value(text)
        == ()
    )


@given(st.text(max_size=80))
def test_checks_never_fail(text):
    for check in (names.dns_label, names.dns_subdomain, names.qualified_name, names.label_value, names.config_key):
        assert all(isinstance(message, str) for message in check(text))
    assert isinstance(schedule_problem(text), str)
