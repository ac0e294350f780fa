"""The rules of the default roles, as `policy.py` reads them (`bootstrappolicy/policy.go`, `controller_policy.go`)."""

from __future__ import annotations

CLUSTER_ROLES = """
cluster-admin
    * | * | *
    * | url | *
system:discovery
    get | url | /api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/
system:monitoring
    get | url | /healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*
system:public-info-viewer
    get | url | /healthz /livez /readyz /version /version/
system:basic-user
    create | authorization.k8s.io | selfsubjectaccessreviews selfsubjectrulesreviews
    create | authentication.k8s.io | selfsubjectreviews
system:aggregate-to-admin
    create | authorization.k8s.io | localsubjectaccessreviews
    ALL | rbac.authorization.k8s.io | rolebindings roles
system:aggregate-to-edit
    READ | core | pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy
    impersonate | core | serviceaccounts
    WRITE | core | pods pods/attach pods/exec pods/portforward pods/proxy
    create | core | pods/eviction
    WRITE | core | configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale \
secrets serviceaccounts services services/proxy
    create | core | serviceaccounts/token
    WRITE | apps | daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale \
statefulsets statefulsets/scale
    WRITE | autoscaling | horizontalpodautoscalers
    WRITE | batch | cronjobs jobs
    WRITE | extensions | daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies \
replicasets replicasets/scale replicationcontrollers/scale
    WRITE | policy | poddisruptionbudgets
    WRITE | networking.k8s.io | ingresses networkpolicies
    ALL | coordination.k8s.io | leases
    WRITE | resource.k8s.io | resourceclaims resourceclaimtemplates
system:aggregate-to-view
    READ | core | configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods \
replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status
    READ | core | bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status \
resourcequotas resourcequotas/status
    READ | core | namespaces
    READ | discovery.k8s.io | endpointslices
    READ | apps | controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status \
replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status
    READ | autoscaling | horizontalpodautoscalers horizontalpodautoscalers/status
    READ | batch | cronjobs cronjobs/status jobs jobs/status
    READ | extensions | daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses \
ingresses/status networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale
    READ | policy | poddisruptionbudgets poddisruptionbudgets/status
    READ | networking.k8s.io | ingresses ingresses/status networkpolicies
    READ | resource.k8s.io | resourceclaims resourceclaims/status resourceclaimtemplates
system:heapster
    READ | core | events namespaces nodes pods
    READ | extensions | deployments
system:node
    create | authentication.k8s.io | tokenreviews
    create | authorization.k8s.io | localsubjectaccessreviews subjectaccessreviews
    READ | core | services
    create get list watch | core | nodes
    patch update | core | nodes/status
    patch update | core | nodes
    create patch update | core | events
    READ | core | pods
    create delete | core | pods
    patch update | core | pods/status
    create | core | pods/eviction
    READ | core | configmaps secrets
    get | core | persistentvolumeclaims persistentvolumes
    get | core | endpoints
    create get list watch | certificates.k8s.io | certificatesigningrequests
    create delete get patch update | coordination.k8s.io | leases
    get | storage.k8s.io | volumeattachments
    create | core | serviceaccounts/token
    get patch update | core | persistentvolumeclaims/status
    READ | storage.k8s.io | csidrivers
    create delete get patch update | storage.k8s.io | csinodes
    READ | node.k8s.io | runtimeclasses
    get | resource.k8s.io | resourceclaims
    deletecollection | resource.k8s.io | resourceslices
system:node-problem-detector
    get | core | nodes
    patch | core | nodes/status
    EVENTS
system:kubelet-api-admin
    READ | core | nodes
    proxy | core | nodes
    * | core | nodes/log nodes/metrics nodes/proxy nodes/stats
system:node-bootstrapper
    create get list watch | certificates.k8s.io | certificatesigningrequests
system:auth-delegator
    create | authentication.k8s.io | tokenreviews
    create | authorization.k8s.io | subjectaccessreviews
system:kube-aggregator
    READ | core | endpoints services
system:kube-controller-manager
    EVENTS
    create | coordination.k8s.io | leases
    get update | coordination.k8s.io | leases | kube-controller-manager
    create | core | secrets serviceaccounts
    delete | core | secrets
    get | core | configmaps namespaces secrets serviceaccounts
    update | core | secrets serviceaccounts
    create | authentication.k8s.io | tokenreviews
    create | authorization.k8s.io | subjectaccessreviews
    list watch | * | *
    create | core | serviceaccounts/token
system:kube-dns
    list watch | core | endpoints services
system:kube-scheduler
    EVENTS
    create | coordination.k8s.io | leases
    get list update watch | coordination.k8s.io | leases
    READ | core | nodes
    delete get list watch | core | pods
    create | core | bindings pods/binding
    patch update | core | pods/status
    READ | core | replicationcontrollers services
    READ | apps extensions | replicasets
    READ | apps | statefulsets
    READ | policy | poddisruptionbudgets
    READ | core | persistentvolumeclaims persistentvolumes
    create | authentication.k8s.io | tokenreviews
    create | authorization.k8s.io | subjectaccessreviews
    READ | storage.k8s.io | csinodes
    READ | core | namespaces
    READ | storage.k8s.io | csidrivers
    READ | storage.k8s.io | csistoragecapacities
    READ | storage.k8s.io | volumeattachments
    READ | resource.k8s.io | deviceclasses
    get list patch update watch | resource.k8s.io | resourceclaims
    patch update | resource.k8s.io | resourceclaims/status
    READ | resource.k8s.io | resourceslices
system:volume-scheduler
    get list patch update watch | core | persistentvolumes
    READ | storage.k8s.io | storageclasses
    get list patch update watch | core | persistentvolumeclaims
system:node-proxier
    list watch | core | services
    READ | core | nodes
    EVENTS
    list watch | discovery.k8s.io | endpointslices
    list watch | networking.k8s.io | servicecidrs
system:persistent-volume-provisioner
    create delete get list watch | core | persistentvolumes
    get list update watch | core | persistentvolumeclaims
    READ | storage.k8s.io | storageclasses
    watch | core | events
    EVENTS
system:certificates.k8s.io:certificatesigningrequests:nodeclient
    create | certificates.k8s.io | certificatesigningrequests/nodeclient
system:certificates.k8s.io:certificatesigningrequests:selfnodeclient
    create | certificates.k8s.io | certificatesigningrequests/selfnodeclient
system:certificates.k8s.io:kube-apiserver-client-approver
    approve | certificates.k8s.io | signers | kubernetes.io/kube-apiserver-client
system:certificates.k8s.io:kube-apiserver-client-kubelet-approver
    approve | certificates.k8s.io | signers | kubernetes.io/kube-apiserver-client-kubelet
system:certificates.k8s.io:kubelet-serving-approver
    approve | certificates.k8s.io | signers | kubernetes.io/kubelet-serving
system:certificates.k8s.io:legacy-unknown-approver
    approve | certificates.k8s.io | signers | kubernetes.io/legacy-unknown
system:service-account-issuer-discovery
    get | url | /.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/
csi-drivers
    create delete get list patch update watch | core | persistentvolumes
    get list patch update watch | core | persistentvolumeclaims
    patch update | core | persistentvolumeclaims/status
    READ | core | nodes pods
    READ | storage.k8s.io | csidrivers csinodes storageclasses volumeattachments volumeattributesclasses
    ALL | storage.k8s.io | csistoragecapacities
    create delete get list patch update watch | storage.k8s.io | csidrivers csinodes storageclasses
    patch update | storage.k8s.io | volumeattachments volumeattachments/status
    ALL | coordination.k8s.io | leases
    EVENTS
"""
"""csi-drivers is what the manifests of the lab's storage drivers would bring; the others are Kubernetes' own."""

CONTROLLER_ROLES = """
attachdetach-controller
    list watch | core | persistentvolumeclaims persistentvolumes
    READ | core | nodes
    patch update | core | nodes/status
    list watch | core | pods
    EVENTS
    create delete get list watch | storage.k8s.io | volumeattachments
    READ | storage.k8s.io | csidrivers
    READ | storage.k8s.io | csinodes
clusterrole-aggregation-controller
    escalate get list patch update watch | rbac.authorization.k8s.io | clusterroles
cronjob-controller
    get list update watch | batch | cronjobs
    create delete get list patch update watch | batch | jobs
    update | batch | cronjobs/status
    update | batch | cronjobs/finalizers
    delete list watch | core | pods
    EVENTS
daemon-set-controller
    READ | extensions apps | daemonsets
    update | extensions apps | daemonsets/status
    update | extensions apps | daemonsets/finalizers
    list watch | core | nodes
    create delete list patch watch | core | pods
    create | core | pods/binding
    create delete get list patch update watch | apps | controllerrevisions
    EVENTS
deployment-controller
    get list update watch | extensions apps | deployments
    update | extensions apps | deployments/status
    update | extensions apps | deployments/finalizers
    create delete get list patch update watch | apps extensions | replicasets
    get list update watch | core | pods
    EVENTS
disruption-controller
    READ | extensions apps | deployments
    READ | apps extensions | replicasets
    READ | core | replicationcontrollers
    READ | policy | poddisruptionbudgets
    READ | apps | statefulsets
    update | policy | poddisruptionbudgets/status
    patch update | core | pods/status
    get | * | */scale
    EVENTS
endpoint-controller
    READ | core | pods services
    create delete get list update watch | core | endpoints
    create | core | endpoints/restricted
    EVENTS
endpointslice-controller
    READ | core | nodes pods services
    update | core | services/finalizers
    create delete get list update watch | discovery.k8s.io | endpointslices
    EVENTS
endpointslicemirroring-controller
    READ | core | endpoints services
    update | core | services/finalizers
    update | core | endpoints/finalizers
    create delete get list update watch | discovery.k8s.io | endpointslices
    EVENTS
expand-controller
    get list patch update watch | core | persistentvolumes
    patch update | core | persistentvolumeclaims/status
    READ | core | persistentvolumeclaims
    EVENTS
    get | core | services
ephemeral-volume-controller
    READ | core | pods
    update | core | pods/finalizers
    create get list watch | core | persistentvolumeclaims
    EVENTS
resource-claim-controller
    READ | core | pods
    update | core | pods/finalizers
    create delete get list watch | resource.k8s.io | resourceclaims
    patch update | resource.k8s.io | resourceclaims resourceclaims/status
    patch update | core | pods/status
    EVENTS
generic-garbage-collector
    delete get list patch update watch | * | *
    EVENTS
horizontal-pod-autoscaler
    READ | autoscaling | horizontalpodautoscalers
    update | autoscaling | horizontalpodautoscalers/status
    get update | * | */scale
    list watch | core | pods
    list watch | metrics.k8s.io | pods
    READ | custom.metrics.k8s.io | *
    READ | external.metrics.k8s.io | *
    EVENTS
job-controller
    get list patch update watch | batch | jobs
    update | batch | jobs/status
    update | batch | jobs/finalizers
    create delete list patch watch | core | pods
    EVENTS
namespace-controller
    delete get list watch | core | namespaces
    update | core | namespaces/finalize namespaces/status
    delete deletecollection get list watch | * | *
node-controller
    delete get list patch update watch | core | nodes
    patch update | core | nodes/status
    patch update | core | pods/status
    delete get list watch | core | pods
    EVENTS
persistent-volume-binder
    create delete get list update watch | core | persistentvolumes
    update | core | persistentvolumes/status
    get list update watch | core | persistentvolumeclaims
    update | core | persistentvolumeclaims/status
    create delete get list watch | core | pods
    READ | storage.k8s.io | storageclasses
    list watch | core | nodes
    EVENTS
    watch | core | events
    get | core | services
pod-garbage-collector
    delete list watch | core | pods
    READ | core | nodes
    patch | core | pods/status
replicaset-controller
    get list update watch | apps extensions | replicasets
    update | apps extensions | replicasets/status
    update | apps extensions | replicasets/finalizers
    create delete list patch watch | core | pods
    EVENTS
replication-controller
    get list update watch | core | replicationcontrollers
    update | core | replicationcontrollers/status
    update | core | replicationcontrollers/finalizers
    create delete list patch watch | core | pods
    EVENTS
resourcequota-controller
    list watch | * | *
    update | core | resourcequotas/status
    EVENTS
route-controller
    list watch | core | nodes
    patch | core | nodes/status
    EVENTS
service-account-controller
    create | core | serviceaccounts
    EVENTS
service-controller
    READ | core | services
    patch update | core | services/status
    list watch | core | nodes
    EVENTS
service-cidrs-controller
    get list patch update watch | networking.k8s.io | servicecidrs
    patch update | networking.k8s.io | servicecidrs/finalizers
    patch update | networking.k8s.io | servicecidrs/status
    READ | networking.k8s.io | ipaddresses
    EVENTS
statefulset-controller
    list watch | core | pods
    READ | apps | statefulsets
    update | apps | statefulsets/status
    update | apps | statefulsets/finalizers
    create delete get patch update | core | pods
    create delete get list patch update watch | apps | controllerrevisions
    create get list watch | core | persistentvolumeclaims
    delete update | core | persistentvolumeclaims
    update | core | pods/finalizers
    EVENTS
ttl-controller
    list patch update watch | core | nodes
    EVENTS
certificate-controller
    delete get list watch | certificates.k8s.io | certificatesigningrequests
    update | certificates.k8s.io | certificatesigningrequests/approval certificatesigningrequests/status
    approve | certificates.k8s.io | signers | kubernetes.io/kube-apiserver-client-kubelet
    sign | certificates.k8s.io | signers | kubernetes.io/legacy-unknown kubernetes.io/kube-apiserver-client \
kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving
    create | authorization.k8s.io | subjectaccessreviews
    EVENTS
pvc-protection-controller
    get list update watch | core | persistentvolumeclaims
    READ | core | pods
    EVENTS
pv-protection-controller
    get list update watch | core | persistentvolumes
    EVENTS
volumeattributesclass-protection-controller
    READ | core | persistentvolumeclaims
    READ | core | persistentvolumes
    get list update watch | storage.k8s.io | volumeattributesclasses
    EVENTS
ttl-after-finished-controller
    delete get list watch | batch | jobs
    EVENTS
root-ca-cert-publisher
    create update | core | configmaps
    EVENTS
validatingadmissionpolicy-status-controller
    READ | admissionregistration.k8s.io | validatingadmissionpolicies
    get patch update | admissionregistration.k8s.io | validatingadmissionpolicies/status
    EVENTS
legacy-service-account-token-cleaner
    get | core | configmaps | kube-apiserver-legacy-service-account-token-tracking
    delete patch | core | secrets
selinux-warning-controller
    EVENTS
    READ | core | persistentvolumes
    READ | core | persistentvolumeclaims
    READ | core | pods
    READ | storage.k8s.io | csidrivers
"""

ROLES = """
kube-system/extension-apiserver-authentication-reader
    READ | core | configmaps | extension-apiserver-authentication
kube-system/system::leader-locking-kube-controller-manager
    watch | core | configmaps
    get update | core | configmaps | kube-controller-manager
kube-system/system::leader-locking-kube-scheduler
    watch | core | configmaps
    get update | core | configmaps | kube-scheduler
kube-system/system:controller:bootstrap-signer
    READ | core | secrets
kube-system/system:controller:cloud-provider
    create get list watch | core | configmaps
kube-system/system:controller:token-cleaner
    delete get list watch | core | secrets
    EVENTS
kube-public/system:controller:bootstrap-signer
    READ | core | configmaps
    update | core | configmaps | cluster-info
    EVENTS
"""
