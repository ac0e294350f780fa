"""Metrics that learners provide: what an adapter such as prometheus-adapter serves for autoscalers.

``lab.metrics.pods("http_requests", total=300, selector="app=web")`` is an input like any other, journalled. The first
one registers `custom.metrics.k8s.io` (or `external.metrics.k8s.io`) with an APIService; before that there is no such
API.
Follows kubernetes-sigs/custom-metrics-apiserver (`pkg/provider`, `pkg/registry`) and
pkg/controller/podautoscaler/metrics/client.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from k8slab.api.apiregistration_v1 import APIService, APIServiceSpec, ServiceReference
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.quantity import from_milli, milli
from k8slab.api.scheme import NoMatch, Resource, Subresource
from k8slab.api.selector import Selector, parse_labels
from k8slab.controllers.podautoscaler import MetricsError, Sample
from k8slab.errors import ApiError, K8sLabError, not_found

if TYPE_CHECKING:
    from k8slab.cluster.cluster import Cluster

CUSTOM, EXTERNAL = ("custom.metrics.k8s.io", "v1beta2"), ("external.metrics.k8s.io", "v1beta1")
PODS, OBJECT, OUTSIDE = "pods", "object", "external"
READ = ("get",)


class Group:
    """One of the two APIs: what its resources are follows from the metrics that there are."""

    hosted = True

    def __init__(self, adapter: Adapter, place: tuple[str, str]) -> None:
        self.adapter = adapter
        self.group, self.version = place

    @property
    def resources(self) -> tuple[Resource, ...]:
        """For custom metrics one for each kind of object, with a subresource for each metric."""
        if self.group == EXTERNAL[0]:
            names = sorted({one["name"] for one in self.adapter.metrics(OUTSIDE)})
            return tuple(self._resource(name, "ExternalMetricValueList", READ) for name in names)
        found: dict[str, dict[str, None]] = {}
        for one in self.adapter.metrics(PODS, OBJECT):
            found.setdefault(one.get("plural", "pods"), {})[one["name"]] = None
        return tuple(
            self._resource(plural, "MetricValueList", (), tuple(Subresource(name, READ) for name in sorted(names)))
            for plural, names in sorted(found.items())
        )

    def _resource(self, plural: str, kind: str, verbs: tuple[str, ...], more: tuple[Subresource, ...] = ()) -> Resource:
        return Resource(
            group=self.group,
            version=self.version,
            kind=kind,
            plural=plural,
            singular="",
            namespaced=True,
            verbs=verbs,
            subresources=more,
        )

    def answer(self, call: Any) -> dict[str, Any]:
        """The values that a request asks for. Raises ApiError where there are none."""
        adapter, namespace = self.adapter, call.namespace or ""
        head = {"apiVersion": f"{self.group}/{self.version}", "metadata": {}}
        if self.group == EXTERNAL[0]:
            items = adapter.external_items(call.endpoint.plural, namespace, call.options.label_selector)
            return {"kind": "ExternalMetricValueList", **head, "items": items}
        plural, name, metric = call.endpoint.plural, call.name, call.subresource
        items = adapter.custom_items(plural, name, metric, namespace, call.options.label_selector)
        if not items and name != "*":
            raise _unknown(metric, plural, name)
        return {"kind": "MetricValueList", **head, "items": items}


class Adapter:
    """The metrics of a lab that come from elsewhere; what changes them passes the gate.

    >>> from k8slab import Lab
    >>> lab = Lab(workers=1)
    >>> lab.metrics.external("queue_depth", 30, labels={"queue": "orders"})
    >>> lab.metrics
    external queue_depth{queue=orders} 30
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._known: dict[tuple[str, ...], dict[str, Any]] = {}
        self._groups = {place[0]: Group(self, place) for place in (CUSTOM, EXTERNAL)}

    # -- what learners say

    def pods(
        self, name: str, value: Any = None, *, total: Any = None, selector: str = "", namespace: str = "default"
    ) -> None:
        """Let Pods have a metric: each of them ``value``, or all together ``total``, shared evenly by those that run.

        Args:
            name: of the metric, such as ``http_requests_per_second``.
            value, total: a number or a quantity (``"500m"``); exactly one of them.
            selector: which Pods of the namespace; "" is all.

        The same name, selector and namespace again replaces it. Raises K8sLabError for what is no metric.
        """
        if (value is None) == (total is None):
            raise K8sLabError("a metric of Pods has a value for each of them or a total for all, not both")
        shared = total is not None
        amount = _amount(total if shared else value)
        _selector(selector)
        self._enter(type=PODS, name=name, value=amount, shared=shared, selector=selector, namespace=namespace)

    def object(self, name: str, value: Any, about: str, namespace: str = "default") -> None:
        """Let an object have a metric: ``about`` is such as ``service/web`` or ``ingress/shop``.

        Raises K8sLabError for what is no metric, or a kind that is not served.
        """
        kind, slash, target = about.partition("/")
        try:
            resource = self._cluster.server.scheme.resource(kind)
        except NoMatch as error:
            raise K8sLabError(str(error)) from None
        if not slash or not target:
            raise K8sLabError(f"a metric is of an object such as service/web, not of {about!r}")
        plural = resource.group_resource
        self._enter(type=OBJECT, name=name, value=_amount(value), plural=plural, object=target, namespace=namespace)

    def external(
        self, name: str, value: Any, labels: Mapping[str, str] | None = None, namespace: str = "default"
    ) -> None:
        """A metric from outside of the cluster, such as the length of a queue; ``labels`` tell several apart."""
        own = {str(key): str(text) for key, text in sorted((labels or {}).items())}
        self._enter(type=OUTSIDE, name=name, value=_amount(value), labels=own, namespace=namespace)

    def remove(self, name: str) -> None:
        """Forget all metrics of that name. Raises K8sLabError where there is none."""
        if not any(one["name"] == name for one in self._known.values()):
            names = ", ".join(dict.fromkeys(one["name"] for one in self._known.values())) or "none"
            raise K8sLabError(f"there is no metric {name!r}: there are {names}")
        self._enter(type="remove", name=name)

    def apply(self, data: dict[str, Any]) -> None:
        """Do again what a journal tells."""
        self._enter(**data)

    def _enter(self, **data: Any) -> None:
        cluster = self._cluster
        with cluster.gate.lock, cluster.trace.acting("metrics-adapter", note=f"metric {data['name']}"):
            cluster.gate.record("metric", data)
            if data["type"] == "remove":
                self._known = {key: one for key, one in self._known.items() if one["name"] != data["name"]}
            else:
                self._known[_key(data)] = data
            self._publish(EXTERNAL if data["type"] == OUTSIDE else CUSTOM, data["type"] != "remove")

    def _publish(self, place: tuple[str, str], new: bool) -> None:
        """Serve what there is now."""
        server = self._cluster.server
        for resource in server.scheme.all_resources():
            if resource.group in self._groups:
                server.scheme.remove(resource.group, resource.version, resource.plural)
                server.forget_endpoint(resource)
        name = f"{place[1]}.{place[0]}"
        if new and name not in server.aggregator.backends:
            server.create(_service(place))
            server.aggregator.register(self._groups[place[0]])
        server.aggregator.refresh()

    def metrics(self, *types: str) -> list[dict[str, Any]]:
        """What learners have said, of these types."""
        return [one for one in self._known.values() if one["type"] in types]

    def __repr__(self) -> str:
        return "\n".join(_line(one) for one in self._known.values()) or "no metrics but those of metrics-server"

    # -- what is served

    def custom_items(self, plural: str, name: str, metric: str, namespace: str, selector: str) -> list[dict[str, Any]]:
        """MetricValues of objects: of one, or with the name `*` of those that a selector matches."""
        values = self.values(metric, namespace) if plural == "pods" else {}
        for one in self.metrics(OBJECT):
            if (one["plural"], one["name"], one["namespace"]) == (plural, metric, namespace):
                values[one["object"]] = one["value"]
        chosen = {each for each in values if name in ("*", each)}
        if selector and plural == "pods":
            chosen &= {pod.metadata.name for pod in self._pods(namespace, selector)}
        kind = self._cluster.server.scheme.resource(plural)
        time = self._cluster.clock.rfc3339()
        about = {"kind": kind.kind, "namespace": namespace, "apiVersion": kind.api_version if kind.group else "/v1"}
        return [
            {
                "describedObject": {**about, "name": each},
                "metric": {"name": metric, "selector": None},
                "timestamp": time,
                "value": str(from_milli(value)),
            }
            for each, value in sorted(values.items())
            if each in chosen
        ]

    def external_items(self, metric: str, namespace: str, selector: str) -> list[dict[str, Any]]:
        """ExternalMetricValues of a name, as far as their labels match."""
        wanted, time = _selector(selector), self._cluster.clock.rfc3339()
        return [
            {"metricName": metric, "metricLabels": one["labels"], "timestamp": time, "value": str(from_milli(value))}
            for one, value in ((one, one["value"]) for one in self.metrics(OUTSIDE))
            if one["name"] == metric and one["namespace"] == namespace and wanted.matches(one["labels"])
        ]

    def values(self, metric: str, namespace: str) -> dict[str, int]:
        """Thousandths by the names of Pods that run."""
        found: dict[str, int] = {}
        for one in self.metrics(PODS):
            if (one["name"], one["namespace"]) == (metric, namespace):
                pods = self._pods(namespace, one["selector"])
                share = one["value"] // max(1, len(pods)) if one["shared"] else one["value"]
                found |= {pod.metadata.name: share for pod in pods}
        return found

    def _pods(self, namespace: str, selector: str) -> list[Any]:
        wanted = _selector(selector)
        pods = self._cluster.server.peek_all("pods", namespace)
        running = [pod for pod in pods if pod.status is not None and pod.status.phase == "Running"]
        return [pod for pod in running if wanted.matches(pod.metadata.labels or {})]

    # -- what autoscalers ask

    def serves(self, group: str) -> bool:
        """Whether there is such an API: somebody has provided a metric, and its APIService is there."""
        return self._cluster.server.aggregator.serves(group)

    def of_pods(self, name: str, namespace: str, pods: Iterable[Any]) -> dict[str, Sample]:
        """As autoscalers want it. Raises MetricsError where no Pod has such a metric."""
        values, now = self.values(name, namespace), self._cluster.clock.now + self._cluster.clock.epoch
        if not any(one["name"] == name for one in self.metrics(PODS)):
            raise MetricsError(f"unable to fetch metrics from custom metrics API: {_unknown(name, 'pods').message}")
        found = {
            pod.metadata.name: Sample(values[pod.metadata.name], now) for pod in pods if pod.metadata.name in values
        }
        if not found:
            raise MetricsError("no metrics returned from custom metrics API")
        return found

    def of_object(self, name: str, namespace: str, about: Any) -> Sample:
        """As autoscalers want it. Raises MetricsError where the object has no such metric."""
        scheme, clock = self._cluster.server.scheme, self._cluster.clock
        try:
            plural = scheme.resource(about.kind.lower()).group_resource
        except NoMatch as error:
            raise MetricsError(f"unable to fetch metrics from custom metrics API: {error}") from None
        items = self.custom_items(plural, about.name, name, namespace, "")
        if not items:
            why = _unknown(name, plural, about.name).message
            raise MetricsError(f"unable to fetch metrics from custom metrics API: {why}")
        return Sample(milli(items[0]["value"]), clock.now + clock.epoch)

    def outside(self, name: str, namespace: str, selector: str) -> list[int]:
        """As autoscalers want it. Raises MetricsError where there is no such value."""
        items = self.external_items(name, namespace, selector)
        if not items:
            raise MetricsError("no metrics returned from external metrics API")
        return [milli(one["value"]) for one in items]


def _key(data: dict[str, Any]) -> tuple[str, ...]:
    """What a metric is known by."""
    own = [data.get(name, "") for name in ("type", "name", "namespace", "selector", "plural", "object")]
    return (*own, *(f"{key}={text}" for key, text in data.get("labels", {}).items()))


def _amount(value: Any) -> int:
    try:
        return milli(str(value))
    except (ValueError, ApiError):
        raise K8sLabError(f"a metric's value is a number or a quantity such as '500m', not {value!r}") from None


def _selector(text: str) -> Selector:
    try:
        return parse_labels(text)
    except ApiError as error:
        raise K8sLabError(error.message) from None


def _unknown(metric: str, plural: str, name: str = "") -> ApiError:
    error = not_found(plural, name)
    text = f"the server could not find the metric {metric} for {plural}{f' {name}' if name else ''}"
    return ApiError(error.code, error.reason, text, error.details)


def _service(place: tuple[str, str]) -> APIService:
    group, version = place
    reference = ServiceReference(namespace="monitoring", name="prometheus-adapter", port=443)
    spec = APIServiceSpec(
        group=group,
        version=version,
        groupPriorityMinimum=100,
        versionPriority=200 if group == CUSTOM[0] else 100,
        insecureSkipTLSVerify=True,
        service=reference,
    )
    return APIService(metadata=ObjectMeta(name=f"{version}.{group}"), spec=spec)


def _line(one: dict[str, Any]) -> str:
    amount = from_milli(one["value"])
    if one["type"] == OUTSIDE:
        labels = ",".join(f"{key}={text}" for key, text in one["labels"].items())
        return f"external {one['name']}{{{labels}}} {amount}"
    if one["type"] == OBJECT:
        return f"{one['plural']}/{one['object']} {one['name']} {amount}"
    return f"pods{{{one['selector']}}} {one['name']} {amount}{' together' if one['shared'] else ''}"
