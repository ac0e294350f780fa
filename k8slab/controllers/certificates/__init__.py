"""Requests for certificates: who approves and answers them by itself, and who tidies up (`pkg/controller/certificates`)."""

from k8slab.controllers.certificates.approving import CertificateApprovingController
from k8slab.controllers.certificates.cleaner import CertificateCleaner
from k8slab.controllers.certificates.signing import CertificateSigningController

__all__ = ["CertificateApprovingController", "CertificateCleaner", "CertificateSigningController"]
