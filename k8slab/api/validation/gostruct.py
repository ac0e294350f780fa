"""The server's own structs as it prints them in errors.

Validation upstream runs on "internal" types: fields have Go names (`TerminationGracePeriodSeconds`), come in their own
order and are all written, absent ones as null, "", 0 or false. Tables give name, order and zero value of the fields.
"""

from __future__ import annotations

import difflib
import json
from functools import cache
from typing import Any

from msgspec import Struct

from k8slab.errors import Verbatim

ZERO = {"*": None, "s": "", "i": 0, "b": False, "q": "0"}
"""Zero values: pointer, list or map; text; number; truth; quantity."""

_TABLES = """
Taint: key:s value:s effect:s timeAdded
DeploymentStrategy: type:s rollingUpdate
RollingUpdateDeployment: maxUnavailable maxSurge
DaemonSetUpdateStrategy: type:s rollingUpdate
RollingUpdateDaemonSet: maxUnavailable maxSurge
StatefulSetUpdateStrategy: type:s rollingUpdate
RollingUpdateStatefulSetStrategy: partition:i maxUnavailable
PodFailurePolicy: rules
PodFailurePolicyRule: action:s onExitCodes onPodConditions
PodFailurePolicyOnExitCodesRequirement: containerName operator:s values
PodFailurePolicyOnPodConditionsPattern: type:s status:s
SuccessPolicy: rules
SuccessPolicyRule: succeededIndexes succeededCount
UncountedTerminatedPods: succeeded failed
PodDisruptionBudgetSpec: minAvailable selector maxUnavailable unhealthyPodEvictionPolicy
ClusterTrustBundleProjection: name signerName labelSelector optional path:s
PodResourceClaim: name:s resourceClaimName resourceClaimTemplateName
ScopeSelector: matchExpressions
ScopedResourceSelectorRequirement: scopeName:s operator:s values
NodeAddress: type:s address:s
ServiceCIDRSpec: CIDRs=cidrs
FlowDistinguisherMethod: type:s
CSINodeDriver: name:s nodeID:s topologyKeys allocatable
VolumeAttachmentSpec: attacher:s source:{VolumeAttachmentSource} nodeName:s
VolumeAttachmentSource: persistentVolumeName inlineVolumeSpec
RoleRef: APIGroup=apiGroup:s kind:s name:s
PodSpec: volumes initContainers containers ephemeralContainers restartPolicy:s terminationGracePeriodSeconds \
activeDeadlineSeconds DNSPolicy=dnsPolicy:s nodeSelector serviceAccountName:s automountServiceAccountToken nodeName:s \
securityContext imagePullSecrets hostname:s subdomain:s SetHostnameAsFQDN=setHostnameAsFQDN affinity schedulerName:s \
tolerations hostAliases priorityClassName:s priority preemptionPolicy DNSConfig=dnsConfig readinessGates \
runtimeClassName overhead enableServiceLinks topologySpreadConstraints OS=os schedulingGates resourceClaims resources \
hostnameOverride schedulingGroup
Container: name:s image:s command args workingDir:s ports envFrom env resources:{ResourceRequirements} resizePolicy \
restartPolicy restartPolicyRules volumeMounts volumeDevices livenessProbe readinessProbe startupProbe lifecycle \
terminationMessagePath:s terminationMessagePolicy:s imagePullPolicy:s securityContext stdin:b stdinOnce:b TTY=tty:b
EphemeralContainer: name:s image:s command args workingDir:s ports envFrom env resources:{ResourceRequirements} \
resizePolicy restartPolicy restartPolicyRules volumeMounts volumeDevices livenessProbe readinessProbe startupProbe \
lifecycle terminationMessagePath:s terminationMessagePolicy:s imagePullPolicy:s securityContext stdin:b stdinOnce:b \
TTY=tty:b targetContainerName:s
ContainerPort: name:s hostPort:i containerPort:i protocol:s HostIP=hostIP:s
EnvVar: name:s value:s valueFrom
EnvVarSource: fieldRef resourceFieldRef configMapKeyRef secretKeyRef fileKeyRef
ObjectFieldSelector: APIVersion=apiVersion:s fieldPath:s
ResourceFieldSelector: containerName:s resource:s divisor:q
ConfigMapKeySelector: name:s key:s optional
SecretKeySelector: name:s key:s optional
EnvFromSource: prefix:s configMapRef secretRef
ConfigMapEnvSource: name:s optional
SecretEnvSource: name:s optional
LocalObjectReference: name:s
ResourceRequirements: limits requests claims
VolumeResourceRequirements: limits requests
VolumeMount: name:s readOnly:b recursiveReadOnly mountPath:s subPath:s mountPropagation subPathExpr:s
VolumeDevice: name:s devicePath:s
Probe: exec HTTPGet=httpGet TCPSocket=tcpSocket GRPC=grpc initialDelaySeconds:i timeoutSeconds:i periodSeconds:i \
successThreshold:i failureThreshold:i terminationGracePeriodSeconds
Lifecycle: postStart preStop stopSignal
LifecycleHandler: exec HTTPGet=httpGet TCPSocket=tcpSocket sleep
ExecAction: command
HTTPGetAction: path:s port host:s scheme:s HTTPHeaders=httpHeaders
HTTPHeader: name:s value:s
TCPSocketAction: port host:s
GRPCAction: port:i service
SecurityContext: capabilities privileged SELinuxOptions=seLinuxOptions windowsOptions runAsUser runAsGroup \
runAsNonRoot readOnlyRootFilesystem allowPrivilegeEscalation procMount seccompProfile appArmorProfile
Capabilities: add drop
SeccompProfile: type:s localhostProfile
Toleration: key:s operator:s value:s effect:s tolerationSeconds
Affinity: nodeAffinity podAffinity podAntiAffinity
NodeAffinity: requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution
NodeSelector: nodeSelectorTerms
NodeSelectorTerm: matchExpressions matchFields
NodeSelectorRequirement: key:s operator:s values
PreferredSchedulingTerm: weight:i preference:{NodeSelectorTerm}
PodAffinityTerm: labelSelector namespaces topologyKey:s namespaceSelector matchLabelKeys mismatchLabelKeys
WeightedPodAffinityTerm: weight:i podAffinityTerm:{PodAffinityTerm}
HostAlias: IP=ip:s hostnames
PodReadinessGate: conditionType:s
PodSchedulingGate: name:s
TopologySpreadConstraint: maxSkew:i topologyKey:s whenUnsatisfiable:s labelSelector minDomains nodeAffinityPolicy \
nodeTaintsPolicy matchLabelKeys
PodDNSConfig: nameservers searches options
PodDNSConfigOption: name:s value
PodOS: name:s
Volume: name:s hostPath emptyDir GCEPersistentDisk=gcePersistentDisk AWSElasticBlockStore=awsElasticBlockStore gitRepo \
secret NFS=nfs ISCSI=iscsi glusterfs persistentVolumeClaim RBD=rbd quobyte flexVolume cinder CephFS=cephfs flocker \
downwardAPI FC=fc azureFile configMap vsphereVolume azureDisk photonPersistentDisk projected portworxVolume \
ScaleIO=scaleIO StorageOS=storageos CSI=csi ephemeral image
HostPathVolumeSource: path:s type
EmptyDirVolumeSource: medium:s sizeLimit
SecretVolumeSource: secretName:s items defaultMode optional
ConfigMapVolumeSource: name:s items defaultMode optional
KeyToPath: key:s path:s mode
PersistentVolumeClaimVolumeSource: claimName:s readOnly:b
DownwardAPIVolumeSource: items defaultMode
DownwardAPIVolumeFile: path:s fieldRef resourceFieldRef mode
ProjectedVolumeSource: sources defaultMode
VolumeProjection: secret downwardAPI configMap serviceAccountToken clusterTrustBundle podCertificate
ServiceAccountTokenProjection: audience:s expirationSeconds:i path:s
ConfigMapProjection: name:s items optional
SecretProjection: name:s items optional
DownwardAPIProjection: items
NFSVolumeSource: server:s path:s readOnly:b
PersistentVolumeClaimSpec: accessModes selector resources:{VolumeResourceRequirements} volumeName:s storageClassName \
volumeMode dataSource dataSourceRef volumeAttributesClassName
PersistentVolumeSource: GCEPersistentDisk=gcePersistentDisk AWSElasticBlockStore=awsElasticBlockStore hostPath \
glusterfs NFS=nfs RBD=rbd quobyte ISCSI=iscsi flexVolume cinder CephFS=cephfs FC=fc flocker azureFile vsphereVolume \
azureDisk photonPersistentDisk portworxVolume ScaleIO=scaleIO local StorageOS=storageos CSI=csi
LocalVolumeSource: path:s FSType=fsType
CSIPersistentVolumeSource: driver:s volumeHandle:s readOnly:b FSType=fsType:s volumeAttributes \
controllerPublishSecretRef nodeStageSecretRef nodePublishSecretRef controllerExpandSecretRef nodeExpandSecretRef
"""
Row = tuple[str, str, str]

_POD_SECURITY: tuple[Row, ...] = tuple(
    (name, attribute, zero)
    for name, attribute, zero in (
        ("HostNetwork", "@hostNetwork", "b"),
        ("HostPID", "@hostPID", "b"),
        ("HostIPC", "@hostIPC", "b"),
        ("ShareProcessNamespace", "@shareProcessNamespace", "*"),
        ("HostUsers", "@hostUsers", "*"),
        ("SELinuxOptions", "seLinuxOptions", "*"),
        ("WindowsOptions", "windowsOptions", "*"),
        ("RunAsUser", "runAsUser", "*"),
        ("RunAsGroup", "runAsGroup", "*"),
        ("RunAsNonRoot", "runAsNonRoot", "*"),
        ("SupplementalGroups", "supplementalGroups", "*"),
        ("SupplementalGroupsPolicy", "supplementalGroupsPolicy", "*"),
        ("FSGroup", "fsGroup", "*"),
        ("FSGroupChangePolicy", "fsGroupChangePolicy", "*"),
        ("Sysctls", "sysctls", "*"),
        ("SeccompProfile", "seccompProfile", "*"),
        ("AppArmorProfile", "appArmorProfile", "*"),
        ("SELinuxChangePolicy", "seLinuxChangePolicy", "*"),
    )
)
"""`spec.hostNetwork` and four more live in the internal security context (marked @)."""
_VERSIONED = ("LabelSelector", "LabelSelectorRequirement", "ObjectMeta", "OwnerReference")
"""Types that have no internal twin: printed with their JSON names, absent fields left out."""


def quoted(obj: Any, shape: str = "") -> Verbatim:
    """An object as the value of a field error: compact JSON of the internal type."""
    return Verbatim(json.dumps(plain(obj, shape), separators=(",", ":"), ensure_ascii=False))


def difference(old: Any, new: Any, shape: str = "") -> str:
    """The unified diff with which the server shows what may not change (`util/diff.Diff`)."""
    before, after = (json.dumps(plain(obj, shape), indent=1, ensure_ascii=False).splitlines() for obj in (old, new))
    lines = list(difflib.unified_diff(before, after, lineterm="", n=3))[2:]
    return "".join(f"{line}\n" for line in lines)


def plain(obj: Any, shape: str = "") -> Any:
    """An object as plain data in the shape of the internal type; `shape` picks a table other than its class's."""
    if isinstance(obj, Struct):
        return _struct(obj, shape or type(obj).__name__)
    if isinstance(obj, dict):
        return {key: plain(obj[key]) for key in sorted(obj)}
    if isinstance(obj, list | tuple):
        return [plain(item) for item in obj]
    return obj


def _struct(obj: Any, shape: str) -> dict[str, Any]:
    if shape in _VERSIONED:
        names = zip(obj.__struct_fields__, obj.__struct_encode_fields__, strict=True)
        return {name: plain(value) for attr, name in names if (value := getattr(obj, attr)) is not None}
    rows = _tables().get(shape) or _fallback(obj)
    result = {name: _field(getattr(obj, attribute), zero) for name, attribute, zero in rows}
    if shape == "PodSpec":
        result["SecurityContext"] = _pod_security(obj)
    if shape == "PodTemplateSpec":
        result = _struct(obj.metadata, "ObjectMeta") | {"Spec": plain(obj.spec)}
    return result


def _pod_security(spec: Any) -> Any:
    context = spec.securityContext
    if context is None:
        return None
    return {
        name: _field(getattr(spec if attribute[0] == "@" else context, attribute.lstrip("@")), zero)
        for name, attribute, zero in _POD_SECURITY
    }


def _field(value: Any, zero: str) -> Any:
    if value is not None and value != () and value != {}:
        return plain(value)
    if zero.startswith("{"):
        return {name: _field(None, inner) for name, _, inner in _tables()[zero.strip("{}")]}
    return ZERO[zero]


def rows_of(shape: str) -> tuple[Row, ...]:
    """The fields of an internal type: Go name, attribute, zero value."""
    return _tables()[shape]


@cache
def _tables() -> dict[str, tuple[Row, ...]]:
    tables = {}
    for line in _TABLES.strip().splitlines():
        name, _, row = line.partition(": ")
        tables[name] = tuple(map(_row, row.split()))
    return tables


def _row(text: str) -> Row:
    text, _, zero = text.partition(":")
    name, same, attribute = text.partition("=")
    return (name, attribute, zero or "*") if same else (_capital(text), text, zero or "*")


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]


def _fallback(obj: Any) -> tuple[Row, ...]:
    return tuple((_capital(name), name, "*") for name in obj.__struct_fields__)
