"""Workloads: Deployments, DaemonSets, Jobs (`pkg/registry/apps`, `pkg/registry/batch`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.apiserver.meta import with_meta
from k8slab.apiserver.registry.strategy import ORPHAN, Strategy
from k8slab.apiserver.registry.warnings import workload_warnings

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"


class WorkloadStrategy(Strategy):
    """Rules of kinds whose spec is reconciled: the generation counts its changes."""

    counts_generations = True

    def warnings(self, obj: Any, old: Any, call: Call) -> tuple[str, ...]:
        """What the Pods will be warned about, told once and early."""
        if old is not None and obj.spec is old.spec:
            return ()
        if obj.kind == "CronJob":
            job = obj.spec.jobTemplate.spec
            template, path = job.template if job is not None else None, "spec.jobTemplate.spec.template"
        else:
            template, path = obj.spec.template, "spec.template"
        return tuple(workload_warnings(obj, template, path, is_new=old is None))


class DeploymentStrategy(WorkloadStrategy):
    """Rules of deployments."""

    status_keeps_labels = True

    def wanted_changed(self, obj: Any, old: Any) -> bool:
        """Changes of the annotations count as well."""
        return obj.spec != old.spec or (obj.metadata.annotations or {}) != (old.metadata.annotations or {})


class DaemonSetStrategy(WorkloadStrategy):
    """Rules of daemonsets: an annotation counts the templates."""

    def prepare_create(self, obj: Any, call: Call) -> Any:
        """The first template."""
        return _count_template(super().prepare_create(obj, call), 1)

    def prepare_update(self, obj: Any, old: Any, call: Call) -> Any:
        """A changed template is a new one; the count itself is not for clients to change."""
        count = int((old.metadata.annotations or {}).get(TEMPLATE_GENERATION, 1))
        changed = obj.spec.template != old.spec.template
        return _count_template(super().prepare_update(obj, old, call), count + 1 if changed else count)


def _count_template(obj: Any, count: int) -> Any:
    annotations = obj.metadata.annotations or {}
    if annotations.get(TEMPLATE_GENERATION) == str(count):
        return obj
    return with_meta(obj, annotations=annotations | {TEMPLATE_GENERATION: str(count)})


class ReplicationControllerStrategy(WorkloadStrategy):
    """Rules of replicationcontrollers: their Pods are orphaned unless the request says otherwise."""

    default_propagation = ORPHAN


class JobStrategy(WorkloadStrategy):
    """Rules of jobs: the server makes the selector."""

    default_propagation = ORPHAN

    def prepare_create(self, obj: Any, call: Call) -> Any:
        """Label the Pods with the Job's name and uid, and select them by it, unless `manualSelector` is set."""
        obj = super().prepare_create(obj, call)
        spec, metadata = obj.spec, obj.metadata
        if spec.manualSelector or spec.selector is not None or spec.template is None:
            return obj
        template_meta = spec.template.metadata
        own = template_meta.labels if template_meta is not None else None
        labels = {
            "batch.kubernetes.io/controller-uid": metadata.uid,
            "batch.kubernetes.io/job-name": metadata.name or "",
            "controller-uid": metadata.uid,
            "job-name": metadata.name or "",
        }
        labels = {**(own or {}), **labels}
        if not metadata.labels or metadata.labels == own:
            # Kubernetes' defaulting makes both the same map, so that these labels appear on the Job as well.
            obj = with_meta(obj, labels=labels)
        return obj.replace(spec=_selecting(spec, labels))


def _selecting(spec: Any, labels: dict[str, str]) -> Any:
    from k8slab.api.meta_v1 import LabelSelector, ObjectMeta

    metadata = (spec.template.metadata or ObjectMeta()).replace(labels=labels)
    key = "batch.kubernetes.io/controller-uid"
    selector = LabelSelector(matchLabels={key: labels[key]})
    return spec.replace(selector=selector, template=spec.template.replace(metadata=metadata))
