"""Job: runs Pods until enough of them have succeeded."""

from k8slab.controllers.job.job import JobController
from k8slab.controllers.job.ttl import TTLAfterFinishedController

__all__ = ["JobController", "TTLAfterFinishedController"]
