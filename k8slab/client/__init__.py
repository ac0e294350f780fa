"""What every component uses to talk to the API server: client, informers, work queues, events, leader election."""

from k8slab.client.client import Client
from k8slab.client.informer import Informer, Informers
from k8slab.client.leaderelection import LeaderElector
from k8slab.client.reconciler import Loop, Request, Result
from k8slab.client.recorder import Recorder, SeriesRecorder
from k8slab.client.workqueue import RateLimiter, WorkQueue

__all__ = [
    "Client",
    "Informer",
    "Informers",
    "LeaderElector",
    "Loop",
    "RateLimiter",
    "Recorder",
    "Request",
    "Result",
    "SeriesRecorder",
    "WorkQueue",
]
