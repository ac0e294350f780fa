"""Requests for certificates: what approves, answers and deletes them by itself (`pkg/controller/certificates`)."""

from k8slab.controllers.certificates.approving import CertificateApprovingController
from k8slab.controllers.certificates.cleaner import CertificateCleaner
from k8slab.controllers.certificates.signing import CertificateSigningController

__all__ = ["CertificateApprovingController", "CertificateCleaner", "CertificateSigningController"]
