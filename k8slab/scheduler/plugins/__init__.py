"""The plugins of kube-scheduler, one file each, and the registry of their names."""

from __future__ import annotations

from k8slab.scheduler.framework import Plugin
from k8slab.scheduler.plugins.balanced_allocation import NodeResourcesBalancedAllocation
from k8slab.scheduler.plugins.default_binder import DefaultBinder
from k8slab.scheduler.plugins.default_preemption import DefaultPreemption
from k8slab.scheduler.plugins.dynamic_resources import DynamicResources
from k8slab.scheduler.plugins.fit import NodeResourcesFit
from k8slab.scheduler.plugins.image_locality import ImageLocality
from k8slab.scheduler.plugins.inter_pod_affinity import InterPodAffinity
from k8slab.scheduler.plugins.node_affinity import NodeAffinity
from k8slab.scheduler.plugins.node_name import NodeName
from k8slab.scheduler.plugins.node_ports import NodePorts
from k8slab.scheduler.plugins.node_unschedulable import NodeUnschedulable
from k8slab.scheduler.plugins.node_volume_limits import NodeVolumeLimits
from k8slab.scheduler.plugins.pod_topology_spread import PodTopologySpread
from k8slab.scheduler.plugins.priority_sort import PrioritySort
from k8slab.scheduler.plugins.scheduling_gates import SchedulingGates
from k8slab.scheduler.plugins.taint_toleration import TaintToleration
from k8slab.scheduler.plugins.volume_binding import VolumeBinding
from k8slab.scheduler.plugins.volume_restrictions import VolumeRestrictions
from k8slab.scheduler.plugins.volume_zone import VolumeZone

DEFAULT_PLUGINS: tuple[tuple[type[Plugin], int], ...] = (
    (SchedulingGates, 0),
    (PrioritySort, 0),
    (NodeUnschedulable, 0),
    (NodeName, 0),
    (TaintToleration, 3),
    (NodeAffinity, 2),
    (NodePorts, 0),
    (NodeResourcesFit, 1),
    (VolumeRestrictions, 0),
    (NodeVolumeLimits, 0),
    (VolumeBinding, 0),
    (VolumeZone, 0),
    (PodTopologySpread, 2),
    (InterPodAffinity, 2),
    (DynamicResources, 2),
    (DefaultPreemption, 0),
    (NodeResourcesBalancedAllocation, 1),
    (ImageLocality, 1),
    (DefaultBinder, 0),
)
"""The default profile in order, with weights (0: none given), as in apis/config/v1/default_plugins.go."""

REGISTRY: dict[str, type[Plugin]] = {plugin.name: plugin for plugin, _ in DEFAULT_PLUGINS}
"""All plugins that a configuration may name."""
