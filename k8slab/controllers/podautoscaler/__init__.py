"""HorizontalPodAutoscalers: how many replicas the measured load calls for."""

from k8slab.controllers.podautoscaler.horizontal import HorizontalPodAutoscalerController
from k8slab.controllers.podautoscaler.metrics import Metrics, MetricsError, NoMetrics, Sample

__all__ = ["HorizontalPodAutoscalerController", "Metrics", "MetricsError", "NoMetrics", "Sample"]
