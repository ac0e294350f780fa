"""Resources whose requests speak another version than the store.

autoscaling/v1 autoscalers are stored as v2, events.k8s.io Events as core Events
(`pkg/apis/events/v1/conversion.go`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8slab.api import core_v1, events_v1
from k8slab.api.scheme import Resource
from k8slab.apiserver.registry.autoscaling import scaler_from_v2, scaler_to_v2

Convert = Callable[[Any], Any]


def conversions(resource: Resource) -> tuple[Convert | None, Convert | None]:
    """How objects of the resource go to the store and come back; None where they go as they are."""
    return _CONVERSIONS.get((resource.api_version, resource.kind), (None, None))


def event_to_core(event: Any) -> core_v1.Event:
    """An events.k8s.io Event as a core Event."""
    return core_v1.Event(
        metadata=event.metadata,
        involvedObject=event.regarding or core_v1.ObjectReference(),
        related=event.related,
        reason=event.reason,
        message=event.note,
        type=event.type,
        action=event.action,
        eventTime=event.eventTime,
        series=_series(core_v1.EventSeries, event.series),
        reportingComponent=event.reportingController or "",
        reportingInstance=event.reportingInstance or "",
        source=event.deprecatedSource or core_v1.EventSource(),
        firstTimestamp=event.deprecatedFirstTimestamp,
        lastTimestamp=event.deprecatedLastTimestamp,
        count=event.deprecatedCount,
    )


def event_from_core(event: Any) -> events_v1.Event:
    """A core Event as an events.k8s.io Event."""
    return events_v1.Event(
        metadata=event.metadata,
        regarding=event.involvedObject,
        related=event.related,
        reason=event.reason,
        note=event.message,
        type=event.type,
        action=event.action,
        eventTime=event.eventTime,
        series=_series(events_v1.EventSeries, event.series),
        reportingController=event.reportingComponent or None,
        reportingInstance=event.reportingInstance or None,
        deprecatedSource=event.source,
        deprecatedFirstTimestamp=event.firstTimestamp,
        deprecatedLastTimestamp=event.lastTimestamp,
        deprecatedCount=event.count,
    )


def _series(cls: type, series: Any) -> Any:
    return None if series is None else cls(count=series.count, lastObservedTime=series.lastObservedTime)


_CONVERSIONS: dict[tuple[str, str], tuple[Convert, Convert]] = {
    ("events.k8s.io/v1", "Event"): (event_to_core, event_from_core),
    ("autoscaling/v1", "HorizontalPodAutoscaler"): (scaler_to_v2, scaler_from_v2),
}
