"""Service accounts and the tokens that Secrets keep for them (`pkg/controller/serviceaccount`)."""

from k8slab.controllers.serviceaccounts.accounts import ServiceAccountController
from k8slab.controllers.serviceaccounts.cleaner import LegacyTokenCleaner
from k8slab.controllers.serviceaccounts.tokens import TokensController

__all__ = ["LegacyTokenCleaner", "ServiceAccountController", "TokensController"]
