"""Properties of patches that hold for any documents."""

from hypothesis import given, settings
from hypothesis import strategies as st

from k8slab.api.apps_v1 import Deployment
from k8slab.api.core_v1 import Pod
from k8slab.api.patch import (
    json_patch,
    merge_diff,
    merge_patch,
    merge_three_way,
    strategic_merge,
    three_way,
    two_way,
)

names = st.sampled_from(["a", "b", "c", "d"])
texts = st.sampled_from(["", "x", "y"])
labels = st.dictionaries(names, texts, max_size=3)


def maybe(**fields):
    return st.fixed_dictionaries({}, optional=fields)


def keyed(key, values, **fields):
    element = st.fixed_dictionaries({key: values}, optional=fields)
    return st.lists(element, max_size=3, unique_by=lambda item: item[key])


env = keyed("name", names, value=texts)
ports = keyed("containerPort", st.integers(1, 4), name=texts)
probe = maybe(periodSeconds=st.integers(1, 3), httpGet=maybe(path=texts, port=st.integers(1, 2)))
resources = maybe(limits=labels, requests=labels)
container_fields = {
    "image": texts,
    "args": st.lists(texts, max_size=2),
    "env": env,
    "ports": ports,
    "livenessProbe": probe,
    "resources": resources,
}
volumes = keyed(
    "name",
    names,
    emptyDir=maybe(medium=texts),
    hostPath=st.fixed_dictionaries({"path": texts}, optional={"type": texts}),
)
tolerations = st.lists(maybe(key=names, operator=texts), max_size=2)
pod_spec = maybe(
    containers=keyed("name", names, **container_fields),
    volumes=volumes,
    nodeSelector=labels,
    tolerations=tolerations,
    hostname=texts,
)
finalizers = st.lists(names, max_size=3, unique=True)
metadata = maybe(labels=labels, annotations=labels, finalizers=finalizers)
pods = maybe(metadata=metadata, spec=pod_spec)
strategy = maybe(type=texts, rollingUpdate=maybe(maxSurge=st.integers(0, 2), maxUnavailable=st.integers(0, 2)))
deployments = maybe(
    metadata=metadata,
    spec=maybe(replicas=st.integers(0, 3), strategy=strategy, template=maybe(metadata=metadata, spec=pod_spec)),
)


def tidy(value):
    """Without empty lists: a patch that deletes a list's last element leaves an empty one, which the API drops."""
    if isinstance(value, dict):
        return {key: tidy(item) for key, item in value.items() if item != []}
    if isinstance(value, list):
        return [tidy(item) for item in value]
    return value


@settings(max_examples=300, deadline=None)
@given(pods, pods)
def test_two_way_leads_to_the_modified_pod(original, modified):
    assert tidy(strategic_merge(original, two_way(original, modified, Pod), Pod)) == tidy(modified)


@settings(max_examples=200, deadline=None)
@given(deployments, deployments)
def test_two_way_leads_to_the_modified_deployment(original, modified):
    patch = two_way(original, modified, Deployment)
    assert tidy(strategic_merge(original, patch, Deployment)) == tidy(modified)


def shuffled(value, random):
    if isinstance(value, dict):
        return {key: shuffled(item, random) for key, item in value.items()}
    if isinstance(value, list):
        return random.sample([shuffled(item, random) for item in value], len(value))
    return value


@settings(max_examples=200, deadline=None)
@given(pods, st.randoms(use_true_random=False))
def test_two_way_keeps_the_order(original, random):
    modified = shuffled(original, random)
    assert strategic_merge(original, two_way(original, modified, Pod), Pod) == modified


@given(pods)
def test_equal_documents_need_no_patch(pod):
    assert two_way(pod, pod, Pod) == {}
    assert three_way(pod, pod, pod, Pod) == {}
    assert merge_three_way(pod, pod, pod) == {}


@settings(max_examples=200, deadline=None)
@given(pods, pods)
def test_three_way_without_foreign_changes_is_an_update(original, modified):
    patch = three_way(original, modified, original, Pod)
    assert tidy(strategic_merge(original, patch, Pod)) == tidy(modified)


@settings(max_examples=200, deadline=None)
@given(pods, pods, pods)
def test_applying_twice_changes_nothing_more(original, modified, foreign):
    current = strategic_merge(original, foreign, Pod)
    live = strategic_merge(current, three_way(original, modified, current, Pod), Pod)
    again = three_way(modified, modified, live, Pod)
    assert tidy(strategic_merge(live, again, Pod)) == tidy(live)


@given(pods, pods)
def test_merge_diff_leads_to_the_modified_document(original, modified):
    assert merge_patch(original, merge_diff(original, modified)) == modified


@given(pods, pods)
def test_arguments_stay_as_they_were(original, modified):
    before = repr((original, modified))
    patch = three_way(original, modified, original, Pod)
    strategic_merge(original, patch, Pod)
    merge_patch(original, modified)
    assert repr((original, modified)) == before


@given(pods, names, texts)
def test_added_and_removed_again(pod, key, value):
    assert (
        json_patch(pod, [{"op": "add", "path": f"/{key}", "value": value}, {"op": "remove", "path": f"/{key}"}]) == pod
    )
