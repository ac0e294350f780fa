"""Which kinds the server can read at all, and what it says about an object of another kind than the path wants.

A body is decoded by what it says it is, then converted to the wanted kind: an unknown kind fails at the first step,
another kind at the second, another version of the same kind only after both (`runtime/serializer/versioning`,
`apimachinery/pkg/conversion/converter.go`, `handlers/create.go`).
"""

from __future__ import annotations

from k8slab.api.scheme import NoMatch, Scheme
from k8slab.errors import ApiError, FieldError, bad_request, invalid, quote

NO_SUCH_KIND = (
    'no kind "{}" is registered for version "{}" in scheme "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"'
)
_INTERNAL = {"": "core", "events.k8s.io": "core"}
_OPTIONS = (
    "CreateOptions",
    "DeleteOptions",
    "GetOptions",
    "ListOptions",
    "PatchOptions",
    "UpdateOptions",
    "WatchEvent",
)
_NOT_SERVED: dict[str, str] = {
    "admissionregistration.k8s.io/v1beta1": "MutatingWebhookConfiguration ValidatingWebhookConfiguration "
    "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding",
    "apps/v1beta1": "ControllerRevision Deployment Scale StatefulSet",
    "apps/v1beta2": "ControllerRevision DaemonSet Deployment ReplicaSet Scale StatefulSet",
    "autoscaling/v2beta1": "HorizontalPodAutoscaler",
    "autoscaling/v2beta2": "HorizontalPodAutoscaler",
    "batch/v1beta1": "CronJob",
    "certificates.k8s.io/v1beta1": "CertificateSigningRequest",
    "coordination.k8s.io/v1beta1": "Lease",
    "discovery.k8s.io/v1beta1": "EndpointSlice",
    "events.k8s.io/v1beta1": "Event",
    "extensions/v1beta1": "DaemonSet Deployment Ingress NetworkPolicy ReplicaSet Scale",
    "networking.k8s.io/v1beta1": "IPAddress Ingress IngressClass ServiceCIDR",
    "node.k8s.io/v1beta1": "RuntimeClass",
    "policy/v1beta1": "Eviction PodDisruptionBudget",
    "rbac.authorization.k8s.io/v1beta1": "ClusterRole ClusterRoleBinding Role RoleBinding",
    "scheduling.k8s.io/v1beta1": "PriorityClass",
    "storage.k8s.io/v1beta1": "CSIDriver CSINode CSIStorageCapacity StorageClass VolumeAttachment "
    "VolumeAttributesClass",
}
"""Versions that the server can still read, though it serves none of them."""


def is_registered(scheme: Scheme, api_version: str, kind: str) -> bool:
    """Whether the server has a type for this kind, be it served or not."""
    if kind in _OPTIONS or (api_version, kind) == ("v1", "List"):
        return True
    for name in (kind, kind.removesuffix("List")):
        if name in _NOT_SERVED.get(api_version, "").split():
            return True
        try:
            scheme.class_of(api_version, name)
            return True
        except NoMatch:
            continue
    return False


def conversion_problem(scheme: Scheme, given: tuple[str, str], wanted: tuple[str, str]) -> str:
    """Why an object cannot become one of the wanted (apiVersion, kind); empty where only the version differs."""
    (given_version, given_kind), (api_version, kind) = given, wanted
    if not is_registered(scheme, given_version, given_kind):
        return NO_SUCH_KIND.format(given_kind, given_version)
    if given_kind == kind:
        return ""
    group = api_version.rpartition("/")[0]
    internal = _INTERNAL.get(group, group.partition(".")[0])
    given_package = given_version.rpartition("/")[2]
    return f"converting ({given_package}.{given_kind}) to ({internal}.{kind}): unknown conversion"


def wrong_type(scheme: Scheme, given: tuple[str, str], wanted: tuple[str, str]) -> ApiError:
    """400 for a body that says it is of another (apiVersion, kind) than the path wants."""
    why = conversion_problem(scheme, given, wanted)
    if why:
        version = given[0].rpartition("/")[2]
        return bad_request(f"{given[1]} in version {quote(version)} cannot be handled as a {wanted[1]}: {why}")
    return bad_request(
        f"the API version in the data ({given[0]}) does not match the expected API version ({wanted[0]})"
    )


def wrong_custom_type(given: tuple[str, str], wanted: tuple[str, str], name: str) -> ApiError:
    """What is wrong with a custom object of another (apiVersion, kind): these are read whatever they say they are.

    Follows `apiextensions-apiserver/pkg/registry/customresource/validator.go`, ValidateTypeMeta.
    """
    if given[0] != wanted[0]:
        return bad_request(
            f"the API version in the data ({given[0]}) does not match the expected API version ({wanted[0]})"
        )
    group = wanted[0].rpartition("/")[0]
    return invalid(f"{given[1]}.{group}", name, [FieldError.invalid("kind", given[1], f"must be {wanted[1]}")])
