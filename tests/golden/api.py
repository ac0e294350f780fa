"""Replays recorded requests to a real API server in process and compares the answers.

Left out of the comparison, besides what the recordings' README says: `managedFields`, the long descriptions of Table
columns, and the difference between a field that is null and one that is absent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from k8slab.api.core_v1 import Namespace, ServiceAccount
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.request import ADMIN, ANONYMOUS, ListBody, Request, Response, UserInfo, WatchEvent
from k8slab.api.wire import to_wire
from k8slab.apiserver import APIServer
from k8slab.apiserver.authorization import Attributes, refusal
from k8slab.apiserver.discovery import discover
from k8slab.apiserver.presentation import present
from k8slab.apiserver.routes import locate, request_for
from k8slab.errors import ApiError
from k8slab.etcd.store import Store
from k8slab.sim.clock import MILLISECOND, SECOND, Clock
from k8slab.sim.seed import Streams
from k8slab.sim.trace import Trace
from tests.golden.placeholders import Bindings, differences

ALICE = UserInfo(name="alice", groups=("developers", "system:authenticated"))
USERS = {"admin": ADMIN, "alice": ALICE, "<none>": ANONYMOUS}
RECORDED_ADDRESS = "127.0.0.1:26443"
NO_DEFAULT_ACCOUNT = "clash/namespace-without-default-serviceaccount"
SHOWN, WIDTH = 12, 600


class Recorder:
    """One API server, and what the recorder did besides the requests."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.store = Store()
        self.trace = Trace(self.clock)
        self.server = self._start(7)
        self.server.bootstrap()
        # The recorded server was started on a cluster that had existed for a while.
        self.server = self._start(8)
        self.cluster_scoped: list[tuple[str, str, str, str]] = []

    def _start(self, seed: int) -> APIServer:
        cidr, mode = "10.96.0.0/16", "Node,RBAC"
        streams = Streams(seed)
        return APIServer(self.store, self.clock, streams, self.trace, service_cidr=cidr, authorization_mode=mode)

    def begin(self, namespace: str | None, case: str) -> None:
        # A case took less than a second, and managers are sorted by the second of their last write.
        self.clock.run_until(-(-self.clock.now // SECOND) * SECOND)
        if not namespace:
            return
        self.server.create(Namespace(metadata=ObjectMeta(name=namespace)))
        if case != NO_DEFAULT_ACCOUNT:
            self.server.create(ServiceAccount(metadata=ObjectMeta(name="default", namespace=namespace)))

    def end(self) -> None:
        """Remove the cluster-scoped objects of a case, as the recorder did."""
        for group, version, resource, name in self.cluster_scoped:
            target: dict[str, Any] = {"resource": resource, "group": group, "version": version, "name": name}
            patch = {"metadata": {"finalizers": None}}
            content_type = "application/merge-patch+json"
            self.server.handle(Request(verb="patch", body=patch, content_type=content_type, **target))
            self.server.handle(Request(verb="delete", **target))
        self.cluster_scoped = []

    def send(self, recorded: dict[str, Any]) -> tuple[Response, Request | None]:
        headers = recorded.get("headers") or {}
        accept = headers.get("Accept", "")
        user = USERS.get(recorded.get("user", "admin"), ADMIN)
        if not _is_resource(recorded["path"]):
            wanted = Attributes(user=user, verb=recorded["method"].lower(), path=recorded["path"])
            decision = self.server.authorizer.authorize(wanted)
            if not decision.allowed:
                refused = refusal(wanted, decision.reason)
                return Response(refused.code, refused.status()), None
        if recorded["method"] == "GET":
            found = discover(self.server.scheme, recorded["path"], accept, RECORDED_ADDRESS)
            if found is not None:
                return found, None
        try:
            request = request_for(
                recorded["method"],
                recorded["path"],
                recorded.get("query"),
                recorded.get("body"),
                headers.get("Content-Type", "application/json"),
                user,
            )
        except ApiError as error:
            return Response(error.code, error.status()), None
        if request.verb == "watch":
            return self._watch(request, accept), request
        response = present(self.server, request, self.server.handle(request), accept)
        if request.verb == "create" and request.namespace is None and response.code == 201 and not request.subresource:
            name = (plain(response.body).get("metadata") or {}).get("name")
            if name and request.resource != "namespaces":
                self.cluster_scoped.append((request.group, request.version, request.resource, name))
        return response, request

    def _watch(self, request: Request, accept: str) -> Response:
        """What arrives until the watch times out; changes made meanwhile are the runner's business."""
        events: list[WatchEvent] = []
        response = self.server.handle(request.replace(sink=events.append))
        if not response.is_success:
            return response
        self.during(request)
        self.clock.run_for((request.options.timeout_seconds or 1) * SECOND + 10 * MILLISECOND)
        response.body.stop()
        shown = []
        for event in events:
            body = event.object
            if event.type != "ERROR":
                body = present(self.server, request, Response(200, body), accept).body
            shown.append({"type": event.type, "object": body})
        return Response(200, shown)

    def differences(self, wanted: dict[str, str]) -> list[str]:
        """How the last answer's headers differ from the recorded ones: in process there are none."""
        return []

    def close(self) -> None:
        """Nothing is held."""

    def during(self, request: Request) -> None:
        """The steps that a note says were done while the watch was open."""
        for method, path, query, body, content_type in self.meanwhile:
            self.clock.run_for(20 * MILLISECOND)
            self.server.handle(request_for(method, path, query, body, content_type))
        self.meanwhile = []

    meanwhile: list[tuple[str, str, dict[str, str], Any, str]] = []


def _is_resource(path: str) -> bool:
    """Whether a path belongs to a resource, if only to one that is not served."""
    try:
        return locate(path) is not None
    except ApiError:
        return True


MERGE = "application/merge-patch+json"


def meanwhile(entry: dict[str, Any]) -> list[tuple[str, str, dict[str, str], Any, str]]:
    """The steps named by the note of a recorded watch."""
    note, path = entry.get("note", ""), entry["request"]["path"]
    if "meanwhile: create a (x=1), create b" in note:
        cm = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"k": "v"}}
        a = cm | {"metadata": {"name": "a", "labels": {"x": "1"}}}
        b = cm | {"metadata": {"name": "b"}}
        return [
            ("POST", path, {}, a, "application/json"),
            ("POST", path, {}, b, "application/json"),
            ("PATCH", f"{path}/a", {}, {"data": {"k": "2"}}, MERGE),
            ("PATCH", f"{path}/a", {}, {"data": {"k": "2"}}, MERGE),
            ("PATCH", f"{path}/a", {}, {"metadata": {"labels": {"x": "2"}}}, MERGE),
            ("PATCH", f"{path}/a", {}, {"metadata": {"labels": {"x": "1"}}}, MERGE),
            ("DELETE", f"{path}/a", {}, None, ""),
            ("DELETE", f"{path}/b", {}, None, ""),
        ]
    if "meanwhile: create, bind, status Running" in note:
        pod = next(event["object"] for event in entry["response"]["body"] if event["type"] == "ADDED")
        spec = {"containers": [{key: pod["spec"]["containers"][0][key] for key in ("name", "image")}]}
        for key in ("automountServiceAccountToken",):
            if key in pod["spec"]:
                spec[key] = pod["spec"][key]
        name = pod["metadata"]["name"]
        labels = {"labels": pod["metadata"]["labels"]} if "labels" in pod["metadata"] else {}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **labels}, "spec": spec}
        bind = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name},
            "target": {"kind": "Node", "name": "nx"},
        }
        return [
            ("POST", path, {}, body, "application/json"),
            ("POST", f"{path}/{name}/binding", {}, bind, "application/json"),
            ("PATCH", f"{path}/{name}/status", {}, {"status": {"phase": "Running"}}, MERGE),
            ("DELETE", f"{path}/{name}", {}, None, ""),
            ("DELETE", f"{path}/{name}", {"gracePeriodSeconds": "0"}, None, ""),
        ]
    return []


def plain(body: Any) -> Any:
    """An answer as the JSON that would go over the wire."""
    if isinstance(body, ListBody):
        metadata: dict[str, Any] = {"resourceVersion": body.resourceVersion}
        if body.continue_ or body.custom:
            metadata["continue"] = body.continue_
        if body.remainingItemCount is not None:
            metadata["remainingItemCount"] = body.remainingItemCount
        items = [
            {key: value for key, value in plain(item).items() if body.custom or key not in ("kind", "apiVersion")}
            for item in body.items
        ]
        return {"kind": body.kind, "apiVersion": body.apiVersion, "metadata": metadata, "items": items}
    if isinstance(body, str):
        return body
    return to_wire(body)


def stripped(value: Any, keep_managed: bool = False) -> Any:
    """Without what is not compared."""
    if isinstance(value, dict):
        columns = "columnDefinitions" in value
        result = {}
        for key, item in value.items():
            if key == "managedFields" and not (keep_managed and isinstance(item, list)):
                continue
            if columns and key == "columnDefinitions":
                item = [{k: v for k, v in column.items() if k != "description"} for column in item or ()]
            result[key] = stripped(item, keep_managed)
        return result
    if isinstance(value, list):
        return [stripped(item, keep_managed) for item in value]
    return MANAGED_IN_TEXT.sub("", value) if isinstance(value, str) else value


MANAGED_CASES = ("patch/server-side-apply", "patch/apply-create-and-lists")
"""Where the recordings hold managedFields."""
MANAGED_IN_TEXT = re.compile(r',\\*"managedFields\\*":\[.*?\]')


def compare(entry: dict[str, Any], response: Response, bindings: Bindings) -> list[str]:
    """How an answer differs from the recorded one."""
    wanted = entry["response"]
    found = [] if wanted["code"] == response.code else [f"code: recorded {wanted['code']} got {response.code}"]
    body, recorded = plain(response.body), wanted["body"]
    if isinstance(recorded, str) and not isinstance(body, str):
        recorded = yaml.safe_load(recorded)
    if isinstance(body, list) or entry["request"].get("query", {}).get("watch") == "true":
        recorded, body = _comparable_events(recorded, body)
    whole = entry["case"] in MANAGED_CASES
    found += differences(stripped(recorded, whole), stripped(body, whole), bindings)
    headers = wanted.get("headers") or {}
    warnings = [text.split(" ", 2)[2] for text in headers.get("Warning") or ()]
    got = ['"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in response.warnings]
    if warnings != got:
        found.append(f"warnings: recorded {warnings} got {got}")
    return found


def _comparable_events(recorded: Any, body: Any) -> tuple[Any, Any]:
    """Streams of events without those bookmarks whose time is the server's choice; a lone answer is a list of one."""
    recorded = [recorded] if isinstance(recorded, dict) and isinstance(body, list) else recorded
    body = [body] if isinstance(body, dict) and isinstance(recorded, list) else body
    return _without_bookmarks(recorded), _without_bookmarks(body)


def _without_bookmarks(events: Any) -> Any:
    if not isinstance(events, list):
        return events
    kept = []
    for event in events:
        if event.get("type") == "BOOKMARK":
            metadata = event["object"]["metadata"]
            if "annotations" not in metadata:
                continue
            event = event | {"object": event["object"] | {"metadata": metadata | {"resourceVersion": "any"}}}
        kept.append(event)
    return kept


def cases(path: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The entries of a file, by case."""
    current: list[dict[str, Any]] = []
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        if current and entry["case"] != current[0]["case"]:
            yield current[0]["case"], current
            current = []
        current.append(entry)
    if current:
        yield current[0]["case"], current


def unrecorded(entries: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the recorder created in a case without showing it: the targets of deletions that no request made."""
    made = {entry["response"]["body"]["metadata"].get("name") for entry in entries if entry["response"]["code"] == 201}
    samples: dict[str, dict[str, Any]] = {}
    for entry in entries:
        body = entry["response"]["body"]
        collection = entry["request"]["path"].rpartition("/")[0]
        if entry["response"]["code"] == 200 and isinstance(body, dict) and "spec" in body:
            samples.setdefault(collection, body)
    for entry in entries:
        collection, _, name = entry["request"]["path"].rpartition("/")
        fresh = entry["request"]["method"] == "DELETE" and entry["response"]["code"] == 200 and name not in made
        if fresh and collection in samples:
            made.add(name)
            yield collection, _wish(samples[collection], name)


def _wish(sample: dict[str, Any], name: str) -> dict[str, Any]:
    """What must have been sent to get an object like the sample."""
    spec = dict(sample["spec"])
    if sample["kind"] == "Job":
        spec.pop("selector")
        spec["template"] = {"spec": spec["template"]["spec"]}
    labels = {} if sample["kind"] == "Job" else {"labels": sample["metadata"].get("labels")}
    metadata = {"name": name, **labels}
    return {"apiVersion": sample["apiVersion"], "kind": sample["kind"], "metadata": metadata, "spec": spec}


def replay(recorder: Recorder, case: str, entries: list[dict[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    """Each request's id with its differences."""
    bindings = Bindings()
    recorder.begin(entries[0].get("namespace"), case)
    for path, body in unrecorded(entries):
        recorder.server.handle(request_for("POST", path, body=body))
    for entry in entries:
        recorder.clock.run_for(20 * MILLISECOND)
        recorder.meanwhile = meanwhile(entry)
        recorded = dict(entry["request"])
        recorded["query"] = bindings.fill(recorded.get("query") or {})
        recorded["path"] = bindings.fill(recorded["path"])
        if recorded.get("body") is not None:
            recorded["body"] = stripped(bindings.fill(recorded["body"]), keep_managed=True)
        try:
            response, _ = recorder.send(recorded)
            found = compare(entry, response, bindings)
            yield entry["id"], found + recorder.differences(entry["response"].get("headers") or {})
        except Exception as error:
            yield entry["id"], [f"{type(error).__name__}: {error}"]
    recorder.end()


def main(folder: Path, *only: str) -> int:
    """Replay all files of a folder (or those named), with `--http` over HTTPS; 0 when everything is equal."""
    over_http, only = "--http" in only, tuple(name for name in only if name != "--http")
    equal = total = 0
    for path in sorted(folder.glob("*.jsonl")):
        if only and path.stem not in only and not any("/" in name and name.startswith(path.stem) for name in only):
            continue
        file_equal, file_total = _run_file(path, only, over_http)
        print(f"  {path.stem}: {file_equal}/{file_total}")
        equal, total = equal + file_equal, total + file_total
    print(f"api: {equal}/{total}")
    return 0 if equal == total else 1


def _recorder(over_http: bool) -> Recorder:
    if not over_http:
        return Recorder()
    from tests.golden.overhttp import HttpRecorder

    return HttpRecorder()


def _run_file(path: Path, only: tuple[str, ...], over_http: bool = False) -> tuple[int, int]:
    equal = total = 0
    recorder = _recorder(over_http)
    for case, entries in cases(path):
        if any("/" in name for name in only) and not any(case.startswith(name.partition("#")[0]) for name in only):
            continue
        for name, found in replay(recorder, case, entries):
            total += 1
            if not found:
                equal += 1
                continue
            print(f"{name}")
            for text in found[:SHOWN]:
                print(f"    {text[:WIDTH]}")
    recorder.close()
    return equal, total
