"""The process that runs the cloud's controllers (cmd/cloud-controller-manager)."""

from __future__ import annotations

from k8slab.controllers.cloud.lifecycle import CloudNodeLifecycleController
from k8slab.controllers.cloud.node import CloudNodeController
from k8slab.controllers.cloud.route import RouteController
from k8slab.controllers.cloud.service import ServiceLoadBalancerController
from k8slab.controllers.manager import ControllerManager


class CloudControllerManager(ControllerManager):
    """Node, node lifecycle, route and service controllers, and the Lease for which several of these compete."""

    name = "cloud-controller-manager"
    lease = "cloud-controller-manager"
    known = (CloudNodeController, CloudNodeLifecycleController, ServiceLoadBalancerController, RouteController)
