"""All controllers of kube-controller-manager, in the order in which they are started."""

from __future__ import annotations

from k8slab.controllers.attachdetach import AttachDetachController
from k8slab.controllers.certificates import (
    CertificateApprovingController,
    CertificateCleaner,
    CertificateSigningController,
)
from k8slab.controllers.clusterroleaggregation import ClusterRoleAggregation
from k8slab.controllers.controller import Controller
from k8slab.controllers.cronjob import CronJobController
from k8slab.controllers.daemonset import DaemonSetController
from k8slab.controllers.deployment import DeploymentController
from k8slab.controllers.disruption import DisruptionController
from k8slab.controllers.endpointslice import (
    EndpointsController,
    EndpointSliceController,
    EndpointSliceMirroringController,
)
from k8slab.controllers.ephemeral import EphemeralVolumeController
from k8slab.controllers.expand import ExpandController
from k8slab.controllers.garbagecollector import GarbageCollector
from k8slab.controllers.job import JobController, TTLAfterFinishedController
from k8slab.controllers.namespace import NamespaceController
from k8slab.controllers.nodeipam import NodeIPAMController
from k8slab.controllers.nodelifecycle import NodeLifecycleController
from k8slab.controllers.persistentvolume import (
    AttributesProtection,
    ClaimProtection,
    PersistentVolumeBinder,
    VolumeProtection,
)
from k8slab.controllers.podautoscaler import HorizontalPodAutoscalerController
from k8slab.controllers.podgc import PodGarbageCollector
from k8slab.controllers.policystatus import PolicyStatusController
from k8slab.controllers.replicaset import ReplicaSetController, ReplicationController
from k8slab.controllers.resourcequota import ResourceQuotaController
from k8slab.controllers.rootca import RootCAPublisher
from k8slab.controllers.serviceaccounts import LegacyTokenCleaner, ServiceAccountController, TokensController
from k8slab.controllers.statefulset import StatefulSetController
from k8slab.controllers.tainteviction import TaintEvictionController
from k8slab.controllers.ttl import TTLController

CONTROLLERS: tuple[type[Controller], ...] = (
    ServiceAccountController,
    RootCAPublisher,
    ClusterRoleAggregation,
    NamespaceController,
    NodeIPAMController,
    TTLController,
    NodeLifecycleController,
    TaintEvictionController,
    DeploymentController,
    ReplicaSetController,
    ReplicationController,
    StatefulSetController,
    DaemonSetController,
    JobController,
    TTLAfterFinishedController,
    CronJobController,
    EndpointsController,
    EndpointSliceController,
    EndpointSliceMirroringController,
    GarbageCollector,
    PodGarbageCollector,
    DisruptionController,
    HorizontalPodAutoscalerController,
    ResourceQuotaController,
    PersistentVolumeBinder,
    AttachDetachController,
    ExpandController,
    ClaimProtection,
    VolumeProtection,
    AttributesProtection,
    EphemeralVolumeController,
    CertificateSigningController,
    CertificateApprovingController,
    CertificateCleaner,
    TokensController,
    LegacyTokenCleaner,
    PolicyStatusController,
)
