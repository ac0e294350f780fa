"""kube-scheduler: the framework, its default plugins, queue, preemption, and explanations of every decision."""

from k8slab.scheduler.explanation import Explanation
from k8slab.scheduler.framework import Code, CycleState, Plugin, PluginError, Status, unresolvable, unschedulable
from k8slab.scheduler.profile import ConfigurationError
from k8slab.scheduler.scheduler import Scheduler

__all__ = [
    "Code",
    "ConfigurationError",
    "CycleState",
    "Explanation",
    "Plugin",
    "PluginError",
    "Scheduler",
    "Status",
    "unresolvable",
    "unschedulable",
]
