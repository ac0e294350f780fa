"""The columns of each kind (`pkg/printers/internalversion/printers.go`).

Written as `Name:type`, `*` for columns that only `-o wide` shows; the type is string unless given.
"""

from __future__ import annotations

from functools import cache

COLUMNS: dict[tuple[str, str], str] = {
    ("", "componentstatuses"): "Name Status Message Error",
    ("", "configmaps"): "Name Data Age",
    ("", "endpoints"): "Name Endpoints Age",
    ("", "events"): "Last_Seen Type Reason Object Subobject* Source* Message First_Seen* Count* Name*",
    ("", "limitranges"): "Name Created_At:date",
    ("", "namespaces"): "Name Status Age",
    ("", "nodes"): (
        "Name Status Roles Age Version Internal-IP* External-IP* OS-Image* Kernel-Version* Container-Runtime*"
    ),
    ("", "persistentvolumeclaims"): (
        "Name Status Volume Capacity Access_Modes StorageClass VolumeAttributesClass Age VolumeMode*"
    ),
    ("", "persistentvolumes"): (
        "Name Capacity Access_Modes Reclaim_Policy Status Claim StorageClass "
        "VolumeAttributesClass Reason Age VolumeMode*"
    ),
    ("", "pods"): "Name Ready Status Restarts Age IP* Node* Nominated_Node* Readiness_Gates*",
    ("", "podtemplates"): "Name Containers Images Pod_Labels",
    ("", "replicationcontrollers"): (
        "Name Desired:integer Current:integer Ready:integer Age Containers* Images* Selector*"
    ),
    ("", "resourcequotas"): "Name Request Limit Age",
    ("", "secrets"): "Name Type Data Age",
    ("", "serviceaccounts"): "Name Age",
    ("", "services"): "Name Type Cluster-IP External-IP Port(s) Age Selector*",
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"): "Name Webhooks:integer Age",
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations"): "Name Webhooks:integer Age",
    ("admissionregistration.k8s.io", "validatingadmissionpolicies"): "Name Validations:integer ParamKind Age",
    ("admissionregistration.k8s.io", "validatingadmissionpolicybindings"): "Name PolicyName ParamRef Age",
    ("admissionregistration.k8s.io", "mutatingadmissionpolicies"): "Name Mutations:integer ParamKind Age",
    ("admissionregistration.k8s.io", "mutatingadmissionpolicybindings"): "Name PolicyName ParamRef Age",
    ("apiextensions.k8s.io", "customresourcedefinitions"): "Name Created_At:date",
    ("apiregistration.k8s.io", "apiservices"): "Name Service Available Age",
    ("apps", "controllerrevisions"): "Name Controller Revision Age",
    ("apps", "daemonsets"): (
        "Name Desired:integer Current:integer Ready:integer Up-to-date:integer Available:integer Node_Selector Age "
        "Containers* Images* Selector*"
    ),
    ("apps", "deployments"): "Name Ready Up-to-date Available Age Containers* Images* Selector*",
    ("apps", "replicasets"): "Name Desired:integer Current:integer Ready:integer Age Containers* Images* Selector*",
    ("apps", "statefulsets"): "Name Ready Age Containers* Images*",
    ("autoscaling", "horizontalpodautoscalers"): "Name Reference Targets MinPods MaxPods Replicas Age",
    ("autoscaling", "scales"): "Name Desired:integer Available:integer Age",
    ("batch", "cronjobs"): (
        "Name Schedule Timezone Suspend:boolean Active:integer Last_Schedule Age Containers* Images* Selector*"
    ),
    ("batch", "jobs"): "Name Status Completions Duration Age Containers* Images* Selector*",
    ("certificates.k8s.io", "certificatesigningrequests"): "Name Age SignerName Requestor RequestedDuration Condition",
    ("coordination.k8s.io", "leases"): "Name Holder Age",
    ("discovery.k8s.io", "endpointslices"): "Name AddressType Ports Endpoints Age",
    ("flowcontrol.apiserver.k8s.io", "flowschemas"): (
        "Name PriorityLevel MatchingPrecedence:integer DistinguisherMethod Age MissingPL"
    ),
    ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations"): (
        "Name Type NominalConcurrencyShares Queues HandSize QueueLengthLimit Age"
    ),
    ("metrics.k8s.io", "nodes"): "Name cpu memory Window",
    ("metrics.k8s.io", "pods"): "Name cpu memory Window",
    ("networking.k8s.io", "ingressclasses"): "Name Controller Parameters Age",
    ("networking.k8s.io", "ingresses"): "Name Class Hosts Address Ports Age",
    ("networking.k8s.io", "ipaddresses"): "Name ParentRef",
    ("networking.k8s.io", "networkpolicies"): "Name Pod-Selector Age",
    ("networking.k8s.io", "servicecidrs"): "Name CIDRs Age",
    ("node.k8s.io", "runtimeclasses"): "Name Handler Age",
    ("policy", "poddisruptionbudgets"): "Name Min_Available Max_Unavailable Allowed_Disruptions:integer Age",
    ("rbac.authorization.k8s.io", "clusterrolebindings"): "Name Role Age Users* Groups* ServiceAccounts*",
    ("rbac.authorization.k8s.io", "clusterroles"): "Name Created_At:date",
    ("rbac.authorization.k8s.io", "rolebindings"): "Name Role Age Users* Groups* ServiceAccounts*",
    ("rbac.authorization.k8s.io", "roles"): "Name Created_At:date",
    ("resource.k8s.io", "resourceclaims"): "Name State Age",
    ("resource.k8s.io", "resourceslices"): "Name Node Driver Pool Age",
    ("scheduling.k8s.io", "priorityclasses"): "Name Value Global-Default:boolean Age PreemptionPolicy",
    ("storage.k8s.io", "csidrivers"): (
        "Name AttachRequired:boolean PodInfoOnMount:boolean StorageCapacity:boolean TokenRequests "
        "RequiresRepublish:boolean Modes Age"
    ),
    ("storage.k8s.io", "csinodes"): "Name Drivers:integer Age",
    ("storage.k8s.io", "csistoragecapacities"): "Name StorageClassName Capacity",
    ("storage.k8s.io", "storageclasses"): "Name Provisioner ReclaimPolicy VolumeBindingMode AllowVolumeExpansion Age",
    ("storage.k8s.io", "volumeattachments"): "Name Attacher PV Node Attached Age",
    ("storage.k8s.io", "volumeattributesclasses"): "Name DriverName Age",
}
COLUMNS["events.k8s.io", "events"] = COLUMNS["", "events"]
GENERIC = "Name Age"
GENERIC_CREATED = "Name Created_At:date"

DESCRIPTIONS = {
    "Name": "The object's name, unique among objects of its kind in its namespace.",
    "Age": "The time since the object was created.",
    "Created At": "When the object was created.",
}


@cache
def definitions(group: str, plural: str) -> tuple[dict[str, object], ...]:
    """The columnDefinitions of a Table of this resource."""
    return tuple(_definition(text) for text in COLUMNS.get((group, plural), GENERIC_CREATED).split())


def _definition(text: str) -> dict[str, object]:
    name, _, kind = text.rstrip("*").partition(":")
    name = name.replace("_", " ")
    return {
        "name": name,
        "type": kind or "string",
        "format": "name" if name == "Name" else "",
        "description": DESCRIPTIONS.get(name, f"The value of {name}."),
        "priority": 1 if text.endswith("*") else 0,
    }
