"""Patches: the rules of each kind, with the server's error texts."""

import pytest

from k8slab.api.apps_v1 import Deployment
from k8slab.api.core_v1 import ConfigMap, Pod, Service
from k8slab.api.patch import (
    go_text,
    json_patch,
    merge_patch,
    merge_three_way,
    strategic_merge,
    strategic_merge_rest,
    three_way,
    two_way,
)
from k8slab.api.policy_v1 import PodDisruptionBudget
from k8slab.errors import ApiError

REJECTED = (422, "the server rejected our request due to an error in our request")


def failure(function, *args):
    with pytest.raises(ApiError) as caught:
        function(*args)
    return caught.value.code, caught.value.message


def containers(*items):
    return {"spec": {"containers": list(items)}}


def merged(original, patch):
    return strategic_merge(containers(*original), {"spec": patch}, Pod)["spec"]["containers"]


class TestJson:
    document = {"data": {"k": "v"}, "list": ["a", "b", "c"], "labels": {"x/y": "z", "m~n": 1}}

    def after(self, **operation):
        return json_patch(self.document, [{key.rstrip("_"): value for key, value in operation.items()}])

    def test_add_to_object_and_list(self):
        assert self.after(op="add", path="/data/n", value=1)["data"] == {"k": "v", "n": 1}
        assert self.after(op="add", path="/list/1", value="x")["list"] == ["a", "x", "b", "c"]
        assert self.after(op="add", path="/list/-", value="x")["list"] == ["a", "b", "c", "x"]
        assert self.after(op="add", path="/list/3", value="x")["list"] == ["a", "b", "c", "x"]

    def test_escapes(self):
        assert self.after(op="replace", path="/labels/x~1y", value="1")["labels"]["x/y"] == "1"
        assert self.after(op="remove", path="/labels/m~0n")["labels"] == {"x/y": "z"}

    def test_copy_and_move(self):
        assert self.after(op="copy", from_="/data/k", path="/data/c")["data"] == {"k": "v", "c": "v"}
        assert self.after(op="move", from_="/list/0", path="/list/2")["list"] == ["b", "c", "a"]

    def test_test_knows_types(self):
        assert self.after(op="test", path="/labels/m~0n", value=1) == self.document
        assert failure(lambda: self.after(op="test", path="/labels/m~0n", value=True)) == REJECTED
        assert self.after(op="test", path="/data/absent") == self.document

    def test_liberties_of_the_server(self):
        assert self.after(op="replace", path="/data/absent", value=1)["data"]["absent"] == 1
        assert self.after(op="add", path="data/k", value=1)["k"] == 1
        assert self.after(op="replace", path="/list/-1", value="x")["list"] == ["a", "b", "x"]
        assert self.after(op="replace", path="", value={"a": 1}) == {"a": 1}

    @pytest.mark.parametrize(
        "operation",
        [
            {"op": "remove", "path": "/data/absent"},
            {"op": "add", "path": "/absent/k", "value": 1},
            {"op": "add", "path": "/list/4", "value": 1},
            {"op": "add", "path": "/list/one", "value": 1},
            {"op": "replace", "path": "/list/3", "value": 1},
            {"op": "frobnicate", "path": "/data/k"},
            {"op": "add", "value": 1},
            {"op": "move", "from": "/data/absent", "path": "/data/n"},
            {"op": "copy", "path": "/data/n"},
            {"op": "add", "path": "/data/k/deeper", "value": 1},
        ],
    )
    def test_refused(self, operation):
        assert failure(json_patch, self.document, [operation]) == REJECTED

    def test_all_or_nothing(self):
        operations = [{"op": "add", "path": "/data/n", "value": 1}, {"op": "remove", "path": "/absent"}]
        assert failure(json_patch, self.document, operations) == REJECTED
        assert "n" not in self.document["data"]

    def test_unreadable(self):
        text = "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
        assert failure(json_patch, {}, {"op": "add"}) == (400, text)
        text = (
            "error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.path of type string"
        )
        assert failure(json_patch, {}, [{"op": "add", "path": 1}]) == (400, text)

    def test_too_many(self):
        code, text = failure(json_patch, {}, [{"op": "add", "path": "/a", "value": 1}] * 10001)
        assert (code, text) == (
            413,
            "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001",
        )


class TestMerge:
    def test_null_removes_and_lists_replace(self):
        before = {"a": {"b": 1, "c": 2}, "l": [1, 2]}
        assert merge_patch(before, {"a": {"b": None, "d": {"e": None, "f": 3}}, "l": [3]}) == {
            "a": {"c": 2, "d": {"f": 3}},
            "l": [3],
        }
        assert before == {"a": {"b": 1, "c": 2}, "l": [1, 2]}

    def test_only_objects(self):
        text = "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"
        assert failure(merge_patch, {}, [1]) == (400, text)

    def test_three_way_for_custom_resources(self):
        last = {"spec": {"size": 1, "old": "x", "list": [1]}}
        new = {"spec": {"size": 2, "list": [2], "empty": {}}}
        live = {"spec": {"size": 1, "old": "x", "list": [1], "foreign": True}, "status": {"ok": True}}
        patch = merge_three_way(last, new, live)
        assert patch == {"spec": {"size": 2, "list": [2], "empty": {}, "old": None}}
        assert merge_patch(live, patch) == {
            "spec": {"size": 2, "list": [2], "foreign": True, "empty": {}},
            "status": {"ok": True},
        }


class TestStrategic:
    web = {"name": "web", "image": "nginx:1", "env": [{"name": "A", "value": "1"}]}
    log = {"name": "log", "image": "fluent:1"}

    def test_elements_merge_by_key(self):
        patch = {"containers": [{"name": "web", "image": "nginx:2", "env": [{"name": "B", "value": "2"}]}]}
        assert merged([self.web, self.log], patch) == [
            {"name": "web", "image": "nginx:2", "env": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]},
            self.log,
        ]

    def test_new_elements_come_first(self):
        assert [c["name"] for c in merged([self.web, self.log], {"containers": [{"name": "new"}]})] == [
            "new",
            "web",
            "log",
        ]

    def test_delete_and_replace_elements(self):
        assert merged([self.web, self.log], {"containers": [{"name": "web", "$patch": "delete"}]}) == [self.log]
        assert merged([self.web], {"containers": [{"$patch": "replace"}, self.log]}) == [self.log]

    def test_replace_and_delete_objects(self):
        before = {"metadata": {"labels": {"a": "1"}}, "spec": {"affinity": {"podAffinity": {}}}}
        after = strategic_merge(before, {"metadata": {"labels": {"$patch": "replace", "b": "2"}}}, Pod)
        assert after["metadata"]["labels"] == {"b": "2"}
        after = strategic_merge(before, {"spec": {"affinity": {"$patch": "delete"}}}, Pod)
        assert after["spec"] == {"affinity": {}}

    def test_atomic_lists_are_replaced(self):
        before = {"spec": {"tolerations": [{"key": "a"}], "containers": [{"name": "c", "args": ["1"]}]}}
        patch = {"spec": {"tolerations": [{"key": "b"}], "containers": [{"name": "c", "args": ["2"]}]}}
        assert strategic_merge(before, patch, Pod) == patch

    def test_primitive_lists(self):
        before = {"metadata": {"finalizers": ["a", "b"]}}
        add = {"metadata": {"finalizers": ["c", "a"]}}
        assert strategic_merge(before, add, ConfigMap)["metadata"]["finalizers"] == ["c", "a", "b"]
        remove = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}
        assert strategic_merge(before, remove, ConfigMap)["metadata"]["finalizers"] == ["b"]
        assert strategic_merge({}, remove, ConfigMap) == {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}

    def test_element_order(self):
        patch = {
            "$setElementOrder/containers": [{"name": "log"}, {"name": "web"}],
            "containers": [{"name": "web", "image": "nginx:2"}],
        }
        assert [c["name"] for c in merged([self.web, {"name": "injected"}, self.log], patch)] == [
            "injected",
            "log",
            "web",
        ]

    def test_retain_keys(self):
        before = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
        patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
        assert strategic_merge(before, patch, Deployment) == {"spec": {"strategy": {"type": "Recreate"}}}

    def test_same_port_twice(self):
        """The merge key is the port alone: the known trap of a port served over TCP and UDP."""
        before = {"spec": {"ports": [{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]}}
        patch = {"spec": {"ports": [{"port": 53, "name": "dns"}]}}
        assert strategic_merge(before, patch, Service)["spec"]["ports"][0] == {
            "port": 53,
            "protocol": "TCP",
            "name": "dns",
        }

    def test_nulls_and_directives_vanish_where_nothing_was(self):
        patch = {"spec": {"containers": [{"name": "a", "image": None}, {"name": "b", "$patch": "delete"}]}}
        assert strategic_merge({}, patch, Pod) == {"spec": {"containers": [{"name": "a"}]}}

    def test_what_the_server_quotes_of_a_patch(self):
        before = {"spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "web", "image": "nginx:1"}]}}}}
        order = {"$setElementOrder/containers": [{"name": "web"}], "containers": [{"name": "web", "image": "nginx:2"}]}
        patch = {"spec": {"replicas": "three", "template": {"spec": order}}}
        _, rest = strategic_merge_rest(before, patch, Deployment)
        assert go_text(rest) == "map[spec:map[replicas:three template:map[spec:map[]]]]"

    @pytest.mark.parametrize(
        ("patch", "code", "text"),
        [
            (
                {"containers": [{"image": "x"}]},
                500,
                "map: map[image:x] does not contain declared merge key: name",
            ),
            (
                {"containers": [{"name": "web", "$patch": "explode"}]},
                500,
                "unknown patch type: explode in map: map[$patch:explode name:web]",
            ),
            (
                {"containers": [{"name": "web", "$patch": "merge"}]},
                500,
                "merging lists cannot yet be specified in the patch",
            ),
            ({"$setElementOrder": []}, 400, "invalid patch format of setElementOrder list"),
            ({"$retainKeys": "x"}, 400, "invalid patch format of retainKeys"),
            ({"$retainKeys": ["hostname"], "nodeName": "x"}, 400, "invalid patch format of retainKeys"),
            ({"$deleteFromPrimitiveList": ["x"]}, 400, "invalid patch format of primitive list"),
            (
                {"$setElementOrder/containers": [{"name": "a"}], "containers": [{"name": "b"}]},
                500,
                "The order in patch list:\n[map[name:b]]\n doesn't match $setElementOrder list:\n[map[name:a]]\n",
            ),
        ],
    )
    def test_errors(self, patch, code, text):
        assert failure(merged, [self.web], patch) == (code, text)

    def test_unknown_object(self):
        text = 'unable to find api field in struct PodSpec for the json field "bogus"'
        before = {"spec": {"bogus": {"a": 1}}}
        assert failure(strategic_merge, before, {"spec": {"bogus": {"b": 1}}}, Pod) == (500, text)


class TestApply:
    def test_scale_by_others_is_kept_and_own_deletions_are_done(self):
        last = {"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"template": {"spec": {"hostname": "h"}}}}
        new = {"metadata": {"labels": {"a": "9"}}, "spec": {"template": {"spec": {}}}}
        live = {
            "metadata": {"labels": {"a": "1", "b": "2", "foreign": "x"}},
            "spec": {"replicas": 5, "template": {"spec": {"hostname": "h", "dnsPolicy": "ClusterFirst"}}},
        }
        patch = three_way(last, new, live, Deployment)
        assert patch == {
            "metadata": {"labels": {"a": "9", "b": None}},
            "spec": {"template": {"spec": {"hostname": None}}},
        }
        after = strategic_merge(live, patch, Deployment)
        assert after["metadata"]["labels"] == {"a": "9", "foreign": "x"}
        assert after["spec"] == {"replicas": 5, "template": {"spec": {"dnsPolicy": "ClusterFirst"}}}

    def test_removed_container_and_injected_sidecar(self):
        last = containers({"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"})
        new = containers({"name": "a", "image": "a:2"})
        live = containers(
            {"name": "a", "image": "a:1", "imagePullPolicy": "Always"},
            {"name": "b", "image": "b:1"},
            {"name": "proxy", "image": "p:1"},
        )
        patch = three_way(last, new, live, Pod)
        assert patch["spec"] == {
            "$setElementOrder/containers": [{"name": "a"}],
            "containers": [{"name": "a", "image": "a:2"}, {"name": "b", "$patch": "delete"}],
        }
        after = strategic_merge(live, patch, Pod)["spec"]["containers"]
        assert [(item["name"], item["image"]) for item in after] == [("a", "a:2"), ("proxy", "p:1")]

    def test_strategy_type_changes(self):
        last = {"spec": {"strategy": {"type": "RollingUpdate"}}}
        new = {"spec": {"strategy": {"type": "Recreate"}}}
        live = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}}}}
        patch = three_way(last, new, live, Deployment)
        assert patch == {"spec": {"strategy": {"type": "Recreate", "$retainKeys": ["type"]}}}
        assert strategic_merge(live, patch, Deployment) == new

    def test_volume_source_changes(self):
        live = {"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}}
        new = {"spec": {"volumes": [{"name": "v", "configMap": {"name": "c"}}]}}
        patch = two_way(live, new, Pod)
        assert patch["spec"]["volumes"] == [
            {"name": "v", "configMap": {"name": "c"}, "emptyDir": None, "$retainKeys": ["configMap", "name"]}
        ]
        assert strategic_merge(live, patch, Pod) == new

    def test_finalizer_removed(self):
        old, new = {"metadata": {"finalizers": ["a", "b"]}}, {"metadata": {"finalizers": ["b"]}}
        patch = two_way(old, new, ConfigMap)
        assert patch == {
            "metadata": {"$deleteFromPrimitiveList/finalizers": ["a"], "$setElementOrder/finalizers": ["b"]}
        }
        assert strategic_merge(old, patch, ConfigMap) == new

    def test_budget_selector_is_always_sent(self):
        budget = {"spec": {"selector": {"matchLabels": {"a": "b"}}}}
        assert three_way(budget, budget, budget, PodDisruptionBudget) == budget


def test_go_text():
    assert go_text({"b": [1, None, True], "a": {"x": 1.5, "y": 1e21, "z": 3.0}}) == (
        "map[a:map[x:1.5 y:1e+21 z:3] b:[1 <nil> true]]"
    )
