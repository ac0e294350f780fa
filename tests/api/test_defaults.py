"""Defaults: what is shared, what is left alone, and the cases that recordings do not have."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8slab.api import apps_v1, batch_v1, core_v1, networking_v1, rbac_v1
from k8slab.api.codec import from_dict, to_dict
from k8slab.api.defaults import canonical_quantities, set_defaults
from k8slab.api.defaults.images import pull_policy
from k8slab.api.unstructured import Unstructured


def pod(**spec):
    return from_dict({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec})


def defaulted(**spec):
    return set_defaults(pod(**spec)).spec


def test_complete_objects_come_back_themselves():
    done = set_defaults(pod(containers=[{"name": "c", "image": "nginx:1"}]))
    assert set_defaults(done) is done


def test_untouched_parts_are_shared():
    resources = core_v1.ResourceRequirements(limits={"cpu": "1"}, requests={"cpu": "1"})
    container = core_v1.Container(name="c", image="nginx:1", resources=resources)
    obj = core_v1.Pod(spec=core_v1.PodSpec(containers=(container,)))
    after = set_defaults(obj)
    assert after.spec.containers[0].resources is resources
    assert after.metadata is obj.metadata
    assert obj.spec.containers[0].imagePullPolicy is None


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.27", "IfNotPresent"),
        ("localhost:5000/nginx", "Always"),
        ("localhost:5000/nginx:1", "IfNotPresent"),
        ("nginx@sha256:0123", "IfNotPresent"),
        ("nginx:latest@sha256:0123", "Always"),
    ],
)
def test_pull_policy(image, policy):
    assert pull_policy(image) == policy


def test_requests_default_to_limits_in_pods_only():
    container = {"name": "c", "image": "i:1", "resources": {"limits": {"cpu": "1"}, "requests": {"memory": "1Gi"}}}
    assert defaulted(containers=[container]).containers[0].resources.requests == {"cpu": "1", "memory": "1Gi"}
    body = {"apiVersion": "v1", "kind": "PodTemplate", "template": {"spec": {"containers": [container]}}}
    template = set_defaults(from_dict(body)).template
    assert template.spec.containers[0].resources.requests == {"memory": "1Gi"}


def test_pod_level_requests_come_from_containers_first():
    spec = defaulted(
        resources={"limits": {"cpu": "4", "memory": "1Gi"}},
        containers=[
            {"name": "a", "image": "i:1", "resources": {"requests": {"cpu": "500m"}}},
            {"name": "b", "image": "i:1", "resources": {"requests": {"cpu": "1"}}},
        ],
        initContainers=[
            {"name": "s", "image": "i:1", "restartPolicy": "Always", "resources": {"requests": {"cpu": "250m"}}},
            {"name": "i", "image": "i:1", "resources": {"requests": {"cpu": "1"}}},
        ],
    )
    assert spec.resources.requests == {"cpu": "1750m", "memory": "1Gi"}


def test_service_account_names_agree():
    assert defaulted(serviceAccount="robot").serviceAccountName == "robot"
    assert defaulted(serviceAccountName="robot", serviceAccount="other").serviceAccount == "robot"


def test_zero_grace_period_is_kept():
    assert defaulted(terminationGracePeriodSeconds=0).terminationGracePeriodSeconds == 0
    assert defaulted().terminationGracePeriodSeconds == 30


def test_probe_zero_means_absent():
    probe = {"exec": {"command": ["a"]}, "periodSeconds": 0, "successThreshold": 2, "initialDelaySeconds": 0}
    container = defaulted(containers=[{"name": "c", "image": "i:1", "readinessProbe": probe}]).containers[0]
    assert container.readinessProbe.periodSeconds == 10
    assert container.readinessProbe.successThreshold == 2


def test_quantities_everywhere():
    node = core_v1.Node(status=core_v1.NodeStatus(capacity={"cpu": "8000m", "memory": "16384Mi"}))
    after = set_defaults(node).status
    assert after.capacity == {"cpu": "8", "memory": "16Gi"}
    assert after.allocatable == after.capacity
    spec = defaulted(volumes=[{"name": "v", "emptyDir": {"sizeLimit": "1024Mi"}}], overhead={"cpu": "0.0001"})
    assert spec.volumes[0].emptyDir.sizeLimit == "1Gi"
    assert spec.overhead == {"cpu": "1m"}


def test_canonical_quantities_share():
    obj = core_v1.Pod(spec=core_v1.PodSpec(overhead={"cpu": "1"}))
    assert canonical_quantities(obj) is obj


def test_empty_storage_class_stays_empty():
    claim = core_v1.PersistentVolumeClaim(spec=core_v1.PersistentVolumeClaimSpec(storageClassName=""))
    assert set_defaults(claim).spec.storageClassName == ""


def test_workload_details():
    recreate = apps_v1.Deployment(spec=apps_v1.DeploymentSpec(strategy=apps_v1.DeploymentStrategy(type="Recreate")))
    assert set_defaults(recreate).spec.strategy.rollingUpdate is None
    queue = batch_v1.Job(spec=batch_v1.JobSpec(parallelism=3))
    assert set_defaults(queue).spec.completions is None
    indexed = batch_v1.Job(spec=batch_v1.JobSpec(backoffLimitPerIndex=1))
    assert set_defaults(indexed).spec.backoffLimit == 2**31 - 1


def test_role_binding_groups_follow_kinds():
    subjects = (rbac_v1.Subject(kind="User", name="u"), rbac_v1.Subject(kind="ServiceAccount", name="s"))
    after = set_defaults(rbac_v1.RoleBinding(roleRef=rbac_v1.RoleRef(kind="Role", name="r"), subjects=subjects))
    assert [item.apiGroup for item in after.subjects] == ["rbac.authorization.k8s.io", None]
    assert after.roleRef.apiGroup == "rbac.authorization.k8s.io"


def test_policy_types_follow_the_rules():
    egress = networking_v1.NetworkPolicySpec(egress=(networking_v1.NetworkPolicyEgressRule(),))
    assert set_defaults(networking_v1.NetworkPolicy(spec=egress)).spec.policyTypes == ("Ingress", "Egress")


def test_node_address_ranges_agree():
    assert set_defaults(core_v1.Node(spec=core_v1.NodeSpec(podCIDR="10.0.0.0/24"))).spec.podCIDRs == ("10.0.0.0/24",)
    assert set_defaults(core_v1.Node(spec=core_v1.NodeSpec(podCIDRs=("10.0.0.0/24",)))).spec.podCIDR == "10.0.0.0/24"


def test_custom_resources_are_left_alone():
    widget = Unstructured(apiVersion="example.com/v1", kind="Widget")
    assert set_defaults(widget) is widget


names = st.sampled_from(["a", "b"])
amounts = st.sampled_from(["1", "0.5", "1024Mi", "1500m", 2, "0.0001"])
lists = st.dictionaries(st.sampled_from(["cpu", "memory", "example.com/gpu"]), amounts, max_size=2)
containers = st.lists(
    st.fixed_dictionaries(
        {"name": names, "image": st.sampled_from(["i", "i:1"])},
        optional={
            "resources": st.fixed_dictionaries({}, optional={"limits": lists, "requests": lists}),
            "ports": st.lists(st.fixed_dictionaries({"containerPort": st.integers(1, 9)}), max_size=2),
            "livenessProbe": st.fixed_dictionaries({"httpGet": st.just({"port": 80})}),
        },
    ),
    max_size=2,
)
specs = st.fixed_dictionaries(
    {"containers": containers},
    optional={
        "hostNetwork": st.booleans(),
        "resources": st.fixed_dictionaries({}, optional={"limits": lists}),
        "initContainers": containers,
        "volumes": st.lists(st.fixed_dictionaries({"name": names}, optional={"hostPath": st.just({"path": "/"})})),
    },
)


@settings(deadline=None, max_examples=200)
@given(specs)
def test_idempotent(spec):
    once = set_defaults(pod(**spec))
    assert set_defaults(once) is once
    assert set_defaults(from_dict(to_dict(once))) == once
