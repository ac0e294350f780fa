"""The table of everything that a v1.36 API server serves with all features at their defaults: stable groups only."""

from __future__ import annotations

from typing import NamedTuple

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_STATUS = ("get", "patch", "update")
_PROXY = ("create", "delete", "get", "patch", "update")
_STREAM = ("create", "get")

SUBRESOURCES: dict[str, tuple[tuple[str, ...], str, str]] = {
    # name: (verbs, apiVersion, kind); an empty kind is the kind of the resource itself
    "approval": (_STATUS, "", ""),
    "attach": (_STREAM, "", "PodAttachOptions"),
    "binding": (("create",), "", "Binding"),
    "ephemeralcontainers": (_STATUS, "", ""),
    "eviction": (("create",), "policy/v1", "Eviction"),
    "exec": (_STREAM, "", "PodExecOptions"),
    "finalize": (("update",), "", ""),
    "log": (("get",), "", ""),
    "portforward": (_STREAM, "", "PodPortForwardOptions"),
    "proxy": (_PROXY, "", "*ProxyOptions"),
    "resize": (_STATUS, "", ""),
    "scale": (_STATUS, "autoscaling/v1", "Scale"),
    "status": (_STATUS, "", ""),
    "token": (("create",), "authentication.k8s.io/v1", "TokenRequest"),
}


class Row(NamedTuple):
    """One resource of a group-version; cluster-scoped, without short names or subresources unless said otherwise."""

    plural: str
    kind: str
    namespaced: bool = False
    short: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS


_ALL = ("all",)
_EXTENSION = ("api-extensions",)
_CREATE = ("create",)
_POD = "attach binding ephemeralcontainers eviction exec log portforward proxy resize status"

GROUPS: tuple[tuple[str, str, tuple[Row, ...]], ...] = (
    (
        "",
        "v1",
        (
            Row("bindings", "Binding", True, verbs=_CREATE),
            Row("componentstatuses", "ComponentStatus", short=("cs",), verbs=("get", "list")),
            Row("configmaps", "ConfigMap", True, ("cm",)),
            Row("endpoints", "Endpoints", True, ("ep",)),
            Row("events", "Event", True, ("ev",)),
            Row("limitranges", "LimitRange", True, ("limits",)),
            Row(
                "namespaces",
                "Namespace",
                short=("ns",),
                subresources=("finalize", "status"),
                verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
            ),
            Row("nodes", "Node", False, ("no",), ("proxy", "status")),
            Row("persistentvolumeclaims", "PersistentVolumeClaim", True, ("pvc",), ("status",)),
            Row("persistentvolumes", "PersistentVolume", False, ("pv",), ("status",)),
            Row("pods", "Pod", True, ("po",), tuple(_POD.split()), _ALL),
            Row("podtemplates", "PodTemplate", True),
            Row("replicationcontrollers", "ReplicationController", True, ("rc",), ("scale", "status"), _ALL),
            Row("resourcequotas", "ResourceQuota", True, ("quota",), ("status",)),
            Row("secrets", "Secret", True),
            Row("serviceaccounts", "ServiceAccount", True, ("sa",), ("token",)),
            Row("services", "Service", True, ("svc",), ("proxy", "status"), _ALL),
        ),
    ),
    (
        "apiregistration.k8s.io",
        "v1",
        (Row("apiservices", "APIService", False, (), ("status",), _EXTENSION),),
    ),
    (
        "apps",
        "v1",
        (
            Row("controllerrevisions", "ControllerRevision", True),
            Row("daemonsets", "DaemonSet", True, ("ds",), ("status",), _ALL),
            Row("deployments", "Deployment", True, ("deploy",), ("scale", "status"), _ALL),
            Row("replicasets", "ReplicaSet", True, ("rs",), ("scale", "status"), _ALL),
            Row("statefulsets", "StatefulSet", True, ("sts",), ("scale", "status"), _ALL),
        ),
    ),
    ("events.k8s.io", "v1", (Row("events", "Event", True, ("ev",)),)),
    (
        "authentication.k8s.io",
        "v1",
        (
            Row("selfsubjectreviews", "SelfSubjectReview", verbs=_CREATE),
            Row("tokenreviews", "TokenReview", verbs=_CREATE),
        ),
    ),
    (
        "authorization.k8s.io",
        "v1",
        (
            Row("localsubjectaccessreviews", "LocalSubjectAccessReview", True, verbs=_CREATE),
            Row("selfsubjectaccessreviews", "SelfSubjectAccessReview", verbs=_CREATE),
            Row("selfsubjectrulesreviews", "SelfSubjectRulesReview", verbs=_CREATE),
            Row("subjectaccessreviews", "SubjectAccessReview", verbs=_CREATE),
        ),
    ),
    (
        "autoscaling",
        "v2",
        (Row("horizontalpodautoscalers", "HorizontalPodAutoscaler", True, ("hpa",), ("status",), _ALL),),
    ),
    (
        "autoscaling",
        "v1",
        (Row("horizontalpodautoscalers", "HorizontalPodAutoscaler", True, ("hpa",), ("status",), _ALL),),
    ),
    (
        "batch",
        "v1",
        (
            Row("cronjobs", "CronJob", True, ("cj",), ("status",), _ALL),
            Row("jobs", "Job", True, (), ("status",), _ALL),
        ),
    ),
    (
        "certificates.k8s.io",
        "v1",
        (Row("certificatesigningrequests", "CertificateSigningRequest", False, ("csr",), ("approval", "status")),),
    ),
    (
        "networking.k8s.io",
        "v1",
        (
            Row("ingressclasses", "IngressClass"),
            Row("ingresses", "Ingress", True, ("ing",), ("status",)),
            Row("ipaddresses", "IPAddress", False, ("ip",)),
            Row("networkpolicies", "NetworkPolicy", True, ("netpol",)),
            Row("servicecidrs", "ServiceCIDR", False, (), ("status",)),
        ),
    ),
    ("policy", "v1", (Row("poddisruptionbudgets", "PodDisruptionBudget", True, ("pdb",), ("status",)),)),
    (
        "rbac.authorization.k8s.io",
        "v1",
        (
            Row("clusterrolebindings", "ClusterRoleBinding"),
            Row("clusterroles", "ClusterRole"),
            Row("rolebindings", "RoleBinding", True),
            Row("roles", "Role", True),
        ),
    ),
    (
        "storage.k8s.io",
        "v1",
        (
            Row("csidrivers", "CSIDriver"),
            Row("csinodes", "CSINode"),
            Row("csistoragecapacities", "CSIStorageCapacity", True),
            Row("storageclasses", "StorageClass", False, ("sc",)),
            Row("volumeattachments", "VolumeAttachment", False, (), ("status",)),
            Row("volumeattributesclasses", "VolumeAttributesClass", False, ("vac",)),
        ),
    ),
    (
        "admissionregistration.k8s.io",
        "v1",
        (
            Row("mutatingadmissionpolicies", "MutatingAdmissionPolicy", categories=_EXTENSION),
            Row("mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding", categories=_EXTENSION),
            Row("mutatingwebhookconfigurations", "MutatingWebhookConfiguration", categories=_EXTENSION),
            Row("validatingadmissionpolicies", "ValidatingAdmissionPolicy", False, (), ("status",), _EXTENSION),
            Row("validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", categories=_EXTENSION),
            Row("validatingwebhookconfigurations", "ValidatingWebhookConfiguration", categories=_EXTENSION),
        ),
    ),
    (
        "apiextensions.k8s.io",
        "v1",
        (
            Row(
                "customresourcedefinitions", "CustomResourceDefinition", False, ("crd", "crds"), ("status",), _EXTENSION
            ),
        ),
    ),
    ("scheduling.k8s.io", "v1", (Row("priorityclasses", "PriorityClass", False, ("pc",)),)),
    ("coordination.k8s.io", "v1", (Row("leases", "Lease", True),)),
    ("node.k8s.io", "v1", (Row("runtimeclasses", "RuntimeClass"),)),
    ("discovery.k8s.io", "v1", (Row("endpointslices", "EndpointSlice", True),)),
    (
        "resource.k8s.io",
        "v1",
        (
            Row("deviceclasses", "DeviceClass"),
            Row("resourceclaims", "ResourceClaim", True, (), ("status",)),
            Row("resourceclaimtemplates", "ResourceClaimTemplate", True),
            Row("resourceslices", "ResourceSlice"),
        ),
    ),
    (
        "flowcontrol.apiserver.k8s.io",
        "v1",
        (
            Row("flowschemas", "FlowSchema", False, (), ("status",)),
            Row("prioritylevelconfigurations", "PriorityLevelConfiguration", False, (), ("status",)),
        ),
    ),
)
"""(group, version, rows) in the order of discovery."""

EXTRA_KINDS: tuple[tuple[str, str], ...] = (
    ("v1", "Status"),
    ("v1", "APIGroup"),
    ("v1", "APIGroupList"),
    ("v1", "APIResourceList"),
    ("v1", "APIVersions"),
    ("v1", "SerializedReference"),
    ("autoscaling/v1", "Scale"),
    ("policy/v1", "Eviction"),
    ("authentication.k8s.io/v1", "TokenRequest"),
)
"""Kinds that can be sent or received but have no resource of their own."""

META_KINDS = frozenset({"Status", "APIGroup", "APIGroupList", "APIResourceList", "APIVersions"})

STORAGE: dict[tuple[str, str], tuple[str, str]] = {
    ("autoscaling/v1", "HorizontalPodAutoscaler"): ("autoscaling", "v2"),
    ("events.k8s.io/v1", "Event"): ("", "v1"),
    ("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicy"): ("admissionregistration.k8s.io", "v1beta1"),
    ("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicyBinding"): ("admissionregistration.k8s.io", "v1beta1"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): ("apiextensions.k8s.io", "v1beta1"),
}
"""(apiVersion, kind) -> (group, version) that goes to etcd, where it is not the version of the request."""

UNTYPED = frozenset({"custom.metrics.k8s.io", "external.metrics.k8s.io"})
"""Groups that are served behind this API server without schemas."""
