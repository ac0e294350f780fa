"""What kubelets may ask certificates for (`pkg/apis/certificates/helpers.go`)."""

from __future__ import annotations

import base64
from typing import Any

from k8slab.pki import request as pki
from k8slab.pki.request import CertificateRequest

API_CLIENT = "kubernetes.io/kube-apiserver-client"
KUBELET_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVING = "kubernetes.io/kubelet-serving"
LEGACY_UNKNOWN = "kubernetes.io/legacy-unknown"

SIGNING = ("digital signature", "key encipherment")


def parsed(request: Any) -> CertificateRequest:
    """What a CertificateSigningRequest carries. Raises ValueError."""
    return pki.parse(base64.b64decode(request.spec.request).decode("utf-8", "replace"))


def conditions(request: Any) -> dict[str, Any]:
    """The conditions of a request that are true, by type."""
    found = (request.status.conditions or ()) if request.status is not None else ()
    return {each.type: each for each in found if each.status == "True"}


def serving_problem(wanted: CertificateRequest, usages: tuple[str, ...]) -> str:
    """Why this is no certificate for a kubelet's own server; empty where it is one."""
    if wanted.organizations != ("system:nodes",):
        return "subject organization is not system:nodes"
    if not wanted.dns_names and not wanted.ip_addresses:
        return "DNS or IP subjectAltName is required"
    if wanted.email_addresses:
        return "Email subjectAltNames are not allowed"
    if wanted.uris:
        return "URI subjectAltNames are not allowed"
    problem = _usages_problem(usages, "server auth")
    return problem or _name_problem(wanted)


def client_problem(wanted: CertificateRequest, usages: tuple[str, ...]) -> str:
    """Why this is no certificate with which a kubelet asks the API server; empty where it is one."""
    if wanted.organizations != ("system:nodes",):
        return "subject organization is not system:nodes"
    names = (
        ("DNS", wanted.dns_names),
        ("Email", wanted.email_addresses),
        ("IP", wanted.ip_addresses),
        ("URI", wanted.uris),
    )
    for kind, found in names:
        if found:
            return f"{kind} subjectAltNames are not allowed"
    return _name_problem(wanted) or _usages_problem(usages, "client auth")


def _name_problem(wanted: CertificateRequest) -> str:
    is_node = wanted.common_name.startswith("system:node:")
    return "" if is_node else "subject common name does not begin with system:node: "


def _usages_problem(usages: tuple[str, ...], purpose: str) -> str:
    given = sorted(set(usages))
    full = sorted((*SIGNING, purpose))
    if given in (full, sorted((SIGNING[0], purpose))):
        return ""
    return f"usages did not match [{' '.join(full)}]"
