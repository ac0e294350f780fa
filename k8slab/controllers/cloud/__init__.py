"""cloud-controller-manager: the controllers that know the cloud, and a simulated cloud for them to know."""

from k8slab.controllers.cloud.component import CloudControllerManager
from k8slab.controllers.cloud.provider import APIS, Cloud, CloudError, Machine

__all__ = ["APIS", "Cloud", "CloudControllerManager", "CloudError", "Machine"]
