"""Which addresses are behind a Service: EndpointSlices, the legacy Endpoints, and mirrors of hand-made Endpoints."""

from k8slab.controllers.endpointslice.endpoints import EndpointsController
from k8slab.controllers.endpointslice.endpointslice import EndpointSliceController
from k8slab.controllers.endpointslice.mirroring import EndpointSliceMirroringController

__all__ = ["EndpointSliceController", "EndpointSliceMirroringController", "EndpointsController"]
