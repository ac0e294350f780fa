"""The CSINode of a node: made with the node, filled by the drivers that register on it.

Follows `pkg/volume/csi/nodeinfomanager` (InitializeCSINodeWithAnnotation).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8slab.api.core_v1 import Node
from k8slab.api.meta_v1 import ObjectMeta, OwnerReference
from k8slab.api.storage_v1 import CSINode, CSINodeSpec
from k8slab.errors import ApiError

if TYPE_CHECKING:
    from k8slab.client import Client

MIGRATED_KEY = "storage.alpha.kubernetes.io/migrated-plugins"
MIGRATED = ("aws-ebs", "azure-disk", "azure-file", "cinder", "gce-pd", "portworx-volume", "vsphere-volume")
"""In-tree plugins whose volumes CSI drivers serve."""


def initialize(client: Client, node: Node) -> None:
    """Make the node's CSINode unless it is there. Raises ApiError where it cannot be made."""
    metadata = node.metadata
    owner = OwnerReference(apiVersion="v1", kind="Node", name=metadata.name, uid=metadata.uid)
    notes = {MIGRATED_KEY: ",".join(f"kubernetes.io/{name}" for name in MIGRATED)}
    own = ObjectMeta(name=metadata.name, annotations=notes, ownerReferences=(owner,))
    try:
        client.create(CSINode(metadata=own, spec=CSINodeSpec(drivers=())))
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise
